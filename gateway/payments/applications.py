"""Step 3: a payment application is opened or corrected within its contract's balance, or withdrawn."""

from __future__ import annotations

from dataclasses import replace

from gateway.message import Record
from gateway.payments import payees
from gateway.payments.case import Case, Finding, about, fen, step_of, yuan
from gateway.payments.ground import Application, Contract, Ground, InvoiceUse
from gateway.payments.invoices import check_invoices
from gateway.payments.moves import Ask, find_ask
from gateway.payments.states import AT_TREASURY, ENDED

_CORRECTION = "2"
_DRAFT = "10"  # the state of an application that nobody knows yet
# What an application repeats of its contract.
_OF_CONTRACT = {
    "AdmDivCode": "adm_div",
    "ProjectKind": "project_kind",
    "UnifiedDealCode": "unified_deal_code",
    "BidSectionCode": "section_code",
}


def node_key(body: Record) -> str:
    return f"{body.get('ContractNo', '')}|{body.get('PlanNo', '')}|{body.get('PeriodNo', '')}"


def judge_application(case: Case, ground: Ground, finding: Finding) -> None:
    """3001: OperType 1 opens, 2 corrects what was returned. Every fault is named, then nothing is kept."""
    body = case.body
    contract = _check_contract(case, ground, finding)
    old = ground.application(body["PayAppNo"])
    _check_state(case, ground, finding, old)
    _check_node(case, ground, finding)
    payees.check_payees(case, ground, finding, contract)
    uses = check_invoices(case, ground, finding, contract)
    if contract is None:
        return
    treasury = find_treasury(case, finding, contract, "ContractNo")
    _check_balance(case, finding, contract, old)
    if finding.faults:
        return
    _open(case, ground, contract, old, treasury, uses)
    finding.application, finding.contract_owner = body["PayAppNo"], contract.owner
    finding.treasury = treasury


def find_treasury(case: Case, finding: Finding, contract: Contract, path: str) -> str:
    """Who pays, by project kind, division and day; "" with a fault where nobody does yet."""
    covered = case.coverage.find(contract.project_kind, contract.adm_div, case.today)
    if covered is not None:
        return covered.treasury
    zh, en = case.coverage.describe()
    finding.refuse(
        "outside-coverage", path, kind=contract.project_kind, adm_div=contract.adm_div,
        covered_zh=zh, covered_en=en,
    )  # fmt: skip
    return ""


def _check_contract(case: Case, ground: Ground, finding: Finding) -> Contract | None:
    """The contract, live, with what the application repeats of it."""
    body = case.body
    no = body["ContractNo"]
    contract = ground.contract(no)
    if contract is None:
        finding.refuse("unknown-contract", "ContractNo", found=no)
        return None
    if contract.state != "live":
        finding.refuse("contract-ended", "ContractNo", found=no)
    for name, attribute in _OF_CONTRACT.items():
        expected = getattr(contract, attribute)
        if body.get(name, expected) != expected:
            finding.refuse("not-the-contract", name, expected=expected, found=body[name])
    tenderer = body.get("TendererCode")
    if tenderer and tenderer not in contract.tenderers:
        expected = ";".join(contract.tenderers)
        finding.refuse("not-the-contract", "TendererCode", expected=expected, found=tenderer)
    return contract


def _check_state(case: Case, ground: Ground, finding: Finding, old: Application | None) -> None:
    body = case.body
    if case.oper_type != _CORRECTION:
        if old is not None:
            finding.refuse("application-exists", "PayAppNo", found=old.no)
        return
    if old is None:
        finding.refuse("unknown-application", "PayAppNo", found=body["PayAppNo"])
        return
    if old.contract_no != body["ContractNo"]:
        finding.refuse("not-the-case", "ContractNo", expected=old.contract_no, found=body["ContractNo"])
    ask = find_ask(case.number, {"OperType": case.oper_type})
    if old.paid_fen:
        finding.refuse("already-paid", "PayAppNo", found=old.state)
    elif ask is None or ask.path_from(old.state) is None:
        refuse_state(finding, old.state, ask)


def refuse_state(finding: Finding, state: str, ask: Ask | None) -> None:
    """30006, with the states in which the message is allowed."""
    allowed = ", ".join(ask.sources()) if ask is not None else ""
    finding.refuse("state-not-allowed", "PayAppNo", expected=allowed, found=state)


def _check_node(case: Case, ground: Ground, finding: Finding) -> None:
    """One open application a payment node."""
    holder = ground.application_at_node(node_key(case.body))
    if holder is None or holder.no == case.body["PayAppNo"]:
        return
    if holder.open_fen and holder.state not in ENDED:
        finding.refuse("node-taken", "PeriodNo", found=holder.no)


def _check_balance(case: Case, finding: Finding, contract: Contract, old: Application | None) -> None:
    if not contract.price_fen:
        finding.refuse("contract-without-price", "ContractNo", found=contract.no)
        return
    amount = fen(case.body["AppAmount"])
    left = contract.price_fen - contract.paid_fen - contract.open_fen + _released(contract, old)
    if amount > left:
        finding.refuse("above-balance", "AppAmount", expected=f"<= {yuan(max(left, 0))}", found=yuan(amount))


def _released(contract: Contract, old: Application | None) -> int:
    """What a corrected application held of the contract so far."""
    return old.open_fen if old is not None and old.contract_no == contract.no else 0


def _open(
    case: Case,
    ground: Ground,
    contract: Contract,
    old: Application | None,
    treasury: str,
    uses: list[InvoiceUse],
) -> None:
    fresh = _application_of(case, contract, old, treasury)
    open_fen = contract.open_fen - _released(contract, old) + fresh.open_fen
    ground.put(replace(contract, open_fen=open_fen))
    ground.end_uses(fresh.no)
    ground.put(fresh)
    for use in uses:
        ground.put(use)
    payees.keep_payees(case, ground, fresh.no)
    ask = find_ask(case.number, {"OperType": _CORRECTION if old else "1"})
    before = old or replace(fresh, state=_DRAFT)
    ground.add_step(step_of(case, before, fresh.state, node=ask.node if ask else case.number))


def _application_of(case: Case, contract: Contract, old: Application | None, treasury: str) -> Application:
    body, amount = case.body, fen(case.body["AppAmount"])
    return Application(
        no=body["PayAppNo"],
        contract_no=contract.no,
        state="20",
        owner=contract.owner,
        tenderer=contract.tenderers[0] if contract.tenderers else "",
        payees=tuple(payee["PayeeCode"] for payee in payees.listed(body)),
        adm_div=contract.adm_div,
        project_kind=contract.project_kind,
        st_year=body.get("StYear", ""),
        app_fen=amount,
        open_fen=amount,
        round=old.round if old else 0,
        treasury=treasury,
        version=old.version + 1 if old else 1,
        state_at=case.at,
        opened_at=old.opened_at if old else case.at,
        message_id=case.message_id,
        node_key=node_key(body),
        seqs=old.seqs if old else {},
    )


def judge_withdrawal(case: Case, ground: Ground, finding: Finding) -> None:
    """3004: before the push it ends at once; after it the treasury is asked, and its receipt ends it."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    at_treasury = application.state in AT_TREASURY
    ask = find_ask(case.number, {"AtTreasury": "1" if at_treasury else "0"})
    if application.paid_fen:
        finding.refuse("already-paid", "PayAppNo", found=application.state)
    elif application.withdrawal:
        finding.refuse("withdrawal-pending", "PayAppNo", found=application.state)
    elif ask is None or ask.path_from(application.state) is None:
        refuse_state(finding, application.state, ask)
    elif at_treasury:
        finding.pushed_treasury = application.treasury
        ground.put(replace(application, withdrawal="asked"))
        ground.add_step(step_of(case, application, application.state, node=ask.node, result="待支付平台确认"))
    else:
        end_application(case, ground, application, contract, ask.target, node=ask.node)


def end_application(
    case: Case, ground: Ground, application: Application, contract: Contract, state: str, *, node: str
) -> None:
    """To 90 or 99: what it held of the contract and of its invoices is free again."""
    ground.put(replace(contract, open_fen=contract.open_fen - application.open_fen))
    ground.end_uses(application.no)
    ground.put(replace(application, state=state, open_fen=0, withdrawal="", state_at=case.at))
    ground.add_step(step_of(case, application, state, node=node))
