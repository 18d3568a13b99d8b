"""Broken mappings, one fault each: found, with code, line and column. Their first line says what is expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.mapping import check_file, load_mapping, load_mappings
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
