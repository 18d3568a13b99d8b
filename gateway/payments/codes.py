"""9003: a code table is changed. The change is stored with the message and takes effect at its rows' days."""

from __future__ import annotations

from gateway.clock import d8
from gateway.payments.case import Case, Finding
from gateway.payments.ground import BusinessObject, Ground
from gateway.standard.codechanges import write_change

CODE_CHANGE = "code-change"  # the kind of business object that holds a change


def judge_code_table(case: Case, ground: Ground, finding: Finding) -> None:
    """A newer version of a change takes the place of the older one."""
    body = case.body
    _check_rows(case, finding)
    key = f"{body['TableId']}|{body['TableVersion']}"
    data = write_change(body, d8(case.today))
    ground.put(BusinessObject(CODE_CHANGE, key, case.sender, body["TableId"], data, case.message_id))


def _check_rows(case: Case, finding: Finding) -> None:
    seen: set[tuple[str, str]] = set()
    for index, row in enumerate(case.body["Rows"]["Row"], 1):
        since, until = row.get("ValidFrom", ""), row.get("ValidTo", "")
        if (row["Code"], since) in seen:
            finding.refuse("code-twice", f"Rows/Row[{index}]/Code", found=row["Code"])
        if until and until < since:
            finding.refuse("code-validity", f"Rows/Row[{index}]/ValidTo", expected=f">= {since}", found=until)
        seen.add((row["Code"], since))
