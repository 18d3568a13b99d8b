"""The rules that read state, one a message type: what each needs, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable

from gateway.message import Record
from gateway.payments import applications, codes, reviews, trades
from gateway.payments.case import Case, Finding, Rule, items
from gateway.payments.ground import NO_NEEDS, Ground, Needs

RULES: dict[str, Rule] = {
    "1001": trades.judge_subject,
    "1004": trades.judge_account,
    "2001": trades.judge_project,
    "2006": trades.judge_tender_project,
    "2007": trades.judge_section,
    "2002": trades.judge_award,
    "2003": trades.judge_contract,
    "2004": trades.judge_performance,
    "2005": trades.judge_void,
    "3001": applications.judge_application,
    "3003": reviews.judge_invoice_check,
    "3004": applications.judge_withdrawal,
    "4001": reviews.judge_tenderee_review,
    "4002": reviews.judge_push,
    "4003": reviews.judge_move,
    "4004": reviews.judge_mention,
    "5001": reviews.judge_payment,
    "5002": reviews.judge_move,
    "5003": reviews.judge_refund,
    "5004": reviews.judge_mention,
    "6003": reviews.judge_status,
    "8002": reviews.judge_receipt,
    "9003": codes.judge_code_table,
}

# Only a treasury's word moves a case here; the same types, passed on by the general platform, inform.
_TREASURY_ONLY = frozenset({"4003", "5001", "5002", "5003", "6003", "8002"})
# The newest message of which type a message answers or undoes, by their common PayAppNo (MAPPING.md origin/…).
ORIGINS: dict[str, str] = {"3004": "4002"}


def decide(case: Case, ground: Ground) -> Finding:
    """Judges one message on the ground. Changes the ground only through its open overlay; the caller
    keeps the overlay when there are no faults and drops it otherwise."""
    finding = Finding()
    rule = RULES.get(case.number)
    if case.number in _TREASURY_ONLY and case.sender_kind != "treasury":
        rule = reviews.judge_mention if "PayAppNo" in case.body else None
    if rule is not None:
        rule(case, ground, finding)
    return finding


def needs(number: str, body: Record) -> Needs:
    """The rows that `decide` will read for a message. `body` has passed the schema and the rules."""
    reader = _NEEDS.get(number)
    return reader(body) if reader else NO_NEEDS


def _objects(*pairs: tuple[str, str | None]) -> Needs:
    return Needs(objects=frozenset((kind, key) for kind, key in pairs if key))


def _deal(body: Record) -> Needs:
    deal = body["UnifiedDealCode"]
    return _objects(
        ("deal", deal), ("award", deal), ("tender-project", body.get("TenderProjectCode"))
    ) | Needs(deals=frozenset({deal}))


def _contract(body: Record) -> Needs:
    return _deal(body) | Needs(contracts=frozenset({body["ContractNo"]}))


def _application(body: Record) -> Needs:
    invoices = frozenset(applications.invoice_key(invoice) for invoice in items(body, "Invoices", "Invoice"))
    accounts = frozenset(
        ("account", f"{payee['PayeeCode']}|{payee['AcctNo']}|{payee['AcctBankNo']}")
        for payee in items(body, "Payees", "Payee")
    )
    return Needs(
        applications=frozenset({body["PayAppNo"]}),
        contracts=frozenset({body["ContractNo"]}),
        objects=accounts,
        invoices=invoices,
        nodes=frozenset({applications.node_key(body)}),
    )


def _case(body: Record) -> Needs:
    return Needs(applications=frozenset({body["PayAppNo"]}))


def _push(body: Record) -> Needs:
    voucher = f"{body['AdmDivCode']}|{body['StYear']}|{body.get('VtCode', '')}|{body['VoucherNo']}"
    checks = [
        ("invoice-check", applications.invoice_key(invoice)) for invoice in items(body, "Invoices", "Invoice")
    ]
    return _case(body) | _objects(("voucher", voucher), *checks)


def _receipt(body: Record) -> Needs:
    if body.get("OriMsgNo") not in ("4002", "3004"):
        return NO_NEEDS
    return Needs(applications=frozenset({body.get("PayAppNo") or body["BizKey"].split("|")[0]}))


_NEEDS: dict[str, Callable[[Record], Needs]] = {
    "1004": lambda body: _objects(("subject", body["LegalCode"])),
    "2001": lambda body: NO_NEEDS,
    "2006": lambda body: _objects(("project", body.get("ProjectCode"))),
    "2007": _deal,
    "2002": _deal,
    "2003": _contract,
    "2004": lambda body: Needs(contracts=frozenset({body["ContractNo"]})),
    "2005": _deal,
    "3001": _application,
    "3004": _case,
    "4001": _case,
    "4002": _push,
    "4003": _case,
    "4004": _case,
    "5001": _case,
    "5002": _case,
    "5003": _case,
    "5004": _case,
    "6003": _case,
    "8002": _receipt,
}
