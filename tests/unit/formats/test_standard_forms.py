"""The standard's own JSON and XML forms."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.errors import MessageError
from gateway.formats import formats
from gateway.message import HEAD_FIELDS, NAMESPACE, Head

JSON = formats.get("standard-json")
XML = formats.get("standard-xml")
BODY: dict[str, Any] = {
    "PayAppNo": "SQ-1",
    "UseDes": "养护 <二>",
    "Payees": {"Payee": [{"A": "1"}, {"A": "2"}]},
}


def refused(form: Any, data: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        form.decode(data)
    return caught.value


def test_json_reads_what_it_writes(head: Head) -> None:
    parsed = JSON.decode(JSON.encode({**BODY, "PeriodNo": 3}, head, {}, ""))
    assert parsed.record == {**BODY, "PeriodNo": 3}
    assert parsed.head == head.as_record()
    assert parsed.own_type == "3001"


def test_json_counters_of_the_head_are_integers(head: Head) -> None:
    written = json.loads(JSON.encode(BODY, head, {}, ""))
    assert (written["Head"]["BizVersion"], written["Head"]["RetryNo"]) == (2, 0)
    assert tuple(written["Head"]) == HEAD_FIELDS


def test_json_takes_what_a_reply_adds_and_nothing_else() -> None:
    assert JSON.decode(b'{"Head":{},"Body":{},"Message":{},"Receipt":{}}').record == {}
    error = refused(JSON, b'{"Head":{},"Boby":{}}')
    assert [fault.path for fault in error.faults] == ["Boby", "Body"]


def test_json_names_every_wrong_field_of_the_head() -> None:
    error = refused(JSON, b'{"Head":{"MsgNo":3001,"Foo":"x","BizVersion":true,"RetryNo":1},"Body":{}}')
    assert [fault.path for fault in error.faults] == ["Head/MsgNo", "Head/Foo", "Head/BizVersion"]


@pytest.mark.parametrize("data", [b"[]", b'"x"', b"null"])
def test_json_that_is_no_object_is_refused(data: bytes) -> None:
    assert refused(JSON, data).result == "10001"


def test_xml_reads_what_it_writes(head: Head) -> None:
    data = XML.encode(BODY, head, {}, "PaymentApplication")
    parsed = XML.decode(data)
    assert parsed.record == BODY
    assert parsed.head == head.as_record()
    assert (parsed.own_type, parsed.root) == ("3001", "PaymentApplication")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<Msg><Head/><Body><X/></Body></Msg>", "xml.namespace"),
        (f'<Msg xmlns="{NAMESPACE}"><Head/><Body><X xmlns="urn:other"/></Body></Msg>', "xml.namespace"),
        (f'<Msg xmlns="{NAMESPACE}"><Body><X/></Body></Msg>', "format.envelope"),
        (f'<Msg xmlns="{NAMESPACE}"><Head/><Body><X/><Y/></Body></Msg>', "format.envelope"),
        (f'<X xmlns="{NAMESPACE}"/>', "format.envelope"),
    ],
)
def test_xml_that_is_not_the_envelope_is_refused(text: str, code: str) -> None:
    assert refused(XML, text.encode()).faults[0].code == code


def test_xml_names_the_field_with_a_forbidden_character(head: Head) -> None:
    with pytest.raises(MessageError) as caught:
        XML.encode({"A": [{"B": "fine"}, {"B": "bell\x07"}]}, head, {}, "X")
    assert caught.value.faults[0].path == "A[2]/B"
    assert caught.value.result == "30008"
