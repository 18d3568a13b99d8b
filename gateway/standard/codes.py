"""Code tables as data: `schemas/codes/<table>.csv`, each code with its days of validity.

`tables.yaml` beside them says what each table is, and which of them message 9003 may not change.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from gateway import configfile
from gateway.errors import ConfigError, Finding

NOTES = "tables.yaml"
CHANGEABLE = "code-table"  # a table of tables: those that message 9003 may change
_HEADER = ["code", "name_zh", "name_en", "parent", "valid_from", "valid_to"]
_REMEMBERED_DAYS = 32


@dataclass(frozen=True, slots=True)
class Code:
    """One row. `valid_from` and `valid_to` are yyyyMMdd, both inclusive, empty = open."""

    code: str
    name_zh: str
    name_en: str = ""
    parent: str = ""
    valid_from: str = ""
    valid_to: str = ""

    def is_valid_on(self, day: str) -> bool:
        """`day` is yyyyMMdd."""
        return (not self.valid_from or self.valid_from <= day) and (not self.valid_to or day <= self.valid_to)


class TableNote(BaseModel):
    """What a table is. `fixed`: 9003 may not change it. `shown`: the reference lists the codes that begin so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    zh: str
    en: str
    source: str
    fixed: bool = False
    shown: str = ""


class _Notes(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    tables: list[TableNote] = []


class CodeTable:
    """`rows`: code → its latest row; a code may have had others on earlier days."""

    def __init__(self, name: str, rows: list[Code]):
        self.name_of_table = name
        self.all_rows = tuple(rows)
        ordered = sorted(rows, key=lambda row: row.valid_from)
        self.rows: Mapping[str, Code] = {row.code: row for row in ordered}
        self._valid: dict[date, frozenset[str]] = {}

    def valid_on(self, on: date) -> frozenset[str]:
        """Every code that is valid on a day."""
        found = self._valid.get(on)
        if found is None:
            day = on.strftime("%Y%m%d")
            found = frozenset(row.code for row in self.all_rows if row.is_valid_on(day))
            if len(self._valid) >= _REMEMBERED_DAYS:
                self._valid = {}
            self._valid[on] = found
        return found

    def is_valid(self, code: str, on: date) -> bool:
        return code in self.valid_on(on)

    def name(self, code: str) -> str:
        """The Chinese name; the code itself where the table has none."""
        row = self.rows.get(code)
        return row.name_zh if row is not None else code

    def __len__(self) -> int:
        return len(self.rows)


class CodeTables:
    """All tables by name (`price-form`)."""

    def __init__(self, tables: Mapping[str, CodeTable], notes: Mapping[str, TableNote] | None = None):
        self._tables = dict(tables)
        self.notes: Mapping[str, TableNote] = notes or {}
        if self.notes:
            self._tables[CHANGEABLE] = _table_of_tables(self.notes.values())

    @classmethod
    def load(cls, folder: Path) -> CodeTables:
        """Reads every CSV file of a folder; ConfigError lists all findings."""
        tables, findings = {}, []
        for path in sorted(folder.glob("*.csv")):
            rows, wrong = _read(path)
            findings += wrong
            tables[path.stem] = CodeTable(path.stem, rows)
        if not tables:
            findings.append(Finding(str(folder), 0, 0, "(folder)", "holds no code table", "standard.codes"))
        notes: dict[str, TableNote] = {}
        if (folder / NOTES).is_file():
            document = configfile.load_document(folder / NOTES)
            notes = {note.id: note for note in configfile.validate(_Notes, document).tables}
            findings += [
                document.finding((), f"{name} is in one of tables.yaml and the files only", "standard.codes")
                for name in sorted(notes.keys() ^ tables.keys())
            ]
        if findings:
            raise ConfigError(findings)
        return cls(tables, notes)

    def with_tables(self, changed: Mapping[str, CodeTable]) -> CodeTables:
        """These tables, some of them exchanged."""
        return CodeTables(self._tables | dict(changed), self.notes)

    def get(self, table: str) -> CodeTable:
        """LookupError where there is no such table, with what was meant."""
        try:
            return self._tables[table]
        except KeyError:
            close = difflib.get_close_matches(table, self._tables, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            raise LookupError(f"unknown code table {table!r}{hint}") from None

    def __contains__(self, table: object) -> bool:
        return table in self._tables

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._tables))


def _table_of_tables(notes: Iterable[TableNote]) -> CodeTable:
    return CodeTable(CHANGEABLE, [Code(note.id, note.zh, note.en) for note in notes if not note.fixed])


def _read(path: Path) -> tuple[list[Code], list[Finding]]:
    rows: dict[tuple[str, str], Code] = {}
    findings: list[Finding] = []

    def wrong(line: int, text: str) -> None:
        findings.append(Finding(str(path), line, 1, path.stem, text, "standard.codes"))

    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.reader(file)
        try:
            if next(reader, []) != _HEADER:
                wrong(1, f"the header is not {','.join(_HEADER)}")
                return [], findings
            for cells in reader:
                row = Code(*cells) if len(cells) == len(_HEADER) else None
                if row is None or not row.code or not row.name_zh:
                    wrong(
                        reader.line_num, f"a row has {len(_HEADER)} cells, and code and name_zh are not empty"
                    )
                elif not all(_is_day(day) for day in (row.valid_from, row.valid_to)):
                    wrong(reader.line_num, "a day of validity is yyyyMMdd or empty")
                elif (row.code, row.valid_from) in rows:
                    wrong(reader.line_num, f"code {row.code} stands twice")
                else:
                    rows[row.code, row.valid_from] = row
        except (UnicodeDecodeError, csv.Error) as error:
            wrong(reader.line_num + 1, f"not CSV in UTF-8: {error}")
    return list(rows.values()), findings


def _is_day(text: str) -> bool:
    return not text or (len(text) == 8 and text.isascii() and text.isdecimal())
