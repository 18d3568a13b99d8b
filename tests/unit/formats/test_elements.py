"""Records ⇄ XML, for any record."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import xmltree
from gateway.errors import MessageError
from gateway.formats import elements

NAMES = st.sampled_from(["A", "B", "项目名称", "with-hyphen", "_x", "N1"])
TEXTS = st.one_of(
    st.sampled_from(
        ["", "1234.50", "a&b<c>d", "]]>", 'quote"', "line\nbreak", "tab\there", "cr\rlf\r\n", "　全角"]
    ),
    st.text(
        alphabet=st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=8
    ),
)
ATTRIBUTES = st.dictionaries(NAMES.map("@".__add__), TEXTS, min_size=1, max_size=2)
LEAVES = st.one_of(
    TEXTS,
    st.builds(lambda marks, text: {**marks, "#text": text}, ATTRIBUTES, TEXTS.filter(bool)),
)


def _records(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    repeated = st.lists(inner, min_size=2, max_size=3)
    children = st.dictionaries(NAMES, st.one_of(inner, repeated), min_size=1, max_size=4)
    return st.builds(lambda marks, fields: {**marks, **fields}, st.one_of(st.just({}), ATTRIBUTES), children)


RECORDS = _records(st.recursive(LEAVES, _records, max_leaves=8))


def write(record: Any) -> bytes:
    pieces: list[str] = []
    elements.write_element("Root", record, pieces)
    return elements.encode_text(pieces, "utf-8", record)


@given(RECORDS)
def test_what_is_written_reads_the_same(record: dict[str, Any]) -> None:
    root = xmltree.parse(write(record))
    assert elements.field_reader(root)(root) == record


@given(RECORDS)
def test_the_bytes_beside_the_tree_change_nothing(record: dict[str, Any]) -> None:
    data = write(record)
    root = xmltree.parse(data)
    assert elements.field_reader(root, data)(root) == record


@given(st.lists(st.fixed_dictionaries({"A": TEXTS, "项目名称": TEXTS}), min_size=2, max_size=4))
def test_rows_of_one_shape_are_written_as_each_alone(rows: list[dict[str, str]]) -> None:
    assert write(rows) == b"".join(map(write, rows))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('<?xml version="1.0"?><a><b>x=1</b></a>', {"b": "x=1"}),
        ('<?xml version="1.0"?><a><b c="1"/></a>', {"b": {"@c": "1"}}),
        ('\ufeff<?xml version="1.0"?><a><b>1</b></a>', {"b": "1"}),
        ('<a c="1"><?target ?><b>1</b></a>', {"@c": "1", "b": "1"}),
        ('<a xmlns="urn:x"><b>1</b></a>', {"b": "1"}),
        ("<a><b>1</b></a>", {"b": "1"}),
    ],
)
def test_attributes_are_seen_wherever_they_stand(text: str, found: dict[str, Any]) -> None:
    data = text.encode()
    root = xmltree.parse(data)
    assert elements.field_reader(root, data)(root) == elements.field_reader(root)(root) == found


def read(text: str) -> Any:
    root = xmltree.parse(text.encode())
    return elements.field_reader(root)(root)


def test_repeated_siblings_become_a_list_and_namespaces_are_dropped() -> None:
    record = read('<r xmlns="urn:a" xmlns:b="urn:b"><x>1</x><b:y/><x>2</x><x><z> 3 </z></x></r>')
    assert record == {"x": ["1", "2", {"z": " 3 "}], "y": ""}


def test_two_names_that_become_one_keep_their_order() -> None:
    text = b'<a xmlns:x="u"><x:B>1</x:B><B>2</B><x:B>3</x:B><x:C><B/></x:C></a>'
    root = xmltree.parse(text)
    assert elements.field_reader(root)(root) == {"B": ["1", "2", "3"], "C": {"B": ""}}


def test_attributes_and_text_stand_beside_each_other() -> None:
    assert read('<r v="1"><x u="元">2.00</x><x/></r>') == {
        "@v": "1",
        "x": [{"@u": "元", "#text": "2.00"}, ""],
    }


def test_instance_attributes_are_dropped() -> None:
    xsi = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    assert read(f'<r {xsi} xsi:schemaLocation="a b"><x xsi:nil="true"/></r>') == {"x": ""}


def test_comments_and_cdata_do_not_cut_a_text() -> None:
    assert read("<r><x>a<!-- no -->b<![CDATA[<c>]]></x></r>") == {"x": "ab<c>"}


@pytest.mark.parametrize("text", ["<r>word<x/></r>", "<r><x/>word</r>", '<r><y a="1"/><x><z/>word</x></r>'])
def test_text_beside_elements_is_refused_not_dropped(text: str) -> None:
    with pytest.raises(MessageError) as caught:
        read(text)
    assert caught.value.faults[0].code == "xml.mixed-content"
    assert caught.value.faults[0].line == 1


def test_a_name_that_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="element name"):
        write({"a b": "1"})
    with pytest.raises(ValueError, match="element name"):
        write({"@a><b": "1", "c": "2"})


@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x1f", "\ufffe", "\uffff"])
def test_a_character_that_xml_cannot_hold_is_refused(letter: str) -> None:
    for record in ({"a": f"x{letter}"}, {"b": {"c": "1"}, "a": ["2", f"&{letter}"]}, {"a": {"@k": letter}}):
        with pytest.raises((MessageError, ValueError), match="XML cannot"):
            write(record)


def test_a_leaf_that_is_not_text_is_our_own_fault() -> None:
    with pytest.raises(TypeError):
        write({"a": 1})
