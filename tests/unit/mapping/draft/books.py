"""Workbooks as provinces write them, made here: merged cells, headings of two rows, groups, footnotes, pages."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from openpyxl import Workbook

HEADING = ["名称", "英文名称", "数据类型", "数据格式", "值域", "必填项", "公开范围", "备注"]
PROJECT = [
    HEADING,
    ["项目编号", "PROJECT_CODE", "字符型", "C17", "附录B.3.2项目编号", "是", "社会公开", ""],
    ["项目名称", "PROJECT_NAME", "字符型", "C..600", "自由文本", "是", "社会公开", ""],
    ["项目所在行政区域代码", "REGION_CODE", "字符型", "C6", "GB/T 2260", "是", "社会公开", ""],
    ["项目类别关联代码", "RELATE_CODE", "字符型", "C1", "", "是", "社会公开", ""],
    ["投资项目统一代码", "INVEST_PROJECT_CODE", "字符型", "C24", "", "否", "社会公开", ""],
    ["项目地址", "ADDRESS", "字符型", "C..500", "自由文本", "是", "社会公开", ""],
    ["项目法人", "LEGAL_PERSON", "字符型", "C..200", "自由文本", "是", "社会公开", ""],
    ["项目行业分类", "INDUSTRIES_TYPE", "字符型", "C3", "GB/T 4754", "是", "社会公开", ""],
    ["资金来源", "FUND_SOURCE", "字符型", "C..1000", "自由文本", "是", "社会公开", ""],
    ["项目规模", "PROJECT_SCALE", "字符型", "C..1000", "自由文本", "是", "社会公开", ""],
    ["联系人", "CONTACTOR", "字符型", "C..100", "自由文本", "是", "社会公开", ""],
    ["联系方式", "CONTACT_INFORMATION", "字符型", "C..100", "自由文本", "是", "政务公开", ""],
    ["项目建立时间", "CREATE_TIME", "日期时间型", "yyyy-MM-dd HH:mm:ss", "", "是", "社会公开", ""],
    ["数据时间戳", "DATA_TIMESTAMP", "日期时间型", "yyyyMMddHHmmss", "", "是", "政务公开", ""],
    ["自定义项", "OWN_ITEM", "字符型", "C..ul", "自由文本", "否", "政务公开", ""],
]

Rows = Sequence[Sequence[object]]


def book(sheets: Mapping[str, Rows], merged: Mapping[str, Sequence[str]] | None = None) -> bytes:
    """An XLSX of sheets with rows; `merged`: sheet → ranges."""
    made = Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
        for area in (merged or {}).get(name, ()):
            sheet.merge_cells(area)
    target = io.BytesIO()
    made.save(target)
    return target.getvalue()
