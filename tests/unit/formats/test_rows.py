"""JSON objects, CSV and fixed width."""

from __future__ import annotations

import pytest

from gateway.errors import MessageError
from gateway.formats import formats
from gateway.message import Head

ROWS = {"Row": [{"编号": "1", "NAME": '逗,号"引'}, {"编号": "2", "NAME": ""}]}
LAYOUT = "NO:4,NAME:8,AMOUNT:10>"


def refused(name: str, data: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        formats.get(name).decode(data)
    return caught.value


def test_json_leaves_become_text_with_their_digits(head: Head) -> None:
    form = formats.get("json")
    parsed = form.decode(b'{"STATUS":1,"AMOUNT":12.50,"OK":true,"NONE":null,"L":[1,null,{"a":-0}],"O":{}}')
    assert parsed.record == {"STATUS": "1", "AMOUNT": "12.50", "OK": "true", "L": ["1", {"a": "-0"}], "O": {}}
    assert form.encode({"STATUS": "-1", "MSG": "错"}, head, {}, "") == '{"STATUS":"-1","MSG":"错"}'.encode()


def test_json_that_is_no_object_is_refused() -> None:
    assert refused("json", b"[]").result == "10001"


@pytest.mark.parametrize("name", ["csv", "csv-gbk"])
def test_csv_reads_as_it_was_written(name: str, head: Head) -> None:
    form = formats.get(name)
    assert form.decode(form.encode(ROWS, head, {}, "")).record == ROWS


@pytest.mark.parametrize(
    "data", [b"", b"a,a\r\n1,2\r\n", b"a,b\r\n1\r\n", b'a,b\r\n"1,2\r\n', b'a\r\n"1', b"a,\r\n1,2\r\n"]
)
def test_broken_csv_is_refused_with_its_line(data: bytes) -> None:
    error = refused("csv", data)
    assert error.result == "10001"
    assert error.faults[0].line >= 1


def test_fixed_width_counts_bytes(head: Head) -> None:
    form = formats.get("fixed")
    record = {"Row": [{"NO": "1", "NAME": "上海", "AMOUNT": "12.50"}, {"NO": "22", "NAME": "", "AMOUNT": ""}]}
    data = form.encode(record, head, {"Layout": LAYOUT}, "")
    assert data.splitlines()[1] == "1   上海         12.50".encode("gb18030")
    assert form.decode(data).record == record


def test_fixed_width_names_every_value_that_does_not_fit(head: Head) -> None:
    record = {"Row": [{"NO": "12345", "NAME": "上海公路养护"}, {"NO": "1\n2"}]}
    with pytest.raises(MessageError) as caught:
        formats.get("fixed").encode(record, head, {"Layout": LAYOUT}, "")
    assert [fault.path for fault in caught.value.faults] == ["Row[1]/NO", "Row[1]/NAME", "Row[2]/NO"]


@pytest.mark.parametrize(
    "data", [b"", b"NO:x\n", b"NO:4,NO:4\n", b"NO:4\n12345\n", b"NO:4\n\xff\xff\xff\xff\n"]
)
def test_broken_fixed_width_is_refused(data: bytes) -> None:
    assert refused("fixed", data).result in ("10001", "10004")


def test_a_character_outside_the_encoding_is_named(head: Head) -> None:
    with pytest.raises(MessageError) as caught:
        formats.get("csv-gbk").encode({"Row": [{"A": "䶮"}]}, head, {}, "")
    assert caught.value.faults[0].path == "Row[1]/A"
