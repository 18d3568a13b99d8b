"""Code tables and simple types of the data standard: what they hold, what they let through."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from gateway import configfile
from gateway.errors import HTTP_STATUS
from gateway.payments.states import MOVES

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
V1 = SCHEMAS / "standard" / "v1"
CODES = SCHEMAS / "codes"
NAMESPACE = "urn:sh-ggzy-czzf:datastd:1.0"


@cache
def table(name: str) -> dict[str, dict[str, str]]:
    with (CODES / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return {row["code"]: row for row in csv.DictReader(file)}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("Amount", "0.00 -0.01 1234567890123.45", "-0.00 00.10 1 1.5 1.500 +1.00 1,000.00 .50"),
        ("AmountPositive", "0.01 0.10 10.00", "0.00 -1.00 01.00"),
        ("AmountNegative", "-0.01 -10.00", "0.00 -0.00 10.00"),
        ("AmountNotNegative", "0.00 999999999999999.99", "-0.01 1000000000000000.00"),
        ("Ratio", "0.00 9.50 100.00", "100.01 5 -1.00 05.00"),
        ("D8", "20240229 99991231", "20241301 20240132 2024-02-29 18991231"),
        ("T14", "20240618235959", "20240618240000 20240618"),
        ("T17", "20240618235959999", "20240618235959"),
        ("USCC", "91310000132260250X", "9150010807MGZHI002 91310000132260250"),
        (
            "UnifiedDealCode",
            "A03-12310000425010220N-20210325-000123-*",
            "A03-12310000425010220N-20210325-000123-y",
        ),
        ("MsgId", "0123456789abcdef", "0123456789abcde"),
        ("FileSize", "1 20971520", "0 20971521"),
        ("PageSize", "1 100", "0 101"),
        ("InvoiceCode", "3100240011 031002400111", "03100240011"),
        ("ContractNo", "沪养合〔2024〕G1503-02号", "A|B"),
        ("Base64", "AAAA QUI= QQ==", "QQ= A"),
    ],
)
def test_a_simple_type_takes_the_good_and_refuses_the_bad(kind: str, good: str, bad: str) -> None:
    wrapper = etree.fromstring(
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="{NAMESPACE}" '
        f'targetNamespace="{NAMESPACE}"><xs:include schemaLocation="{(V1 / "types.xsd").as_uri()}"/>'
        f'<xs:element name="V" type="{kind}"/></xs:schema>'
    )
    compiled = etree.XMLSchema(wrapper)
    for text, expected in [(one, True) for one in good.split()] + [(one, False) for one in bad.split()]:
        value = etree.Element(f"{{{NAMESPACE}}}V")
        value.text = text
        assert compiled.validate(value) is expected, text


@pytest.mark.parametrize("file", sorted(CODES.glob("*.csv")), ids=lambda file: file.stem)
def test_a_code_table_is_well_formed(file: Path) -> None:
    raw = file.read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf") and b"\r" not in raw
    lines = raw.decode("utf-8").splitlines()
    assert lines[0] == "code,name_zh,name_en,parent,valid_from,valid_to"
    rows = list(csv.DictReader(lines))
    assert rows and len({(row["code"], row["valid_from"]) for row in rows}) == len(rows)
    related = {"currency", "currency-alpha", "country", "result", "status", "node"}
    for row in rows:
        assert row["code"] and row["name_zh"] and None not in row, row
        assert row["name_en"] or file.stem == "region", row
        assert all(not row[name] or re.fullmatch(r"\d{8}", row[name]) for name in ("valid_from", "valid_to"))
        if file.stem not in related and row["parent"]:
            assert row["parent"] in table(file.stem), row


def test_results_and_states_agree_with_the_program() -> None:
    assert {code: int(row["parent"]) for code, row in table("result").items()} == HTTP_STATUS
    assert set(table("status")) == set(MOVES)


def test_currencies_relate_both_ways_and_historical_divisions_have_ended() -> None:
    for code, row in table("currency").items():
        assert table("currency-alpha")[row["parent"]]["parent"] == code
    ended = {code: row["valid_to"] for code, row in table("region").items() if row["valid_to"]}
    late = {"310103": "20110607", "310108": "20151103", "310119": "20090423", "310230": "20160721"}
    counties = {f"3102{serial}" for serial in ("21", "22", "24", "25", "26", "27", "28", "29")}
    assert set(ended) == set(late) | counties | {"310102"}
    assert {code: ended[code] for code in late} == late


def test_a_division_of_shanghai_ends_the_day_before_its_successor_begins() -> None:
    """The name tells the successor; where it was new, it begins the day after."""
    regions = table("region")
    for code, row in regions.items():
        if not row["valid_to"]:
            continue
        successor = regions[re.findall(r"[0-9]{6}", row["name_zh"])[-1]]
        day = date.fromisoformat(row["valid_to"]) + timedelta(days=1)
        assert not successor["valid_to"] or successor["valid_to"] > row["valid_to"], code
        if "改为" in row["name_zh"]:
            assert successor["valid_from"] == f"{day:%Y%m%d}", code


def test_every_table_is_told_of_and_every_table_told_of_is_there() -> None:
    told = [line["id"] for line in configfile.load_document(CODES / "tables.yaml").data["tables"]]
    assert told == sorted(path.stem for path in CODES.glob("*.csv"))


def test_divisions_that_stand_are_there() -> None:
    assert {"310000", "310115", "310151", "330100", "810000"} <= set(table("region"))
