"""The compiled function and the tracer come to the same result, whatever the mapping and the message."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import MessageError
from gateway.formats import formats
from gateway.mapping import Context, Mapping, MappingSet, load_mappings
from gateway.mapping.run import find_cases
from gateway.mapping.running import Gap
from gateway.mapping.values import Wrong
from gateway.standard import Standard
from tests.unit.mapping.conftest import ACK, ACK_FIELDS, FOLDER, ROOT, Checking, Loading

TABLES = """\
tables: {t: {x: "1", "2": "0"}}
let: {l: 'LINES/LINE', n: 'NAMES | split(";")', one: 'l | first', half: 'one/PRICE | amount(unit: SESSION_ID)'}
"""
NOTICE = "message: CommonAck\ndirection: in\nformat: xml\nschema: platforms/test/notice.xsd\nversion: 1\n"
SETTINGS = settings(deadline=None)


def agree(mapping: Mapping, message: Any, context: Context) -> None:
    before = copy.deepcopy(message)
    trace = mapping.trace(message, context)
    refused = trace.faults or (mapping.direction == "out" and trace.gaps)
    try:
        found = mapping.compiled(message, context.head, context.platform, context.origin)
    except (Wrong, Gap):
        found = None
    if found is not None:
        assert found == trace.record
        assert not refused
    if refused:
        with pytest.raises(MessageError):
            mapping.apply(message, context)
    else:
        assert mapping.apply(message, context) == trace.record
    assert message == before


# Expressions at random, over names that the message has

NAMES = ["USER_ID", "SESSION_ID", "NAMES", "BUYER/NAME", "BUYER/@kind", "LINES/LINE[1]/NO", "/USER_ID"]
LOOSE = ["head/MsgNo", "platform/A", "platform/B/C", "origin/X", "origin/X/Y", "position()"]
LOOSE += ["one/NO", "half"]
LISTS = [
    *("LINES/LINE/NO", "LINES/LINE/PRICE", "LINES/LINE/TAG", "LINES/LINE/NOTE", "LINES/LINE/NOTE/@lang", "n"),
    *("l/NO", "LINES/LINE[PRICE > 1]/NO", 'LINES/LINE[NO = "x" or exists(TAG)]/TAG', "l[2]/TAG"),
]
TEXT_PIPES = ["trim", "upper", "substring(2)", "cut(1)", 'cut(3, encoding: "GBK")', "fit(3)", 'code("t")',
              'code("t", else: NAMES)', 'code("t", else: "z", reverse: true)', "pad(3)", 'replace("x", "yy")',
              "digits", 'date("yyyyMMdd")']  # fmt: skip
NUMBER_PIPES = [
    "fixed(1)",
    "round(0)",
    "amount",
    "amount(unit: SESSION_ID)",
    "add(1)",
    "mul(NAMES)",
    "div(NAMES)",
]
texts: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(NAMES + LOOSE),
        st.sampled_from(['"x"', '"2"', '""', "5", "2.50"]),
        st.tuples(texts, st.sampled_from(TEXT_PIPES)).map(" | ".join),
        st.tuples(numbers, st.just("fixed(2)")).map(" | ".join),
        st.tuples(texts, texts).map(lambda two: f"{two[0]} | default({two[1]})"),
        st.tuples(texts, texts).map(lambda two: f"({two[0]} & {two[1]})"),
        st.tuples(tests, texts, texts).map(lambda three: f"if({', '.join(three)})"),
        st.tuples(tests, texts).map(lambda two: f"if({', '.join(two)})"),
        st.tuples(lists, st.sampled_from(["first", "only", 'join("-")'])).map(" | ".join),
    )
)
numbers: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.tuples(texts, st.sampled_from(NUMBER_PIPES[1:2] + NUMBER_PIPES[4:5])).map(" | ".join),
        lists.map(lambda one: f"count({one})"),
        lists.map(lambda one: f"{one} | sum"),
    )
)
lists: st.SearchStrategy[str] = st.one_of(
    st.sampled_from(LISTS), st.sampled_from(NAMES).map(lambda one: f'{one} | split(";")')
)
tests: st.SearchStrategy[str] = st.deferred(
    lambda: st.one_of(
        st.tuples(texts, st.sampled_from(["=", "!=", "<", ">="]), texts).map(" ".join),
        st.tuples(texts, texts, texts).map(lambda three: f"{three[0]} in ({three[1]}, {three[2]})"),
        texts.map(lambda one: f"exists({one})"),
        lists.map(lambda one: f"exists({one})"),
        texts.map(lambda one: f'matches({one}, "[0-9]+")'),
        tests.map(lambda one: f"not ({one})"),
        st.tuples(tests, st.sampled_from(["and", "or"]), tests).map(lambda three: f"({' '.join(three)})"),
    )
)

# Messages: mostly what the schema promises, and now and then something else

leaf = st.sampled_from(["", "x", "2", "1.50", "x;2", " y ", "上海", "20240408"])
odd = st.one_of(
    st.none(), leaf, st.lists(leaf, max_size=2), st.just({"@kind": "k"}), st.just({"#text": "t", "@lang": "zh"}),
    st.just({"A": "b"}), st.just([]), st.just({}),
)  # fmt: skip
text_value = st.one_of(leaf, leaf, leaf, odd)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


line = st.one_of(
    some(NO=text_value, PRICE=text_value, TAG=st.one_of(leaf, st.lists(leaf, max_size=3)), NOTE=odd), odd
)
messages = some(
    USER_ID=text_value,
    SESSION_ID=text_value,
    NAMES=text_value,
    CODES=text_value,
    BUYER=st.one_of(some(NAME=text_value, CODE=text_value), odd),
    LINES=st.one_of(some(LINE=st.one_of(line, st.lists(line, max_size=3))), odd),
)
contexts = st.builds(
    Context,
    some(MsgNo=leaf),
    some(A=leaf, B=odd),
    st.one_of(st.none(), some(X=odd)),
)


_ROOTED = re.compile(r"(?<![\w/@$])(USER_ID|SESSION_ID|NAMES|BUYER|LINES)")


@SETTINGS
@given(
    form=st.sampled_from([NOTICE, ACK]),
    expression=texts,
    condition=st.one_of(st.just("exists(USER_ID) or not exists(USER_ID)"), tests),
    message=messages,
    context=contexts,
    keep=st.booleans(),
)
def test_any_expression(
    form: str,
    expression: str,
    condition: str,
    message: dict[str, Any],
    context: Context,
    keep: bool,
    check: Checking,
) -> None:
    quoted, test = expression.replace("'", "''"), condition.replace("'", "''")
    field = (
        f"  AddWord: {{from: '({quoted}) | cut(2000)', when: '{test}'{', empty: keep' if keep else ''}}}\n"
    )
    rooted = _ROOTED.sub(r"/\1", quoted)
    items = (
        "  Errors/Error:\n    each: LINES/LINE\n    fields:\n      Code: NO\n"
        f"      Path: '({rooted}) | cut(300)'\n      Text: position()\n"
    )
    before = TABLES if form == NOTICE else TABLES.replace("'LINES/LINE'", "'LINES/LINE[1]'")
    text = f"{form}{before}fields:\n{ACK_FIELDS}{field}"
    for one in (text, text + items):
        checked = check(one, "CommonAck.in.yaml")
        if checked.plan is not None:
            agree(Mapping(FOLDER / "CommonAck.in.yaml", checked), message, context)


RICH = (
    NOTICE
    + TABLES
    + """\
fields:
  OriMsgNo:  USER_ID | default(SESSION_ID)
  OriMsgId:  {from: 'BUYER/NAME & "-" & BUYER/CODE', absent: refuse}
  Result:    {from: 'if(exists(BUYER/@kind), BUYER/@kind, l/PRICE | sum)', absent: refuse}
  AddWord:   {from: NAMES | cut(2000), empty: keep, when: 'count(l/TAG) > 1 or CODES != "x"'}
  Duplicate: {from: 'CODES | code("t", else: "0")', absent: refuse}
  Errors/Error:
    each: LINES/LINE[NO != "2"]
    when: not matches(USER_ID, "[0-9]")
    fields:
      Code: 'if(position() = 1, /USER_ID, NO)'
      Path: {from: NOTE/@lang | default(NOTE) | cut(300), absent: refuse}
      Text: TAG | join(",") | cut(500)
"""
)
PAIRS = (
    ACK
    + """\
fields:
  OriMsgNo:  LINES/LINE/NO | first
  OriMsgId:  BUYER/NAME
  Result:    BUYER | default(LINES) | only
  Duplicate: USER_ID
  Errors/Error:
    each: zip(NAMES | split(";"), CODES | split(";"), LINES/LINE | only | split("x"))
    fields: {Code: $1 | trim, Path: $2, Text: $3}
"""
)
OUT = """\
message: LogoutNotice
direction: out
format: xml
schema: platforms/test/notice.xsd
version: 1
fields:
  USER_ID: origin/X | default(UserId)
  ACTION: Action
  ACTION_TIME: ActionTime | fixed(1)
  BUYER: {fields: {NAME: SessionId, CODE: head/MsgNo, '@kind': platform/A}}
  LINES/LINE:
    each: 'SessionId | split(";")'
    fields:
      NO: '. & position()'
      PRICE: {from: /Action, when: '. = "x"'}
      NOTE: platform/A
      NOTE/@lang: .
"""


@SETTINGS
@given(message=messages, context=contexts)
def test_a_mapping_with_everything(message: dict[str, Any], context: Context, load: Loading) -> None:
    agree(load(RICH), message, context)


@SETTINGS
@given(message=messages, context=contexts)
def test_a_mapping_without_a_schema(message: dict[str, Any], context: Context, load: Loading) -> None:
    agree(
        load(
            PAIRS.replace(
                "Result:    BUYER | default(LINES) | only", "Result:    BUYER/NAME | default(LINES)"
            )
        ),
        message,
        context,
    )


@SETTINGS
@given(
    message=some(UserId=text_value, Action=text_value, ActionTime=text_value, SessionId=text_value),
    context=contexts,
)
def test_an_outgoing_mapping(message: dict[str, Any], context: Context, load: Loading) -> None:
    agree(load(OUT, "LogoutNotice.out.yaml"), message, context)


# The repository's own mappings, on the standard's samples with something broken in them


@pytest.fixture(scope="module")
def repository(standard: Standard) -> MappingSet:
    return load_mappings(ROOT / "mappings", standard)


@SETTINGS
@given(data=st.data())
def test_the_mappings_of_the_repository(
    data: st.DataObject, repository: MappingSet, standard: Standard
) -> None:
    mapping = data.draw(st.sampled_from(list(repository)))
    message = standard.sample(mapping.number)
    if mapping.direction == "in":
        case = data.draw(st.sampled_from(find_cases(mapping)))
        message = formats.get(mapping.format).decode(case.input.read_bytes()).record
    for _ in range(data.draw(st.integers(0, 3))):
        spoil(message, data)
    head = {
        "MsgNo": mapping.number,
        "IdemKey": "ab" * 32,
        "SendTime": "20240408170000000",
        "WorkDate": "20240408",
    }
    agree(
        mapping,
        message,
        Context(head, data.draw(some(AdmDivCode=leaf, PlatformCode=leaf, SystemNo=leaf)), None),
    )


def spoil(record: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(record)))
    value = record[name]
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict) and value and data.draw(st.booleans()):
        spoil(value, data)
    else:
        record[name] = copy.deepcopy(data.draw(odd))
        if record[name] is None:
            del record[name]
    if not record:
        record["X"] = ""


def test_the_source_holds_no_text_of_the_file_but_as_literals(load: Loading) -> None:
    """A name or constant cannot become code."""
    evil = "x'); import os; ('"
    mapping = load(
        f"{ACK}fields:\n{ACK_FIELDS}  AddWord: 'head/MsgNo & \"{evil.replace(chr(39), chr(39) * 2)}\" & `{evil.replace(chr(39), chr(39) * 2)}`'\n"
    )
    assert mapping.apply({evil: "y"}, Context({"MsgNo": "1"}))["AddWord"] == f"1{evil}y"
