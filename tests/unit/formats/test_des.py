"""The DES upload envelope."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from gateway.errors import MessageError
from gateway.formats import formats
from gateway.formats.des import data_key
from gateway.message import Head

DES = formats.get("des")
TITLE = {
    "CA_KEY": "8" * 20,
    "DATA_CN": "项目",
    "DATA_EN": "PROJECT",
    "DATA_KEY": "9120500201903050000050",
    "DATA_NO": "500",
    "DATA_TYPE": "1",
    "ROUTE_WAY": "0",
}
ENVELOPE = {"CA_KEY": "GW-CA", "SYSTEM_NO": "3100", "DATA_NO": "500", "DATA_EN": "PROJECT", "DATA_CN": "项目"}


def text_of(title: dict[str, str], *parts: str) -> bytes:
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in title.items())
    return f"<DES>{parts[0] if parts else ''}<TITLE>{fields}</TITLE>{''.join(parts[1:])}</DES>".encode()


CONTEXT = "<CONTEXT><PROJECT_CODE>M1</PROJECT_CODE><DATA_TIMESTAMP>20190327012400</DATA_TIMESTAMP></CONTEXT>"


def refused(data: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        DES.decode(data)
    return caught.value


def test_title_becomes_the_envelope_and_the_head() -> None:
    parsed = DES.decode(text_of(TITLE, CONTEXT))
    key = hashlib.new("sm3", b"9120500201903050000050|1|20190327012400").hexdigest()
    assert parsed.envelope == TITLE
    assert parsed.own_type == "500"
    assert parsed.record == {"PROJECT_CODE": "M1", "DATA_TIMESTAMP": "20190327012400"}
    assert parsed.head == {
        "OperType": "1",
        "IdemKey": key,
        "MsgId": key[:32],
        "SendTime": "20190327012400000",
    }


def test_a_newer_stamp_is_another_key() -> None:
    newer = CONTEXT.replace("012400", "012401")
    assert (
        DES.decode(text_of(TITLE, CONTEXT)).head["IdemKey"]
        != DES.decode(text_of(TITLE, newer)).head["IdemKey"]
    )


def test_the_order_of_the_parts_is_free() -> None:
    assert DES.decode(text_of(TITLE, "", CONTEXT)) == DES.decode(text_of(TITLE, CONTEXT))


def test_a_deletion_may_come_without_context_and_an_addition_may_not() -> None:
    parsed = DES.decode(text_of({**TITLE, "DATA_TYPE": "3"}))
    assert parsed.record == {}
    assert "SendTime" not in parsed.head
    assert refused(text_of(TITLE)).faults[0].code == "des.no-context"
    assert refused(text_of(TITLE, "<CONTEXT/>")).faults[0].code == "des.no-context"


def test_files_stay_in_the_record() -> None:
    files = "<FILECONTEXT><SOURCE><FILE_NAME>a.pdf</FILE_NAME></SOURCE><SOURCE/></FILECONTEXT>"
    record = DES.decode(text_of(TITLE, CONTEXT, files)).record
    assert record["FILECONTEXT"] == {"SOURCE": [{"FILE_NAME": "a.pdf"}, ""]}


def test_every_fault_of_the_title_is_named() -> None:
    title = {"CA_KEY": "1", "DATA_KEY": "short", "DATA_TYPE": "9", "OTHER": "x"}
    paths = [fault.path for fault in refused(text_of(title, CONTEXT)).faults]
    assert paths == ["TITLE/OTHER", "TITLE/DATA_EN", "TITLE/DATA_NO", "TITLE/DATA_KEY", "TITLE/DATA_TYPE"]


@pytest.mark.parametrize(
    "data",
    [
        b"<X/>",
        b"<DES/>",
        b"<DES><CONTEXT/></DES>",
        text_of(TITLE, CONTEXT, CONTEXT),
        text_of(TITLE, CONTEXT, "<EXTRA/>"),
    ],
)
def test_what_is_not_the_envelope_is_refused(data: bytes) -> None:
    assert refused(data).result == "10003"


def test_a_rendering_reads_back_and_has_a_key_of_22_characters(head: Head) -> None:
    record = {
        "PROJECT_NAME": "一 & 二",
        "DATA_TIMESTAMP": "20260701093000",
        "FILECONTEXT": {"SOURCE": ["", ""]},
    }
    parsed = DES.decode(DES.encode(record, head, ENVELOPE, ""))
    assert parsed.record == record
    assert parsed.envelope["DATA_TYPE"] == "1"
    key = parsed.envelope["DATA_KEY"]
    assert len(key) == 22
    assert key.startswith("310050020260701")


def test_the_key_follows_from_the_idempotency_key_alone(head: Head) -> None:
    again = replace(head, SendTime="20260701235959999", RetryNo="3")
    other = replace(head, IdemKey="c" * 64)
    keys = [
        DES.decode(DES.encode({"A": "1"}, each, ENVELOPE, "")).envelope["DATA_KEY"]
        for each in (head, again, other)
    ]
    assert keys[0] == keys[1] != keys[2]


def test_a_correction_goes_under_the_key_of_what_it_corrects(head: Head) -> None:
    stable = {**ENVELOPE, "KEY_OF": "SQ-1", "KEY_DATE": "20260630", "DATA_TYPE": "2"}
    later = replace(head, IdemKey="c" * 64, WorkDate="20270101")
    first, second = (
        DES.decode(DES.encode({"A": "1"}, each, stable, "")).envelope["DATA_KEY"] for each in (head, later)
    )
    assert first == second and first.startswith("310050020260630")
    other = DES.decode(DES.encode({"A": "1"}, head, {**stable, "KEY_OF": "SQ-2"}, "")).envelope["DATA_KEY"]
    assert other != first


def test_a_four_digit_data_set_shortens_the_serial() -> None:
    assert len(data_key("3100", "9001", "20260701", "k")) == 22


def test_an_envelope_without_its_numbers_is_named(head: Head) -> None:
    with pytest.raises(MessageError) as caught:
        DES.encode({"A": "1"}, head, {}, "")
    assert [fault.path for fault in caught.value.faults] == ["TITLE/SYSTEM_NO", "TITLE/DATA_NO"]


def test_the_real_upload_is_read(real_file: Callable[[str], bytes]) -> None:
    parsed = DES.decode(real_file("trading/project-1.xml"))
    assert parsed.own_type == "500"
    assert parsed.record["PROJECT_CODE"] == "M3500001234567890"
    assert parsed.record["TRADE_PLAT"] == "12345678901"
    assert len(parsed.record) == 23


def test_the_real_deletion_is_read(real_file: Callable[[str], bytes]) -> None:
    parsed = DES.decode(real_file("trading/project-3.xml"))
    assert (parsed.record, parsed.head["OperType"]) == ({}, "3")
