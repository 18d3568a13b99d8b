"""The reference: current on disk, and nothing that the schemas, tables and rules say is missing from it."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import jsonschema_rs
import pytest
from lxml import etree

from gateway.standard import Element
from gateway.standard.changes import Version, load_version
from gateway.standard.reference import write_reference
from gateway.standard.valuerules import ValueLine
from tests.unit.standard.material import NUMBERS, V1, each_type, load
from tests.unit.standard.test_changes import altered

DOCS = Path(__file__).resolve().parents[3] / "docs" / "standard"


@cache
def version() -> Version:
    return load_version(V1)


@cache
def made() -> dict[str, str]:
    return write_reference(version())


def test_the_reference_on_disk_is_current() -> None:
    """`gateway standard docs` writes it anew."""
    stale = [name for name, text in made().items() if not _is(DOCS / name, text)]
    left = {str(path.relative_to(DOCS)) for path in DOCS.rglob("*") if path.is_file()} - made().keys()
    assert not stale and not left, f"stale: {stale}, left over: {sorted(left)}"


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


@pytest.mark.parametrize(
    ("file", "find", "instead"),
    [
        ("9001-HeartBeat.xsd", "<m:source>(P)</m:source>", "<m:source>TIME</m:source>"),
        ("types.xsd", "日期 yyyyMMdd；", "日期；"),
        ("rules.yaml", "days: 366", "days: 365"),
        ("../../codes/pay-kind.csv", "预付款", "预付"),
        ("../../codes/tables.yaml", "款项类别", "款项种类"),
    ],
)
def test_whatever_changes_makes_the_reference_stale(
    file: str, find: str, instead: str, tmp_path: Path
) -> None:
    assert write_reference(altered(tmp_path, file, find, instead)) != made()


def cell(text: str) -> str:
    """As it stands in a Markdown table."""
    return text.replace("<", "&lt;").replace("|", "\\|")


@each_type
def test_a_types_page_says_everything_of_every_element_in_both_languages(number: str) -> None:
    standard = load()
    kind = standard.catalogue.get(number)
    page = made()[f"types/{number}-{kind.name}.md"]
    lines = page.splitlines()
    for path, element in standard.model(number).walk():
        (line,) = [one for one in lines if one.startswith(f"| `{path}` | {cell(element.zh)} |")]
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)]
        assert cell(element.en) in cells
        assert cell(element.source) in line and (not element.codes or f"`{element.codes}`" in line)
        assert element.sensitive in line
    for rule in version().rules.values():
        if "types" not in rule:  # a rule of single values: it stands on the page of all rules
            continue
        types = rule["types"] if isinstance(rule["types"], list) else [rule["types"]]
        assert (f"| `{rule['id']}` |" in page) == (number in types), rule["id"]


def test_every_rule_stands_on_the_page_of_rules_with_how_to_mend_it() -> None:
    book = load().book
    for line in (*book.values, *book.lines):
        (row,) = [one for one in made()["rules.md"].splitlines() if one.startswith(f"| `{line.id}` |")]
        mend_zh, mend_en = book.mends[line.id]
        for text in (line.zh, line.en, mend_zh, mend_en, line.result, line.severity, line.check):
            assert cell(text) in row, line.id
        if isinstance(line, ValueLine):
            assert set(row.split("`")[3].split(", ")) == {named(line, one) for one in bearing(line)}, line.id


def bearing(line: ValueLine) -> list[Element]:
    """The elements that the validator itself holds a rule of values against."""
    walked = [one for number in NUMBERS for _, one in load().model(number).walk() if one.value is not None]
    return [one for one in walked if line in load().values.lines_of(one, line.severity)]


def named(line: ValueLine, element: Element) -> str:
    return f"{element.name} ({element.codes})" if line.on == "codes" else element.name


def test_every_row_of_a_markdown_table_has_as_many_cells_as_its_head() -> None:
    for name, text in made().items():
        width = 0
        for line in text.splitlines() if name.endswith(".md") else ():
            if not line.startswith("|"):
                width = 0
                continue
            cells = len(re.findall(r"(?<!\\)\|", line))
            width = width or cells
            assert cells == width, f"{name}: {line}"


def test_the_html_page_is_whole_and_needs_nothing_from_elsewhere() -> None:
    text = made()["index.html"]
    root = etree.HTML(text)
    anchors = {str(link).removeprefix("#") for link in root.xpath("//nav/a/@href")}
    assert anchors == set(root.xpath("//section/@id")) >= {f"t{number}" for number in NUMBERS}
    assert not root.xpath("//script | //link | //img | //@src | //@style | //a[not(starts-with(@href, '#'))]")
    said = "".join(root.itertext())
    for number in NUMBERS:
        for path, element in load().model(number).walk():
            assert path in said and element.zh in said and element.en in said, f"{number}: {path}"
    for rule in version().rules.values():
        assert rule["zh"] in said and rule["en"] in said


def test_the_code_tables_are_listed_with_their_days() -> None:
    page = made()["codes.md"]
    codes = load().codes
    for name in codes.notes:
        assert f"## `{name}` " in page
    assert "| `310103` | 卢湾区（2011年并入黄浦区310101） |" in page and "| 20110607 |" in page
    assert "| `310115` | 浦东新区 |" in page and "`110101`" not in page


@each_type
def test_a_json_schema_of_the_reference_takes_the_types_sample(number: str) -> None:
    standard = load()
    text = made()[f"json-schema/{number}-{standard.catalogue.get(number).name}.json"]
    assert jsonschema_rs.validator_for(json.loads(text)).is_valid(
        standard.to_json(number, standard.sample(number))
    )


def test_the_json_schema_of_the_head_takes_a_whole_head_and_no_other() -> None:
    says = jsonschema_rs.validator_for(json.loads(made()["json-schema/Head.json"]))
    digits = "0" * 64
    head = {
        "Ver": "1.0", "MsgNo": "9001", "MsgId": digits[:32], "MsgRef": digits[:32], "Src": "GGZY-ZPT", "Des": "GW",
        "AdmDivCode": "310000", "StYear": "2024", "BizType": "00", "BizKey": "k", "BizVersion": 1, "OperType": "1",
        "IdemKey": digits, "BodyDigest": digits, "WorkDate": "20240618", "SendTime": "20240618093000123", "RetryNo": 0,
    }  # fmt: skip
    assert says.is_valid(head)
    for name in head:
        assert not says.is_valid({other: value for other, value in head.items() if other != name}), name
    assert not says.is_valid(head | {"BizVersion": "1"}) and not says.is_valid(head | {"MsgNo": "90011"})
