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
    key = f"{body['TableId']}|{body['TableVersion']}"
    data = write_change(body, d8(case.today))
    ground.put(BusinessObject(CODE_CHANGE, key, case.sender, body["TableId"], data, case.message_id))
