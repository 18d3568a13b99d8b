"""Steps 1 and 2: subjects, accounts, projects, awards, contracts become what later messages refer to.

What is revoked (OperType 3) stays in the books and counts as unknown; a contract that payments were applied
for cannot be revoked, only ended.
"""

from __future__ import annotations

from dataclasses import replace
from operator import itemgetter

from gateway.payments.case import REVOKE, Case, Finding, fen, items, yuan
from gateway.payments.ground import BusinessObject, Contract, Ground

_code = itemgetter("Code")
_CANCELLED = "3"  # CT-SUBJECT-STATUS 注销
_WAGES = "3"  # CT-ACCTKIND: the name may have more after the subject's (DECISIONS.md 21)


def _put(case: Case, ground: Ground, kind: str, key: str, parent: str = "", **data: str) -> None:
    if case.oper_type == REVOKE:
        data["withdrawn"] = "1"
    ground.put(BusinessObject(kind, key, case.sender, parent, data, case.message_id))


def _register(
    case: Case, ground: Ground, finding: Finding, kind: str, path: str, parent: str = "", **data: str
) -> None:
    """A project, deal or award belongs to the platform that told of it first: no other one changes it."""
    key = case.body[path]
    known = ground.find(kind, key)
    if known is not None:
        _check_owner(case, finding, known.owner, path)
    _put(case, ground, kind, key, parent, **data)


def _need(
    case: Case, ground: Ground, finding: Finding, kind: str, key: str, path: str, zh_kind: str
) -> BusinessObject | None:
    """What a message refers to; what is revoked need not refer to anything any more."""
    found = ground.find(kind, key)
    if case.oper_type != REVOKE and (found is None or found.is_withdrawn):
        finding.refuse("unknown-parent", path, found=key, kind=kind, zh_kind=zh_kind)
    return found


def judge_subject(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    status = body.get("SubjectStatus", "")
    _put(case, ground, "subject", body["LegalCode"], name=body["LegalName"], status=status)


def judge_account(case: Case, ground: Ground, finding: Finding) -> None:
    """1004: an account of a known subject, in its name, for its time."""
    body = case.body
    code, name = body["LegalCode"], body["AcctName"]
    subject = _need(case, ground, finding, "subject", code, "LegalCode", "市场主体")
    if case.oper_type != REVOKE and subject is not None and subject.data.get("status") == _CANCELLED:
        finding.refuse("subject-not-active", "LegalCode", found=code)
    legal_name = subject.data.get("name", body["LegalName"]) if subject else body["LegalName"]
    if name != legal_name and not (body.get("AcctKind") == _WAGES and name.startswith(legal_name)):
        finding.refuse("account-name", "AcctName", expected=legal_name)
    valid = {"from": body.get("ValidFrom", ""), "to": body.get("ValidTo", "")}
    _put(case, ground, "account", f"{code}|{body['AcctNo']}|{body['AcctBankNo']}", code, name=name, **valid)


def judge_project(case: Case, ground: Ground, finding: Finding) -> None:
    _register(case, ground, finding, "project", "ProjectCode", name=case.body.get("ProjectName", ""))


def judge_tender_project(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    project = body.get("ProjectCode", "")
    if project:
        _need(case, ground, finding, "project", project, "ProjectCode", "项目")
    _register(case, ground, finding, "tender-project", "TenderProjectCode", project)


def judge_section(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    code = body["TenderProjectCode"]
    _need(case, ground, finding, "tender-project", code, "TenderProjectCode", "招标（采购）项目")
    section = body.get("BidSectionCode", "")
    _register(case, ground, finding, "deal", "UnifiedDealCode", code, section=section)


def judge_award(case: Case, ground: Ground, finding: Finding) -> None:
    body = case.body
    deal = body["UnifiedDealCode"]
    _need(case, ground, finding, "deal", deal, "UnifiedDealCode", "统一交易标识码")
    winners = ";".join(map(_code, items(body, "Bidders", "Bidder")))
    _register(case, ground, finding, "award", "UnifiedDealCode", deal, winners=winners)


def judge_contract(case: Case, ground: Ground, finding: Finding) -> None:
    """2003: a new contract, or a newer version of one; its price never falls below paid + open."""
    body = case.body
    deal, old = body["UnifiedDealCode"], ground.contract(body["ContractNo"])
    _need(case, ground, finding, "deal", deal, "UnifiedDealCode", "统一交易标识码")
    award = _need(case, ground, finding, "award", deal, "UnifiedDealCode", "中标（成交）结果")
    if award is not None:
        _check_winners(case, finding, award)
    fresh = _contract_of(case)
    finding.contract_owner = case.sender
    if old is not None:
        _check_owner(case, finding, old.owner, "ContractNo")
        _check_in_use(case, finding, old)
        if case.oper_type != REVOKE:
            _check_price(finding, old, fresh.price_fen, "ContractPrice")
        fresh = replace(fresh, state=old.state, open_fen=old.open_fen, paid_fen=old.paid_fen)
    ground.put(replace(fresh, state="ended") if case.oper_type == REVOKE else fresh)


def _contract_of(case: Case) -> Contract:
    body = case.body
    return Contract(
        no=body["ContractNo"],
        owner=case.sender,
        unified_deal_code=body["UnifiedDealCode"],
        section_code=body.get("BidSectionCode", ""),
        tenderers=tuple(party["Code"] for party in items(body, "Tenderers", "Tenderer")),
        winners=tuple(party["Code"] for party in items(body, "Bidders", "Bidder")),
        price_fen=fen(body.get("ContractPrice")),
        adm_div=body["PayAdmDivCode"],
        project_kind=body["ProjectKind"],
        project_level=body.get("ProjectLevel", ""),
        message_id=case.message_id,
    )


def _check_winners(case: Case, finding: Finding, award: BusinessObject) -> None:
    awarded = award.data.get("winners", "").split(";")
    for index, party in enumerate(items(case.body, "Bidders", "Bidder"), 1):
        if party["Code"] not in awarded:
            finding.refuse(
                "not-the-winner", f"Bidders/Bidder[{index}]/Code",
                expected=";".join(sorted(awarded)), found=party["Code"],
            )  # fmt: skip


def _check_owner(case: Case, finding: Finding, owner: str, path: str) -> None:
    if owner != case.sender:
        finding.refuse("not-the-owner", path, found=case.body[path])


def _check_in_use(case: Case, finding: Finding, old: Contract) -> None:
    if case.oper_type == REVOKE and (old.open_fen or old.paid_fen):
        finding.refuse("contract-in-use", "ContractNo", found=old.no)


def _check_price(finding: Finding, old: Contract, price_fen: int, path: str) -> None:
    bound = old.open_fen + old.paid_fen
    if price_fen < bound:
        finding.refuse("price-below-paid", path, expected=f">= {yuan(bound)}", found=yuan(price_fen))


def judge_performance(case: Case, ground: Ground, finding: Finding) -> None:
    """2004: a change of price (1), an end (4); acceptance and settlement only inform."""
    body = case.body
    contract = ground.contract(body["ContractNo"])
    if contract is None:
        finding.refuse("unknown-contract", "ContractNo", found=body["ContractNo"])
        return
    _check_owner(case, finding, contract.owner, "ContractNo")
    if body.get("ChangeType") == "4":
        ground.put(replace(contract, state="ended"))
    elif body.get("NewContractPrice"):
        price = fen(body["NewContractPrice"])
        _check_price(finding, contract, price, "NewContractPrice")
        ground.put(replace(contract, price_fen=price))


def judge_void(case: Case, ground: Ground, finding: Finding) -> None:
    """2005: the deal is void; a contract on it ends, live applications stop where the next act is ours."""
    code = case.body["UnifiedDealCode"]
    deal = _need(case, ground, finding, "deal", code, "UnifiedDealCode", "统一交易标识码")
    contract = ground.contract_of_deal(code)
    owner = contract.owner if contract else deal.owner if deal else case.sender
    _check_owner(case, finding, owner, "UnifiedDealCode")
    if contract is not None:
        ground.put(replace(contract, state="ended"))
