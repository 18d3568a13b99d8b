"""YAML with line marks: scalars of YAML 1.2, every finding with its place, hostile files refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from gateway.configfile import Document, load_document, parse_document, validate
from gateway.errors import ConfigError


def data(text: str) -> object:
    return parse_document(text, "f.yaml").data


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("012", "012"),
        ("0012.50", "0012.50"),
        ("12:30", "12:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("12", 12),
        ("-1", -1),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("~", None),
        ('"12"', "12"),
        ("'x'", "x"),
        ("!!str 5", "5"),
        ('= "0"', '= "0"'),
        ("9" * 5000, "9" * 5000),
        ("1e999", "1e999"),
    ],
)
def test_scalars_stay_what_a_person_wrote(text: str, value: object) -> None:
    assert data(f"a: {text}") == {"a": value}


def test_marks_name_the_key_and_values_the_first_character_of_the_text() -> None:
    document = parse_document("a:\n  b: x\n  'c': \"yz\"\nd: [1, {e: 2}]\n", "f.yaml")
    assert document.marks[("a", "b")] == (2, 3)
    assert document.values[("a", "b")] == (2, 6)
    assert document.values[("a", "c")] == (3, 9)
    assert document.marks[("d", 1, "e")] == (4, 9)
    assert document.mark(("a", "nowhere", "deep")) == (1, 1)


def test_aliases_are_written_out_where_they_stand() -> None:
    assert data("a: &x [1, 2]\nb: {c: *x}") == {"a": [1, 2], "b": {"c": [1, 2]}}


BOMB = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("a: 1\na: 2", "config.duplicate-key", 2),
        ("a: [1, 2\n", "config.syntax", 2),
        ("a: b: c", "config.syntax", 1),
        ("a: 1\n---\nb: 2", "config.syntax", 3),
        ("a: *nobody", "config.syntax", 1),
        ("? [a, b]\n: 1", "config.syntax", 1),
        ("a: &a [*a]", "config.alias-cycle", 1),
        (BOMB, "config.too-many", 1),
        ("[" * 200_000, "config.too-deep", 1),
    ],
)
def test_a_broken_or_hostile_file_is_a_finding_with_its_line(text: str, code: str, line: int) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "f.yaml")
    assert [(one.code, one.line) for one in caught.value.findings] == [(code, line)]


def test_all_duplicate_keys_are_listed_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document("a: 1\na: 2\nb: {c: 1, c: 2}\n", "f.yaml")
    assert [(one.line, one.column) for one in caught.value.findings] == [(2, 1), (3, 11)]


def test_a_file_that_is_missing_too_large_or_not_utf8_is_refused(tmp_path: Path) -> None:
    large, wrong = tmp_path / "large.yaml", tmp_path / "wrong.yaml"
    large.write_bytes(b"a: " + b"x" * (1 << 20))
    wrong.write_bytes(b"a: 1\nb: \xd6\xd0\n")
    for path, code, line in (
        (tmp_path / "none.yaml", "config.missing-file", 0),
        (large, "config.too-large", 1),
        (wrong, "config.encoding", 2),
    ):
        with pytest.raises(ConfigError) as caught:
            load_document(path)
        assert [(one.code, one.line) for one in caught.value.findings] == [(code, line)]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    port: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    inner: Inner = Inner()
    many: list[Inner] = []


def check(text: str) -> Document:
    document = parse_document(text, "f.yaml")
    validate(Outer, document)
    return document


def test_validation_lists_every_finding_with_place_and_suggestion() -> None:
    with pytest.raises(ConfigError) as caught:
        check("nam: x\ninner:\n  prot: 1\nmany:\n  - {port: 2}\n  - {port: no}\n")
    assert [(one.line, one.column, one.field, one.code) for one in caught.value.findings] == [
        (1, 1, "nam", "config.unknown-field"),
        (1, 1, "name", "config.missing-field"),
        (3, 3, "inner.prot", "config.unknown-field"),
        (6, 6, "many.1.port", "config.invalid"),
    ]
    assert "did you mean port?" in str(caught.value)


def test_validation_gives_the_instance_of_a_part_of_the_file() -> None:
    document = parse_document("outer: {name: x, inner: {port: 3}}", "f.yaml")
    assert validate(Outer, document, at=("outer",)).inner.port == 3
