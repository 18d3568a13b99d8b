"""lxml decides and our own walk explains: on every mutation of every type they must agree.

The mutations are made from the schema's tree; lxml's verdict comes from the type's file, through a
plain walk that shares nothing with the generated builder.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Fault, MessageError
from gateway.message import Record
from gateway.standard import Element
from gateway.standard.model import ValueType, is_misjudged
from tests.unit.standard.material import (
    INSTANCES,
    NUMBERS,
    ON,
    Place,
    changed,
    each_type,
    load,
    lxml_accepts,
    path_of,
    places,
)

LEAF_TRIALS = ("", " ", "~", "0", "-1", "00", "1.5", "abc", "20230230", "|", "\u3000", "é", "１２３４")


@dataclass(frozen=True)
class Mutation:
    """One change of a sample and the one fault that it must bring: its code and path."""

    place: Place
    value: Any
    code: str
    path: str


@cache
def full(number: str) -> Record:
    """The sample."""
    return load().sample(number)


def mutations(number: str) -> Iterator[Mutation]:
    """Every required element dropped, every length exceeded, every pattern broken, lists overfilled."""
    root, record = load().model(number), full(number)
    holders: list[tuple[Place, Element, Any]] = [((), root, record), *places(root, record)]
    for place, element, value in holders:
        for child in element.children:
            if child.minimum:
                here = (*place, child.name)
                yield Mutation(here, ..., "standard.missing-element", path_of(here))
        if not element.children:
            yield from leaf_mutations(place, element, value)
        if place and isinstance(place[-1], int) and place[-1] == 0:
            many = [value] * (element.maximum + 1)
            yield Mutation(place[:-1], many, "standard.too-many", path_of(place[:-1]))


def leaf_mutations(place: Place, element: Element, value: str) -> Iterator[Mutation]:
    kind = element.value
    assert kind is not None
    if kind.max_length is not None and not kind.patterns:
        yield Mutation(place, "长" * (kind.max_length + 1), "standard.too-long", path_of(place))
    if kind.min_length:
        yield Mutation(place, "", "standard.empty", path_of(place))
    if kind.patterns:
        code = "too-short" if kind.min_length > 3 else "wrong-pattern"
        if kind.check in ("date", "datetime"):
            code = "not-a-date"
        elif kind.numeric:
            code = "not-a-number"
        yield Mutation(place, "~!|", f"standard.{code}", path_of(place))
    if kind.max_value is not None:
        code = "wrong-pattern" if len(str(kind.max_value)) < 8 else "out-of-range"
        yield Mutation(place, str(kind.max_value + 1), f"standard.{code}", path_of(place))


@each_type
def test_each_single_mutation_is_refused_by_lxml_and_named_by_us(number: str) -> None:
    standard = load()
    found = list(mutations(number))
    assert found
    for mutation in found:
        if mutation.code == "standard.too-many" and len(mutation.value) > 501:
            continue
        record = changed(full(number), mutation.place, mutation.value)
        assert not lxml_accepts(number, record), mutation
        faults = standard.validate(number, record, on=ON)
        assert (mutation.code, mutation.path) in [(fault.code, fault.path) for fault in faults], mutation
        others = [fault for fault in faults if fault.path != mutation.path]
        assert mutation.code == "standard.too-many" or not others, (mutation, others)
        with pytest.raises(MessageError) as caught:
            standard.check(number, record, on=ON)
        assert list(caught.value.faults) == faults


@each_type
def test_an_unknown_element_at_every_level_is_named(number: str) -> None:
    standard = load()
    record = full(number)
    containers: list[Place] = [()] + [
        place for place, element, _ in places(standard.model(number), record) if element.children
    ]
    for place in containers:
        wrong = changed(record, (*place, "Extra"), "x")
        assert not lxml_accepts(number, wrong)
        with pytest.raises(MessageError) as caught:
            standard.build(number, wrong)
        path = path_of((*place, "Extra"))
        expected = [("standard.unexpected-element", path)]
        assert [(fault.code, fault.path) for fault in caught.value.faults] == expected


@each_type
def test_several_mutations_at_once_are_all_named_in_order(number: str) -> None:
    standard = load()
    record: Any = copy.deepcopy(full(number))
    model = standard.model(number)
    dropped = [child.name for child in model.children if child.minimum and child.value is not None][:2]
    for name in dropped:
        del record[name]
    record["Zzz"], record["Aaa"] = "1", "2"
    faults = standard.validate(number, record, on=ON)
    assert [fault.path for fault in faults] == [*dropped, "Zzz", "Aaa"]


def leaf_types() -> dict[str, tuple[str, Place, ValueType]]:
    """Each simple type once, at a place in some sample."""
    found: dict[str, tuple[str, Place, ValueType]] = {}
    for number in NUMBERS:
        for place, element, _ in places(load().model(number), full(number)):
            if element.value is not None:
                found.setdefault(element.value.name, (number, place, element.value))
    return found


TYPES = leaf_types()


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=INSTANCES // 2, deadline=None)
@given(data=st.data())
def test_any_value_is_judged_alike(name: str, data: st.DataObject) -> None:
    """Near misses too: a value of the pattern with one character changed, dropped or added."""
    number, place, kind = TYPES[name]
    text = data.draw(near(kind))
    record = changed(full(number), place, text)
    mine = [fault for fault in load().validate(number, record, on=ON) if is_xsd(fault)]
    if kind.integer and text != text.strip(" \t\r\n"):
        assert mine  # XSD strips it, the canonical form does not allow it
    elif [fault.code for fault in mine] == ["standard.not-a-date"]:
        assert not (lxml_accepts(number, record) and "calendar" not in mine[0].en)
    elif mine and is_misjudged(kind.pattern_text):
        with pytest.raises(MessageError):
            load().check(number, record, on=ON)
    else:
        assert lxml_accepts(number, record) == (not mine), (text, mine)


def test_the_pattern_of_base64_is_one_that_libxml2_reads_right() -> None:
    number, place, kind = TYPES["Base64"]
    misjudged = "([0-9A-Za-z+/]{4})*([0-9A-Za-z+/]{2}==|[0-9A-Za-z+/]{3}=)?"
    assert is_misjudged(misjudged) and not is_misjudged(kind.pattern_text)
    record = changed(full(number), place, "000000=")
    assert not lxml_accepts(number, record)
    with pytest.raises(MessageError) as caught:
        load().check(number, record, on=ON)
    assert [fault.code for fault in caught.value.faults] == ["standard.wrong-pattern"]


def near(kind: ValueType) -> st.SearchStrategy[str]:
    letters = st.characters(min_codepoint=32, max_codepoint=0x9FFF, exclude_categories=["Cs"])
    free = st.one_of(st.sampled_from(LEAF_TRIALS), st.text(letters, max_size=12))
    if not kind.patterns:
        longest = kind.max_length or 50
        return st.one_of(free, st.integers(max(0, longest - 2), longest + 2).map(lambda size: "文" * size))
    right = st.from_regex(kind.patterns[-1], fullmatch=True, alphabet=letters)
    return st.one_of(free, right, st.builds(_bend, right, st.integers(0, 100), letters, st.integers(0, 2)))


def _bend(text: str, place: int, letter: str, how: int) -> str:
    place = place % (len(text) + 1)
    return text[:place] + ("" if how == 0 else letter) + text[place + (how != 2) :]


def is_xsd(fault: Fault) -> bool:
    """Of the kind that XSD sees, or nearly: a day of the calendar has a rule, its form a pattern."""
    return not fault.rule or fault.rule.startswith("calendar-")


JUNK: list[Any] = [
    "", "x", "0", "1", "2", "9", "99", "20240230", "1.00", "0.00", "上海" * 100, "𠮷", " ", "1\n", "\x01",
    None, 5, [], {}, ["1"], "31", "310103", "12310000425010220N",
]  # fmt: skip


@each_type
def test_the_hot_path_and_the_explanation_agree_on_random_damage(number: str) -> None:
    """The generated functions refuse exactly what the walk has a fault for, and lxml takes the rest."""
    standard, chance = load(), random.Random(int(number))
    for _ in range(40):
        record = copy.deepcopy(full(number))
        for _ in range(chance.randint(1, 4)):
            damage(chance, number, record)
        faults = standard.validate(number, record, on=ON)
        try:
            standard.check(number, record, on=ON)
        except MessageError as error:
            assert list(error.faults) == faults
        else:
            assert not faults and lxml_accepts(number, record), record


def damage(chance: random.Random, number: str, record: Record) -> None:
    try:
        found = list(places(load().model(number), record))
    except TypeError:  # it is so damaged that it cannot be walked: enough
        return
    if not found:
        return
    place, element, value = chance.choice(found)
    holder: Any = record
    for part in place[:-1]:
        holder = holder[part]
    how = chance.random()
    if how < 0.2:
        del holder[place[-1]]
    elif how < 0.3 and isinstance(holder, dict):
        holder["Zz"] = "1"
    elif how < 0.5 and isinstance(value, str) and value:
        at = chance.randrange(len(value))
        holder[place[-1]] = value[:at] + chance.choice("0123456789AXYZ.-; ") + value[at + 1 :]
    elif how < 0.6 and element.codes:
        holder[place[-1]] = chance.choice(sorted(load().codes.get(element.codes).rows))
    else:
        holder[place[-1]] = copy.deepcopy(chance.choice(JUNK))
