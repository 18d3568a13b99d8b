"""Steps 5 to 7: the authority's review, payment, returns, refunds, status, progress, reconciliation."""

from __future__ import annotations

import random

from gateway.standard.codes import CodeTables
from gateway.standard.sampling import words
from gateway.standard.sampling.story import Story
from gateway.standard.sampling.writing import Made, d8, percent, t14, yuan


def authority_review(story: Story) -> Made:
    return {
        "PayAppNo": story.application,
        "VoucherNo": story.voucher,
        "ReviewRound": "1",
        "ReviewNode": "12",
        "ReviewResult": "1",
        "ApprovedAmount": yuan(story.amount),
        "ReviewerOrg": story.authority.name,
        "ReviewerName": story.authority.person,
        "ReviewTime": t14(story.pushed, "150000"),
    }


def notice(story: Story) -> Made:
    parties = ((story.lead, "03"), (story.tenderer, "01"))
    return {
        "PayAppNo": story.application,
        "NoticeSerial": "1",
        "NoticeType": "04" if story.is_paid else "03",
        "Recipients": {"Recipient": [{"LegalCode": one.code, "Role": role} for one, role in parties]},
        "Reason": "支付完成" if story.is_paid else "银行退票，账号与户名不符",
        "NoticeTime": t14(story.paid, "160000"),
    }


def result(story: Story, line: int) -> Made:
    """5001 of one payee, counted from 0."""
    account, fen = story.lines[line].account, story.lines[line].fen
    made = {
        "PayAppNo": story.application,
        "TrackingId": story.tracking,
        "VoucherNo": story.order,
        "VtCode": "5201",
        "DetailId": f"{story.order}-{line + 1}",
        "PayResult": "1" if story.is_paid else "2",
        "XPayAmt": yuan(fen if story.is_paid else 0),
        "PayBankCode": "102",
        "PayBankName": "中国工商银行上海市分行",
        "PayAcctNo": "***************0001",
        "PayAcctName": story.payer,
        "VoucherFlag": "1",
    }
    if not story.is_paid:
        return made | {"XAddWord": "账号与户名不符，银行退票"}
    return made | {
        "XPayDate": d8(story.paid),
        "XAgentBusinessNo": story.bank_serial(line),
        "XPayeeAcctNo": account.no,
        "XPayeeAcctName": account.name,
        "XPayeeAcctBankName": account.bank,
        "ReceiptFileId": story.file_id(story.paid, line + 1),
    }


def forwarded(story: Story, line: int) -> Made:
    made = {
        name: value for name, value in result(story, line).items() if name[:7] not in ("PayBank", "PayAcct")
    }
    paid = sum(one.fen for one in story.lines[: line + 1]) if story.is_paid else 0
    return made | {
        "ContractNo": story.contract,
        "UnifiedDealCode": story.deal,
        "ContractPaidTotal": yuan(paid),
        "ContractPaidRatio": percent(paid, story.price),
    }


def returned(story: Story, dice: random.Random) -> Made:
    return {
        "PayAppNo": story.application,
        "VoucherNo": story.voucher,
        "ReturnSerial": "1",
        "ReturnReason": dice.choice(words.RETURN_REASONS),
        "ReturnTime": t14(story.paid, "170000"),
    }


def refund(story: Story) -> Made:
    return {
        "OriginalVoucherNo": story.order,
        "PayAppNo": story.application,
        "RefundVoucherNo": f"2252{story.paid:%y%m%d}{story.serial:06d}",
        "DetailId": f"{story.order}-1",
        "RefundType": "1",
        "RefundAmt": yuan(-story.lines[0].fen),
        "RefundDate": d8(story.paid),
        "PayDictateNo": f"{story.serial:08d}",
        "PayMsgNo": "122",
        "PayEntrustDate": d8(story.paid),
        "PaySndBnkNo": story.lines[0].account.bank_no,
        "RefundReason": "账号与户名不符，银行退票",
    }


def status(story: Story, number: int) -> Made:
    """6003: 1 the authority looks at it, 2 the order is with the bank."""
    old, new, day = {1: ("41", "42", story.pushed), 2: ("50", "60", story.paid)}[number]
    return {
        "PayAppNo": story.application,
        "VoucherNo": story.voucher,
        "StatusSeq": str(number),
        "OldStatus": old,
        "NewStatus": new,
        "EventTime": t14(day, "093000"),
    }


def query(story: Story) -> Made:
    return {
        "QueryId": f"Q-{story.paid:%Y%m%d}-{story.serial:06d}",
        "QueryType": "1",
        "PayAppNo": story.application,
        "PageNo": "1",
        "PageSize": "20",
        "RequesterCode": story.lead.code,
        "RequesterRole": "03",
    }


def progress(story: Story, codes: CodeTables) -> Made:
    state = "70" if story.is_paid else "72"
    steps = (
        ("03", "提交申请", "已提交", t14(story.applied, "094500"), "公共资源交易总平台"),
        ("04", "招标人审核", "通过", t14(story.reviewed, "160000"), story.tenderer.name),
        ("05", "主管部门复审", "通过", t14(story.pushed, "150000"), story.authority.name),
        (
            "06",
            "资金支付",
            codes.get("status").name(state),
            t14(story.paid, "150000"),
            "财政国库集中支付平台",
        ),
    )
    trace = [dict(zip(("StepNo", "Node", "Result", "StepTime", "Org"), step, strict=True)) for step in steps]
    item = {
        "PayAppNo": story.application,
        "ContractNo": story.contract,
        "AppAmount": yuan(story.amount),
        "ApprovedAmount": yuan(story.amount),
        "PaidAmount": yuan(story.amount if story.is_paid else 0),
        "Status": state,
        "StatusName": codes.get("status").name(state),
        "StatusTime": t14(story.paid, "150000"),
        "Trace": {"Step": trace},
    }
    if story.is_paid:
        item |= {"XPayDate": d8(story.paid), "XAgentBusinessNo": story.bank_serial(0)}
    return {
        "QueryId": f"Q-{story.paid:%Y%m%d}-{story.serial:06d}",
        "Result": "00000",
        "Total": "1",
        "PageNo": "1",
        "Items": {"Item": [item]},
    }


def _check_no(story: Story) -> str:
    return f"DZ{story.division}{story.paid:%Y%m%d}{story.serial % 100:02d}"


def reconciliation(story: Story) -> Made:
    lines = [
        {
            "PayAppNo": story.application,
            "VoucherNo": story.order,
            "DetailId": f"{story.order}-{at + 1}",
            "XPayDate": d8(story.paid),
            "XPayAmt": yuan(line.fen),
            "XAgentBusinessNo": story.bank_serial(at),
        }
        for at, line in enumerate(story.lines)
    ]
    return {
        "VoucherCheckNo": _check_no(story),
        "AdmDivCode": story.division,
        "ChildPackNum": "1",
        "CurPackNo": "1",
        "BeginDate": d8(story.paid),
        "EndDate": d8(story.paid),
        "AllNum": str(len(lines)),
        "AllAmt": yuan(story.amount),
        "Detail": {"Line": lines},
    }


def reconciled(story: Story, dice: random.Random) -> Made:
    made = {"VoucherCheckNo": _check_no(story), "CurPackNo": "1"}
    if dice.random() < 0.5:
        return made | {"XCheckResult": "0", "XDiffNum": "0"}
    line = {
        "PayAppNo": story.application,
        "VoucherNo": story.order,
        "DetailId": f"{story.order}-1",
        "XAgentBusinessNo": story.bank_serial(0),
        "XCheckResult": "1",
        "XCheckReason": "总平台未收到该笔支付结果",
    }
    return made | {"XCheckResult": "1", "XDiffNum": "1", "Detail": {"Line": [line]}}
