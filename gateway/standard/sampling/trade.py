"""Steps 1 and 2: subjects, accounts, sign-on; project, tender, section, award, contract and its changes."""

from __future__ import annotations

import random
from datetime import timedelta

from gateway.digests import sm3_hex
from gateway.standard.sampling import words
from gateway.standard.sampling.story import Account, Party, Story
from gateway.standard.sampling.writing import Made, d8, party, percent, system_fields, t14, yuan


def subject(story: Story, one: Party, dice: random.Random) -> Made:
    phone = f"138{dice.randrange(10**7, 10**8)}"
    account = next((line.account for line in story.lines if line.account.owner == one), None)
    made = {
        "LegalCode": one.code,
        "LegalCodeType": "97",
        "LegalName": one.name,
        "SubjectCategory": "1",
        "LegalRoles": "03;06",
        "LegalType": "1",
        "LegalRepresent": one.boss,
        "RegionCode": one.region,
        "CountryRegion": words.COUNTRY,
        "IndustryCode": "E48",
        "RegCapital": yuan(dice.randrange(500, 20_000) * 1_000_000),
        "RegCapCurrency": words.CURRENCY,
        "LicenseNo": one.code,
        "LicenseEndDate": "99991231",
        "Address": f"上海市{dice.choice(words.STREETS)}{dice.randrange(1, 4000)}号",
        "ZipCode": f"20{dice.randrange(0, 2000):04d}",
        "ContactName": one.person,
        "ContactPhone": phone,
        "SubjectStatus": "1",
        "CaCertSn": f"3100{dice.randrange(10**12, 10**13)}",
        "CaIssuer": "上海市数字证书认证中心有限公司",
        **system_fields(story.created),
    }
    if account is not None and account.kind == "1":
        made |= {
            "BasicBank": account.bank,
            "BasicBankNo": account.bank_no,
            "BasicAcctNo": account.no,
            "BasicAcctName": account.name,
        }
    return made


def account(story: Story, one: Account) -> Made:
    return {
        "LegalCode": one.owner.code,
        "LegalName": one.owner.name,
        "AcctNo": one.no,
        "AcctName": one.name,
        "AcctBankName": one.bank,
        "AcctBankNo": one.bank_no,
        "AcctKind": one.kind,
        "ValidFrom": d8(story.created),
        "ProofFileId": story.file_id(story.created, 9),
    }


def project(story: Story) -> Made:
    return {
        "ProjectCode": story.project,
        "ProjectName": story.title,
        "RegionCode": story.region,
        "ProjectLevel": story.level,
        "PayAdmDivCode": story.division,
        "ProjectKind": "01",
        "RelateCode": "0",
        "Address": f"{story.road[0]}{story.road[1]}沿线",
        "LegalPerson": story.tenderer.name,
        "IndustryCode": "G54",
        "FundSource": "市级财政资金" if story.level == "1" else "区级财政资金",
        "ContributionScale": "财政资金100%",
        "ProjectScale": story.works,
        "ContactName": story.tenderer.person,
        "ContactPhone": "021-55550101",
        "ApprovalName": f"关于{story.created:%Y}年公路养护工程计划的批复",
        "ApprovalNumber": f"沪交计〔{story.created:%Y}〕{story.serial % 900 + 1}号",
        "ApprovalAuthority": story.authority.name,
        "CreateTime": t14(story.created, "090000"),
        **system_fields(story.created),
    }


def tender(story: Story) -> Made:
    made = {
        "TradeClass": story.trade_class,
        "TransType": "2" if story.is_procurement else "1",
        "RelateCode": "0",
        "TenderProjectCode": story.tender,
        "TenderProjectName": f"{story.title}{'采购' if story.is_procurement else '施工'}",
        "RegionCode": story.region,
        "Tenderers": {"Tenderer": [party(story.tenderer)]},
        "TenderAgencyCode": story.agency.code,
        "TenderAgencyName": story.agency.name,
        "TenderMode": "1",
        "TenderOrganizeForm": "2",
        "TenderContent": story.works,
        "SuperviseDeptCode": story.authority.code,
        "SuperviseDeptName": story.authority.name,
        "BudgetAmount": yuan(story.price * 112 // 100),
        "CurrencyCode": words.CURRENCY,
        "CreateTime": t14(story.created, "100000"),
        **system_fields(story.created),
    }
    own = {"PurchaserMode": "1"} if story.is_procurement else {"ProjectCode": story.project}
    return made | own


def section(story: Story) -> Made:
    start = story.serial % 40
    return {
        "TenderProjectCode": story.tender,
        "BidSectionCode": story.section,
        "BidSectionName": f"{story.title}1标段",
        "UnifiedDealCode": story.deal,
        "BidTimes": "1",
        "TenderMode": "1",
        "RegionCode": story.region,
        "TraPlaceCode": words.CITY,
        "BidSectionContent": f"K{start}+000至K{start + 12}+500{story.works}",
        "ReckonPrice": yuan(story.price * 110 // 100),
        "CurrencyCode": words.CURRENCY,
        "BeginDate": d8(story.signed + timedelta(days=8)),
        "DurationDays": "240",
        "RoadCode": story.road[0],
        "StakeBegin": f"K{start}+000",
        "StakeEnd": f"K{start + 12}+500",
        "LengthKm": "12.500",
        "CreateTime": t14(story.created, "110000"),
        **system_fields(story.created),
    }


def _bidders(story: Story) -> Made:
    return {"Bidder": [{**party(one), "Lead": "1" if one == story.lead else "0"} for one in story.winners]}


def award(story: Story) -> Made:
    made = {
        "UnifiedDealCode": story.deal,
        "TenderProjectCode": story.tender,
        "BidSectionCode": story.section,
        "NoticeSerial": "1",
        "NoticeName": f"{story.title}1标段{'成交' if story.is_procurement else '中标'}结果公告",
        "NoticeSendTime": t14(story.awarded, "170000"),
        "NoticeUrl": f"https://ggzy.example.com/notice/{story.deal}",
        "NoticeNature": "1",
        "BulletinType": "1",
        "Bidders": _bidders(story),
        "UnionFlag": "1" if len(story.winners) > 1 else "0",
        "PriceFormCode": "1",
        "BidAmount": yuan(story.price),
        "CurrencyCode": words.CURRENCY,
        "WinNoticeCode": f"沪中标〔{story.awarded:%Y}〕{story.serial:06d}号",
        "WinNoticeDate": d8(story.awarded + timedelta(days=1)),
        **system_fields(story.awarded),
    }
    if len(story.winners) > 1:
        shares = ("60.00", "40.00")
        members = zip(story.winners, shares, strict=True)
        made["UnionMembers"] = {"Member": [{**party(one), "Share": share} for one, share in members]}
    return made


def contract(story: Story) -> Made:
    account = story.lines[0].account
    begin = story.signed + timedelta(days=8)
    return {
        "ContractNo": story.contract,
        "ContractName": f"{story.title}1标段合同",
        "UnifiedDealCode": story.deal,
        "TenderProjectCode": story.tender,
        "BidSectionCode": story.section,
        "ProjectLevel": story.level,
        "PayAdmDivCode": story.division,
        "ProjectKind": "01",
        "Tenderers": {"Tenderer": [party(story.tenderer)]},
        "Bidders": _bidders(story),
        "PriceFormCode": "1",
        "ContractPrice": yuan(story.price),
        "CurrencyCode": words.CURRENCY,
        "ContractSignTime": t14(story.signed, "100000"),
        "ContractTermDays": "240",
        "BeginDate": d8(begin),
        "EndDate": d8(begin + timedelta(days=239)),
        "ContractContent": story.works,
        "PayPlan": {"PlanItem": [_plan_item(story, *row) for row in words.PLAN]},
        "RetentionRatio": "3.00",
        "AdvanceRatio": "10.00",
        "PayeeAcctNo": account.no,
        "PayeeAcctName": account.name,
        "PayeeAcctBankNo": account.bank_no,
        "ContractFileId": story.file_id(story.signed, 1),
        "ContractDigest": sm3_hex(story.contract.encode()),
        "OnlineSigned": "1",
        **system_fields(story.signed),
    }


def _plan_item(story: Story, kind: str, number: str, milestone: str, share: int) -> Made:
    amount = story.price * share // 100
    return {
        "PlanNo": number,
        "Milestone": milestone,
        "Ratio": percent(share, 100),
        "PlanAmount": yuan(amount),
    }


def change(story: Story, dice: random.Random) -> Made:
    day = story.signed + timedelta(days=dice.randrange(20, 60))
    kinds: dict[str, Made] = {
        "1": {
            "ChangeContent": f"增加{story.road[0]}应急抢修工程量",
            "NewContractPrice": yuan(story.price * 105 // 100),
        },
        "2": {
            "AcceptReportName": f"{story.title}计量验收报告",
            "AcceptTime": t14(day, "150000"),
            "AcceptedAmount": yuan(story.price // 2),
        },
        "3": {"SettlePrice": yuan(story.price * 98 // 100), "FinishTime": t14(day, "160000")},
        "4": {"ChangeContent": "经双方协商一致终止合同"},
    }
    kind = dice.choice(sorted(kinds))
    head = {
        "ContractNo": story.contract,
        "ChangeSerial": "1",
        "UnifiedDealCode": story.deal,
        "ChangeType": kind,
    }
    return {**head, **kinds[kind], **system_fields(day)}


def void(story: Story) -> Made:
    day = story.signed + timedelta(days=30)
    return {
        "UnifiedDealCode": story.deal,
        "ExceptionSerial": "1",
        "ContractNo": story.contract,
        "ExceptionType": "9",
        "ExceptionInfo": "经双方协商一致解除合同，交易终止",
        "ExceptionTime": t14(day, "100000"),
        "ApprovalResult": "同意",
        "ApprovalTime": t14(day + timedelta(days=1), "100000"),
        **system_fields(day + timedelta(days=1)),
    }
