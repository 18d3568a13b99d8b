"""Steps 3 and 4: the application, its invoices and their check, the tenderee's review, the push."""

from __future__ import annotations

import random

from gateway.standard.codes import CodeTables
from gateway.standard.numbers import qr_text
from gateway.standard.sampling import words
from gateway.standard.sampling.story import Invoice, Line, Story
from gateway.standard.sampling.writing import Made, d8, t14, yuan

# The budget that road maintenance is paid from: element → code; its table has the name.
_BUDGET = {
    "FundType": ("fund-type", "1111"),
    "ExpFunc": ("exp-func", "2140106"),
    "GovExpEco": ("gov-exp-eco", "50209"),
    "DepExpEco": ("dep-exp-eco", "30213"),
    "PayType": ("pay-type", "11"),
    "SetMode": ("set-mode", "1"),
}


def _payee(line: Line) -> Made:
    account = line.account
    return {
        "PayeeCode": account.owner.code,
        "PayeeName": account.owner.name,
        "AcctNo": account.no,
        "AcctName": account.name,
        "AcctBankName": account.bank,
        "AcctBankNo": account.bank_no,
        "Amount": yuan(line.fen),
        "FeeKind": line.fee,
    }


def _numbers(invoice: Invoice) -> Made:
    numbers = {
        "InvoiceKind": invoice.kind,
        "EInvoiceNo": invoice.number if invoice.kind in ("31", "32") else "",
        "InvoiceCode": invoice.code,
        "InvoiceNo": invoice.number if invoice.code else "",
        "CheckCode": invoice.check,
    }
    return {name: value for name, value in numbers.items() if value}


def _face(story: Story, invoice: Invoice) -> Made:
    return {
        **_numbers(invoice),
        "IssueDate": d8(invoice.issued),
        "SellerTaxNo": invoice.seller.code,
        "SellerName": invoice.seller.name,
        "BuyerTaxNo": story.tenderer.code,
        "BuyerName": story.tenderer.name,
        "AmountWithoutTax": yuan(invoice.net),
        "TaxAmount": yuan(invoice.tax),
        "AmountWithTax": yuan(invoice.gross),
    }


def _file(invoice: Invoice) -> Made:
    return {
        "FileId": invoice.file_id,
        "FileName": invoice.file_name,
        "Digest": invoice.digest,
        "FileType": invoice.file_type,
        "FileSize": str(invoice.size),
    }


def _listed(story: Story) -> Made:
    return {
        "Invoice": [
            {
                **_face(story, one),
                "UsedAmount": yuan(one.gross),
                "RedFlag": "0",
                "ScanFlag": "1" if one.kind == "90" else "0",
                **_file(one),
            }
            for one in story.invoices
        ]
    }


def _attachments(story: Story) -> Made:
    file_id = story.file_id(story.applied, 8)
    name = f"第{story.plan[1]}期计量支付证书.pdf"
    invoice = story.invoices[0]
    return {
        "Attachment": [
            {
                "FileId": file_id,
                "FileName": name,
                "FileType": "03",
                "Digest": invoice.digest[::-1],
                "FileSize": str(invoice.size // 2),
            }
        ]
    }


def upload(story: Story, invoice: Invoice) -> Made:
    item = {
        "ItemName": "*建筑服务*公路养护工程",
        "Unit": "项",
        "Quantity": "1",
        "UnitPrice": yuan(invoice.net),
        "Amount": yuan(invoice.net),
        "TaxRate": "免税" if invoice.kind == "90" else "9%",
        "TaxAmount": yuan(invoice.tax),
        "TaxClassCode": "3050100000000000000",
    }
    made = {
        "PayAppNo": story.application,
        **_file(invoice),
        **_face(story, invoice),
        "Items": {"Item": [item]},
        "RedFlag": "0",
        "ScanFlag": "1" if invoice.kind == "90" else "0",
    }
    if invoice.code:
        day, net = d8(invoice.issued), yuan(invoice.net)
        made["QrText"] = qr_text(
            f"01,{invoice.kind},{invoice.code},{invoice.number},{net},{day},{invoice.check},"
        )
    return made


def application(story: Story) -> Made:
    use = f"{story.road[0]}养护工程第{story.plan[1]}期{words.USES[story.plan[0]]}"
    return {
        "PayAppNo": story.application,
        "StYear": f"{story.applied:%Y}",
        "AdmDivCode": story.division,
        "ProjectKind": "01",
        "ContractNo": story.contract,
        "UnifiedDealCode": story.deal,
        "BidSectionCode": story.section,
        "TendererCode": story.tenderer.code,
        "TendererName": story.tenderer.name,
        "EntryNode": story.platform_node,
        "EntryKind": "2",
        "PayKind": story.plan[0],
        "PlanNo": story.plan[1],
        "PeriodNo": "1",
        "AppAmount": yuan(story.amount),
        "CurrencyCode": words.CURRENCY,
        "Payees": {"Payee": [_payee(line) for line in story.lines]},
        "UseDes": use,
        "Applicant": story.lead.person,
        "ApplicantPhone": f"139{story.serial:08d}",
        "ApplyTime": t14(story.applied, "094500"),
        "Invoices": _listed(story),
        "InvoiceTotal": yuan(sum(one.gross for one in story.invoices)),
        "Attachments": _attachments(story),
    }


def check(story: Story, invoice: Invoice) -> Made:
    return {
        "InvoiceKey": invoice.key,
        "CheckTime": t14(story.applied, "101500"),
        "CheckMethod": "3" if invoice.kind == "90" else "2",
        "SignVerify": "3" if invoice.kind == "90" else "1",
        "Duplicate": "0",
        "Result": "9" if invoice.kind == "90" else "1",
    }


def withdrawal(story: Story) -> Made:
    return {
        "PayAppNo": story.application,
        "VoucherNo": story.voucher,
        "Reason": "发票开具有误，撤回后重新申请",
        "WithdrawTime": t14(story.pushed, "160000"),
    }


def _agency(story: Story) -> Made:
    return {"AgencyCode": f"125{story.division[-3:]}", "AgencyName": story.tenderer.name}


def review(story: Story, dice: random.Random) -> Made:
    codes = {f"{name}Code": _BUDGET[name][1] for name in ("ExpFunc", "GovExpEco", "DepExpEco")}
    return {
        "PayAppNo": story.application,
        "ReviewRound": "1",
        "TendererCode": story.tenderer.code,
        "EntryNode": words.GENERAL,
        "EntryKind": "1",
        "ReviewNode": "03",
        "ReviewResult": "1",
        "ApprovedAmount": yuan(story.amount),
        **_agency(story),
        "BgtId": f"{story.division}{story.applied:%y}{story.serial:013d}",
        "FileNoCode": f"HCY{story.applied:%Y}-{story.serial % 1000}",
        **codes,
        "DepProCode": f"{story.division}{story.applied:%y}{story.serial:013d}",
        "Opinion": dice.choice(words.OPINIONS),
        "ReviewerId": f"U{story.created:%Y%m%d}{story.serial:06d}",
        "ReviewerName": story.tenderer.person,
        "ReviewTime": t14(story.reviewed, "160000"),
    }


def _records(story: Story) -> Made:
    nodes = (("01", story.tenderer.person, 1), ("03", story.tenderer.boss, 2))
    return {
        "ReviewRecord": [
            {
                "ReviewNode": node,
                "ReviewResult": "1",
                "Opinion": words.OPINIONS[0],
                "ReviewerId": f"U{story.created:%Y%m%d}{story.serial:05d}{number}",
                "ReviewerName": name,
                "ReviewTime": t14(story.reviewed, f"1{number}0000"),
            }
            for node, name, number in nodes
        ]
    }


def push(story: Story, codes: CodeTables) -> Made:
    budget: Made = {}
    for name, (table, code) in _BUDGET.items():
        budget |= {f"{name}Code": code, f"{name}Name": codes.get(table).name(code)}
    asked, reviewed = application(story), review(story, random.Random(story.seed))
    same = (
        "PayAppNo",
        "StYear",
        "AdmDivCode",
        "ProjectKind",
        "ContractNo",
        "UnifiedDealCode",
        "TendererCode",
    )
    shared = ("CurrencyCode", "Payees", "Invoices", "Attachments")
    approved = ("AgencyCode", "AgencyName", "BgtId", "FileNoCode", "DepProCode")
    return {
        **{name: asked[name] for name in (*same, *shared)},
        **{name: reviewed[name] for name in approved},
        **budget,
        "ReviewRound": "1",
        "MofDivCode": f"{story.division}000",
        "VoucherNo": story.voucher,
        "VouDate": d8(story.pushed),
        "AuthorityCode": story.authority.code,
        "AuthorityName": story.authority.name,
        "SupDepCode": "125",
        "SupDepName": story.authority.name,
        "BgtTypeCode": "21",
        "DepProName": f"{story.applied:%Y}年公路养护工程",
        "BusinessTypeCode": "1" if len(story.lines) == 1 else "4",
        "PayAmt": yuan(story.amount),
        "PaySummaryName": asked["UseDes"],
        "TrackingId": story.tracking,
        "ReviewRecords": _records(story),
    }
