"""The rows of one field table: a field, the continuation of the one above, the title of a group, or a footnote.

What is read in another way than it stands, or left out, is a note with its row.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gateway.mapping.draft.headings import IDENTIFIER, Heading, complete, is_identifier, is_type
from gateway.mapping.draft.notation import Notation, is_required_word, read_notation, read_required
from gateway.mapping.draft.workbook import Sheet

FOOTNOTE = re.compile(
    r"^(?:注|备注|说明|填表说明|注释|note)\s*[0-9一二三四五六七八九]*\s*[:：.、]", re.IGNORECASE
)


NAME_CHARS = re.compile(r"[^\w.\-]+")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field. `row` counts from 1, as a spreadsheet does. `required`: None where it depends."""

    name: str
    zh: str
    row: int
    notation: Notation
    required: bool | None
    condition: str = ""
    values: str = ""
    scope: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """What a person should look at."""

    row: int
    text: str


@dataclass(slots=True)
class FieldTable:
    sheet: str
    row: int
    number: str = ""
    name: str = ""
    title: str = ""
    fields: list[FieldRow] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def label(self) -> str:
        """`500-PROJECT` or what there is of it."""
        parts = [part for part in (self.number, self.name) if part]
        return "-".join(parts) or NAME_CHARS.sub("_", self.title or self.sheet).strip("_") or "TABLE"


class _Reader:
    def __init__(self, sheet: Sheet, heading: Heading, table: FieldTable):
        self.sheet = sheet
        self.table = table
        self.columns = {role: column for column, role in sorted(heading.roles.items(), reverse=True)}
        used = sorted(heading.roles)
        self.before = {role: self._spanned(used, column) for role, column in self.columns.items()}
        self._moved: dict[str, str] = {}
        self._last = -1  # the row of the last field, from 0, while nothing but its lines came after it

    def _spanned(self, used: list[int], column: int) -> tuple[int, ...]:
        """Columns without a heading beside this one: a merged heading spans them."""
        after = next((one for one in used if one > column), column + 1)
        return tuple(range(column + 1, after))

    def _cell(self, row: int, role: str, *, spread: bool = False) -> str:
        if self._moved:
            return self._moved.get(role, "")
        column = self.columns.get(role)
        if column is None:
            return ""
        get = self.sheet.spread if spread else self.sheet.at
        for one in (column, *self.before[role]):
            if get(row, one):
                return get(row, one)
        return ""

    def read(self, row: int) -> None:
        self._moved = {}
        self._moved = self._realigned(row)
        zh, raw = self._cell(row, "name"), self._cell(row, "en")
        shape = [self._cell(row, role) for role in ("type", "format", "length")]
        if not raw and not zh:
            self._continue(row)
        elif not any(shape) and (not raw or not zh or not is_identifier(raw)):
            self._pass(row, zh or raw)
            self._last = -1
        else:
            self._field(row, zh or self._cell(row, "name", spread=True), raw)
            self._last = row

    def _realigned(self, row: int) -> dict[str, str]:
        """The cells of a row whose columns are not those of the heading, told by what they hold; {} where
        they stand where they should."""
        if "en" not in self.columns or "type" not in self.columns:
            return {}
        needed = self._cell(row, "required")
        is_odd = len(needed) > 12 and not needed.startswith(("是", "否", "必", "当", "如"))
        if is_identifier(self._cell(row, "en")) and is_type(self._cell(row, "type")) and not is_odd:
            return {}
        cells = [text for text in self.sheet.rows[row] if text]
        kind = next((place for place, text in enumerate(cells) if is_type(text)), 0)
        name = next((place for place in range(kind) if is_identifier(cells[place])), -1)
        if name < 1 or kind != name + 1 or kind + 1 >= len(cells):
            return {}
        self._note(row, "the cells do not stand under their headings; read in their order")
        found = {"name": cells[name - 1], "en": cells[name], "type": cells[kind], "format": cells[kind + 1]}
        rest = cells[kind + 2 :]
        told = next((place for place, text in enumerate(rest) if is_required_word(text)), None)
        if told is not None:
            found["values"], found["required"] = " ".join(rest[:told]), rest[told]
            found["scope"], found["note"] = " ".join(rest[told + 1 : told + 2]), " ".join(rest[told + 2 :])
        return found

    def _continue(self, row: int) -> None:
        """More lines of the cells above."""
        texts = {role: self._cell(row, role) for role in ("format", "values", "note")}
        if not any(texts.values()):
            return
        if self._last < 0 or not self.table.fields:
            self._note(row, f"left out: {' '.join(texts.values()).strip()[:60]}")
            return
        last = self.table.fields[-1]
        found = replace(last, values=last.values + texts["values"], note=last.note + texts["note"])
        if texts["format"]:
            kind, form = (self._cell(self._last, role) for role in ("type", "format"))
            notation = read_notation(kind, form + texts["format"])
            self._drop_notes(last.row)
            for text in notation.notes:
                self._note(row, f"{last.name}: {text}")
            found = replace(found, notation=notation)
        self.table.fields[-1] = found

    def _drop_notes(self, row: int) -> None:
        """What was said of a format before its second line was read."""
        said = ("format", "form of date")
        self.table.notes = [
            one for one in self.table.notes if one.row != row or not any(word in one.text for word in said)
        ]

    def _pass(self, row: int, text: str) -> None:
        """A group's title or a footnote: no field."""
        if not FOOTNOTE.match(text):
            self._note(row, f"taken for a title, not for a field: {text[:60]}")

    def _note(self, row: int, text: str) -> None:
        self.table.notes.append(Note(row + 1, text))

    def _field(self, row: int, zh: str, raw: str) -> None:
        name = self._name(row, zh, raw)
        if not name:
            return
        kind, form = self._cell(row, "type", spread=True), self._cell(row, "format", spread=True)
        length, decimals = self._cell(row, "length", spread=True), self._cell(row, "decimals", spread=True)
        hint = " ".join(self._cell(row, role) for role in ("values", "note", "length"))
        notation = read_notation(kind, form, length, decimals, hint)
        for text in notation.notes:
            self._note(row, f"{name}: {text}")
        required, condition = self._required(row)
        if required is None:
            self._note(row, f"{name} ({zh}) is required on a condition: {condition}")
        self.table.fields.append(
            FieldRow(
                name,
                zh,
                row + 1,
                notation,
                required,
                condition,
                self._cell(row, "values"),
                self._cell(row, "scope", spread=True),
                self._cell(row, "note"),
            )
        )

    def _required(self, row: int) -> tuple[bool | None, str]:
        if "nullable" in self.columns and "required" not in self.columns:
            found, text = read_required(self._cell(row, "nullable", spread=True))
            return (None if found is None else not found), text
        return read_required(self._cell(row, "required", spread=True))

    def _name(self, row: int, zh: str, raw: str) -> str:
        if IDENTIFIER.fullmatch(raw):
            return raw
        joined = key_halved(raw)
        plain = joined if IDENTIFIER.fullmatch(joined) else ""
        if not plain and raw and (found := IDENTIFIER.search(key_halved(raw))):
            plain = found[0]
        if not plain:
            plain = NAME_CHARS.sub("", zh)
            if not plain or plain[0].isdigit():
                self._note(row, f"left out: no name can be made of {(raw or zh)[:40]!r}")
                return ""
        if plain != raw:
            self._note(row, f"called {plain}, made from {(raw or zh)[:40]!r}")
        return plain


def key_name(text: str) -> str:
    return "".join(text.split())


def key_halved(text: str) -> str:
    """Half-width, with its case."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def read_table(sheet: Sheet, heading: Heading, rows: Iterable[int]) -> FieldTable:
    filled = [row for row in rows if any(sheet.rows[row])]
    complete(sheet, heading, filled)
    table = FieldTable(sheet.name, heading.row + 1)
    reader = _Reader(sheet, heading, table)
    for row in filled:
        reader.read(row)
    return table
