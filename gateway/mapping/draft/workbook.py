"""An XLSX file as sheets of plain text. Merged cells are known; nothing is calculated, nothing is fetched."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.worksheet import Worksheet

from gateway.errors import ConfigError, Finding

MAX_BYTES = 32 * 1024 * 1024
MAX_UNPACKED = 512 * 1024 * 1024
MAX_ROWS = 100_000
MAX_COLUMNS = 200
_SPACES = re.compile("[\\s\u00a0\u200b\ufeff]+")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`rows`: text of every cell, "" where it is empty, row 1 first. `merged`: (row, column), from 0, of a
    cell below the head of a merged range → the text at its head."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    merged: Mapping[tuple[int, int], str] = field(default_factory=dict)

    def at(self, row: int, column: int) -> str:
        cells = self.rows[row]
        return cells[column] if column < len(cells) else ""

    def spread(self, row: int, column: int) -> str:
        """The same with a merged range's text in each of its rows."""
        return self.at(row, column) or self.merged.get((row, column), "")


def tidy(text: str) -> str:
    """Without white space at the ends and with single spaces inside."""
    return _SPACES.sub(" ", text).strip()


def key(text: str) -> str:
    """A text as it is compared: half-width, lower case, without white space."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).lower()


def read_workbook(data: bytes, name: str) -> list[Sheet]:
    """Every sheet with its cells, hidden ones too. ConfigError where it is no XLSX file, or too large."""
    _check_size(data, name)
    try:
        book = load_workbook(io.BytesIO(data), data_only=True, keep_links=False)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, SyntaxError) as error:
        raise _wrong(name, f"not an XLSX workbook: {tidy(str(error))[:200]}", "workbook") from error
    sheets = [_sheet(one, name) for one in book.worksheets]
    book.close()
    return sheets


def _check_size(data: bytes, name: str) -> None:
    if len(data) > MAX_BYTES:
        raise _wrong(name, f"larger than {MAX_BYTES} bytes", "workbook-too-large")
    if data[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise _wrong(name, "an old .xls file, or one with a password; save it as .xlsx", "workbook")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            unpacked = sum(one.file_size for one in parts.infolist())
    except zipfile.BadZipFile as error:
        raise _wrong(name, "not an XLSX workbook (no ZIP archive)", "workbook") from error
    if unpacked > MAX_UNPACKED:
        raise _wrong(name, f"unpacks to more than {MAX_UNPACKED} bytes", "workbook-too-large")


def _wrong(name: str, text: str, code: str) -> ConfigError:
    return ConfigError([Finding(name, 0, 0, "(workbook)", text, f"mapping.{code}")])


def _sheet(sheet: Worksheet, name: str) -> Sheet:
    if (sheet.max_row or 0) > MAX_ROWS:
        raise _wrong(name, f"sheet {sheet.title} has more than {MAX_ROWS} rows", "workbook-too-large")
    columns = min(sheet.max_column or 0, MAX_COLUMNS)
    rows = tuple(
        tuple(_text(value) for value in row) for row in sheet.iter_rows(max_col=columns, values_only=True)
    )
    merged: dict[tuple[int, int], str] = {}
    for area in sheet.merged_cells.ranges:
        head = rows[area.min_row - 1][area.min_col - 1] if area.min_col <= columns else ""
        for row in range(area.min_row, min(area.max_row, len(rows)) if head else 0):
            merged[row, area.min_col - 1] = head
    return Sheet(sheet.title, rows, merged)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return tidy(str(value))
