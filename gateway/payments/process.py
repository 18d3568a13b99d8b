"""The rules that read state, one a message type: what each needs, and how it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gateway.message import Record
from gateway.payments import applications, codes, invoices, notices, payees, pushes, results, reviews, trades
from gateway.payments.authorities import with_authority
from gateway.payments.case import REVOKE, Case, Finding, Rule
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
    "3002": invoices.judge_upload,
    "3003": invoices.judge_check,
    "3004": applications.judge_withdrawal,
    "4001": reviews.judge_tenderee_review,
    "4002": pushes.judge_push,
    "4003": reviews.judge_authority_review,
    "4004": notices.judge_notice,
    "5001": results.judge_payment,
    "5002": reviews.judge_payment_return,
    "5003": results.judge_refund,
    "5004": reviews.judge_mention,
    "6003": results.judge_status,
    "8002": results.judge_receipt,
    "9003": codes.judge_code_table,
}

# Only a treasury's word moves a case here; the same types, passed on by the general platform, inform.
TREASURY_ONLY = frozenset({"4003", "5001", "5002", "5003", "6003", "8002"})
# What these say has happened; it is undone by another message, never by revoking the first (DECISIONS.md 11).
NEVER_REVOKED = frozenset({"2004", "2005", "3001", "3002", "3003", "3004", "4001", "4002", "4003", "4004"})
# The newest message of which type a message answers or undoes, by their common PayAppNo (MAPPING.md origin/…).
ORIGINS: dict[str, str] = {"3004": "4002"}


def decide(case: Case, ground: Ground) -> Finding:
    """Judges one message on the ground. Changes the ground only through its open overlay; the caller keeps
    the overlay when there are no faults and drops it otherwise."""
    finding = Finding()
    rule = RULES.get(case.number)
    if case.number in TREASURY_ONLY and case.sender_kind != "treasury":
        rule = reviews.judge_mention if "PayAppNo" in case.body else None
    if case.oper_type == REVOKE and case.number in NEVER_REVOKED:
        finding.refuse("oper-type-not-allowed", "")
    if rule is not None:
        rule(case, ground, finding)
    return finding


# What the rules of the types that people fill in read of the body, whatever else is wrong with it.
READS: dict[str, frozenset[str]] = {
    "3001": frozenset(
        [
            "PayAppNo",
            "ContractNo",
            "PlanNo",
            "PeriodNo",
            "StYear",
            "AdmDivCode",
            "ProjectKind",
            "UnifiedDealCode",
            "BidSectionCode",
            "TendererCode",
            "AppAmount",
            "Payees",
            "Invoices",
        ]
    ),
    "3004": frozenset({"PayAppNo"}),
    "4001": frozenset({"PayAppNo", "ReviewRound", "TendererCode", "ReviewResult", "ApprovedAmount"}),
    "4002": frozenset(
        [
            "PayAppNo",
            "ContractNo",
            "StYear",
            "AdmDivCode",
            "ProjectKind",
            "UnifiedDealCode",
            "TendererCode",
            "AuthorityCode",
            "VtCode",
            "VoucherNo",
            "PayAmt",
            "Payees",
            "Invoices",
        ]
    ),
}


def can_judge(number: str, paths: Iterable[str]) -> bool:
    """Do faults at these places leave the rules of state all that they read?"""
    reads = READS.get(number)
    tops = (path.partition("/")[0].partition("[")[0] for path in paths)
    return reads is not None and all(top and top not in reads for top in tops)


# What the gateway adds for a message's receivers, by type.
_COMPLETIONS = {"4002": with_authority}


def complete(case: Case) -> Record:
    """The record as its receivers get it."""
    add = _COMPLETIONS.get(case.number)
    return add(case.body, case.authorities, case.today) if add else case.body


def needs(case: Case) -> Needs:
    """The rows that `decide` will read for a message. Its body has passed the schema."""
    reader = _NEEDS.get(case.number)
    return reader(case) if reader else NO_NEEDS


def _objects(*pairs: tuple[str, str | None]) -> Needs:
    return Needs(objects=frozenset((kind, key) for kind, key in pairs if key))


def _deal(case: Case) -> Needs:
    deal = case.body["UnifiedDealCode"]
    return _objects(
        ("deal", deal), ("award", deal), ("tender-project", case.body.get("TenderProjectCode"))
    ) | Needs(deals=frozenset({deal}))


def _contract(case: Case) -> Needs:
    return _deal(case) | Needs(contracts=frozenset({case.body["ContractNo"]}))


def _application(case: Case) -> Needs:
    keys = invoices.keys_in(case.body)
    return Needs(
        applications=frozenset({case.body["PayAppNo"]}),
        contracts=frozenset({case.body["ContractNo"]}),
        objects=payees.accounts_in(case.body) | invoices.objects_of(keys),
        invoices=keys,
        nodes=frozenset({applications.node_key(case.body)}),
    )


def _case(case: Case) -> Needs:
    return Needs(applications=frozenset({case.body["PayAppNo"]}))


def _push(case: Case) -> Needs:
    known = payees.accounts_in(case.body) | invoices.objects_of(invoices.keys_in(case.body))
    voucher, applied = ("voucher", pushes.voucher_key(case.body)), (payees.APPLIED, case.body["PayAppNo"])
    return _case(case) | _objects(voucher, applied) | Needs(objects=known)


def _receipt(case: Case) -> Needs:
    no = results.answered_application(case.body)
    return Needs(applications=frozenset({no})) if no else NO_NEEDS


_NEEDS: dict[str, Callable[[Case], Needs]] = {
    "1004": lambda case: _objects(("subject", case.body["LegalCode"])),
    "2001": lambda case: _objects(("project", case.body["ProjectCode"])),
    "2006": lambda case: _objects(
        ("project", case.body.get("ProjectCode")), ("tender-project", case.body["TenderProjectCode"])
    ),
    "2007": _deal,
    "2002": _deal,
    "2003": _contract,
    "2004": lambda case: Needs(contracts=frozenset({case.body["ContractNo"]})),
    "2005": _deal,
    "3001": _application,
    "3002": lambda case: _objects(("reversal", case.body.get("OriginalEInvoiceNo"))),
    "3003": lambda case: _objects(("invoice-check", case.body["InvoiceKey"])),
    "3004": _case,
    "4001": _case,
    "4002": _push,
    "4003": _case,
    "4004": _case,
    "5001": lambda case: _case(case) | _objects(("payment", results.payment_key(case))),
    "5002": _case,
    "5003": lambda case: _case(case) | _objects(("refund", results.refund_key(case))),
    "5004": _case,
    "6003": _case,
    "8002": _receipt,
}
