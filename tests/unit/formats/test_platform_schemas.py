"""The platforms' schemas compile, and every golden case is valid on both of its sides.

The cases are read here without the mapping engine: what a case says goes in and comes out must be what
the platform's schema and the standard's schema allow, whatever an engine makes of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway import configfile
from gateway.formats import formats
from gateway.formats.elements import write_element
from gateway.message import NAMESPACE

ROOT = Path(__file__).resolve().parents[3]
PLATFORMS = ROOT / "schemas" / "platforms"
STANDARD = ROOT / "schemas" / "standard" / "v1"
SCHEMAS = sorted(path for path in PLATFORMS.glob("*/*.xsd"))
INPUTS = [
    path
    for path in sorted((ROOT / "mappings").glob("*/cases/*/*.input.*"))
    if path.with_name(f"{path.name.partition('.')[0]}.output.json").exists()  # the others are refusals
]


@cache
def load(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(path)))


def faults(path: Path, name: str, record: Any, namespace: str = "") -> list[str]:
    pieces: list[str] = []
    write_element(name, record, pieces)
    text = "".join(pieces)
    if namespace:
        text = text.replace(f"<{name}", f'<{name} xmlns="{namespace}"', 1)
    schema = load(path)
    schema.validate(etree.fromstring(text.encode()))
    return [f"{path.name}: {error.message}" for error in list(schema.error_log)]  # type: ignore[call-overload]


def root_of(path: Path) -> str:
    (element,) = etree.parse(str(path)).getroot().findall("{http://www.w3.org/2001/XMLSchema}element")
    return str(element.get("name"))


def case_id(path: Path) -> str:
    return "/".join((path.parts[-4], path.parts[-2], path.name.partition(".")[0]))


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_schema_compiles_and_every_field_has_a_chinese_name(path: Path) -> None:
    load(path)
    for element in etree.parse(str(path)).iter("{http://www.w3.org/2001/XMLSchema}element"):
        if element.get("ref"):  # described where it is declared
            continue
        zh = element.findtext("{*}annotation/{*}documentation")
        assert zh, f"{element.get('name')} has no name in Chinese"


def test_every_public_form_of_the_issue_is_described() -> None:
    """Data sets of the national specification, public vouchers, both kinds of e-invoice, the CFX batch."""
    numbers = {path.name.partition("-")[0] for path in SCHEMAS}
    data_sets = {"100", "500", "501", "502", "512", "513", "522", "550", "553", "554", "862"}
    assert data_sets | {"5201", "8202", "8207", "2252", "5101", "digital", "classic"} <= numbers
    assert {"DES.xsd", "MOF.xsd"} <= {path.name for path in SCHEMAS}


def sides(path: Path) -> Iterator[tuple[Path, str, Any, str]]:
    """(schema, element, record, namespace) of the platform's side and the standard's."""
    stem = path.name.partition(".")[0]
    name, _, direction = path.parent.name.rpartition(".")
    profile = path.parts[-4]
    mapping = configfile.load_document(ROOT / "mappings" / profile / f"{name}.{direction}.yaml").data
    expected: Any = json.loads(path.with_name(f"{stem}.output.json").read_text("utf-8"))
    standard = next(STANDARD.glob(f"*-{name}.xsd"))
    if direction == "in":
        own: Any = formats.get(mapping["format"]).decode(path.read_bytes()).record
        theirs: Any = expected
    else:
        own, theirs = expected, json.loads(path.read_text("utf-8"))
    if "schema" in mapping:
        schema = ROOT / "schemas" / mapping["schema"]
        yield schema, root_of(schema), own, ""
    yield standard, name, theirs, NAMESPACE


@pytest.mark.parametrize("path", INPUTS, ids=case_id)
def test_a_golden_case_is_valid_on_both_sides(path: Path) -> None:
    found = [fault for side in sides(path) for fault in faults(*side)]
    assert found == []


@pytest.mark.parametrize(
    ("schema", "folder"), [("construction/DES.xsd", "construction"), ("treasury/MOF.xsd", "treasury")]
)
def test_the_envelopes_of_all_cases_are_valid(schema: str, folder: str) -> None:
    files = [path for path in INPUTS if path.parts[-4] == folder and path.suffix == ".xml"]
    assert files
    for path in files:
        load(PLATFORMS / schema).assertValid(etree.fromstring(path.read_bytes()))


def test_every_mapping_has_a_case() -> None:
    mappings = {
        f"{path.parent.name}/{path.name.removesuffix('.yaml')}"
        for path in (ROOT / "mappings").glob("*/*.yaml")
    }
    with_cases = {f"{path.parts[-4]}/{path.parts[-2]}" for path in INPUTS}
    assert mappings - with_cases == set()
