"""Two versions compared: each kind of change is named, and told rightly for whom it breaks.

For changes of a schema the verdict is held against instances: where a change breaks nobody on a side, every
instance of one version must pass the other version's schema; where it does, some must fail.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from lxml import etree

from gateway.standard.changes import Change, Version, compare, is_compatible, load_version
from tests.unit.standard.instances import instance
from tests.unit.standard.material import SCHEMAS, V1, render

INSTANCES = 60
WITHDRAW, PROGRESS, TYPES = "3004-PaymentApplicationWithdraw.xsd", "6001-ProgressQuery.xsd", "types.xsd"
NEW = (
    '<xs:element name="Extra" type="Text20"{}><xs:annotation><xs:documentation xml:lang="zh">新</xs:documentation>'
    '<xs:documentation xml:lang="en">New</xs:documentation></xs:annotation></xs:element>\n      </xs:sequence>'
)
# File, text to find, text instead, place, kind, breaks.
CHANGES = [
    (WITHDRAW, "</xs:sequence>", NEW.format(' minOccurs="0"'), "3004 Extra", "element added", "receivers"),
    (WITHDRAW, "</xs:sequence>", NEW.format(""), "3004 Extra", "element added", "both"),
    (WITHDRAW, 'name="Reason" type="Text500"', 'name="Reason" type="Text600"', "3004 Reason", "longest changed", "receivers"),
    (WITHDRAW, 'name="Reason" type="Text500"', 'name="Reason" type="Text200"', "3004 Reason", "longest changed", "senders"),
    (WITHDRAW, 'name="Reason" type="Text500"', 'name="Reason" type="Text500" minOccurs="0"', "3004 Reason", "minOccurs changed", "receivers"),
    (WITHDRAW, 'name="VoucherNo" type="VoucherNo" minOccurs="0"', 'name="VoucherNo" type="VoucherNo"', "3004 VoucherNo", "minOccurs changed", "senders"),
    (TYPES, '"20971520"', '"30971520"', "3002 FileSize", "most changed", "receivers"),
    (TYPES, '"20971520"', '"10971520"', "3002 FileSize", "most changed", "senders"),
    ("9003-CodeTableSync.xsd", 'name="Row" maxOccurs="10000"', 'name="Row" maxOccurs="2"', "9003 Rows/Row", "maxOccurs changed", "senders"),
]  # fmt: skip
# What no schema shows: file, text to find, text instead, place, kind, breaks.
SAID = [
    (WITHDRAW, "<m:key>PayAppNo</m:key>", "<m:key>PayAppNo|Reason</m:key>", "3004", "business key changed", "both"),
    (WITHDRAW, "<m:lane>case</m:lane>", "<m:lane>bulk</m:lane>", "3004", "lane changed", ""),
    (WITHDRAW, 'name="PayAppNo" type="PayAppNo"', 'name="PayAppNo" type="Text42"', "3004 PayAppNo", "pattern changed", "receivers"),
    (WITHDRAW, 'name="VoucherNo"', 'name="OrderNo"', "3004 VoucherNo", "element removed", "senders"),
    (PROGRESS, "<m:codes>role</m:codes>", "", "6001 RequesterRole", "code table changed", "receivers"),
    (PROGRESS, "<m:codes>role</m:codes>", '<m:codes open="true">role</m:codes>', "6001 RequesterRole", "code table changed", "receivers"),
    (PROGRESS, "<m:codes>query-type</m:codes>", "<m:codes>role</m:codes>", "6001 QueryType", "code table changed", "both"),
    (TYPES, "<m:check>cnaps</m:check>", "", "1004 AcctBankNo", "check changed", "receivers"),
    ("rules.yaml", "{id: query-days, ", "{id: query-span, ", "rule query-days", "rule removed", "receivers"),
    ("rules.yaml", "{id: query-days, ", "{id: query-span, ", "rule query-span", "rule added", "senders"),
    ("rules.yaml", "days: 366", "days: 400", "rule query-days", "rule changed", "both"),
    ("rules.yaml", "days: 366", "days: 366, severity: warning", "rule query-days", "rule changed", "receivers"),
]  # fmt: skip


def altered(folder: Path, file: str, find: str, instead: str) -> Version:
    """A copy of the standard in which a text of one file is another."""
    shutil.copytree(SCHEMAS / "standard", folder / "standard")
    shutil.copytree(SCHEMAS / "codes", folder / "codes")
    path = folder / "standard" / "v1" / file
    text = path.read_text("utf-8")
    assert find in text
    path.write_text(text.replace(find, instead), "utf-8")
    return load_version(folder / "standard" / "v1")


def find(changes: list[Change], place: str, kind: str) -> Change:
    (found,) = [one for one in changes if (one.place, one.kind) == (place, kind)]
    return found


@pytest.fixture(scope="module")
def old() -> Version:
    return load_version(V1)


def test_a_version_does_not_differ_from_itself(old: Version) -> None:
    assert compare(old, load_version(V1)) == []


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: f"{case[3]}: {case[4]}, {case[5]}")
def test_a_change_of_a_schema_breaks_whom_instances_say(
    case: tuple[str, ...], old: Version, tmp_path: Path
) -> None:
    file, text, instead, place, kind, breaks = case
    new = altered(tmp_path, file, text, instead)
    changes = compare(old, new)
    assert find(changes, place, kind).breaks == breaks
    assert is_compatible(changes) == (breaks == "receivers")
    number = place.partition(" ")[0]
    assert all_pass(number, old, tmp_path) == (breaks == "receivers")
    assert all_pass(number, new, V1.parents[1]) == (breaks == "senders")


def all_pass(number: str, version: Version, other: Path) -> bool:
    """Do all instances of a version pass the schema of the other one?"""
    root = version.schemas.roots[number]
    (path,) = (other / "standard" / "v1").glob(f"{number}-*.xsd")
    schema = etree.XMLSchema(file=str(path))
    dice = random.Random(number)
    texts = (render(root, instance(root, dice)) for _ in range(INSTANCES))
    space = f'<{root.name} xmlns="urn:sh-ggzy-czzf:datastd:1.0">'
    return all(schema.validate(etree.fromstring(text.replace(f"<{root.name}>", space, 1))) for text in texts)


@pytest.mark.parametrize("case", SAID, ids=lambda case: f"{case[3]}: {case[4]}, {case[5]}")
def test_what_is_said_beside_the_schema_is_compared_too(
    case: tuple[str, ...], old: Version, tmp_path: Path
) -> None:
    file, text, instead, place, kind, breaks = case
    changes = compare(old, altered(tmp_path, file, text, instead))
    assert find(changes, place, kind).breaks == breaks


def test_order_and_types_that_come_and_go_are_named(old: Version, tmp_path: Path) -> None:
    new = altered(tmp_path, PROGRESS, 'name="PageNo" type="Serial"', 'name="PageSize" type="Serial"')
    (tmp_path / "standard" / "v1" / "9001-HeartBeat.xsd").unlink()
    path = tmp_path / "standard" / "v1" / PROGRESS
    text = path.read_text("utf-8").replace('name="PageSize" type="PageSize"', 'name="PageNo" type="PageSize"')
    path.write_text(text, "utf-8")
    changes = compare(old, load_version(tmp_path / "standard" / "v1"))
    assert find(changes, "6001", "order changed").breaks == "both"
    assert find(changes, "9001", "type removed").breaks == "senders"
    back = compare(load_version(tmp_path / "standard" / "v1"), old)
    assert find(back, "9001", "type added").breaks == "receivers"
    assert new.schemas.roots["6001"] != old.schemas.roots["6001"]


def test_code_tables_are_compared_by_the_days_of_their_codes(old: Version, tmp_path: Path) -> None:
    altered(tmp_path, WITHDRAW, "xs:schema", "xs:schema")
    path = tmp_path / "codes" / "pay-kind.csv"
    rows = path.read_text("utf-8").splitlines()
    assert rows[1].startswith("01,") and rows[2].startswith("02,") and rows[3].startswith("03,")
    ended = f"{rows[1]}20261231"
    path.write_text("\n".join([rows[0], ended, *rows[3:], "07,暂列金额,Provisional sum,,,"]) + "\n", "utf-8")
    changes = compare(old, load_version(tmp_path / "standard" / "v1"))
    assert find(changes, "codes pay-kind 07", "code added").breaks == "receivers"
    assert find(changes, "codes pay-kind 02", "code removed").breaks == "senders"
    assert find(changes, "codes pay-kind 01", "code changed").breaks == "senders"
    assert not is_compatible(changes)
