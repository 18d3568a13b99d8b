"""Steps 1 and 2: subjects, accounts, projects, awards, contracts become what later messages refer to."""

from __future__ import annotations

from dataclasses import replace

from gateway.payments.case import Case, Finding, fen, items, yuan
from gateway.payments.ground import BusinessObject, Contract, Ground


def _put(case: Case, ground: Ground, kind: str, key: str, parent: str = "", **data: str) -> None:
    ground.put(BusinessObject(kind, key, case.sender, parent, data, case.message_id))


def _need(ground: Ground, finding: Finding, kind: str, key: str, path: str, zh: str) -> BusinessObject | None:
    found = ground.find(kind, key)
    if found is None:
        finding.refuse(
            "unknown-parent",
            path,
            f"{zh} {key} 尚未同步",
            f"{kind} {key} has not been synchronised",
            "30003",
            found=key,
        )
    return found


def judge_subject(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    _put(
        case,
        ground,
        "subject",
        body["LegalCode"],
        name=body["LegalName"],
        status=body.get("SubjectStatus", ""),
    )


def judge_account(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    code = body["LegalCode"]
    subject = _need(ground, finding, "subject", code, "LegalCode", "市场主体")
    kind, name = body.get("AcctKind", ""), body["AcctName"]
    legal_name = subject.data.get("name", body["LegalName"]) if subject else body["LegalName"]
    # A wage account (kind 3) may have a name that only begins with the subject's (DECISIONS.md 21).
    if name != legal_name and not (kind == "3" and name.startswith(legal_name)):
        finding.refuse(
            "account-name",
            "AcctName",
            "账户名称应与主体名称一致(农民工工资专用账户可以主体名称开头)",
            "the account's name must be the subject's name (a wage account may begin with it)",
            "30012",
            expected=legal_name,
        )
    _put(case, ground, "account", f"{code}|{body['AcctNo']}|{body['AcctBankNo']}", parent=code, name=name)


def judge_project(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    _put(case, ground, "project", body["ProjectCode"], name=body.get("ProjectName", ""))


def judge_tender_project(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    project = body.get("ProjectCode", "")
    if project:
        _need(ground, finding, "project", project, "ProjectCode", "项目")
    _put(case, ground, "tender-project", body["TenderProjectCode"], parent=project)


def judge_section(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    code = body["TenderProjectCode"]
    _need(ground, finding, "tender-project", code, "TenderProjectCode", "招标(采购)项目")
    _put(case, ground, "deal", body["UnifiedDealCode"], parent=code, section=body.get("BidSectionCode", ""))


def judge_award(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    _need(ground, finding, "deal", body["UnifiedDealCode"], "UnifiedDealCode", "统一交易标识码")
    winners = ";".join(bidder["Code"] for bidder in items(body, "Bidders", "Bidder"))
    _put(case, ground, "award", body["UnifiedDealCode"], parent=body["UnifiedDealCode"], winners=winners)


def judge_contract(case: Case, ground: Ground, finding: Finding) -> None:
    """2003: a new contract, or a newer version of one; its price never falls below paid + open."""
    body = case.body
    no, deal = body["ContractNo"], body["UnifiedDealCode"]
    _need(ground, finding, "deal", deal, "UnifiedDealCode", "统一交易标识码")
    award = _need(ground, finding, "award", deal, "UnifiedDealCode", "中标(成交)结果")
    winners = tuple(party["Code"] for party in items(body, "Bidders", "Bidder"))
    tenderers = tuple(party["Code"] for party in items(body, "Tenderers", "Tenderer"))
    awarded = set(award.data.get("winners", "").split(";")) if award else set(winners)
    for index, code in enumerate(winners, 1):
        if code not in awarded:
            finding.refuse(
                "not-the-winner",
                f"Bidders/Bidder[{index}]/Code",
                "合同乙方不在中标结果之中",
                "the contract's party is not among the award's winners",
                "30003",
                expected=";".join(sorted(awarded)),
                found=code,
            )
    old = ground.contract(no)
    price = fen(body.get("ContractPrice"))
    if old is not None:
        _check_renewal(case, finding, old, price)
    fresh = Contract(
        no=no,
        owner=case.sender,
        unified_deal_code=deal,
        section_code=body.get("BidSectionCode", ""),
        tenderers=tenderers,
        winners=winners,
        price_fen=price,
        adm_div=body["PayAdmDivCode"],
        project_kind=body["ProjectKind"],
        project_level=body.get("ProjectLevel", ""),
        message_id=case.message_id,
    )
    if old is not None:
        fresh = replace(fresh, state=old.state, open_fen=old.open_fen, paid_fen=old.paid_fen)
    ground.put(fresh)
    finding.contract_owner = case.sender


def _check_renewal(case: Case, finding: Finding, old: Contract, price_fen: int) -> None:
    if old.owner != case.sender:
        finding.refuse(
            "not-the-owner",
            "ContractNo",
            "合同由其他平台登记",
            "the contract was registered by another platform",
            "20007",
            found=old.no,
        )
    _check_price(finding, old, price_fen, "ContractPrice")


def _check_price(finding: Finding, old: Contract, price_fen: int, path: str) -> None:
    bound = old.open_fen + old.paid_fen
    if price_fen < bound:
        finding.refuse(
            "price-below-paid",
            path,
            "合同价款低于已付与在途申请之和",
            "the price is below what is paid and applied for",
            "30011",
            expected=f">= {yuan(bound)}",
            found=yuan(price_fen),
        )


def judge_performance(case: Case, ground: Ground, finding: Finding) -> None:
    """2004: a change of price (1), an end (4); acceptance and settlement only inform."""
    body = case.body
    contract = ground.contract(body["ContractNo"])
    if contract is None:
        finding.refuse(
            "unknown-contract",
            "ContractNo",
            f"合同 {body['ContractNo']} 不存在",
            f"contract {body['ContractNo']} is not known",
            "30003",
            found=body["ContractNo"],
        )
        return
    if contract.owner != case.sender:
        _check_renewal(case, finding, contract, contract.price_fen)
    if body.get("ChangeType") == "4":
        ground.put(replace(contract, state="ended"))
    elif body.get("NewContractPrice"):
        price = fen(body["NewContractPrice"])
        _check_price(finding, contract, price, "NewContractPrice")
        ground.put(replace(contract, price_fen=price))


def judge_void(case: Case, ground: Ground, finding: Finding) -> None:
    """2005: the deal is void; a contract on it ends, live applications stop where the next act is ours."""
    body = case.body
    deal = _need(ground, finding, "deal", body["UnifiedDealCode"], "UnifiedDealCode", "统一交易标识码")
    contract = ground.contract_of_deal(body["UnifiedDealCode"])
    owner = contract.owner if contract else deal.owner if deal else case.sender
    if owner != case.sender:
        finding.refuse(
            "not-the-owner",
            "UnifiedDealCode",
            "交易由其他平台登记",
            "the deal belongs to another platform",
            "20007",
        )
    if contract is not None:
        ground.put(replace(contract, state="ended"))
