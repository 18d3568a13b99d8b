"""Field tables in sheets: where each begins and ends, what it is called, and its fields row by row.

A row is a field, the continuation of the one above, the title of a group, or a footnote. What is read in
another way than it stands, or left out, is a note with its row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.mapping.draft.headings import (
    Heading,
    find_heading,
    is_identifier,
    role_of,
    side_by_side,
)
from gateway.mapping.draft.notation import Notation
from gateway.mapping.draft.rows import FieldRow, FieldTable, Note, key_name, read_table
from gateway.mapping.draft.workbook import Sheet, key

_NUMBER = re.compile(r"[A-Za-z]{0,3}[0-9]{2,5}(?:\.[0-9]+)*")
_TITLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:_[A-Za-z0-9]+)+|[A-Z][A-Za-z0-9]{3,}")
_HAN = re.compile(r"[㐀-鿿]")
_LEADING = re.compile(r"^(?:表|附表|附录|附件)?\s*[0-9A-Z]*(?:[.\-．][0-9]+)*\s*[、.:：]?\s*")
_ASIDE = re.compile(
    r"^(?:注|备注|说明|单位|填报|制表|日期|版本|编制)|[:：]."
)  # above a table, and not its title


@dataclass(slots=True)
class Book:
    """`unrecognised`: names of sheets with content in which no field table was found. `index`: number of a
    data set → (name, title), from a sheet that lists them."""

    sheets: int
    tables: list[FieldTable]
    unrecognised: list[str]
    index: Mapping[str, tuple[str, str]]


def find_tables(sheets: Sequence[Sheet]) -> Book:
    """Every field table of a workbook, in its order."""
    tables: list[FieldTable] = []
    unrecognised: list[str] = []
    index: dict[str, tuple[str, str]] = {}
    for sheet in sheets:
        found = [table for part in side_by_side(sheet) for table in _tables_of(part)]
        tables += found
        if not found:
            index.update(_index_of(sheet))
            if any(any(row) for row in sheet.rows):
                unrecognised.append(sheet.name)
    for table in tables:
        _name_by_index(table, index)
    return Book(len(sheets), tables, unrecognised, index)


def _index_of(sheet: Sheet) -> dict[str, tuple[str, str]]:
    """Rows of number, name and title."""
    found: dict[str, tuple[str, str]] = {}
    for row in sheet.rows:
        cells = [cell for cell in row if cell]
        number = next((cell for cell in cells if _NUMBER.fullmatch(key(cell).upper())), "")
        name = next((cell for cell in cells if cell != number and is_identifier(cell)), "")
        title = next((cell for cell in cells if _HAN.search(cell)), "")
        if number and name and title:
            found.setdefault(number, (key_name(name), title))
    return found if len(found) >= 3 else {}


def _name_by_index(table: FieldTable, index: Mapping[str, tuple[str, str]]) -> None:
    number = table.number or (table.sheet if _NUMBER.fullmatch(table.sheet) else "")
    if number in index:
        name, title = index[number]
        table.number, table.name = number, table.name or name
        table.title = title if table.title in ("", table.sheet) else table.title
    table.number = table.number or number


# One sheet


def _tables_of(sheet: Sheet) -> list[FieldTable]:
    starts: list[Heading] = []
    row = 0
    while row < len(sheet.rows):
        heading = find_heading(sheet, row)
        if heading is not None:
            starts.append(heading)
            row = heading.last_row
        row += 1
    tables: list[FieldTable] = []
    above = 0
    for place, heading in enumerate(starts):
        end = starts[place + 1].row if place + 1 < len(starts) else len(sheet.rows)
        inside = range(heading.last_row + 1, end)
        titles = [row for row in sheet.rows[above : heading.row] if any(row) and not _is_of_groups(row)]
        table = read_table(sheet, heading, inside)
        above = table_end(sheet, heading, table)
        if tables and not titles and _goes_on(sheet, starts[place - 1], heading, tables[-1], table):
            tables[-1].fields += table.fields
            tables[-1].notes += table.notes
        elif _is_plausible(table):
            _name(table, heading, titles)
            tables.append(table)
    for table in tables:
        _drop_repeated(table)
    return tables


def _is_of_groups(row: Sequence[str]) -> bool:
    """Whether a row above the headings holds headings of groups of columns: no title."""
    texts = {cell for cell in row if cell}
    return len(texts) >= 3 and any(map(role_of, texts))


def _is_plausible(table: FieldTable) -> bool:
    """Half of the rows have a type that means something; a list of codes under a column 类型 has not."""
    known = sum(bool(one.notation.written) and not _is_unknown(one.notation) for one in table.fields)
    return bool(table.fields) and known * 2 >= len(table.fields)


def _is_unknown(notation: Notation) -> bool:
    return any("not understood" in text for text in notation.notes)


def table_end(sheet: Sheet, heading: Heading, table: FieldTable) -> int:
    """The row after the last field, from 0: what follows may be the title of the next table."""
    return table.fields[-1].row if table.fields else heading.last_row + 1


def _goes_on(sheet: Sheet, before: Heading, here: Heading, table: FieldTable, more: FieldTable) -> bool:
    """Whether a heading is the one above, printed again on a new page."""
    same = sheet.rows[before.row] == sheet.rows[here.row]
    known = {one.name for one in table.fields}
    return same and not here.loose and not (more.fields and more.fields[0].name in known)


def _drop_repeated(table: FieldTable) -> None:
    seen: dict[str, FieldRow] = {}
    for one in table.fields:
        if one.name in seen:
            text = f"{one.name} ({one.zh}) stands in row {seen[one.name].row} already; the first counts"
            table.notes.append(Note(one.row, text))
        seen.setdefault(one.name, one)
    table.fields = list(seen.values())


def _name(table: FieldTable, heading: Heading, titles: Sequence[Sequence[str]]) -> None:
    """Number, name and title: from the heading row itself, else from the rows above it."""
    is_told = any(map(_is_label, heading.loose.values()))
    texts = list(heading.loose.values()) if is_told else []
    if not texts:
        texts = [
            cell for row in titles[-4:] for cell in dict.fromkeys(row) if cell and not _ASIDE.search(cell)
        ]
    for text in texts:
        plain = key(text).upper()
        if not table.number and _NUMBER.fullmatch(plain):
            table.number = plain
        elif not table.name and is_identifier(text):
            table.name = key_name(text)
        elif _HAN.search(text) and len(text) <= 80:
            inside = _TITLE_NAME.search(text)
            if inside and not table.name:
                table.name = inside[0]
            table.title = _title_of(text, inside[0] if inside else "") or table.title
    if not table.title:
        table.title = _title_of(table.sheet, "") if _HAN.search(table.sheet) else ""


def _is_label(text: str) -> bool:
    """A number or an English name, which some tables write into their row of headings."""
    return bool(_NUMBER.fullmatch(key(text).upper())) or is_identifier(text)


def _title_of(text: str, name: str) -> str:
    """`表5 合同信息（CONTRACT_INFO）` → 合同信息."""
    rest = _LEADING.sub("", text.replace(name, "") if name else text)
    return re.sub(r"[(（\[【]\s*[)）\]】]", "", rest).strip(" -—_:：")
