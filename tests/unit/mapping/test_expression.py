"""The grammar: what is an expression, what is not, and where it goes wrong."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mapping import expression as ex


def shape(node: ex.Node) -> object:
    """The tree without offsets."""
    match node:
        case ex.Text() | ex.Number():
            return node.value
        case ex.Path():
            steps = [
                (step.name, shape(step.selector))
                if step.selector is not None and not isinstance(step.selector, int)
                else (step.name, step.selector)
                if step.selector is not None
                else step.name
                for step in node.steps
            ]
            return (node.start or "path", *steps)
        case ex.Call():
            named = {name: shape(value) for name, value in node.named}
            return (f"{node.name}()", *map(shape, node.arguments), *([named] if named else []))
        case ex.Concat():
            return ("&", *map(shape, node.parts))
        case ex.Compare() | ex.Logic():
            return (node.operator, shape(node.left), shape(node.right))
        case ex.Among():
            return ("in", shape(node.value), *map(shape, node.options))
        case ex.Not():
            return ("not", shape(node.inner))
        case ex.Exists():
            return ("exists", shape(node.inner))


A, B = ("path", "A"), ("path", "B")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("A", A),
        ("A/B", ("path", "A", "B")),
        ("@id", ("path", "@id")),
        ("A/@id", ("path", "A", "@id")),
        ("A[2]/B", ("path", ("A", 2), "B")),
        ('A[Kind = "01"]', ("path", ("A", ("=", ("path", "Kind"), "01")))),
        (".", (".",)),
        ("./A", (".", "A")),
        ("/A/B", ("/", "A", "B")),
        ("$1", ("$1",)),
        ("$12/A", ("$12", "A")),
        ("项目名称/金额-元", ("path", "项目名称", "金额-元")),
        ("`odd name (x)`/B", ("path", "odd name (x)", "B")),
        ("A.B-C", ("path", "A.B-C")),
        ("order/inner/android/nothing", ("path", "order", "inner", "android", "nothing")),
        ('= "0"', "0"),
        ('"a\\"b\\\\c\\d\\n"', 'a"b\\c\\d\n'),
        ("= -12.50", Decimal("-12.50")),
        ("A | trim", ("trim()", A)),
        ('A | cut(3, encoding: "GBK")', ("cut()", A, Decimal(3), {"encoding": "GBK"})),
        ("A | f(B | g)", ("f()", A, ("g()", B))),
        ("f(A, B)", ("f()", A, B)),
        ("f()", ("f()",)),
        ("A & B | upper", ("&", A, ("upper()", B))),
        ("(A & B) | upper", ("upper()", ("&", A, B))),
        ('A | trim = "1"', ("=", ("trim()", A), "1")),
        ('A in (B, "2")', ("in", A, B, "2")),
        ("not A = B and A or B", ("or", ("and", ("not", ("=", A, B)), A), B)),
        ("A or B and A", ("or", A, ("and", B, A))),
        ("exists(A) and not exists(B)", ("and", ("exists", A), ("not", ("exists", B)))),
        ("A >= 5", (">=", A, Decimal(5))),
        ("  A\n  | trim ", ("trim()", A)),
    ],
)
def test_an_expression_is_read_as_it_is_meant(text: str, tree: object) -> None:
    assert shape(ex.parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 0, "too early"),
        ("A |", 3, "too early"),
        ("A |  ", 3, "too early"),
        ("A B", 2, "did not expect 'B'"),
        ("f(A", 3, "too early"),
        ("A[1", 3, "too early"),
        ("f（A）", 1, "write ("),
        ("A，B", 1, "write ,"),
        ("'A'", 0, "double quotes"),
        ('"abc', 0, "closing quote"),
        ("A == B", 3, "equal is written ="),
        ("1A", 1, "did not expect 'A'"),
        ("A | 5", 4, "did not expect '5'"),
        ("= A", 2, "did not expect 'A'"),
        ("A in B", 5, "did not expect 'B'"),
        ("not", 3, "too early"),
        ("A and", 5, "too early"),
        ("f(" * 30 + "A" + ")" * 30, 48, "deeper"),
        ("not " * 400 + "A", 1600, "deeper"),
        ("A" * 3000 + "|f", 0, "longer"),
    ],
)
def test_a_fault_is_told_with_its_offset(text: str, at: int, says: str) -> None:
    with pytest.raises(ex.ExpressionError) as caught:
        ex.parse(text)
    assert says in caught.value.text
    if says != "deeper":
        assert caught.value.at == at


def test_nodes_know_where_they_stand() -> None:
    node = ex.parse('A | code("t") & B')
    assert isinstance(node, ex.Concat)
    call, path = node.parts
    assert isinstance(call, ex.Call)
    assert (call.at, call.arguments[1].at, path.at) == (4, 9, 16)


@given(st.text(alphabet="AB项/@[]()|&=\"'`.$1, :<>!\\\nin", max_size=40))
def test_no_text_does_more_than_raise_an_expression_error(text: str) -> None:
    try:
        ex.parse(text)
    except ex.ExpressionError as error:
        assert 0 <= error.at <= len(text)
