"""Code tables: days of validity, names, and files that are not as they should be."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from gateway.errors import ConfigError
from gateway.standard import CodeTables, Standard

HEADER = "code,name_zh,name_en,parent,valid_from,valid_to\n"


def test_a_code_is_valid_on_the_days_of_its_row_alone(tmp_path: Path) -> None:
    rows = "1,旧,old,,20200101,20201231\n1,新,new,,20220101,\n2,常,ever,,,\n"
    (tmp_path / "kind.csv").write_text(HEADER + rows, encoding="utf-8")
    table = CodeTables.load(tmp_path).get("kind")
    days = {"20191231": False, "20200101": True, "20201231": True, "20210601": False, "20220101": True}
    for day, expected in days.items():
        on = date(int(day[:4]), int(day[4:6]), int(day[6:]))
        assert table.is_valid("1", on) is expected, day
        assert table.is_valid("2", on) and not table.is_valid("3", on)
    assert table.rows["1"].name_zh == "新" and len(table) == 2


def test_a_name_of_an_unknown_code_is_the_code(standard: Standard) -> None:
    status = standard.codes.get("status")
    assert status.name("20") == "已提交" and status.name("zz") == "zz"


def test_an_unknown_table_says_what_was_meant(standard: Standard) -> None:
    with pytest.raises(LookupError, match="did you mean price-form"):
        standard.codes.get("price-from")
    assert "status" in standard.codes and "state" not in standard.codes


def test_a_division_of_the_past_is_not_valid_today(standard: Standard) -> None:
    region = standard.codes.get("region")
    assert region.is_valid("310103", date(2010, 1, 1)) and not region.is_valid("310103", date(2024, 1, 1))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("code,name\n", 1),
        (HEADER + "1,一,one,,,\n1,再,again,,,\n", 3),
        (HEADER + "1,一,one,,2020-01-01,\n", 2),
        (HEADER + "1,一,one\n", 2),
        (HEADER + ",一,one,,,\n", 2),
    ],
)
def test_a_wrong_table_is_found_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "kind.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        CodeTables.load(tmp_path)
    assert [finding.line for finding in caught.value.findings] == [line]


def test_a_table_that_is_not_utf8_or_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no code table"):
        CodeTables.load(tmp_path)
    (tmp_path / "kind.csv").write_bytes((HEADER + "1,上海,one,,,\n").encode("gbk"))
    with pytest.raises(ConfigError, match="UTF-8"):
        CodeTables.load(tmp_path)
