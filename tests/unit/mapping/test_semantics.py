"""What a mapping means: absent values, conditions, lists, records, attributes, fragments, what lies outside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.errors import MessageError
from gateway.mapping import Context, Mapping, load_mapping
from gateway.standard import Standard
from tests.unit.mapping.conftest import ACK, ACK_FIELDS, Evaluating, Loading

CONTEXT = Context({"MsgNo": "3001"}, {"Code": "GW"}, {"TrackingId": "T1"})


@pytest.mark.parametrize(
    ("expression", "record", "result"),
    [
        # absent
        ("A", {}, None),
        ("A", {"A": ""}, None),
        ("A | trim", {"A": "  "}, None),
        ("A | upper | cut(3)", {}, None),
        ('A | default("x")', {}, "x"),
        ('A | default("x")', {"A": ""}, "x"),
        ("A | default(B) | default(C)", {"C": "c"}, "c"),
        ('A | trim | default("x")', {"A": " "}, "x"),
        ('A & "-" & B', {"A": "1"}, None),
        ('A & "-" & B', {"A": "1", "B": "2"}, "1-2"),
        ('if(A = "", "yes", "no")', {"A": ""}, "no"),
        ('if(A = B, "yes", "no")', {}, "no"),
        ('if(A != "x", "yes", "no")', {}, "yes"),
        ('if(A < 5, "yes", "no")', {}, "no"),
        ('if(not A < 5, "yes", "no")', {}, "yes"),
        ('if(A in ("x", B), "yes", "no")', {}, "no"),
        ('if(exists(A), "yes", "no")', {"A": ""}, "no"),
        ('if(exists(A/B), "yes", "no")', {"A": [{}, {"B": "x"}]}, "yes"),
        ('if(matches(A, ".*"), "yes", "no")', {}, "no"),
        ('if(A = "1", B)', {"A": "2", "B": "b"}, None),
        # conditions
        ('if(A = "1" and B = "2" or C = "3", "yes", "no")', {"C": "3"}, "yes"),
        ('if(A = "1" and (B = "2" or C = "3"), "yes", "no")', {"C": "3"}, "no"),
        ('if(A = 1, "yes", "no")', {"A": "1.0"}, "yes"),
        ('if(A = "1", "yes", "no")', {"A": "1.0"}, "no"),
        ('if(A > B, "yes", "no")', {"A": "10", "B": "9"}, "yes"),
        ('if(A | sub(B) = 0, "yes", "no")', {"A": "10.0", "B": "10"}, "yes"),
        # what is beside the message
        ("head/MsgNo", {}, "3001"),
        ("head/MsgId", {}, None),
        ("platform/Code", {}, "GW"),
        ("platform/Other | default(head/MsgNo)", {}, "3001"),
        ("origin/TrackingId", {}, "T1"),
        ("head", {"head": "x"}, "x"),
        ("./head/MsgNo", {"head": {"MsgNo": "own"}}, "own"),
        # names
        ("项目名称/金额-元", {"项目名称": {"金额-元": "5"}}, "5"),
        ("`a b (c)`/`d/e`", {"a b (c)": {"d/e": "x"}}, "x"),
        ("A/@id", {"A": {"@id": "7", "#text": "x"}}, "7"),
        ("A", {"A": {"@id": "7", "#text": "x"}}, "x"),
        ("A", {"A": {"@id": "7"}}, None),
    ],
)
def test_expressions(
    expression: str, record: dict[str, Any], result: str | None, evaluate: Evaluating
) -> None:
    context = {"head": CONTEXT.head, "platform": CONTEXT.platform, "origin": CONTEXT.origin}
    assert evaluate(expression, record, **context) == result


def errors(lines: str, load: Loading, before: str = "") -> Mapping:
    return load(f"{ACK}{before}fields:\n{ACK_FIELDS}{lines}")


def run(mapping: Mapping, record: dict[str, Any]) -> Any:
    found = mapping.apply(record, CONTEXT)
    trace = mapping.trace(record, CONTEXT)
    assert (trace.record, trace.faults) == (found, [])
    return {name: value for name, value in found.items() if name in ("AddWord", "Errors")}


def test_without_an_origin_its_fields_are_absent(load: Loading) -> None:
    mapping = errors("  AddWord: origin/TrackingId\n", load)
    assert "AddWord" not in mapping.apply({}, Context())


def test_empty_text_is_kept_only_where_the_field_says_so(load: Loading) -> None:
    kept = errors("  AddWord: {from: A | trim, empty: keep}\n", load)
    assert run(kept, {"A": " "}) == {"AddWord": ""}
    assert run(kept, {"A": ""}) == {"AddWord": ""}
    assert run(kept, {}) == {}


def test_when_leaves_a_field_out(load: Loading) -> None:
    mapping = errors('  AddWord: {from: A, when: B = "1"}\n', load)
    assert run(mapping, {"A": "x", "B": "1"}) == {"AddWord": "x"}
    assert run(mapping, {"A": "x", "B": "2"}) == {}


LISTED = """\
  Errors/Error:
    each: Lines/Line
    fields:
      Code: No
      Path: position() & "/" & /Name
      Text: ./Tag | first | default(Other)
"""


def test_each_walks_over_one_or_many_and_writes_nothing_for_none(load: Loading) -> None:
    mapping = errors(LISTED, load)
    assert run(mapping, {"Name": "n", "Lines": {"Line": {"No": "1", "Tag": "a"}}}) == {
        "Errors": {"Error": [{"Code": "1", "Path": "1/n", "Text": "a"}]}
    }
    many = {
        "Name": "n",
        "Lines": {"Line": [{"No": "1", "Tag": ["a", "b"]}, {"No": "2", "Tag": "", "Other": "i"}]},
    }
    assert run(mapping, many) == {
        "Errors": {
            "Error": [{"Code": "1", "Path": "1/n", "Text": "a"}, {"Code": "2", "Path": "2/n", "Text": "i"}]
        }
    }
    assert run(mapping, {"Name": "n", "Lines": {}}) == {}
    assert run(mapping, {"Name": "n", "Lines": ""}) == {}


def test_zip_pairs_in_step_and_refuses_what_does_not_pair(load: Loading) -> None:
    mapping = errors(
        "  Errors/Error:\n"
        '    each: zip(A | split(";"), B | split(";"))\n'
        "    when: exists(A)\n"
        "    fields: {Code: $2, Path: $1, Text: $1 & $2}\n",
        load,
    )
    assert run(mapping, {"A": "x;y", "B": "1;2"}) == {
        "Errors": {
            "Error": [{"Code": "1", "Path": "x", "Text": "x1"}, {"Code": "2", "Path": "y", "Text": "y2"}]
        }
    }
    with pytest.raises(MessageError) as caught:
        mapping.apply({"A": "x;y", "B": "1"}, CONTEXT)
    (fault,) = caught.value.faults
    assert (fault.code, fault.path, fault.source_path) == ("mapping.zip-length", "Errors/Error", "A")
    assert "A 2, B 1" in fault.en


def test_each_of_the_current_record_makes_one_item(load: Loading) -> None:
    mapping = errors("  Errors/Error: {each: 'A[1]', fields: {Code: B, Path: B, Text: B}}\n", load)
    assert run(mapping, {"A": {"B": "b"}}) == {"Errors": {"Error": [{"Code": "b", "Path": "b", "Text": "b"}]}}


def test_let_is_computed_once_and_read_like_a_field(load: Loading) -> None:
    before = 'let:\n  line: Lines/Line[Kind = "2"] | only\n  name: line/No | pad(3)\n'
    mapping = errors("  AddWord: name & line/No\n", load, before)
    record = {"Lines": {"Line": [{"Kind": "1", "No": "7"}, {"Kind": "2", "No": "8"}]}}
    assert run(mapping, record) == {"AddWord": "0088"}
    assert run(mapping, {}) == {}


def test_a_fault_in_let_is_told_once(load: Loading) -> None:
    before = "let: {line: Line | only}\n"
    mapping = errors(
        "  AddWord: line/A\n  Errors/Error: {each: line/B, fields: {Code: C, Path: C, Text: C}}\n",
        load,
        before,
    )
    with pytest.raises(MessageError) as caught:
        mapping.apply({"Line": [{"A": "1"}, {"A": "2"}]}, CONTEXT)
    assert [fault.code for fault in caught.value.faults] == ["mapping.several-values"]


NOTICE = """\
message: LogoutNotice
direction: out
format: xml
schema: platforms/test/notice.xsd
version: 1
fields:
"""


def notice(lines: str, load: Loading) -> Mapping:
    return load(NOTICE + lines, "LogoutNotice.out.yaml")


FIXED = """\
  ACTION: Action
  USER_ID: UserId
  ACTION_TIME: ActionTime
"""
LOGOUT = {"UserId": "u", "Action": "1", "ActionTime": "t", "SessionId": "s"}


def test_the_result_has_the_order_of_the_targets_schema(load: Loading) -> None:
    mapping = notice(
        '  LINES/LINE: {each: ., fields: {NOTE/@lang: = "zh", NOTE: SessionId, NO: UserId}}\n' + FIXED, load
    )
    found = mapping.apply(LOGOUT, CONTEXT)
    assert list(found) == ["USER_ID", "ACTION", "ACTION_TIME", "LINES"]
    assert found["LINES"] == {"LINE": [{"NO": "u", "NOTE": {"#text": "s", "@lang": "zh"}}]}
    assert list(found["LINES"]["LINE"][0]) == ["NO", "NOTE"]


def test_a_repeatable_target_is_always_a_list(load: Loading) -> None:
    mapping = notice("  LINES/LINE/NO: UserId\n  LINES/LINE/TAG: SessionId\n" + FIXED, load)
    assert mapping.apply(LOGOUT, CONTEXT)["LINES"] == {"LINE": [{"NO": "u", "TAG": ["s"]}]}


def test_an_empty_record_is_left_out_and_lacks_nothing(load: Loading) -> None:
    mapping = notice("  BUYER: {fields: {NAME: head/MsgId, CODE: head/BizKey}}\n" + FIXED, load)
    assert "BUYER" not in mapping.apply(LOGOUT, CONTEXT)
    with pytest.raises(MessageError) as caught:
        mapping.apply(LOGOUT, Context({"BizKey": "x"}))
    (fault,) = caught.value.faults
    assert (fault.code, fault.path) == ("mapping.missing-value", "head/MsgId")
    assert "BUYER/NAME" in fault.en


def test_an_outgoing_message_that_lacks_something_is_refused_with_all_of_it(load: Loading) -> None:
    mapping = notice(FIXED, load)
    with pytest.raises(MessageError) as caught:
        mapping.apply({"UserId": "u"}, CONTEXT)
    assert [(one.code, one.path) for one in caught.value.faults] == [
        ("mapping.missing-value", "Action"),
        ("mapping.missing-value", "ActionTime"),
    ]


def test_an_incoming_message_that_lacks_something_is_left_to_validation(load: Loading) -> None:
    mapping = errors("  AddWord: A | fixed(2)\n", load)
    text = ACK + "fields:\n" + ACK_FIELDS.replace('= "00000"', "R") + "  AddWord: A | fixed(2)\n"
    mapping = load(text)
    assert "Result" not in mapping.apply({}, CONTEXT)
    found, faults = mapping.attempt({"A": "x"}, CONTEXT)
    assert found["Duplicate"] == "0"
    assert [(one.code, one.source_path) for one in faults] == [
        ("mapping.not-a-number", "A"),
        ("mapping.missing-value", "R"),
    ]


def test_too_many_items_are_refused(load: Loading) -> None:
    mapping = notice(
        "  LINES/LINE: {each: ., fields: {NO: UserId, TAG: 'SessionId | split(\",\")'}}\n" + FIXED, load
    )
    fits = mapping.apply({**LOGOUT, "SessionId": "a,b,c,d,e,f,g,h,i"}, CONTEXT)
    assert len(fits["LINES"]["LINE"][0]["TAG"]) == 9
    with pytest.raises(MessageError) as caught:
        mapping.apply({**LOGOUT, "SessionId": "a,b,c,d,e,f,g,h,i,j"}, CONTEXT)
    assert [one.code for one in caught.value.faults] == ["mapping.too-many"]


def test_all_faults_come_at_once_with_their_places(load: Loading) -> None:
    mapping = errors(
        "  AddWord: A | amount(unit:U)\n" + LISTED.replace("Code: No", "Code: No | fixed(0)"), load
    )
    record = {
        "A": "x",
        "Name": "n",
        "Lines": {"Line": [{"No": "1"}, {"No": "y"}, {"No": "z", "Tag": {"b": "c"}}]},
    }
    with pytest.raises(MessageError) as caught:
        mapping.apply(record, CONTEXT)
    assert [(one.code, one.path, one.source_path) for one in caught.value.faults] == [
        ("mapping.not-a-number", "AddWord", "A"),
        ("mapping.not-a-number", "Errors/Error[2]/Code", "Lines/Line[2]/No"),
        ("mapping.not-a-number", "Errors/Error[3]/Code", "Lines/Line[3]/No"),
        ("mapping.not-a-text", "Errors/Error[3]/Text", "Lines/Line[3]/Tag[1]"),
        ("mapping.missing-value", "Errors/Error[1]/Text", "Lines/Line[1]/Tag"),
        ("mapping.missing-value", "Errors/Error[2]/Text", "Lines/Line[2]/Tag"),
    ]


def test_a_sensitive_value_is_not_repeated_in_a_fault(load: Loading) -> None:
    mapping = notice("  BUYER: {fields: {NAME: UserId, CODE: SessionId | fixed(2)}}\n" + FIXED, load)
    with pytest.raises(MessageError) as caught:
        mapping.apply({**LOGOUT, "SessionId": "310101199001011234x"}, CONTEXT)
    (fault,) = caught.value.faults
    assert fault.found == "***"
    assert "3101" not in str(caught.value)


def test_what_is_the_same_for_every_item_is_computed_once(load: Loading) -> None:
    lines = """\
  Errors/Error:
    each: Line
    fields: {Code: NO, Path: '/Line/NO | join("")', Text: '/Line/NO | first'}
"""
    mapping = errors(lines, load)
    found = run(mapping, {"Line": [{"NO": str(n)} for n in range(200)]})["Errors"]["Error"]
    assert {one["Text"] for one in found} == {"0"}
    with pytest.raises(MessageError) as caught:
        mapping.apply({"Line": [{"NO": "1"}, {"NO": {"x": "y"}}, {"NO": "2"}]}, CONTEXT)
    assert [fault.path for fault in caught.value.faults] == ["Errors/Error[1]/Path", "Errors/Error[2]/Code"]


def test_lists_inside_lists_are_bounded(load: Loading) -> None:
    every = '\'/Line[NO != ""]/NO | join("")\''
    lines = f"  Errors/Error: {{each: Line, fields: {{Code: {every}, Path: {every}, Text: {every}}}}}\n"
    mapping = errors(lines, load)
    assert len(run(mapping, {"Line": [{"NO": "1"}] * 200})["Errors"]["Error"]) == 200
    with pytest.raises(MessageError) as caught:
        mapping.apply({"Line": [{"NO": "1"}] * 500}, CONTEXT)
    assert {one.code for one in caught.value.faults} == {"mapping.too-large"}


def test_too_many_items_are_refused_before_any_is_made(load: Loading) -> None:
    mapping = errors(
        "  Errors/Error: {each: Line, fields: {Code: NO | fixed(0), Path: NO, Text: NO}}\n", load
    )
    with pytest.raises(MessageError) as caught:
        mapping.apply({"Line": [{"NO": "x"}] * 501}, CONTEXT)
    assert [(one.code, one.source_path) for one in caught.value.faults] == [("mapping.too-many", "Line")]


def test_a_text_that_is_made_is_bounded(load: Loading) -> None:
    long = "x" * 1_500_000
    for expression in ("A & A", 'A | replace("x", "yy")', 'B | join("-")'):
        mapping = errors(f"  AddWord: '{expression}'\n", load)
        with pytest.raises(MessageError) as caught:
            mapping.apply({"A": long, "B": [long, long]}, CONTEXT)
        assert [one.code for one in caught.value.faults] == ["mapping.too-large"]


FRAGMENT = "fields:\n  Code: NO\n  Path: NAME | trim\n  Text: /TITLE & KIND\n"


def test_a_fragment_stands_for_a_block_under_another_name(tmp_path: Path, standard: Standard) -> None:
    folder = tmp_path / "mappings" / "p"
    (folder / "fragments").mkdir(parents=True)
    (tmp_path / "schemas").mkdir()
    (folder / "fragments" / "error.yaml").write_text(FRAGMENT, encoding="utf-8")
    (tmp_path / "mappings" / "top.yaml").write_text("fields: {Word: Y}\n", encoding="utf-8")
    path = folder / "CommonAck.in.yaml"
    path.write_text(
        ACK
        + "use:\n  - {fragment: top.yaml, prefix: {source: X, target: Add}}\n"
        + f"fields:\n{ACK_FIELDS}"
        + "  Errors/Error: {use: fragments/error.yaml, prefix: PAYER_}\n",
        encoding="utf-8",
    )
    mapping = load_mapping(path, standard)
    record = {"PAYER_NO": "1", "PAYER_NAME": " n ", "PAYER_KIND": "k", "PAYER_TITLE": "t", "XY": "w"}
    found = mapping.apply(record, CONTEXT)
    assert found["AddWord"] == "w"
    assert found["Errors"] == {"Error": [{"Code": "1", "Path": "n", "Text": "tk"}]}
    before = mapping.version
    (folder / "fragments" / "error.yaml").write_text(FRAGMENT.replace("KIND", "SORT"), encoding="utf-8")
    assert load_mapping(path, standard).version != before


def test_a_fragment_cannot_use_itself(tmp_path: Path, standard: Standard) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a.yaml").write_text("use: [b.yaml, b.yaml]\n", encoding="utf-8")
    (tmp_path / "p" / "b.yaml").write_text("use: [a.yaml, a.yaml]\n", encoding="utf-8")
    path = tmp_path / "p" / "CommonAck.in.yaml"
    path.write_text(f"{ACK}use: a.yaml\nfields:\n{ACK_FIELDS}", encoding="utf-8")
    with pytest.raises(Exception, match="uses itself"):
        load_mapping(path, standard)


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [("A | upper", "straße", "STRAßE"), ("A | lower", "İX", "İx"), ("A | upper", "9f上", "9F上")],
)
def test_letters_change_their_case_and_never_their_number(
    expression: str, text: str, found: str, evaluate: Evaluating
) -> None:
    assert evaluate(expression, {"A": text}) == found
