"""The head: its keys by the formula, its canonical XML, and what must agree with the message."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from lxml import etree

from gateway import xmltree
from gateway.clock import SHANGHAI
from gateway.errors import Fault
from gateway.message import NAMESPACE, Head
from gateway.standard import Standard
from gateway.standard import head as heads
from tests.unit.standard.material import V1

NOW = datetime(2024, 6, 18, 9, 30, 0, 123000, SHANGHAI)


@pytest.fixture
def body(standard: Standard) -> bytes:
    return standard.build("3001", standard.sample("3001"))


@pytest.fixture
def head(standard: Standard, body: bytes) -> Head:
    biz_key = standard.business_key("3001", standard.sample("3001"))
    return Head(
        MsgNo="3001",
        MsgId="0123456789abcdef",
        MsgRef="0123456789abcdef",
        Src="GGZY-ZPT",
        Des="GW",
        AdmDivCode="310000",
        StYear="2024",
        BizType="03",
        BizKey=biz_key,
        BizVersion="1",
        OperType="1",
        IdemKey=heads.idem_key("3001", "GGZY-ZPT", biz_key, "1", "1"),
        BodyDigest=heads.body_digest(body),
        WorkDate="20240618",
        SendTime="20240618093000123",
    )


def checked(standard: Standard, head: Head, body: bytes, now: datetime | None = NOW) -> list[Fault]:
    return heads.check_head(
        head.as_record(),
        standard.catalogue.get("3001"),
        biz_key="SQ-310000-20240618-00042",
        body=body,
        nodes=standard.codes.get("node").rows,
        now=now,
    )


def test_the_idempotency_key_joins_five_fields_by_bars() -> None:
    text = "3001|GGZY-ZPT|SQ-1|2|1"
    assert (
        heads.idem_key("3001", "GGZY-ZPT", "SQ-1", "2", "1") == hashlib.new("sm3", text.encode()).hexdigest()
    )
    assert heads.idem_key("3001", "GGZY-ZPT", "合同1", "2", "1") != heads.idem_key(
        "3001", "GGZY-ZPT", "SQ-1", "2", "1"
    )


def test_a_head_is_written_canonically_and_is_valid(head: Head, body: bytes) -> None:
    text = heads.build_head_xml(replace(head, BizKey="A&B<C>"))
    root = etree.fromstring(text)
    assert xmltree.canonical(root) == text
    assert {xmltree.local(child.tag): child.text for child in root}["BizKey"] == "A&B<C>"
    inner = heads.build_head_xml(head).decode()
    message = f'<Msg xmlns="{NAMESPACE}">{inner}<Body>{body.decode()}</Body></Msg>'
    etree.XMLSchema(file=str(V1 / "envelope.xsd")).assertValid(etree.fromstring(message))


def test_a_right_head_has_no_fault(standard: Standard, head: Head, body: bytes) -> None:
    assert checked(standard, head, body) == []
    assert checked(standard, head, body, None) == []


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("Ver", "2.0", "10003"),
        ("MsgNo", "3002", "10003"),
        ("BizType", "04", "10003"),
        ("BizKey", "SQ-2", "10003"),
        ("IdemKey", "0" * 64, "10003"),
        ("BodyDigest", "0" * 64, "20004"),
        ("WorkDate", "20240617", "10003"),
        ("Src", "NOBODY", "30002"),
        ("Des", "NOBODY", "30002"),
        ("StYear", "2025", "10003"),
    ],
)
def test_what_a_head_says_wrongly_is_named(
    standard: Standard, head: Head, body: bytes, name: str, value: str, result: str
) -> None:
    wrong = replace(head, **{name: value})
    found = {fault.path: fault.result for fault in checked(standard, wrong, body)}
    assert found.pop(f"Head/{name}") == result
    # The key is made of the others: it follows from a change of any of them.
    assert set(found) <= {"Head/IdemKey"} and bool(found) == (name in ("MsgNo", "Src", "BizKey"))


def test_a_clock_that_is_more_than_five_minutes_off_is_named(
    standard: Standard, head: Head, body: bytes
) -> None:
    assert checked(standard, head, body, NOW + timedelta(minutes=5)) == []
    for late in (timedelta(minutes=5, seconds=1), -timedelta(minutes=6)):
        (fault,) = checked(standard, head, body, NOW + late)
        assert (fault.path, fault.result) == ("Head/SendTime", "20005")
    wrong = replace(head, SendTime="20240618993000123")
    assert [fault.path for fault in checked(standard, wrong, body)] == ["Head/SendTime"]
