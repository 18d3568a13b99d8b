"""A field table as the checker's tree of elements: CSV in UTF-8, one line a field, for platforms that have no
schema language.

Columns, in any order, by English or Chinese heading; only the name is needed:
`name` 字段名 (a path: `LINES/LINE/NO`, `@kind`), `title` 名称, `type` 数据类型 (text, integer, decimal, date,
datetime, boolean), `length` 长度 (characters), `bytes` 字节 (of GBK), `format` 格式 (a date's, `yyyyMMdd`, or `[0-9]{6}`),
`values` 值域 (by semicolons), `required` 必填 (Y, N), `repeats` 重复 (Y, N, or at most how often), `sensitive` 敏感.
A name with fields below it is a record; it needs a line of its own only if it repeats or is not required.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.mapping.dates import check_format, example
from gateway.mapping.element import UNBOUNDED, Element, Leaf, SchemaError
from gateway.mapping.model import did_you_mean

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "name": ("字段名", "字段", "英文名", "英文名称", "路径"),
    "title": ("名称", "中文名", "中文名称", "数据项"),
    "type": ("数据类型", "类型"),
    "length": ("长度", "数据长度"),
    "bytes": ("字节", "字节数"),
    "format": ("格式", "数据格式"),
    "values": ("值域", "取值"),
    "required": ("必填", "必填项"),
    "repeats": ("重复", "可重复"),
    "sensitive": ("敏感",),
}
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("", "text", "string", "文本", "字符", "字符型", "字符串"), "string"),
    **dict.fromkeys(("integer", "整数", "整型"), "integer"),
    **dict.fromkeys(("decimal", "number", "数值", "数值型", "金额"), "decimal"),
    **dict.fromkeys(("date", "日期", "日期型"), "date"),
    **dict.fromkeys(("datetime", "时间", "日期时间", "日期时间型"), "dateTime"),
    **dict.fromkeys(("boolean", "布尔", "布尔型"), "boolean"),
}
_YES, _NO = (
    ("Y", "YES", "TRUE", "1", "是", "M", "必填", "必须", "必需", "必选"),
    ("", "N", "NO", "FALSE", "0", "否", "O", "选填", "可选", "非必填"),
)
MAX_ROWS = 5000


@dataclass(slots=True)
class _Node:
    element: Element
    inner: dict[str, _Node] = field(default_factory=dict)

    def made(self) -> Element:
        children = tuple(one.made() for one in self.inner.values())
        is_text = not self.inner or all(name.startswith("@") for name in self.inner)
        return replace(self.element, children=children, leaf=self.element.leaf if is_text else None)


def read_field_table(text: str) -> Element:
    """The record that the table describes. SchemaError with the line for what is not understood."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    root = _Node(Element(""))
    try:
        columns = _columns(next(reader, []))
        for row in reader:
            if any(cell.strip() for cell in row):
                cells = {name: row[at].strip() for name, at in columns.items() if at < len(row)}
                _add(root, cells, reader.line_num)
            if reader.line_num > MAX_ROWS:
                raise SchemaError(f"more than {MAX_ROWS} lines")
    except csv.Error as error:
        raise SchemaError(f"line {reader.line_num}: not CSV: {error}") from error
    if not root.inner:
        raise SchemaError("the table has no fields")
    return root.made()


def _columns(heading: list[str]) -> dict[str, int]:
    known = {title: name for name, titles in COLUMNS.items() for title in (name, *titles)}
    found: dict[str, int] = {}
    for at, title in enumerate(heading):
        name = known.get(title.strip().lower()) or known.get(title.strip())
        if name is not None:
            found.setdefault(name, at)
        elif title.isascii() and (hint := did_you_mean(title, COLUMNS)):
            raise SchemaError(f"line 1: unknown column {title}{hint}")
    if "name" not in found:
        raise SchemaError(f"line 1: no column name (or {', '.join(COLUMNS['name'])})")
    return found


def _add(root: _Node, cells: Mapping[str, str], line: int) -> None:
    names = cells["name"].split("/") if cells.get("name") else []
    if not names or not all(names):
        raise SchemaError(f"line {line}: expected a name like A or A/B, got {cells.get('name', '')!r}")
    node = root
    for name in names[:-1]:
        node = node.inner.setdefault(name, _Node(Element(name)))
    element = _element(names[-1], cells, line)
    known = node.inner.get(names[-1])
    if known is not None and (known.element.leaf is not None or not known.inner):
        raise SchemaError(f"line {line}: {cells['name']} stands twice")
    node.inner[names[-1]] = _Node(element, known.inner if known is not None else {})


def _element(name: str, cells: Mapping[str, str], line: int) -> Element:
    base = TYPES.get(cells.get("type", "").lower())
    if base is None:
        raise SchemaError(
            f"line {line}: unknown type {cells['type']!r}; there are {', '.join(filter(None, TYPES))}"
        )
    values = frozenset(one.strip() for one in re.split("[;；]", cells.get("values", "")) if one.strip())
    patterns: tuple[str, ...] = ()
    if cells.get("format"):
        base, patterns = _format(base, cells["format"], line)
    most = _count(cells, "length", line)
    return Element(
        name,
        Leaf(base, 0, most or None, patterns, values),
        least=int(_switch(cells, "required", line)),
        most=_repeats(cells, line),
        zh=cells.get("title", ""),
        sensitive=_switch(cells, "sensitive", line),
        gbk_max=_count(cells, "bytes", line),
    )


def _format(base: str, form: str, line: int) -> tuple[str, tuple[str, ...]]:
    """A date in a format of its own is text of that form."""
    if base in ("date", "dateTime"):
        try:
            check_format(form, time=False)
        except ValueError as error:
            raise SchemaError(f"line {line}: format {form!r}: {error}") from error
        return "string", (re.sub("[0-9]", "[0-9]", re.escape(example(form))),)
    try:
        re.compile(form)
    except re.error as error:
        raise SchemaError(f"line {line}: format {form!r} is no pattern: {error}") from error
    return base, (form,)


def _count(cells: Mapping[str, str], name: str, line: int) -> int:
    text = cells.get(name, "")
    if text and not (text.isascii() and text.isdecimal()):
        raise SchemaError(f"line {line}: expected a number for {name}, got {text!r}")
    return int(text or 0)


def _switch(cells: Mapping[str, str], name: str, line: int) -> bool:
    text = cells.get(name, "").upper()
    if text not in _YES + _NO:
        raise SchemaError(f"line {line}: expected Y or N for {name}, got {cells[name]!r}")
    return text in _YES


def _repeats(cells: Mapping[str, str], line: int) -> int:
    text = cells.get("repeats", "")
    if text.isascii() and text.isdecimal() and int(text) > 1:
        return int(text)
    return UNBOUNDED if _switch(cells, "repeats", line) else 1
