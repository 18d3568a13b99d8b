"""Plain tables as workbooks: the door to the spreadsheet library for whoever has rows and no layout."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

_MAX_CELL = 32_000


def to_sheet(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """A workbook with one sheet. Every cell is text: nothing is taken for a formula. Rows are written as they
    come; what XML cannot hold is left out."""
    # Imported here: the server writes few, and the library is large.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
    from openpyxl.styles import Font

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title)
    sheet.freeze_panes = "A2"
    for number, cells in enumerate((headings, *rows)):
        written = []
        for text in cells:
            cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("", text)[:_MAX_CELL])
            cell.data_type = "s"
            if number == 0:
                cell.font = Font(bold=True)
            written.append(cell)
        sheet.append(written)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
