"""A platform's own XML, wrapped and bare, in three encodings, and hostile input."""

from __future__ import annotations

import pytest

from gateway.errors import MessageError
from gateway.formats import formats
from gateway.message import Head

XML = formats.get("xml")
ROW = {"CONTRACT_NAME": "公路养护 <二> & 三", "LINES": {"LINE": [{"@no": "1", "#text": "a"}, "b"]}}


def refused(data: bytes, form: str = "xml") -> MessageError:
    with pytest.raises(MessageError) as caught:
        formats.get(form).decode(data)
    return caught.value


@pytest.mark.parametrize("name", ["xml", "xml-gbk", "xml-gb18030"])
def test_a_wrapped_message_reads_as_it_was_written(name: str, head: Head) -> None:
    form = formats.get(name)
    parsed = form.decode(form.encode(ROW, head, {}, "PURCHASE_CONTRACT"))
    assert parsed.record == ROW
    assert parsed.head == head.as_record()
    assert (parsed.own_type, parsed.root) == ("PURCHASE_CONTRACT", "PURCHASE_CONTRACT")


def test_a_bare_element_is_read_and_written(head: Head) -> None:
    data = formats.get("xml-bare").encode({"STATUS": "1"}, head, {}, "ACK")
    assert data.endswith(b"<ACK><STATUS>1</STATUS></ACK>")
    parsed = XML.decode(data)
    assert (parsed.record, parsed.head, parsed.own_type) == ({"STATUS": "1"}, {}, "ACK")


def test_the_order_of_head_and_data_is_free_and_the_head_may_be_absent() -> None:
    parsed = XML.decode(b"<Message><X><A>1</A></X><Head><OperType>2</OperType><MsgId/></Head></Message>")
    assert (parsed.record, parsed.head) == ({"A": "1"}, {"OperType": "2"})
    assert XML.decode(b"<Message><X><A>1</A></X></Message>").head == {}


def test_the_declared_encoding_counts() -> None:
    text = '<?xml version="1.0" encoding="{}"?><X><A>昇䶮</A></X>'
    assert XML.decode(text.format("GB18030").encode("gb18030")).record == {"A": "昇䶮"}
    assert XML.decode(text.format("UTF-8").encode()).record == {"A": "昇䶮"}
    # Senders that declare GBK do write its superset.
    assert XML.decode(text.format("GBK").encode("gb18030")).record == {"A": "昇䶮"}
    assert XML.decode(b"\xef\xbb\xbf" + text.format("UTF-8").encode()).record == {"A": "昇䶮"}


def test_a_character_outside_gbk_is_named_with_its_field(head: Head) -> None:
    with pytest.raises(MessageError) as caught:
        formats.get("xml-gbk").encode({"A": "好", "B": {"C": ["x", "䶮䶮好"]}}, head, {}, "X")
    fault = caught.value.faults[0]
    assert (fault.result, fault.path, fault.found) == ("30008", "B/C[2]", "䶮")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"no xml",
        b"<Message><X>",
        b"<X/><Y/>",
        b"<X></Y>",
        b'<!DOCTYPE X [<!ENTITY a "b">]><X>&a;</X>',
        b'<!DOCTYPE X SYSTEM "http://127.0.0.1/x.dtd"><X/>',
        b"<X>&undefined;</X>",
        b"<a>" * 40 + b"</a>" * 40,
        b"<a>" * 20_000,
        b"<X>\x00</X>",
    ],
    ids=lambda data: repr(data[:30]),
)
def test_malformed_deep_or_armed_xml_is_refused(data: bytes) -> None:
    assert refused(data).result == "10001"


def test_an_oversized_document_is_refused_before_parsing() -> None:
    assert refused(b"<X>" + b" " * (8 * 1024 * 1024)).result == "10002"


@pytest.mark.parametrize(
    "data",
    [
        "<X>中</X>".encode("gbk"),
        "<X>中</X>".encode("utf-16"),
        '<?xml version="1.0" encoding="Big5"?><X>中</X>'.encode("big5"),
        b'<?xml version="1.0" encoding="GBK"?><X>\xff\xff</X>',
    ],
)
def test_a_wrong_or_unknown_encoding_is_refused(data: bytes) -> None:
    assert refused(data).result == "10004"


@pytest.mark.parametrize(
    "text",
    [
        "<Message/>",
        "<Message><Head/></Message>",
        "<Message><A/><B/></Message>",
        "<Message><Head/><Head/><A/></Message>",
    ],
)
def test_a_wrapper_with_other_than_one_data_element_is_refused(text: str) -> None:
    assert refused(text.encode()).faults[0].code == "format.envelope"


def test_every_wrong_field_of_the_head_is_named() -> None:
    error = refused(b"<Message><Head><Foo>1</Foo><MsgNo>1</MsgNo><MsgNo>2</MsgNo></Head><A/></Message>")
    assert [fault.path for fault in error.faults] == ["Head/Foo", "Head/MsgNo"]
