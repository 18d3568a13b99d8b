"""Every function: its documented example is run; its edges are tried."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.errors import MessageError
from gateway.mapping.functions import functions
from gateway.mapping.texts import check_pattern
from tests.unit.mapping.conftest import Evaluating

TABLES = 'tables: {unit: {元: "0", 万元: "1"}}\n'


@pytest.mark.parametrize("name", [name for name in functions if name != "position"])  # counts items: see each
def test_the_example_of_each_function_holds(name: str, evaluate: Evaluating) -> None:
    expression, record, result = functions.get(name).example
    assert (
        evaluate(expression, record, before=TABLES if "unit" in expression and name == "code" else "")
        == result
    )


@pytest.mark.parametrize("name", list(functions))
def test_each_function_is_described_in_both_languages(name: str) -> None:
    function = functions.get(name)
    assert function.en
    assert function.zh


@pytest.mark.parametrize(
    ("expression", "record", "result"),
    [
        ("A | amount(unit: U)", {"A": "12.3456", "U": "1"}, "123456.00"),
        ("A | amount(unit: U)", {"A": "12.30", "U": "0"}, "12.30"),
        ("A | amount", {"A": "5"}, "5.00"),
        ("A | amount(unit: U)", {"A": "-0.00001", "U": "1"}, "-0.10"),
        ("A | amount", {"A": "-0"}, "0.00"),
        ("A | fixed(0)", {"A": "7.00"}, "7"),
        ('A | round(0, mode: "half-even")', {"A": "2.5"}, "2"),
        ('A | round(0, mode: "down")', {"A": "-2.9"}, "-2"),
        ("A | add(B) | mul(C) | fixed(2)", {"A": "0.1", "B": "0.2", "C": "3"}, "0.90"),
        ("A | div(B)", {"A": "1", "B": "8"}, "0.125"),
        ("A | sub(B)", {"A": "9" * 30 + ".01", "B": "0.01"}, "9" * 30 + ".00"),
        ('A | cut(5, encoding: "UTF-8")', {"A": "a上海"}, "a上"),
        ('A | cut(5, encoding: "GB18030")', {"A": "a𠮷b"}, "a𠮷"),
        ('A | cut(4, encoding: "GB18030")', {"A": "a𠮷b"}, "a"),
        ("A | cut(2)", {"A": "上海市"}, "上海"),
        ("A | fit(3)", {"A": "上海市"}, "上海市"),
        ("A | substring(3)", {"A": "上海市民"}, "市民"),
        ("A | substring(9, 2)", {"A": "上海"}, None),
        ('A | pad(5, with: "*", side: "right")', {"A": "ab"}, "ab***"),
        ('A | split(";") | join("、")', {"A": "x;;y"}, "x、y"),
        ('A | split(";") | first', {"A": "x;y"}, "x"),
        ('A | date("yyyy年MM月dd日")', {"A": "2024年02月29日"}, "20240229"),
        ('A | date("yyyyMMdd", to: "yyyy-MM-dd")', {"A": "20240229"}, "2024-02-29"),
        (
            'A | datetime("yyyyMMddHHmmss", to: "yyyyMMddHHmmssSSS")',
            {"A": "20240408170000"},
            "20240408170000000",
        ),
        ('A | datetime("yyyy-MM-ddTHH:mm:ssXXX")', {"A": "2024-04-08T23:00:00+01:00"}, "20240409060000"),
        ('A | datetime("yyyy-MM-dd HH:mm")', {"A": "2024-04-08 09:05"}, "20240408090500"),
        ('A | code("unit", reverse: true)', {"A": "1"}, "万元"),
        ('A | code("unit", else: "9")', {"A": "角"}, "9"),
        ('A | code("unit", else: B)', {"A": "角", "B": "5"}, "5"),
        ('A | code("currency", to: "parent")', {"A": "156"}, "CNY"),
        ('A | code("price-unit", reverse: true)', {"A": "万元"}, "1"),
        ('A | code("price-form")', {"A": "1"}, "1"),
        ("count(A)", {}, "0"),
        ("A | sum", {}, None),
        ("A/B | sum", {"A": [{"B": "1.10"}, {}, {"B": "2"}]}, "3.10"),
        ("A[2]", {"A": ["x", "y"]}, "y"),
        ("A[5]", {"A": ["x", "y"]}, None),
        ('A[K = "2"]/V | only', {"A": [{"K": "1", "V": "x"}, {"K": "2", "V": "y"}]}, "y"),
        ('A[K = "2"]/V | only', {"A": {"K": "2", "V": "y"}}, "y"),
    ],
)
def test_functions_at_their_edges(
    expression: str, record: dict[str, Any], result: str | None, evaluate: Evaluating
) -> None:
    assert evaluate(expression, record, before=TABLES if '"unit"' in expression else "") == result


@pytest.mark.parametrize(
    ("expression", "record", "code", "place"),
    [
        ("A | amount(unit: U)", {"A": "1", "U": "2"}, "mapping.unknown-unit", "U"),
        ("A | amount(unit: U)", {"A": "1"}, "mapping.missing-argument", "U"),
        ("A | amount", {"A": "1.005"}, "mapping.not-exact", "A"),
        ("A | amount", {"A": "1e5"}, "mapping.not-a-number", "A"),
        ("A | amount", {"A": "NaN"}, "mapping.not-a-number", "A"),
        ("A | amount", {"A": "１２"}, "mapping.not-a-number", "A"),
        ("A | fixed(2)", {"A": "1,000"}, "mapping.not-a-number", "A"),
        ("A | div(3)", {"A": "1"}, "mapping.not-exact", "A"),
        ("A | div(B)", {"A": "1", "B": "0"}, "mapping.division-by-zero", "B"),
        ("A | add(B)", {"A": "1", "B": "x"}, "mapping.not-a-number", "B"),
        ('A | fit(5, encoding: "GBK")', {"A": "上海市"}, "mapping.too-long", "A"),
        ('A | fit(9, encoding: "GBK")', {"A": "𠮷"}, "mapping.outside-encoding", "A"),
        ('A | date("yyyyMMdd")', {"A": "20230229"}, "mapping.not-a-date", "A"),
        ('A | date("yyyyMMdd")', {"A": "2023-02-28"}, "mapping.not-a-date", "A"),
        ('A | code("unit")', {"A": "角"}, "mapping.unknown-code", "A"),
        ('A | code("unit", else: B)', {"A": "角"}, "mapping.unknown-code", "A"),
        ('A | split(";") | only', {"A": "x;y"}, "mapping.several-values", "A"),
        ("A", {"A": ["x", "y"]}, "mapping.several-values", "A"),
        ("A", {"A": {"B": "x"}}, "mapping.not-a-text", "A"),
        ("A/B", {"A": "x"}, "mapping.not-a-record", "A"),
        ('if(matches(A, "[0-9]*"), "1", "0")', {"A": "1" * 501}, "mapping.too-large", "A"),
        ('zip(A | split(";"), B | split(";")) | count', {"A": "x;y", "B": "1"}, "mapping.zip-length", "A"),
        ("A/B | sum", {"A": [{"B": "1"}, {"B": "x"}]}, "mapping.not-a-number", "A/B[2]"),
    ],
)
def test_a_value_that_does_not_fit_is_a_fault_at_its_place(
    expression: str, record: dict[str, Any], code: str, place: str, evaluate: Evaluating
) -> None:
    with pytest.raises(MessageError) as caught:
        evaluate(expression, record, before=TABLES if '"unit"' in expression else "")
    assert [(one.code, one.source_path, one.path) for one in caught.value.faults if one.code == code] == [
        (code, place, "AddWord")
    ]


@pytest.mark.parametrize(
    "pattern", ["[0-9A-HJ-NPQRTUWXY]{18}", r"\d+(\.\d+)?", "a|b", r"[^;]*", "(?:ab)c?", r"\(x\)+"]
)
def test_a_harmless_pattern_is_taken(pattern: str) -> None:
    check_pattern(pattern)


@pytest.mark.parametrize(
    "pattern", ["(a+)+", "(a|b)*", r"(a)\1", "(?=a)", "[a", "a*b*c*", "a{0,99}b{0,99}c{0,99}", "(?P<x>a)"]
)
def test_a_pattern_that_could_take_for_ever_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        check_pattern(pattern)
