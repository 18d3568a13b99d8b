"""What an envelope says of a message is held against the head's own types, field by field."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gateway import clock
from gateway.errors import MessageError
from gateway.headshape import HeadShape
from gateway.standard import Standard
from tests.acceptance.conftest import general_message

STANDARD = Standard.load(Path(__file__).parents[2] / "schemas")
SHAPE = HeadShape(STANDARD)
TODAY = clock.now().date()


def head(**changes: str) -> dict[str, str]:
    _, data = general_message(STANDARD, "1001", STANDARD.sample("1001"))
    return {**json.loads(data)["Head"], **changes}


def test_a_right_head_passes_and_so_does_a_part_of_one() -> None:
    SHAPE.check(head(), TODAY, whole=True)
    SHAPE.check({"OperType": "3", "IdemKey": "a" * 64}, TODAY, whole=False)
    SHAPE.check({}, TODAY, whole=False)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("BizVersion", "abc"),
        ("BizVersion", "9" * 20),
        ("BizVersion", "-1"),
        ("BizVersion", "１"),
        ("OperType", "9"),
        ("SendTime", "garbage"),
        ("SendTime", "20260230120000000"),
        ("MsgId", "<&>" * 8),
        ("MsgId", "\x00" * 16),
        ("AdmDivCode", "x" * 5000),
        ("StYear", "abcd"),
        ("WorkDate", ""),
        ("BizType", "77"),
        ("Des", "nobody"),
        ("RetryNo", "-5"),
        ("IdemKey", "A" * 64),
    ],
)
@pytest.mark.parametrize("whole", [True, False])
def test_a_field_that_the_schema_refuses_is_named(name: str, text: str, whole: bool) -> None:
    said = head(**{name: text}) if whole else {name: text}
    with pytest.raises(MessageError) as caught:
        SHAPE.check(said, TODAY, whole=whole)
    assert {fault.path for fault in caught.value.faults} == {f"Head/{name}"}


def test_every_missing_field_of_the_standards_own_head_is_named() -> None:
    said = head()
    del said["IdemKey"], said["BizVersion"]
    with pytest.raises(MessageError) as caught:
        SHAPE.check(said, TODAY, whole=True)
    assert {fault.path for fault in caught.value.faults} == {"Head/IdemKey", "Head/BizVersion"}


def test_a_business_key_that_differs_shows_no_account() -> None:
    record = STANDARD.sample("1004")
    key, account = STANDARD.business_key("1004", record), record["AcctNo"]
    for said in (f"{key}9", account, key.replace("|", "/")):
        with pytest.raises(MessageError) as refused:
            SHAPE.compare("1004", {"BizKey": said, "MsgNo": "1001"}, {"MsgNo": "1004", "BizKey": key})
        number, fault = refused.value.faults
        assert (number.path, number.expected, number.found) == ("Head/MsgNo", "1004", "1001")
        assert fault.path == "Head/BizKey" and f"|****{account[-4:]}|" in fault.expected
        assert account not in fault.expected and account not in fault.found
    SHAPE.compare("1004", {"BizKey": key}, {"BizKey": key, "IdemKey": "not said"})
