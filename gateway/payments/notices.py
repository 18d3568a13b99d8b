"""4004: a notice goes to parties of its case, and a return to everybody whom it returns to (DECISIONS.md 12)."""

from __future__ import annotations

from gateway.payments.case import Case, Finding, about, items
from gateway.payments.ground import Application, Contract, Ground

TENDEREE, SUBJECT = "tenderee", "subject"
# CT-ROLE → what the recipient is in the case. Other roles are no parties of it.
_PARTY_OF_ROLE = {"01": TENDEREE, "04": TENDEREE, "03": SUBJECT, "06": SUBJECT}
# CT-NOTICE → who must be told.
_MUST_HEAR = {"01": (SUBJECT,), "02": (TENDEREE, SUBJECT)}
_WORDS = {TENDEREE: ("招标人", "the tenderee"), SUBJECT: ("市场主体", "the market subject")}


def judge_notice(case: Case, ground: Ground, finding: Finding) -> None:
    """It moves nothing; its recipients are the case's own."""
    known = about(case, ground, finding)
    if known is None:
        return
    parties = _parties(*known)
    told = set()
    for index, recipient in enumerate(items(case.body, "Recipients", "Recipient"), 1):
        party = _PARTY_OF_ROLE.get(recipient["Role"])
        if party is None:
            continue
        told.add(party)
        if recipient["LegalCode"] not in parties[party]:
            path = f"Recipients/Recipient[{index}]/LegalCode"
            expected = ";".join(sorted(parties[party]))
            finding.refuse("recipient-not-a-party", path, expected=expected, found=recipient["LegalCode"])
    for party in _MUST_HEAR.get(case.body.get("NoticeType", ""), ()):
        if party not in told:
            zh, en = _WORDS[party]
            finding.refuse("recipient-missing", "Recipients", who_zh=zh, who_en=en)


def _parties(application: Application, contract: Contract) -> dict[str, set[str]]:
    return {
        TENDEREE: {application.tenderer, *contract.tenderers},
        SUBJECT: {*application.payees, *contract.winners},
    }
