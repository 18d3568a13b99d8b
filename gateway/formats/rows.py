"""Tables of rows: CSV (RFC 4180) with a heading line, and fixed width with a layout line.

Both become {"Row": [{column: text}, …]}. Input is UTF-8 (a byte order mark is ignored) or, failing
that, GB18030, which spreadsheets on Chinese systems write; output is as the format's instance says.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import Fault, MessageError
from gateway.formats.contract import refusal
from gateway.formats.elements import outside_encoding
from gateway.message import Head, Parsed, Record

MAX_BYTES = 8 * 1024 * 1024
MAX_ROWS = 100_000
ROOT = "Row"


@dataclass(frozen=True, slots=True)
class Csv:
    name: str = "csv"
    content_type: str = "text/csv"
    envelope_names: tuple[str, ...] = ()
    envelope_needs: tuple[str, ...] = ()
    encoding: str = "utf-8"

    def decode(self, data: bytes) -> Parsed:
        reader = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
        rows: list[Record] = []
        try:
            heading = next(reader, [])
            _check_heading(heading)
            for values in reader:
                if values:
                    rows.append(_row(heading, values, reader.line_num))
                if len(rows) > MAX_ROWS:
                    raise _too_many()
        except csv.Error as error:
            raise _malformed(str(error), reader.line_num) from error
        return Parsed({ROOT: rows}, root=ROOT)

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        """Columns in the order in which the rows name them first; an absent field is empty."""
        rows = _rows_of(record)
        heading = list(dict.fromkeys(name for row in rows for name in row))
        target = io.StringIO(newline="")
        writer = csv.writer(target)
        writer.writerow(heading)
        writer.writerows([row.get(name, "") for name in heading] for row in rows)
        return _encoded(target.getvalue(), self.encoding, record)


@dataclass(frozen=True, slots=True)
class Fixed:
    """The first line is the layout, `NAME:width` by commas, `>` after the width where the column is
    aligned right: `VOUCHER_NO:20,AMOUNT:18>`. Widths count bytes of the encoding."""

    name: str = "fixed"
    content_type: str = "text/plain"
    envelope_names: tuple[str, ...] = ("Layout",)
    envelope_needs: tuple[str, ...] = ("Layout",)
    encoding: str = "gb18030"

    def decode(self, data: bytes) -> Parsed:
        if len(data) > MAX_BYTES:
            raise _too_large()
        first, *lines = data.splitlines() or [b""]
        layout = _read_layout(_decoded(first, self.encoding, 1))
        rows: list[Record] = []
        for number, line in enumerate(lines, 2):
            if line:
                rows.append(self._cut(line, layout, number))
            if len(rows) > MAX_ROWS:
                raise _too_many()
        return Parsed({ROOT: rows}, root=ROOT)

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        """`envelope["Layout"]` is the layout line. MessageError 30007 names every value that is wider
        than its column."""
        layout = _read_layout(envelope.get("Layout", ""))
        lines = [_encoded(envelope["Layout"], self.encoding, record)]
        faults: list[Fault] = []
        for index, row in enumerate(_rows_of(record), 1):
            lines.append(b"".join(self._fill(row, column, index, faults) for column in layout))
        if faults:
            raise MessageError(faults)
        return b"\n".join(lines) + b"\n"

    def _cut(self, line: bytes, layout: list[_Column], number: int) -> Record:
        width = sum(column.width for column in layout)
        if len(line) != width:
            raise _malformed(f"{len(line)} bytes, the layout has {width}", number)
        row: Record = {}
        start = 0
        for column in layout:
            row[column.name] = _decoded(line[start : start + column.width], self.encoding, number).strip(" ")
            start += column.width
        return row

    def _fill(self, row: Record, column: _Column, index: int, faults: list[Fault]) -> bytes:
        data = _encoded(row.get(column.name, ""), self.encoding, row)
        if len(data) > column.width or b"\n" in data or b"\r" in data:
            path = f"{ROOT}[{index}]/{column.name}"
            zh, en = (
                f"超过 {column.width} 字节或含换行",
                f"longer than {column.width} bytes, or holds a line break",
            )
            faults.append(Fault("format.too-wide", path, zh, en, "30007", path))
        return data.rjust(column.width) if column.right else data.ljust(column.width)


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    width: int
    right: bool


_COLUMN = re.compile(r"([^\W\d][\w\-]*):([1-9]\d{0,4})(>?)")


def _read_layout(line: str) -> list[_Column]:
    matches = [_COLUMN.fullmatch(part.strip()) for part in line.strip().split(",")]
    columns = [_Column(match[1], int(match[2]), bool(match[3])) for match in matches if match]
    if len(columns) != len(matches) or len({column.name for column in columns}) != len(columns):
        raise _malformed("the layout line is NAME:width, with different names", 1)
    return columns


def _rows_of(record: Record) -> list[Record]:
    rows: Any = record.get(ROOT, [])
    return rows if isinstance(rows, list) else [rows]


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise _too_large()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _decoded(data, "gb18030", 0)


def _decoded(data: bytes, encoding: str, line: int) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise refusal(
            "rows.encoding",
            f"第 {error.start} 字节不是 {encoding} 编码",
            f"byte {error.start} is not {encoding}",
            result="10004",
            line=line,
        ) from error


def _encoded(text: str, encoding: str, content: Record) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError as error:
        raise outside_encoding(content, encoding) from error


def _check_heading(heading: list[str]) -> None:
    if not heading or "" in heading or len(set(heading)) != len(heading):
        raise _malformed("the first line names the columns, each once", 1)


def _row(heading: list[str], values: list[str], line: int) -> Record:
    if len(values) != len(heading):
        raise _malformed(f"{len(values)} values, the heading names {len(heading)}", line)
    return dict(zip(heading, values, strict=True))


def _malformed(text: str, line: int) -> MessageError:
    return refusal(
        "rows.malformed", f"第 {line} 行不合规范: {text}", f"line {line}: {text}", result="10001", line=line
    )


def _too_large() -> MessageError:
    zh, en = f"报文超过 {MAX_BYTES} 字节", f"the document is larger than {MAX_BYTES} bytes"
    return refusal("rows.too-large", zh, en, result="10002")


def _too_many() -> MessageError:
    return refusal("rows.too-many", f"超过 {MAX_ROWS} 行", f"more than {MAX_ROWS} rows", result="10002")
