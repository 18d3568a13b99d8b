"""The field comparison table as Markdown, HTML and XLSX: the same rows, three ways of writing them down."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from html import escape

from openpyxl import Workbook
from openpyxl.cell import Cell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.worksheet.worksheet import Worksheet

from gateway.mapping.comparison import Comparison, Row, Side

HEADINGS = (
    "序号", "目标字段", "目标中文名", "目标类型", "目标长度", "目标必填", "来源字段", "来源中文名", "来源类型",
    "来源长度", "来源必填", "转换", "代码表", "条件", "逐项", "行号",
)  # fmt: skip
SIDE_HEADINGS = ("字段", "中文名", "类型", "长度", "必填", "说明")
_OPEN = "目标中未给出的字段"
_UNUSED = "来源中未使用的字段"
_WIDTHS = (6, 34, 26, 20, 14, 8, 34, 26, 20, 14, 8, 44, 18, 30, 24, 6)
_MAX_CELL = 32_000


def _needed(side: Side) -> str:
    return "是" if side.is_required else "否"


def _cells(number: int, row: Row) -> tuple[str, ...]:
    def all_of(get: Callable[[Side], str]) -> str:
        return "\n".join(get(side) for side in row.sources)

    target = row.target
    return (
        str(number), target.path, target.zh, target.type, target.length, _needed(target),
        all_of(lambda side: side.path), all_of(lambda side: side.zh), all_of(lambda side: side.type),
        all_of(lambda side: side.length), all_of(_needed), row.conversion, ", ".join(row.tables), row.when,
        row.each, str(row.line or ""),
    )  # fmt: skip


def _side_cells(side: Side, note: str) -> tuple[str, ...]:
    return side.path, side.zh, side.type, side.length, _needed(side), note


def _tables(made: Comparison) -> Iterator[tuple[str, tuple[str, ...], list[tuple[str, ...]]]]:
    """(title, headings, rows) of each part."""
    yield "字段对照表", HEADINGS, [_cells(number, row) for number, row in enumerate(made.rows, 1)]
    yield _OPEN, SIDE_HEADINGS, [_side_cells(side, "") for side in made.open_]
    notes = {True: "按约定不取", False: "尚未决定"}
    yield _UNUSED, SIDE_HEADINGS, [_side_cells(side, notes[is_meant]) for side, is_meant in made.unused]


def to_markdown(made: Comparison) -> str:
    """GitHub's tables; a bar and a line break inside a cell are written so that they stay inside it."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(_markdown_cell(cell) for cell in cells) + " |"

    parts = [f"# {made.title}"]
    for title, headings, rows in _tables(made):
        if rows:
            parts += ["", f"## {title}", "", line(headings), line(("---",) * len(headings)), *map(line, rows)]
    return "\n".join(parts) + "\n"


def _markdown_cell(text: str) -> str:
    safe = escape(text, quote=False).replace("\\", "\\\\").replace("|", "\\|")
    return safe.replace("\r", "").replace("\n", "<br>")


def to_html(made: Comparison) -> str:
    """One page without anything from elsewhere."""
    parts = [
        "<!doctype html>",
        '<html lang="zh-CN"><head><meta charset="utf-8">',
        f"<title>{escape(made.title)} 字段对照表</title>",
        "<style>body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem}table{border-collapse:collapse;margin:0 0 2rem}"
        "th,td{border:1px solid #bbb;padding:.25rem .5rem;text-align:left;vertical-align:top;white-space:pre-line}"
        "th{background:#eef2f7;position:sticky;top:0}</style></head>",
        f"<body><h1>{escape(made.title)}</h1>",
    ]
    for title, headings, rows in _tables(made):
        if rows:
            head = "".join(f"<th>{escape(one)}</th>" for one in headings)
            body = "\n".join(
                "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
            )
            parts.append(
                f"<h2>{escape(title)}</h2>\n<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
            )
    return "\n".join([*parts, "</body></html>"]) + "\n"


def to_xlsx(made: Comparison) -> bytes:
    """A workbook with a sheet for each part. Every cell is text: nothing is taken for a formula."""
    book = Workbook()
    book.remove(book.active)
    for title, headings, rows in _tables(made):
        sheet = book.create_sheet(title)
        _fill(sheet, headings, rows)
        for index, width in enumerate(_WIDTHS[: len(headings)]):
            letter = sheet.cell(1, index + 1).column_letter
            sheet.column_dimensions[letter].width = width if headings is HEADINGS else 28
        sheet.freeze_panes = "C2" if headings is HEADINGS else "A2"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _fill(sheet: Worksheet, headings: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    for row_number, cells in enumerate([headings, *rows], 1):
        for column, text in enumerate(cells, 1):
            cell: Cell = sheet.cell(row_number, column)
            cell.value = text[:_MAX_CELL]
            cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            if row_number == 1:
                cell.font = Font(bold=True)
                cell.fill = PatternFill("solid", fgColor="EEF2F7")


FORMS: dict[str, Callable[[Comparison], bytes]] = {
    "md": lambda made: to_markdown(made).encode(),
    "html": lambda made: to_html(made).encode(),
    "xlsx": to_xlsx,
}
