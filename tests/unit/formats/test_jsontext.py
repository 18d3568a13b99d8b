"""The strict door to JSON: what it refuses, exactly, and where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import MessageError
from gateway.formats import read_json, write_json
from gateway.formats.jsontext import MAX_DEPTH, read_exact_json


def refused(data: bytes) -> MessageError:
    with pytest.raises(MessageError) as caught:
        read_json(data)
    return caught.value


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a" : 1, "a":2}',
        '{"a":1,"\\u0061":2}',
        '{"x":[{"k":"v","k":"v"}]}',
        '{"a":":","a":":"}',
        '{"a\\u003a":1,"a:":2}',
        '{"a\\u003A":"\\\\u003a","b":{"c":1,"c":":"}}',
        '{"":1,"":2}',
    ],
)
def test_a_name_that_stands_twice_is_refused_however_it_is_written(text: str) -> None:
    error = refused(text.encode())
    assert error.result == "10001"
    assert error.faults[0].code == "json.duplicate-name"


@pytest.mark.parametrize(
    "text",
    [
        '{"a":":b","b:":"c:d","time":"10:20:30"}',
        '{"a\\u003a":"b"}',
        '{"a":{"a":{"a":[]}}}',
        '[{"a":1},{"a":2}]',
        '"\\u003a"',
        '{"a":"\\"a\\":1"}',
    ],
)
def test_colons_and_equal_names_in_different_objects_are_no_duplicates(text: str) -> None:
    assert read_json(text.encode()) == json.loads(text)


class Pairs(list[tuple[str, Any]]):
    """An object as written: names may repeat."""


NAMES = st.text(alphabet='ab:"\\', max_size=2)
VALUES = st.recursive(
    st.one_of(st.text(alphabet=':"\\a', max_size=3), st.integers(-5, 5), st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(NAMES, inner), max_size=4).map(Pairs),
    ),
    max_leaves=12,
)


def _write(value: Any, escape_colon: bool) -> str:
    def quoted(text: str) -> str:
        written = json.dumps(text)
        return written.replace(":", "\\u003a") if escape_colon else written

    if isinstance(value, Pairs):
        return "{" + ",".join(f"{quoted(k)} :{_write(v, escape_colon)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_write(item, escape_colon) for item in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)


def _repeats(value: Any) -> bool:
    if isinstance(value, Pairs):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(_repeats(item) for _, item in value)
    return isinstance(value, list) and any(map(_repeats, value))


@given(VALUES, st.booleans())
@example(Pairs([("a", ":"), ("a", "")]), True)
def test_duplicates_are_found_exactly(value: Any, escape_colon: bool) -> None:
    text = _write(value, escape_colon)
    if _repeats(value):
        assert refused(text.encode()).faults[0].code == "json.duplicate-name"
    else:
        assert read_json(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "text", ["NaN", '{"a":Infinity}', "[-Infinity]", "1e999", "[1,]", "{'a':1}", "", "{"]
)
def test_what_json_does_not_know_is_refused_with_its_place(text: str) -> None:
    error = refused(text.encode())
    assert error.result == "10001"
    assert error.faults[0].code == "json.malformed"
    assert error.faults[0].line >= 1


def test_a_fault_names_its_line_and_column() -> None:
    fault = refused(b'{"a": 1,\n "b": nope}').faults[0]
    assert (fault.line, fault.column) == (2, 7)


@pytest.mark.parametrize("data", [b'{"a":"\xff"}', '{"a":"中"}'.encode("gbk"), '{"a":1}'.encode("utf-16")])
def test_other_encodings_than_utf8_are_refused(data: bytes) -> None:
    assert refused(data).result == "10004"


def test_a_byte_order_mark_is_ignored() -> None:
    assert read_json(b'\xef\xbb\xbf{"a":"b"}') == {"a": "b"}


def test_depth_is_bounded_and_width_is_not() -> None:
    deep = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert read_json(deep.encode())
    assert refused(b"[" + deep.encode() + b"]").faults[0].code == "json.too-deep"
    assert refused(b'{"a":' * 40 + b"1" + b"}" * 40).faults[0].code == "json.too-deep"
    assert refused(b"[" * 100_000).result == "10001"
    assert len(read_json(b"[" + b"{}," * 500 + b"{}]")) == 501


def test_size_is_bounded_before_reading() -> None:
    assert refused(b" " * (8 * 1024 * 1024 + 1)).result == "10002"


def test_exact_numbers_keep_their_digits() -> None:
    assert read_exact_json(b'{"a":1234.50,"b":12345678901234567890123,"c":"x"}') == {
        "a": "1234.50",
        "b": "12345678901234567890123",
        "c": "x",
    }


def test_writing_is_compact_utf8_in_order() -> None:
    assert write_json({"b": "中", "a": ["1"]}) == '{"b":"中","a":["1"]}'.encode()
