"""Field tables are found where they stand, and what is read otherwise than it stands is noted."""

from __future__ import annotations

import io
import zipfile

import pytest

from gateway.errors import ConfigError
from gateway.mapping.draft.notation import Notation
from gateway.mapping.draft.rows import FieldTable
from gateway.mapping.draft.tables import Book, find_tables
from gateway.mapping.draft.workbook import read_workbook
from tests.unit.mapping.draft.books import HEADING, PROJECT, Rows, book


def read(sheets: dict[str, Rows], merged: dict[str, list[str]] | None = None) -> Book:
    return find_tables(read_workbook(book(sheets, merged), "test.xlsx"))


def only(rows: Rows, *merged: str, name: str = "表") -> FieldTable:
    (table,) = read({name: rows}, {name: list(merged)}).tables
    return table


def names(table: FieldTable) -> list[str]:
    return [one.name for one in table.fields]


def notes(table: FieldTable) -> str:
    return "\n".join(f"{note.row}: {note.text}" for note in table.notes)


def test_a_plain_sheet_is_a_table_with_its_fields() -> None:
    table = only(PROJECT, name="500")
    assert len(table.fields) == 15
    assert (table.number, table.row) == ("500", 1)
    first = table.fields[0]
    assert (first.name, first.zh, first.required, first.notation.most) == (
        "PROJECT_CODE",
        "项目编号",
        True,
        17,
    )
    assert table.notes == []


def test_headings_may_stand_some_rows_down_and_in_two_rows() -> None:
    rows = [
        ["某省公共资源交易数据规范"], [], ["单位：某省中心"], ["附件3 合同信息（CONTRACT_INFO）数据项"],
        ["序　号", "数据项名称", "英文缩写", "类型", "", "约束", "值域说明", "备 注"],
        ["", "", "", "数据类型", "长度", "", "", ""],
        ["一、基本信息"],
        ["1", "合同编号", "contractNo", "字符", 50, "M", "", ""],
        ["2", "合同名称", "contractName", "字符", "≤200", "M", "自由文本", ""],
        [],
        ["二、金额"],
        ["3", "合同金额（元）", "contractAmount", "数值", "18,2", "O", "", ""],
        ["注：M为必填，O为选填。"],
    ]  # fmt: skip
    table = only(rows, "D5:E5", "A5:A6", "A7:H7")
    assert names(table) == ["contractNo", "contractName", "contractAmount"]
    assert (table.name, table.title) == ("CONTRACT_INFO", "合同信息数据项")
    assert [one.required for one in table.fields] == [True, True, False]
    assert table.fields[2].notation == Notation("number", "数值 18,2", digits=16, decimals=2)
    assert notes(table) == ""


def test_several_tables_in_a_sheet_are_told_apart() -> None:
    rows = [
        ["500", " PROJECT", " 项目", " 数据格式", " 值域", " 必填项", " 公开范围", " 备注"],
        ["项目编号", " PROJECT_CODE", " 字符型", " C17", " ", " 是", " 社会公开", " "],
        ["501", " TENDER_PROJECT", " 招标项目", " 数据格式", " 值域", " 必填项", " 公开范围", " 备注"],
        ["招标项目编号", " TENDER_PROJECT_CODE", " 字符型", " C20", " ", " 否", " 社会公开", " "],
        [],
        ["表3 标段（包）"],
        HEADING,
        ["标段编号", "BID_SECTION_CODE", "字符型", "C23", "", "是", "社会公开", ""],
    ]
    tables = read({"x": rows}).tables
    assert [(one.label, one.title, names(one)) for one in tables] == [
        ("500-PROJECT", "项目", ["PROJECT_CODE"]),
        ("501-TENDER_PROJECT", "招标项目", ["TENDER_PROJECT_CODE"]),
        ("标段_包", "标段（包）", ["BID_SECTION_CODE"]),
    ]


def test_a_heading_printed_again_on_a_new_page_is_no_new_table() -> None:
    table = only([*PROJECT[:4], HEADING, *PROJECT[4:6]])
    assert names(table) == [
        "PROJECT_CODE",
        "PROJECT_NAME",
        "REGION_CODE",
        "RELATE_CODE",
        "INVEST_PROJECT_CODE",
    ]


def test_a_sheet_that_lists_the_data_sets_names_them() -> None:
    index = [["编码", "英文", "中文"], ["500", "PROJECT", "项目"], ["501", "TENDER_PROJECT", "招标项目"], ["502", "SECTION", "标段"]]  # fmt: skip
    made = read({"映射": index, "500": PROJECT, "空": []})
    assert made.unrecognised == ["映射"]
    assert made.sheets == 3
    assert [(one.label, one.title) for one in made.tables] == [("500-PROJECT", "项目")]


def test_cells_that_go_on_in_the_next_row_belong_to_the_field_above() -> None:
    rows = [
        HEADING,
        ["项目编号", "PROJECT_CODE", "字符型", "C17", "电子招标投标", "是", "社会公开", ""],
        ["", "", "", "", "技术规范", "", "", ""],
        ["开标时间", "OPEN_TIME", "日期时间型", "YYYYMMDDhh", "", "是", "社会公开", ""],
        ["", "", "", "mmss", "", "", "", ""],
    ]
    table = only(rows, "A2:A3")
    assert names(table) == ["PROJECT_CODE", "OPEN_TIME"]
    assert table.fields[0].values == "电子招标投标技术规范"
    assert table.fields[1].notation.form == "yyyyMMddHHmmss"


def test_a_row_whose_cells_stand_beside_their_headings_is_read_in_order_and_noted() -> None:
    rows = [
        ["名称", "", "英文名称", "", "数据类型", "数据格式", "值域", "必填项", "", "公开范围", "备注"],
        ["矿山名称", "", "NA_APP_NAME", "", "字符型", "C..500", "自由文本", "是", "", "社会公开", ""],
        ["交易机构代码", "TRA_AGENCY_CODE", "", "字符型", "", "C..18", "GB 32100", "是", "社会公开", "", "x"],
    ]
    table = only(rows)
    last = table.fields[1]
    assert (last.name, last.zh, last.notation.most, last.required) == (
        "TRA_AGENCY_CODE",
        "交易机构代码",
        18,
        True,
    )
    assert "3: the cells do not stand under their headings" in notes(table)


def test_a_requirement_merged_over_rows_holds_for_each_and_is_a_condition() -> None:
    rows = [
        HEADING,
        ["国税证号", "TAX_NO", "字符型", "C..50", "", "国税地税必填一个", "社会公开", ""],
        ["地税证号", "LOCAL_TAX_NO", "字符型", "C..50", "", "", "社会公开", ""],
        ["名称", "LEGAL_NAME", "字符型", "C..50", "", "是", "社会公开", ""],
    ]
    table = only(rows, "F2:F3")
    assert [one.required for one in table.fields] == [None, None, True]
    assert "3: LOCAL_TAX_NO (地税证号) is required on a condition: 国税地税必填一个" in notes(table)


@pytest.mark.parametrize(
    ("cells", "name", "note"),
    [
        (["保证金", "IS_COMMIT_ MARGIN", "字符型", "C1"], "IS_COMMIT_MARGIN", "called IS_COMMIT_MARGIN"),
        (["是否PPP", "ｉｓＰＰＰ", "字符型", "C1"], "isPPP", "called isPPP"),
        (["甲方名称", "", "字符型", "C..100"], "甲方名称", "called 甲方名称"),
        (["代码", "CODE（代码）", "字符型", "C..100"], "CODE", "called CODE"),
    ],
)
def test_a_name_that_is_no_name_is_made_one_and_noted(cells: list[str], name: str, note: str) -> None:
    table = only([HEADING, *PROJECT[1:4], [*cells, "", "是", "", ""]])
    assert table.fields[-1].name == name
    assert note in notes(table)


def test_a_field_that_stands_twice_counts_once() -> None:
    table = only([*PROJECT[:4], PROJECT[2]])
    assert names(table) == ["PROJECT_CODE", "PROJECT_NAME", "REGION_CODE"]
    assert "5: PROJECT_NAME (项目名称) stands in row 3 already" in notes(table)


def test_a_table_of_a_database_is_a_field_table() -> None:
    rows = [
        ["字段名", "中文含义", "类型", "是否为空", "说明"],
        ["ID", "主键", "VARCHAR2(32)", "N", ""],
        ["AMT", "金额", "NUMBER(18,2)", "Y", ""],
        ["FLAG", "标志", "CHAR(1)", "N", "0/1"],
    ]
    table = only(rows)
    assert [(one.name, one.zh, one.required) for one in table.fields] == [
        ("ID", "主键", True), ("AMT", "金额", False), ("FLAG", "标志", True),
    ]  # fmt: skip
    assert [one.notation.most for one in table.fields] == [32, None, 1]


def test_columns_with_headings_that_say_nothing_are_told_by_their_contents() -> None:
    rows = [
        ["A", "B", "C", "数据格式", "必填", "备注"],
        ["项目编号", "PROJECT_CODE", "字符型", "C17", "是", ""],
        ["项目名称", "PROJECT_NAME", "字符型", "C..600", "是", ""],
    ]
    table = only(rows)
    assert [(one.name, one.zh) for one in table.fields] == [
        ("PROJECT_CODE", "项目编号"),
        ("PROJECT_NAME", "项目名称"),
    ]


def test_tables_beside_each_other_are_told_apart() -> None:
    rows = [
        ["项目信息", "", "", "", "", "标段信息", "", "", ""],
        ["名称", "英文名称", "数据类型", "数据格式", "必填", "名称", "英文名称", "数据类型", "数据格式"],
        ["项目编号", "XM_BH", "字符型", "C17", "是", "标段编号", "BD_BH", "字符型", "C23"],
        ["地址", "DZ", "字符型", "C..60", "否", "", "", "", ""],
    ]
    tables = read({"x": rows}).tables
    assert [(one.title, names(one)) for one in tables] == [
        ("项目信息", ["XM_BH", "DZ"]),
        ("标段信息", ["BD_BH"]),
    ]


def test_a_column_of_groups_beside_the_fields_is_no_field() -> None:
    rows = [
        ["分类", "数据项", "字段名", "类型", "长度", "必填\n(M/O)", "值域"],
        ["基本信息", "项目编号", "XMBH", "字符型", "50", "M", ""],
        ["", "项目名称", "XMMC", "字符型", "200", "O", ""],
    ]
    table = only(rows, "A2:A3", name="表2 项目信息")
    assert [(one.name, one.required) for one in table.fields] == [("XMBH", True), ("XMMC", False)]
    assert table.title == "项目信息"


def test_a_table_without_english_names_keeps_the_chinese_ones_and_says_so() -> None:
    rows = [
        ["序号", "数据项名称", "数据类型", "数据长度", "是否必填", "说明"],
        [1, "合同编号", "字符型", 50, "是", ""],
        [2, "签订日期", "日期型", "YYYYMMDD", "是", ""],
    ]
    table = only(rows)
    assert names(table) == ["合同编号", "签订日期"]
    assert table.fields[1].notation.form == "yyyyMMdd"
    assert "called 合同编号" in notes(table)


def test_a_list_of_codes_is_no_field_table() -> None:
    rows = [["编码", "名称", "类型", "备注"], ["01", "公路", "大类", ""], ["02", "市政", "大类", ""]]
    made = read({"代码": rows})
    assert (made.tables, made.unrecognised) == ([], ["代码"])


def test_a_heading_of_two_rows_names_the_columns_by_its_second() -> None:
    rows = [
        ["数据项", "", "类型及长度", "", "要求", ""],
        ["中文名称", "英文名称", "类型", "长度", "必填", "公开范围"],
        ["项目编号", "PROJECT_CODE", "C", "17", "是", "社会"],
        ["金额", "AMT", "N", "20,6", "是", "社会"],
    ]
    table = only(rows, "A1:B1", "C1:D1", "E1:F1")
    assert names(table) == ["PROJECT_CODE", "AMT"]
    assert (table.fields[1].notation.digits, table.fields[1].notation.decimals) == (14, 6)


def test_headings_of_groups_are_no_title() -> None:
    rows: Rows = [
        ["类别", "字段信息", None, None, "约束", None, "备注"],
        [None, "中文名称", "字段名", "类型(长度)", "是否可空", "值域", None],
        ["基本信息", "标段编号", "bid_section_code", "varchar(32)", "N", "", ""],
        [None, "中标价", "bid_amount", "decimal(18,6)", "Y", "", "元"],
        ["时间", "中标时间", "win_time", "datetime", "N", "", "yyyy-MM-dd HH:mm:ss"],
    ]
    table = only(rows, "A1:A2", "B1:D1", "E1:F1", "G1:G2", "A3:A4", name="2 中标结果")
    assert table.title == "中标结果"
    assert [(one.name, one.notation.kind) for one in table.fields] == [
        ("bid_section_code", "text"),
        ("bid_amount", "number"),
        ("win_time", "date"),
    ]
    assert table.fields[2].notation.form == "yyyy-MM-dd HH:mm:ss"


def test_a_sheet_of_prose_is_no_table() -> None:
    made = read({"说明": [["本规范规定了数据格式、值域、必填项等内容"], ["名称", "说明"], ["甲", "乙"]]})
    assert made.tables == []
    assert made.unrecognised == ["说明"]


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04broken", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1old", b"a,b,c\n"]
)
def test_what_is_no_workbook_is_refused_with_a_finding(data: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        read_workbook(data, "x.xlsx")
    assert caught.value.findings[0].code == "mapping.workbook"


def test_a_zip_that_is_no_workbook_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as parts:
        parts.writestr("a.txt", "x")
    with pytest.raises(ConfigError):
        read_workbook(target.getvalue(), "x.xlsx")


def test_a_workbook_that_unpacks_without_end_is_refused() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as parts:
        for number in range(9):
            parts.writestr(f"xl/{number}.xml", b"0" * (64 * 1024 * 1024))
    with pytest.raises(ConfigError) as caught:
        read_workbook(target.getvalue(), "x.xlsx")
    assert caught.value.findings[0].code == "mapping.workbook-too-large"
