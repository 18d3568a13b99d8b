"""Where a path stands in the sender's bytes."""

from __future__ import annotations

import time

import pytest

from gateway.formats.places import MAX_BYTES, locate

JSON = b"""{"Head": {"MsgNo": "3001"},
 "Body": {"X": "1",
  "Payees": {"Payee": [
    {"A": "1"},
    {"A": "2", "Items": {"Item": [{"N": "1"}, {"N": "2"}]}}]},
  "Z": null, "\\u4e0a": 5, "Empty": []}}"""
XML = """<?xml version="1.0" encoding="GBK"?>
<DES><TITLE><DATA_NO>513</DATA_NO></TITLE>
<CONTEXT><NAME>上海</NAME><CODE kind="97">1</CODE>
  <CODE>2</CODE><LIST><ITEM><N>1</N></ITEM><ITEM><N>2</N></ITEM></LIST></CONTEXT></DES>"""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("X", '"X"'),
        ("Head/MsgNo", '"MsgNo"'),
        ("Payees/Payee[2]/A", '"A": "2"'),
        ("Payees/Payee[2]/Items/Item[2]/N", '"N": "2"'),
        ("Payees/Payee[2]", '{"A": "2"'),
        ("Z", '"Z"'),
        ("上", '"\\u4e0a"'),
    ],
)
def test_a_path_of_json_is_found_at_its_line_and_column(path: str, text: str) -> None:
    before = JSON.decode()[: JSON.decode().index(text)]
    expected = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert locate(JSON, [path]) == {path: expected}


def test_what_is_missing_is_placed_at_the_nearest_element_around() -> None:
    found = locate(JSON, ["Payees/Payee[2]/B", "Payees/Payee[3]", "Nothing"])
    whole = locate(JSON, ["Payees/Payee[2]", "Payees", "Body"])
    assert found["Payees/Payee[2]/B"] == whole["Payees/Payee[2]"]
    assert found["Payees/Payee[3]"] == whole["Payees"]
    assert found["Nothing"] == whole["Body"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("NAME", "<NAME>"),
        ("TITLE/DATA_NO", "<DATA_NO>"),
        ("CODE[2]", "<CODE>2"),
        ("CODE/@kind", "<CODE kind"),
        ("LIST/ITEM[2]/N", "<N>2"),
    ],
)
def test_a_path_of_xml_in_gbk_is_found_in_characters(path: str, text: str) -> None:
    before = XML[: XML.index(text)]
    expected = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert locate(XML.encode("gbk"), [path]) == {path: expected}


def test_no_place_is_told_where_there_are_none() -> None:
    assert locate(b"NAME,CODE\n1,2\n", ["Row[1]/NAME"]) == {}
    assert locate(b"", ["A"]) == {}
    assert locate(b"<a><b/>", ["b"]) == {}
    assert locate(b'{"a": "\xff"}', ["a"]) == {}
    assert locate(b'{"A": "' + b"x" * MAX_BYTES + b'"}', ["A"]) == {}
    assert locate(JSON, [""]) == {}


def test_a_message_of_many_containers_is_looked_through_within_bounds() -> None:
    many = "".join(f'"x{index}": {{"a": 1}}, ' for index in range(50_000))
    data = f'{{"Head": {{}}, "Body": {{{many}"Payees": {{"Payee": [{{"A": 1}}]}}}}}}'.encode()
    started = time.process_time()
    places = locate(data, [f"x{index}" for index in range(64)] + ["Payees/Payee[1]/A"])
    assert time.process_time() - started < 5 and len(set(places.values())) == 65
    started = time.process_time()
    assert len(set(locate(data, [f"z{index}" for index in range(64)]).values())) == 1
    assert time.process_time() - started < 2
