"""Broken mappings, one fault each: found, with code, line and column. Their first line says what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.mapping import check_file, check_text, load_mapping, load_mappings
from gateway.mapping.schema import Shelf
from gateway.standard import Standard
from tests.unit.mapping.conftest import ACK, ACK_FIELDS, HERE, Checking

BROKEN = sorted((HERE / "broken").glob("*/*.yaml"))


@pytest.mark.parametrize("path", BROKEN, ids=[path.parent.name for path in BROKEN])
def test_a_broken_mapping_is_found_at_its_place(path: Path, standard: Standard) -> None:
    expected = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# expect: ")
    findings = check_file(path, standard).findings
    assert " | ".join(f"{one.code} {one.line}:{one.column}" for one in findings) == expected
    with pytest.raises(ConfigError) as caught:
        load_mapping(path, standard)
    assert list(caught.value.findings) == findings


def test_there_are_many_broken_mappings_of_every_kind() -> None:
    codes = {path.read_text(encoding="utf-8").split()[2] for path in BROKEN}
    assert len(BROKEN) >= 60
    assert len(codes) >= 25


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("unknown-source", "did you mean USER_ID?"),
        ("unknown-source-below", "BUYER has no field NAMES; did you mean NAME?"),
        ("unknown-target", "did you mean UserId?"),
        ("unknown-function", "did you mean trim?"),
        ("unknown-table", "did you mean currency?"),
        ("unknown-format", "did you mean xml?"),
        ("unknown-schema", "did you mean platforms/test/notice.xsd?"),
        ("unknown-key", "did you mean version?"),
        ("unknown-ignored", "did you mean CODES?"),
        ("full-width-bracket", "write ("),
        ("unquoted-argument", "single quotes"),
        ("list-into-single", "use first, only, join or sum"),
        ("condition-is-no-text", 'write if(…, "1", "0")'),
        ("each-on-the-wrapper", "did you mean Errors/Error?"),
        ("name-in-other-capitals", "did you mean USER_ID?"),
        ("chinese-name-cut-short", "did you mean 项目名称?"),
        ("attribute-misspelt", "did you mean @kind?"),
        ("path-from-the-outermost-element", "begins below the outermost element"),
        ("function-without-its-value", "X | trim"),
        ("texts-with-plus", "with &"),
        ("equal-written-twice", "equal is written ="),
        ("bracket-in-a-chinese-name", "as `…`"),
        ("too-long-joined", "write | cut(64) or | fit(64)"),
        ("text-into-a-number", "write | fixed(…)"),
        ("constant-too-long-in-gbk", "at most 10 bytes of GBK"),
    ],
)
def test_a_finding_says_what_to_do(case: str, says: str, standard: Standard) -> None:
    (path,) = (HERE / "broken" / case).glob("*.yaml")
    assert says in "\n".join(map(str, check_file(path, standard).findings))


def test_all_findings_of_all_files_come_at_once(standard: Standard) -> None:
    with pytest.raises(ConfigError) as caught:
        load_mappings(HERE / "broken", standard)
    files = {Path(one.file).parent.name for one in caught.value.findings}
    assert files == {path.parent.name for path in BROKEN}


NOTICE = """\
message: LogoutNotice
direction: in
format: xml
schema: platforms/test/notice.xsd
version: 1
"""
FIELDS = """\
fields:
  UserId:     USER_ID
  Action:     ACTION
  ActionTime: ACTION_TIME
"""


def test_unused_source_fields_tables_and_names_are_warnings(check: Checking) -> None:
    text = (
        NOTICE
        + "tables: {t: {a: b}}\nlet: {x: USER_ID}\n"
        + FIELDS
        + "ignored: [NAMES, BUYER, LINES, ACTION]\n"
    )
    checked = check(text, "LogoutNotice.in.yaml")
    assert [(one.code, one.severity, one.line) for one in checked.findings] == [
        ("mapping.unused", "warning", 6),
        ("mapping.unused", "warning", 7),
        *[("mapping.unused-source", "warning", 8)] * 3,
        ("mapping.ignored-used", "warning", 12),
    ]
    assert checked.plan is not None
    assert checked.coverage == (13, 16)


def test_several_faults_are_found_together_and_a_poisoned_field_is_not_told_twice(check: Checking) -> None:
    text = (
        ACK
        + "fields:\n"
        + ACK_FIELDS.replace('= "1001"', "a | nothing(b)")
        + "  AddWord: '$1 & f('\n  Wrong: a\n"
    )
    assert [(one.code, one.line) for one in check(text, "CommonAck.in.yaml").findings] == [
        ("mapping.unknown-function", 6),
        ("mapping.syntax", 10),
        ("mapping.unknown-target", 11),
    ]


TYPED = """\
message: LogoutNotice
direction: in
format: xml
schema: platforms/test/typed.xsd
version: 1
tables: {k: {"1": "1", "2": "2", "9": "3"}}
fields:
  UserId:     USER_ID
  SessionId:  SESSION
  Action:     KIND | code("k")
  ActionTime: STAMP
ignored: [NAME, FREE, DAY, SUM, SHORT]
"""


@pytest.mark.parametrize(
    ("old", "new", "code", "place"),
    [
        ("USER_ID", 'USER_ID | default("x")', "dead-default", (8, 25)),
        ("SESSION", "if(exists(USER_ID), SESSION)", "always-true", (9, 25)),
        ('code("k")', 'code("k", else:"1")', "dead-else", (10, 22)),
        ('"9": "3"', '"9": "3", "5": "3"', "dead-row", (10, 22)),
        ("SESSION", '{from: SESSION, when: \'KIND in ("1", "1")\'}', "duplicate-option", (9, 52)),
        ("SHORT]", "SHORT, DAY]", "ignored-twice", (12, 40)),
        ("NAME, ", "", "unused-source", (7, 1)),
        ("NAME, ", "NAME, STAMP, ", "ignored-used", (12, 17)),
        ('"9": "3"}', '"9": "3"}, l: {a: b}', "unused", (6, 45)),
    ],
)
def test_what_has_no_effect_is_a_warning_and_loads(
    old: str, new: str, code: str, place: tuple[int, int], check: Checking
) -> None:
    assert check(TYPED, "LogoutNotice.in.yaml").findings == []
    checked = check(TYPED.replace(old, new, 1), "LogoutNotice.in.yaml")
    assert [(one.code, one.severity, (one.line, one.column)) for one in checked.findings] == [
        (f"mapping.{code}", "warning", place)
    ]
    assert checked.plan is not None


def test_coverage_counts_both_sides(check: Checking) -> None:
    checked = check(TYPED.replace("NAME, ", ""), "LogoutNotice.in.yaml")
    assert checked.coverage == (8, 9)
    assert checked.target_coverage == (4, 4)


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("too-long", "NAME has up to 200; write | cut(64) or | fit(64)"),
        ("too-long-in-gbk", 'write | cut(10, encoding:"GBK")'),
        ("enumeration-without-conversion", "9 of KIND is not legal in Action"),
        ("table-without-a-row", "k has no row for 9, which KIND can be"),
        ("date-as-a-time", "DAY like '2024-01-31' does not fit ActionTime"),
        ("condition-never-true", "KIND is never '7', but one of 1, 2, 9"),
        ("needed-but-optional", "UserId is needed always, but SESSION is optional"),
        ("schema-table-not-understood", "line 2: unknown type 'blob'"),
    ],
)
def test_a_finding_names_both_sides(case: str, says: str, standard: Standard) -> None:
    (path,) = (HERE / "broken" / case).glob("*.yaml")
    assert says in "\n".join(map(str, check_file(path, standard).findings))


def test_what_counts_as_absent_is_no_text_to_compare_with(check: Checking) -> None:
    value = "{from: SESSION, when: 'NAME != \"\"'}"
    text = TYPED.replace("SESSION\n", f"{value}\n").replace("NAME, FREE", "FREE")
    (found,) = check(text, "LogoutNotice.in.yaml").findings
    assert (found.code, found.severity, found.line) == ("mapping.never-true", "warning", 9)
    assert "write exists(…)" in found.text


@pytest.mark.parametrize(
    "condition",
    [
        'KIND = "1" or not exists(NAME)',
        'KIND in ("1", "2") and SESSION = "x"',
        'NAME = "x" or NAME = "y"',
        'not (KIND = "1" and exists(NAME))',
        'matches(KIND, "[12]") and KIND != "9" or NAME = SESSION',
        "KIND = 1.0",
    ],
)
def test_a_condition_that_may_hold_or_not_is_no_finding(condition: str, check: Checking) -> None:
    value = f"{{from: SESSION, when: '{condition}'}}"
    text = TYPED.replace("SESSION\n", f"{value}\n").replace("NAME, FREE", "FREE")
    codes = {one.code for one in check(text, "LogoutNotice.in.yaml").findings}
    assert codes <= {"mapping.unused-source"}


def test_a_condition_that_always_holds_is_told(check: Checking) -> None:
    value = '{from: SESSION, when: \'KIND = "1" or KIND in ("2", "9")\'}'
    (found,) = check(TYPED.replace("SESSION\n", f"{value}\n"), "LogoutNotice.in.yaml").findings
    assert (found.code, found.severity) == ("mapping.always-true", "warning")


def test_an_origin_without_its_type_is_told(check: Checking) -> None:
    text = TYPED.replace("SESSION\n", "origin/SessionId | cut(64)\n").replace("[NAME", "[SESSION, NAME")
    (found,) = check(text, "LogoutNotice.in.yaml").findings
    assert (found.code, found.severity) == ("mapping.unknown-origin", "warning")


def test_a_value_with_a_warning_inside_a_call_is_still_written(check: Checking) -> None:
    text = TYPED.replace("SESSION\n", "'if(exists(USER_ID), SESSION, SESSION) | trim'\n")
    found = check(text, "LogoutNotice.in.yaml")
    assert [one.code for one in found.findings] == ["mapping.always-true"]
    assert found.plan is not None
    assert [one.name for one in found.plan.fields] == ["UserId", "SessionId", "Action", "ActionTime"]


def test_any_text_into_a_number_of_the_standard_is_a_warning(standard: Standard, tmp_path: Path) -> None:
    """The standard's validation refuses the message; in a message that goes out nothing would."""
    (tmp_path / "own.csv").write_text("name,length,required\nROUND,3,Y\n", encoding="utf-8")
    text = "message: PaymentApplicationPush\ndirection: in\nformat: xml\nversion: 1\nschema: own.csv\n"
    found = check_text(
        f"{text}fields:\n  ReviewRound: ROUND\n",
        tmp_path / "PaymentApplicationPush.in.yaml",
        standard,
        Shelf(tmp_path),
    )
    (one,) = [one for one in found.findings if one.code != "mapping.missing-target"]
    assert (one.code, one.severity, one.line) == ("mapping.type-mismatch", "warning", 7)
