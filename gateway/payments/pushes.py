"""Step 4: the approved application goes to the treasury (4002)."""

from __future__ import annotations

from dataclasses import replace

from gateway.message import Record
from gateway.payments import invoices, payees
from gateway.payments.applications import find_treasury
from gateway.payments.case import Case, Finding, about, fen, yuan
from gateway.payments.ground import Application, BusinessObject, Contract, Ground
from gateway.payments.moves import find_ask
from gateway.payments.reviews import move


def voucher_key(body: Record) -> str:
    return f"{body['AdmDivCode']}|{body['StYear']}|{body.get('VtCode', '')}|{body['VoucherNo']}"


def judge_push(case: Case, ground: Ground, finding: Finding) -> None:
    """4002: reviewed, covered, what was approved for whom it was applied, under a new voucher number."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    body, voucher = case.body, voucher_key(case.body)
    _check_approved(case, finding, application)
    _check_same(case, finding, application, contract)
    _check_year(case, finding, application)
    _check_authority(case, finding)
    payees.check_payees(case, ground, finding, contract)
    payees.check_applied_payees(case, ground, finding, application.no)
    invoices.check_invoices_again(ground, finding, body, ground.uses_by(application.no))
    if ground.find("voucher", voucher) is not None:
        finding.refuse("voucher-used", "VoucherNo", found=body["VoucherNo"])
    treasury = find_treasury(case, finding, contract, "AdmDivCode")
    ask = find_ask(case.number, body)
    if ask is None:
        return
    pushed = replace(
        application,
        treasury=treasury,
        voucher_no=body["VoucherNo"],
        seqs={**application.seqs, case.number: case.version},
    )
    finding.treasury = treasury
    ground.put(BusinessObject("voucher", voucher, case.sender, application.no, {}, case.message_id))
    move(case, ground, finding, pushed, contract, ask)


def _check_approved(case: Case, finding: Finding, application: Application) -> None:
    if application.review_result != "1":
        finding.refuse("not-approved", "PayAppNo", found=application.state)
    amount = application.approved_fen - application.paid_fen
    if fen(case.body["PayAmt"]) != amount:
        finding.refuse("not-the-approved-amount", "PayAmt", expected=yuan(amount), found=case.body["PayAmt"])


def _check_same(case: Case, finding: Finding, application: Application, contract: Contract) -> None:
    """The live contract of the application, with what the push repeats of it."""
    body = case.body
    if contract.state != "live":
        finding.refuse("contract-ended", "ContractNo", found=contract.no)
    for name, expected in (
        ("AdmDivCode", contract.adm_div),
        ("ProjectKind", contract.project_kind),
        ("ContractNo", contract.no),
        ("UnifiedDealCode", contract.unified_deal_code),
    ):
        if body.get(name, expected) != expected:
            finding.refuse("not-the-case", name, expected=expected, found=body[name])
    tenderer = body.get("TendererCode", application.tenderer)
    if tenderer not in contract.tenderers:
        finding.refuse("not-the-case", "TendererCode", expected=";".join(contract.tenderers), found=tenderer)


def _check_year(case: Case, finding: Finding, application: Application) -> None:
    """The fiscal year may roll over between application and push, never back; a closed one takes no push."""
    year = case.body["StYear"]
    if year < application.st_year:
        finding.refuse("not-the-case", "StYear", expected=f">= {application.st_year}", found=year)
    if case.calendar.is_closed(int(year), application.adm_div, case.today):
        finding.refuse("year-closed", "StYear", found=year, year=year)


def _check_authority(case: Case, finding: Finding) -> None:
    body = case.body
    found = case.authorities.find(body.get("TendererCode", ""), body["AdmDivCode"], case.today)
    if found is None:
        finding.refuse("no-authority", "TendererCode", found=body.get("TendererCode", ""))
    elif body.get("AuthorityCode", found.code) != found.code:
        finding.refuse("not-the-authority", "AuthorityCode", expected=found.code, found=body["AuthorityCode"])
