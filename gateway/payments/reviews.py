"""Steps 4–7: reviews, the push, receipts, results and refunds move the application by the table."""

from __future__ import annotations

from dataclasses import replace

from gateway.payments.applications import end_application, invoice_key
from gateway.payments.case import Case, Finding, about, fen, items, step_of, yuan
from gateway.payments.ground import Application, BusinessObject, Contract, Ground
from gateway.payments.moves import Ask, find_ask
from gateway.payments.states import find_path

_BAD_CHECKS = {"2": "假", "3": "作废", "4": "红冲"}


def judge_move(case: Case, ground: Ground, finding: Finding) -> None:
    """What every message of the table does: find the row, walk, keep the money right, write the trace."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    ask = find_ask(case.number, case.body)
    if ask is None:
        ground.add_step(step_of(case, application, application.state, node=case.number))
        return
    _move(case, ground, finding, application, contract, ask)


def _move(
    case: Case, ground: Ground, finding: Finding, application: Application, contract: Contract, ask: Ask
) -> None:
    path = () if application.state in ask.stay else find_path(application.state, ask.target, ask.via)
    if path is None:
        if not case.fact:
            _refuse_state(finding, application, ask.target)
            return
        finding.parked = True
        ground.add_step(step_of(case, application, application.state, node=ask.node, applied=False))
        return
    if ask.money == "release":
        end_application(case, ground, application, contract, ask.target, node=ask.node)
        return
    target = path[-1] if path else application.state
    moved = replace(application, state=target, state_at=case.at)
    if ask.money == "approve":
        moved = replace(moved, approved_fen=fen(case.body["ApprovedAmount"]))
    if case.number == "4001":
        moved = replace(moved, review_result=case.body["ReviewResult"], round=int(case.body["ReviewRound"]))
    elif target in ("31", "43"):
        moved = replace(moved, review_result="")
    ground.put(moved)
    ground.add_step(step_of(case, application, target, node=ask.node))


def _refuse_state(finding: Finding, application: Application, target: str) -> None:
    finding.refuse(
        "state-not-allowed",
        "PayAppNo",
        f"申请处于状态 {application.state}，不允许转为 {target}",
        f"the application is in state {application.state}; a move to {target} is not allowed",
        "30006",
        found=application.state,
    )


def judge_tenderee_review(case: Case, ground: Ground, finding: Finding) -> None:
    """4001: the approved amount never exceeds what was applied for."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    if case.body["ReviewResult"] == "1" and fen(case.body.get("ApprovedAmount")) > application.app_fen:
        finding.refuse(
            "approved-above-applied",
            "ApprovedAmount",
            "审定金额超过申请金额",
            "the approved amount exceeds the amount applied for",
            "30004",
            expected=f"<= {yuan(application.app_fen)}",
            found=case.body["ApprovedAmount"],
        )
    if application.withdrawal:
        _refuse_state(finding, application, "30")
    ask = find_ask(case.number, case.body)
    if ask is not None:
        _move(case, ground, finding, application, contract, ask)


def judge_push(case: Case, ground: Ground, finding: Finding) -> None:
    """4002: reviewed, covered, within what was approved, on a live contract, under a new voucher number."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    body = case.body
    _check_push(case, finding, application, contract)
    covered = case.coverage.find(contract.project_kind, contract.adm_div, case.today)
    if covered is None:
        zh, en = case.coverage.describe()
        finding.refuse(
            "outside-coverage",
            "AdmDivCode",
            f"尚未纳入；已纳入: {zh}",
            f"not covered; covered: {en}",
            "30009",
        )
    voucher = f"{body['AdmDivCode']}|{body['StYear']}|{body.get('VtCode', '')}|{body['VoucherNo']}"
    if ground.find("voucher", voucher) is not None:
        finding.refuse(
            "voucher-used",
            "VoucherNo",
            "凭证编号已使用，每次推送须用新编号",
            "the voucher number was used; every push takes a new one",
            "30006",
            found=body["VoucherNo"],
        )
    _check_invoices_again(case, ground, finding)
    ask = find_ask(case.number, body)
    if covered is None or ask is None:
        return
    finding.treasury = covered.treasury
    pushed = replace(application, treasury=covered.treasury, voucher_no=body["VoucherNo"])
    ground.put(BusinessObject("voucher", voucher, case.sender, application.no, {}, case.message_id))
    _move(case, ground, finding, pushed, contract, ask)


def _check_push(case: Case, finding: Finding, application: Application, contract: Contract) -> None:
    """Approved by the tenderee, for the approved amount, on the live contract of the application."""
    body = case.body
    if application.review_result != "1":
        finding.refuse(
            "not-approved",
            "PayAppNo",
            "招标人尚未审核通过",
            "the tenderee has not approved the application",
            "30006",
        )
    if fen(body["PayAmt"]) != application.approved_fen:
        finding.refuse(
            "not-the-approved-amount",
            "PayAmt",
            "支付金额应等于审定金额",
            "the amount must be the approved amount",
            "30004",
            expected=yuan(application.approved_fen),
            found=body["PayAmt"],
        )
    if contract.state != "live":
        finding.refuse(
            "contract-ended", "ContractNo", "合同已终止", "the contract has ended", "30006", found=contract.no
        )
    for name, expected in (("ContractNo", contract.no), ("AdmDivCode", contract.adm_div)):
        if body.get(name, expected) != expected:
            finding.refuse(
                "not-the-case",
                name,
                "与申请不一致",
                "differs from the application",
                "30003",
                expected=expected,
                found=body[name],
            )


def _check_invoices_again(case: Case, ground: Ground, finding: Finding) -> None:
    """An invoice may have been cancelled since the application (DECISIONS.md 31)."""
    for index, invoice in enumerate(items(case.body, "Invoices", "Invoice"), 1):
        check = ground.find("invoice-check", invoice_key(invoice))
        verdict = _BAD_CHECKS.get(check.data.get("result", "")) if check else None
        if verdict:
            finding.refuse(
                "invoice-invalid",
                f"Invoices/Invoice[{index}]",
                f"发票查验结果: {verdict}",
                "the invoice did not pass its check",
                "30005",
            )


def judge_invoice_check(case: Case, ground: Ground, finding: Finding) -> None:
    """3003: the newest result of an invoice's check is what the push looks at."""
    body = case.body
    ground.put(
        BusinessObject(
            "invoice-check", body["InvoiceKey"], case.sender, "", {"result": body["Result"]}, case.message_id
        )
    )


def judge_receipt(case: Case, ground: Ground, finding: Finding) -> None:
    """8002: the treasury took a push over or refused it, or answers a withdrawal."""
    body = case.body
    if body.get("OriMsgNo") not in ("4002", "3004"):
        return
    application = ground.application(body.get("PayAppNo") or body["BizKey"].split("|")[0])
    contract = ground.contract(application.contract_no) if application else None
    if application is None or contract is None:
        finding.parked = True
        return
    finding.application, finding.treasury = application.no, application.treasury
    finding.contract_owner = contract.owner
    ask = find_ask("8002", body)
    if body["OriMsgNo"] == "3004" and not application.withdrawal:
        ask = None  # nobody asked: the receipt is written down and moves nothing
    if ask is not None:
        _move(case, ground, finding, application, contract, ask)
        return
    ground.put(replace(application, withdrawal=""))
    ground.add_step(step_of(case, application, application.state, node="撤回未获同意"))


def judge_status(case: Case, ground: Ground, finding: Finding) -> None:
    """6003: strictly increasing per (application, source); what comes late is stored, not applied."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    seq = int(case.body["StatusSeq"])
    last = application.seqs.get(case.sender, 0)
    ask = find_ask(case.number, case.body)
    path = None
    if ask is not None and seq > last:
        path = () if application.state in ask.stay else find_path(application.state, ask.target, ask.via)
    if ask is None or path is None:
        finding.parked = True
        ground.add_step(step_of(case, application, application.state, node="状态变更", applied=False))
        return
    counted = replace(application, seqs={**application.seqs, case.sender: seq})
    _move(case, ground, finding, counted, contract, ask)


def judge_payment(case: Case, ground: Ground, finding: Finding) -> None:
    """5001: money was paid, in whole or in part, or not at all. A fact: never refused for the state."""
    known = about(case, ground, finding)
    ask = find_ask(case.number, case.body)
    if known is None or ask is None:
        return
    application, contract = known
    amount = fen(case.body["XPayAmt"])
    whole = application.paid_fen + amount >= application.approved_fen
    if case.body["PayResult"] == "1" and not whole:
        # One of several payees: the case stays with the bank until the last line is paid.
        ask = replace(ask, target="60", via=frozenset(), stay=frozenset({"60"}))
    path = () if application.state in ask.stay else find_path(application.state, ask.target, ask.via)
    if path is None:
        finding.parked = True
        ground.add_step(step_of(case, application, application.state, node=ask.node, applied=False))
        return
    target = path[-1] if path else application.state
    freed = 0
    if ask.money == "pay":
        freed = application.open_fen if target == "70" else min(amount, application.open_fen)
        ground.put(replace(contract, open_fen=contract.open_fen - freed, paid_fen=contract.paid_fen + amount))
    ground.put(
        replace(
            application,
            state=target,
            state_at=case.at,
            paid_fen=application.paid_fen + (amount if ask.money == "pay" else 0),
            open_fen=application.open_fen - freed,
        )
    )
    ground.add_step(step_of(case, application, target, node=ask.node))


def judge_refund(case: Case, ground: Ground, finding: Finding) -> None:
    """5003: paid money came back; what came back can be applied for again."""
    known = about(case, ground, finding)
    if known is None:
        return
    application, contract = known
    amount = -fen(case.body["RefundAmt"])
    refunded = application.refunded_fen + amount
    target = "80" if refunded >= application.paid_fen else "81"
    path = () if application.state == target == "81" else find_path(application.state, target)
    if path is None or amount <= 0 or refunded > application.paid_fen:
        finding.parked = True
        ground.add_step(step_of(case, application, application.state, node="退款", applied=False))
        return
    ground.put(replace(contract, paid_fen=contract.paid_fen - amount))
    ground.put(replace(application, state=target, state_at=case.at, refunded_fen=refunded))
    ground.add_step(step_of(case, application, target, node="退款"))


def judge_mention(case: Case, ground: Ground, finding: Finding) -> None:
    """4004, 5004: notices about a case; they move nothing."""
    about(case, ground, finding)
