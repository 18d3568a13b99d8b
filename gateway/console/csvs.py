"""Tables as CSV for spreadsheets: UTF-8 with a mark so that they read the Chinese, and no cell that is a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

MARK = "\ufeff".encode()
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(rows: Iterable[Iterable[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows([_plain(cell) for cell in row] for row in rows)
    return out.getvalue().encode()


def _plain(cell: str) -> str:
    return "'" + cell if cell.startswith(_FORMULA) else cell
