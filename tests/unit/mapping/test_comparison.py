"""Lineage of a mapping and its field comparison table in three forms."""

from __future__ import annotations

import html
import io
from pathlib import Path

import pytest
from lxml import etree
from openpyxl import load_workbook

from gateway.errors import ConfigError
from gateway.mapping import check_file, load_mapping
from gateway.mapping.check import find_schemas
from gateway.mapping.comparison import Comparison, Row, compare, describe
from gateway.mapping.comparison_forms import HEADINGS, to_html, to_markdown, to_xlsx
from gateway.mapping.explaining import describe as describe_mapping
from gateway.mapping.explaining import origins
from gateway.mapping.mapping import mapping_files
from gateway.mapping.run import trace_case
from gateway.mapping.schema import Leaf, Shelf
from gateway.standard import Standard
from tests.unit.mapping.conftest import ROOT

MAPPINGS = ROOT / "mappings"


def comparison(name: str, standard: Standard) -> Comparison:
    path = MAPPINGS / name
    return compare(check_file(path, standard), standard, Shelf(find_schemas(path)))


def row(made: Comparison, target: str) -> Row:
    return next(one for one in made.rows if one.target.path == target)


def test_a_row_says_what_a_value_is_made_of(standard: Standard) -> None:
    made = comparison("construction/AwardResultSync.in.yaml", standard)
    amount = row(made, "BidAmount")
    assert [side.path for side in amount.sources] == ["BID_AMOUNT", "PRICE_UNIT"]
    assert [side.zh for side in amount.sources] == ["中标金额", "价格单位"]
    assert amount.conversion == "BID_AMOUNT | amount(unit:PRICE_UNIT)"
    assert amount.functions == ("amount",)
    assert amount.when == 'PRICE_FORM_CODE = "1"'
    assert amount.target.type == "金额 decimal"
    name = row(made, "Bidders/Bidder/Name")
    assert [side.path for side in name.sources] == ["WIN_BIDDER_NAME"]
    assert name.each.startswith("zip(WIN_BIDDER_NAME")
    plain = row(made, "NoticeName")
    assert (plain.conversion, plain.functions, plain.target.is_required) == ("", (), True)
    assert row(made, "PriceFormCode").tables == ("price-form",)


def test_a_value_of_a_let_is_told_with_what_the_let_is(standard: Standard) -> None:
    made = comparison("treasury/PaymentResult.in.yaml", standard)
    paid = row(made, "PayResult")
    assert [side.path for side in paid.sources] == ["DetailList/Detail/XPayAmt", "DetailList/Detail/PayAmt"]
    assert "paid = line/XPayAmt | fixed(2)" in paid.conversion


def test_a_table_that_is_used_is_named(standard: Standard) -> None:
    made = comparison("treasury/BusinessReceipt.in.yaml", standard)
    assert "message-of-voucher" in row(made, "OriMsgNo").tables


def test_what_is_not_given_and_not_used_is_listed(standard: Standard) -> None:
    made = comparison("construction/AwardResultSync.in.yaml", standard)
    assert "WinNoticeCode" in [side.path for side in made.open_]
    unused = {side.path: is_meant for side, is_meant in made.unused}
    assert unused["NOTICE_CONTENT"] is True
    assert "NOTICE_NAME" not in unused


@pytest.mark.parametrize("path", mapping_files(MAPPINGS), ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_mapping_has_its_table(path: Path, standard: Standard) -> None:
    checked = check_file(path, standard)
    made = compare(checked, standard, Shelf(find_schemas(path)))
    assert made.rows
    for one in made.rows:
        assert one.target.path
        assert one.line > 0
        assert one.sources or one.conversion, f"{one.target.path} comes from nowhere"
    assert len(list(describe_mapping(made))) > len(made.rows)


def test_the_three_forms_hold_the_same_cells(standard: Standard) -> None:
    made = comparison("treasury/PaymentResult.in.yaml", standard)
    sheet = load_workbook(io.BytesIO(to_xlsx(made)))["字段对照表"]
    cells = [[str(cell.value or "") for cell in line] for line in sheet.iter_rows()]
    assert cells[0] == list(HEADINGS)
    page = etree.fromstring(
        to_html(made).replace("<!doctype html>", "").replace('<meta charset="utf-8">', "")
    )
    shown = [
        ["".join(cell.itertext()) for cell in line]
        for line in page.findall(".//table")[0].findall("tbody/tr")
    ]
    assert shown == cells[1:]
    lines = [line for line in to_markdown(made).splitlines() if line.startswith("| ")][2 : 2 + len(shown)]
    for line, row_cells in zip(lines, shown, strict=True):
        found = [part.strip() for part in line.replace("\\|", "¦")[2:-2].split(" | ")]
        assert [html.unescape(one.replace("<br>", "\n")).replace("¦", "|").strip() for one in found] == [
            cell.strip() for cell in row_cells
        ]


def test_a_text_that_looks_like_a_formula_stays_text(standard: Standard) -> None:
    made = comparison("treasury/PaymentResult.in.yaml", standard)
    book = load_workbook(io.BytesIO(to_xlsx(made)))
    kinds = {cell.data_type for sheet in book for line in sheet.iter_rows() for cell in line if cell.value}
    assert kinds == {"s"}
    assert any(str(cell.value).startswith("= ") for line in book["字段对照表"].iter_rows() for cell in line)


def test_a_mapping_with_errors_has_no_table(standard: Standard, tmp_path: Path) -> None:
    path = tmp_path / "p" / "CommonAck.in.yaml"
    path.parent.mkdir()
    path.write_text("message: CommonAck\n", encoding="utf-8")
    checked = check_file(path, standard)
    with pytest.raises(ValueError, match="errors"):
        compare(checked, standard, Shelf(tmp_path))
    with pytest.raises(ConfigError):
        load_mapping(path, standard)


@pytest.mark.parametrize(
    ("leaf", "shown"),
    [
        (Leaf(min_length=17, max_length=17), ("文本 text", "17")),
        (Leaf(min_length=1, max_length=200), ("文本 text", "1..200")),
        (Leaf(patterns=(r"\d{8}",)), ("日期 yyyyMMdd", "8")),
        (Leaf(patterns=(r"\d{14}",)), ("日期 yyyyMMddHHmmss", "14")),
        (Leaf(patterns=(r"-?\d{1,14}(\.\d{1,6})?",)), ("金额 decimal", "")),
        (Leaf(patterns=(r"\d{1,10}",)), ("数字 number", "")),
        (Leaf(patterns=("[0-9A-Z]{3}",)), ("文本 [0-9A-Z]{3}", "")),
        (Leaf(values=frozenset("10")), ("代码 0|1", "")),
        (Leaf("integer"), ("数字 number", "")),
    ],
)
def test_a_type_is_written_as_field_tables_write_it(leaf: Leaf, shown: tuple[str, str]) -> None:
    assert describe(leaf) == shown


# One message


def test_every_value_of_a_message_has_its_origin_and_its_steps(standard: Standard) -> None:
    mapping = load_mapping(MAPPINGS / "construction" / "AwardResultSync.in.yaml", standard)
    case = MAPPINGS / "construction" / "cases" / "AwardResultSync.in" / "price-in-wan-yuan.input.xml"
    found = {one.target: one for one in origins(trace_case(mapping, case))}
    assert found["BidAmount"].sources == ("BID_AMOUNT", "PRICE_UNIT")
    assert found["BidAmount"].steps == ("amount: 1144 → 11440000.00",)
    assert found["NoticeName"].steps == ()
    assert found["Bidders/Bidder[1]/Name"].sources == ("WIN_BIDDER_NAME",)


def test_the_row_of_a_code_table_that_was_used_is_shown(standard: Standard) -> None:
    mapping = load_mapping(MAPPINGS / "treasury" / "BusinessReceipt.in.yaml", standard)
    case = MAPPINGS / "treasury" / "cases" / "BusinessReceipt.in" / "withdrawal-agreed.input.xml"
    found = {one.target: one for one in origins(trace_case(mapping, case))}
    assert found["OriMsgNo"].steps == ("code: 9304 → 3004",)


def test_a_let_is_told_for_every_field_that_reads_it(standard: Standard) -> None:
    mapping = load_mapping(MAPPINGS / "treasury" / "PaymentResult.in.yaml", standard)
    case = MAPPINGS / "treasury" / "cases" / "PaymentResult.in" / "paid.input.xml"
    found = {one.target: one for one in origins(trace_case(mapping, case))}
    assert [step.partition(":")[0] for step in found["PayResult"].steps] == ["fixed"]
    assert [step.partition(":")[0] for step in found["XPayAmt"].steps] == ["fixed"]


def test_a_list_given_once_has_its_origin(standard: Standard) -> None:
    mapping = load_mapping(MAPPINGS / "treasury" / "PaymentApplicationPush.out.yaml", standard)
    case = MAPPINGS / "treasury" / "cases" / "PaymentApplicationPush.out" / "two-payees-city.input.json"
    traced = trace_case(mapping, case)
    shown = [one.target for one in origins(traced)]
    leaves = [path for path, value in _leaves(traced.record, "") if value]
    assert shown == leaves


def _leaves(value: object, path: str) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [
            one for name, inner in value.items() for one in _leaves(inner, f"{path}/{name}" if path else name)
        ]
    if isinstance(value, list):
        return [one for index, inner in enumerate(value, 1) for one in _leaves(inner, f"{path}[{index}]")]
    return [(path, str(value))]
