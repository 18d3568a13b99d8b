"""Build, read and the JSON form, for any content of any type."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway import xmltree
from gateway.errors import MessageError
from gateway.message import NAMESPACE, Record
from gateway.standard import Element, Standard
from gateway.standard.generate import Misfit
from gateway.standard.reading import Reader
from tests.unit.standard.material import NUMBERS, ON, each_type, load, places, render

LEGAL = st.characters(
    min_codepoint=9, exclude_categories=["Cs"], exclude_characters="\x0b\x0c\ufffe\uffff"
).filter(lambda letter: letter in "\t\n\r" or letter >= " ")
TEXT = st.one_of(
    st.text(LEGAL, max_size=12), st.sampled_from(["", "&", "<a>", "]]>", "a\r\nb", " x ", "上海", "&amp;"])
)
INTEGER = st.integers(0, 2**31).map(str)


def records(element: Element) -> st.SearchStrategy[Record]:
    """Any content in the shape of the type; values obey no facet."""
    required = {child.name: _many(child) for child in element.children if child.minimum}
    optional = {child.name: _many(child) for child in element.children if not child.minimum}
    return st.fixed_dictionaries(required, optional=optional)


def _many(element: Element) -> st.SearchStrategy[Any]:
    if element.value is not None:
        one: st.SearchStrategy[Any] = INTEGER if element.value.integer else TEXT
    else:
        one = records(element)
    return st.lists(one, min_size=1, max_size=2) if element.repeats else one


ANY = {number: records(load().model(number)) for number in NUMBERS}
few = settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))


@each_type
@few
@given(data=st.data())
def test_what_is_built_is_canonical_and_reads_back_as_it_was_from_xml_and_json(
    number: str, data: st.DataObject
) -> None:
    standard = load()
    record = data.draw(ANY[number])
    body = standard.build(number, record)
    root = etree.fromstring(body)
    assert xmltree.canonical(root) == body
    assert Reader.of(standard.model(number)).read_canonical(body) == record
    assert standard.read(number, body) == standard.read_element(number, root) == record
    name = standard.model(number).name
    plain = render(standard.model(number), record).replace(f"<{name}>", f'<{name} xmlns="{NAMESPACE}">', 1)
    if "\r" not in plain:
        assert xmltree.canonical(etree.fromstring(plain.encode())) == body
    again = standard.from_json(number, json.loads(json.dumps(standard.to_json(number, record))))
    assert again == record and standard.build(number, again) == body
    assert list(again) == [child.name for child in standard.model(number).children if child.name in record]


@each_type
def test_only_counters_are_numbers_in_the_json_form(number: str, standard: Standard) -> None:
    record = standard.sample(number)
    before = json.dumps(record)
    form = standard.to_json(number, record)
    for place, element, _ in places(standard.model(number), record):
        value: Any = form
        for part in place:
            value = value[part]
        if element.value is not None:
            assert type(value) is (int if element.value.integer else str), place
    assert json.dumps(record) == before


@each_type
def test_a_sample_is_valid_and_each_of_its_forms_has_the_same_bytes(number: str, standard: Standard) -> None:
    record = standard.sample(number)
    assert standard.validate(number, record, on=ON) == []
    body = standard.check(number, record, on=ON)
    assert body == standard.build(number, standard.from_json(number, standard.to_json(number, record)))
    assert standard.read(number, body) == record


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("><", ">\n  <"),
        lambda text: text.replace("<Time>", "<Time><!-- now -->").replace("xmlns=", " xmlns="),
        lambda text: '<?xml version="1.0"?>' + text,
        lambda text: text.replace("<Time>", "<t:Time xmlns:t='" + NAMESPACE + "'>").replace(
            "</Time>", "</t:Time>"
        ),
        lambda text: text.replace("2024", "&#50;024"),
        lambda text: text.replace("2024", "<![CDATA[2024]]>"),
    ],
)
def test_other_xml_of_the_same_content_reads_the_same(standard: Standard, change: Any) -> None:
    record = standard.sample("9001")
    body = standard.build("9001", record).decode()
    assert change(body) != body
    with pytest.raises(Misfit):
        Reader.of(standard.model("9001")).read_canonical(change(body).encode())
    assert standard.read("9001", change(body).encode()) == record


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</PayAppNo>", "</PayAppN>"),
        ("</PayAppNo>", "</PayAppNo><PayAppNo>SQ-2</PayAppNo>"),
        ("</PayAppNo>", ""),
        ("<Payees>", "<Payees>x"),
        ("</PaymentApplication>", ""),
        ("</PaymentApplication>", "</PaymentApplication><a>"),
        ("<PayAppNo>", "<PayAppNo>&copy;"),
        ("<PayAppNo>", "<PayAppNo><!-- -->"),
        ("<PayAppNo>", "<Other>1</Other><PayAppNo>"),
        ("<PayAppNo>", '<PayAppNo a="1">'),
    ],
)
def test_the_fast_reader_takes_nothing_but_the_canonical_form(standard: Standard, old: str, new: str) -> None:
    body = standard.build("3001", standard.sample("3001")).decode()
    reader = Reader.of(standard.model("3001"))
    assert reader.read_canonical(body.encode()) == standard.sample("3001")
    with pytest.raises(Misfit):
        reader.read_canonical(body.replace(old, new, 1).encode())


def test_what_is_no_xml_of_the_type_is_refused(standard: Standard) -> None:
    with pytest.raises(MessageError) as caught:
        standard.read("9001", b"<HeartBeat/>")
    assert caught.value.faults[0].code == "standard.other-element"
    with pytest.raises(MessageError) as caught:
        standard.read("9001", b'<HeartBeat xmlns="' + NAMESPACE.encode() + b'"><Time>1</Time>')
    assert caught.value.result == "10001"
    with pytest.raises(MessageError):
        standard.read("9001", b"\xff\xfe")


def test_what_a_sender_adds_stays_in_the_record_and_is_then_refused(standard: Standard) -> None:
    text = (
        f'<HeartBeat xmlns="{NAMESPACE}" a="1">hello<Time b="2">20240618093000123</Time><X>1</X></HeartBeat>'
    )
    record = standard.read("9001", text.encode())
    assert record["@a"] == "1" and record["#text"] == "hello" and record["X"] == "1"
    assert record["Time"] == {"@b": "2", "#text": "20240618093000123"}
    paths = {fault.path: fault.code for fault in standard.validate("9001", record, on=ON)}
    assert paths == {
        "Time": "standard.wrong-shape",
        "@a": "standard.unexpected-element",
        "#text": "standard.unexpected-element",
        "X": "standard.unexpected-element",
    }


def test_white_space_around_a_counter_is_not_part_of_it(standard: Standard) -> None:
    sample = standard.sample("6003")
    text = standard.build("6003", sample).decode().replace("<StatusSeq>", "<StatusSeq>\n ")
    assert standard.read("6003", text.encode()) == sample


SHAPES: list[tuple[str, Any, str]] = [
    ("PeriodNo", "1", "PeriodNo"),
    ("PeriodNo", 1.0, "PeriodNo"),
    ("PeriodNo", True, "PeriodNo"),
    ("PeriodNo", None, "PeriodNo"),
    ("AppAmount", 2860000, "AppAmount"),
    ("AppAmount", float("nan"), "AppAmount"),
    ("AppAmount", ["1.00"], "AppAmount"),
    ("Payees", [], "Payees"),
    ("Payees", {"Payee": {}}, "Payees/Payee"),
    ("Payees", {"Payee": ["x"]}, "Payees/Payee[1]"),
    ("Invoices", "x", "Invoices"),
]


@pytest.mark.parametrize(("name", "value", "path"), SHAPES)
def test_a_wrong_shape_in_json_is_named_beside_what_else_is_wrong(
    standard: Standard, name: str, value: Any, path: str
) -> None:
    form = {**standard.to_json("3001", standard.sample("3001")), name: value, "StYear": "24", "Ap": "x"}
    with pytest.raises(MessageError) as caught:
        standard.from_json("3001", form)
    found = {fault.path: fault.code for fault in caught.value.faults}
    assert found == {
        path: "standard.wrong-shape",
        "StYear": "standard.wrong-pattern",
        "Ap": "standard.unexpected-element",
    }


@pytest.mark.parametrize("data", [[], "x", None, 1, [{}]])
def test_json_that_is_no_object_is_refused(standard: Standard, data: Any) -> None:
    with pytest.raises(MessageError) as caught:
        standard.from_json("3001", data)
    assert [fault.code for fault in caught.value.faults] == ["standard.wrong-shape"]


def test_a_record_of_a_general_xml_reader_finds_its_shape(standard: Standard) -> None:
    sample = standard.sample("5003")
    assert standard.from_elements("5003", sample) == sample
    sample = standard.sample("3001")
    sample["Invoices"]["Invoice"] = sample["Invoices"]["Invoice"][:1]
    lone = {**sample, "Invoices": {"Invoice": sample["Invoices"]["Invoice"][0]}, "PeriodNo": " 1 "}
    assert standard.from_elements("3001", lone) == sample
    with pytest.raises(MessageError):
        standard.from_elements("3001", {**lone, "AppAmount": {"#text": "1"}})
