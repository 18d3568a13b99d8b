"""How types are written in field tables, and what is made of each."""

from __future__ import annotations

import re

import pytest

from gateway.mapping.draft.notation import read_notation, read_required
from gateway.mapping.draft.schema import date_pattern


@pytest.mark.parametrize(
    ("cells", "kind", "least", "most"),
    [
        (("字符型", "C17"), "text", 17, 17),
        (("字符型", "C..600"), "text", 1, 600),
        (("字符型", "C..ul"), "text", 1, None),
        (("字符型", "C.ul"), "text", 1, None),
        (("字符型", "C…100"), "text", 1, 100),
        (("字符型", "C1..200"), "text", 1, 200),
        (("", "an..35"), "text", 1, 35),
        (("", "an3..10"), "text", 3, 10),
        (("", "a3"), "text", 3, 3),
        (("VARCHAR2(32)", ""), "text", 1, 32),
        (("CHAR(6)", ""), "text", 6, 6),
        (("字符型(50)", ""), "text", 1, 50),
        (("字符", "", "≤200"), "text", 1, 200),
        (("字符", "", "50"), "text", 1, 50),
        (("字符", "", "2-50"), "text", 2, 50),
        (("字符", "", "定长6"), "text", 6, 6),
        (("字符串", ""), "text", 1, None),
    ],
)
def test_a_text(cells: tuple[str, ...], kind: str, least: int, most: int | None) -> None:
    found = read_notation(*cells)
    assert (found.kind, found.least, found.most, found.notes) == (kind, least, most, ())


@pytest.mark.parametrize(
    ("cells", "digits", "decimals"),
    [
        (("数值型", "N..20,6"), 14, 6),
        (("数值型", "N．.20,6"), 14, 6),
        (("数值型", "N20,2"), 18, 2),
        (("数值型", "N..5"), 5, 0),
        (("数值型", "N1"), 1, 0),
        (("", "n..18,2"), 16, 2),
        (("", "N18.2"), 16, 2),
        (("NUMBER(18,2)", ""), 16, 2),
        (("decimal(18，2)", ""), 16, 2),
        (("数值", "", "18,2"), 16, 2),
        (("数值", "", "18", "2"), 16, 2),
    ],
)
def test_a_number(cells: tuple[str, ...], digits: int, decimals: int) -> None:
    found = read_notation(*cells)
    assert (found.kind, found.digits, found.decimals) == ("number", digits, decimals)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (("日期时间型", "yyyyMMddHHmmss"), "yyyyMMddHHmmss"),
        (("日期时间型", "YYYYMMDDhhmmss"), "yyyyMMddHHmmss"),
        (("日期型", "YYYYMMDD"), "yyyyMMdd"),
        (("日期时间型", "yyyy-MM-dd HH:mm:ss"), "yyyy-MM-dd HH:mm:ss"),
        (("日期时间型", "YYYY-MM-DDTHH:MM:SS"), "yyyy-MM-ddTHH:mm:ss"),
        (("日期", "YYYY/MM/DD"), "yyyy/MM/dd"),
        (("", "D8"), "yyyyMMdd"),
        (("", "DT14"), "yyyyMMddHHmmss"),
        (("日期", "", "", "", "格式YYYY-MM-DD"), "yyyy-MM-dd"),
        (("日期时间", "", "14"), "yyyyMMddHHmmss"),
    ],
)
def test_a_date(cells: tuple[str, ...], form: str) -> None:
    found = read_notation(*cells)
    assert (found.kind, found.form) == ("date", form)
    assert re.fullmatch(date_pattern(form), form.translate(str.maketrans("yMdHms", "202211")))


@pytest.mark.parametrize("cells", [("奇怪", "什么"), ("DATE", ""), ("数值型", "")])
def test_what_is_not_understood_says_so(cells: tuple[str, str]) -> None:
    assert read_notation(*cells).notes


def test_type_and_format_that_differ_are_noted() -> None:
    found = read_notation("数值型", "C1")
    assert (found.kind, found.most) == ("text", 1)
    assert "differ" in found.notes[0]


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ("是", True), ("必填", True), ("M", True), ("√", True), ("1..1", True), ("Y", True), ("Ｙ", True),
        ("否", False), ("", False), ("O", False), ("选填", False), ("0..1", False), ("-", False),
        ("C", None), ("是（如非自行招标）", None), ("条件必填", None),
    ],
)  # fmt: skip
def test_what_is_required(text: str, required: bool | None) -> None:
    assert read_required(text)[0] is required


@pytest.mark.parametrize("cells", [("百分比", "", "5,2"), ("比例", "", "5,2"), ("", "decimal(5,2)")])
def test_a_length_of_two_figures_is_a_number(cells: tuple[str, ...]) -> None:
    found = read_notation(*cells)
    assert (found.kind, found.digits, found.decimals) == ("number", 3, 2)


def test_a_type_in_the_column_of_its_form_is_understood() -> None:
    found = read_notation("", "datetime", hint="yyyy-MM-dd HH:mm:ss")
    assert (found.kind, found.form, found.notes) == ("date", "yyyy-MM-dd HH:mm:ss", ())
