"""Changes over the tables on disk: what each kind of row does to the days before and after it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.message import Record
from gateway.standard import Code, CodeTable, CodeTables, Standard
from gateway.standard.codechanges import overlay, read_change, write_change

BASE = [
    Code("1", "甲", "first"),
    Code("2", "乙", "second", "1", "20200101", "20201231"),
    Code("2", "乙改", "second again", "1", "20220101"),
]


def after(*rows: Record, whole: str = "2", day: str = "20240615") -> CodeTable:
    body = {"TableId": "kind", "TableVersion": "1", "FullFlag": whole, "Rows": {"Row": list(rows)}}
    change = read_change(write_change(body, day))
    return overlay(CodeTables({"kind": CodeTable("kind", BASE)}), [change]).get("kind")


def row(code: str, since: str = "", until: str = "", enabled: str = "1", **more: str) -> Record:
    made = {"Code": code, "NameZh": "新名", "ValidFrom": since, "ValidTo": until, "Enabled": enabled, **more}
    return {name: value for name, value in made.items() if value}


def days(table: CodeTable, code: str) -> str:
    """The years 2019 to 2025 on whose 1 July the code is valid."""
    return " ".join(str(year) for year in range(2019, 2026) if table.is_valid(code, date(year, 7, 1)))


ALL = "2019 2020 2021 2022 2023 2024 2025"


@pytest.mark.parametrize(
    ("rows", "code", "valid"),
    [
        ([], "2", "2020 2022 2023 2024 2025"),
        ([row("3", "20230101")], "3", "2023 2024 2025"),
        ([row("3", "20230101", "20231231")], "3", "2023"),
        ([row("3")], "3", ALL),
        ([row("2")], "2", ALL),
        ([row("2", "20210101")], "2", "2020 2021 2022 2023 2024 2025"),
        ([row("2", "20230101", "20231231")], "2", "2020 2022 2023"),
        ([row("1", "20230101", enabled="0")], "1", "2019 2020 2021 2022"),
        ([row("1", enabled="0")], "1", "2019 2020 2021 2022 2023"),
        ([row("2", "20210101", enabled="0")], "2", "2020"),
        ([row("4", "20210101", enabled="0")], "4", ""),
    ],
)
def test_a_row_changes_the_days_from_its_own_on(rows: list[Record], code: str, valid: str) -> None:
    assert days(after(*rows or [row("9")]), code) == valid


def test_a_whole_table_ends_what_it_does_not_list_on_the_day_before() -> None:
    table = after(row("2", "20240101"), whole="1")
    assert days(table, "1") == "2019 2020 2021 2022 2023"
    assert table.is_valid("1", date(2024, 6, 14)) and not table.is_valid("1", date(2024, 6, 15))
    assert days(table, "2") == "2020 2022 2023 2024 2025"


def test_what_a_row_leaves_out_stays_and_the_table_on_disk_is_untouched() -> None:
    base = CodeTables({"kind": CodeTable("kind", BASE)})
    body = {"TableId": "kind", "TableVersion": "1", "FullFlag": "2", "Rows": {"Row": [row("2", "20240101")]}}
    made = overlay(base, [read_change(write_change(body, "20240615"))]).get("kind").rows["2"]
    assert (made.name_zh, made.name_en, made.parent) == ("新名", "second again", "1")
    assert base.get("kind").rows["2"].name_zh == "乙改"
    gone = {**body, "TableId": "no-more"}
    assert list(overlay(base, [read_change(write_change(gone, "20240615"))])) == ["kind"]


def test_the_standard_judges_by_the_changed_tables_at_once_and_by_the_day(standard: Standard) -> None:
    """Also on a day that it has judged by the old tables before."""
    record = {**standard.sample("1001"), "SubjectStatus": "7"}
    day = date(2024, 7, 1)
    body = {
        "TableId": "subject-status", "TableVersion": "1", "FullFlag": "2",
        "Rows": {"Row": [{"Code": "7", "NameZh": "新增", "ValidFrom": "20240701", "Enabled": "1"}]},
    }  # fmt: skip
    assert [fault.code for fault in standard.validate("1001", record, on=day)] == ["standard.unknown-code"]
    standard.check("1001", standard.sample("1001"), on=day)
    try:
        standard.change_codes([read_change(write_change(body, "20240601"))])
        standard.check("1001", record, on=day)
        assert standard.validate("1001", record, on=day - timedelta(days=1)) != []
    finally:
        standard.change_codes([])
    assert standard.validate("1001", record, on=day) != []
