"""Changes of code tables by message 9003: the table on disk is the base, accepted changes lie over it.

A row names its code from a day on (ValidFrom; without one, for ever) and ends what stood for the code until
then. A row that is not enabled ends the code the day before ValidFrom, or before the day of acceptance. A whole
table (FullFlag 1) also ends, the day before its acceptance, every code that it does not list. So what was valid
on an earlier day stays valid on that day.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from gateway.message import Record
from gateway.standard.codes import Code, CodeTable, CodeTables

_FIELDS = ("Code", "NameZh", "NameEn", "Parent", "ValidFrom", "ValidTo")


@dataclass(frozen=True, slots=True)
class TableChange:
    """One accepted 9003. `day`: yyyyMMdd of its acceptance; `rows`: (row, is it enabled?)."""

    table: str
    day: str
    is_whole: bool
    rows: tuple[tuple[Code, bool], ...]


def write_change(body: Record, day: str) -> dict[str, str]:
    """The body of a 9003, accepted on `day`, as text fields to store."""
    rows = [[*(row.get(name, "") for name in _FIELDS), row["Enabled"]] for row in body["Rows"]["Row"]]
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return {"table": body["TableId"], "day": day, "whole": str(int(body["FullFlag"] == "1")), "rows": text}


def read_change(data: Mapping[str, str]) -> TableChange:
    """What `write_change` made."""
    rows = tuple((Code(*cells[:-1]), cells[-1] == "1") for cells in json.loads(data["rows"]))
    return TableChange(data["table"], data["day"], data["whole"] == "1", rows)


def overlay(base: CodeTables, changes: Iterable[TableChange]) -> CodeTables:
    """The tables with the changes over them, in their order; the base stays as it is. Changes of a table
    that the base has no longer say nothing."""
    changed: dict[str, CodeTable] = {}
    for change in changes:
        if change.table in base:
            changed[change.table] = _changed(changed.get(change.table) or base.get(change.table), change)
    return base.with_tables(changed)


def _changed(table: CodeTable, change: TableChange) -> CodeTable:
    rows = list(table.all_rows)
    listed = {row.code for row, _ in change.rows}
    for code in {row.code for row in rows} - listed if change.is_whole else ():
        rows = _ended(rows, code, change.day)
    for row, enabled in change.rows:
        if not enabled:
            rows = _ended(rows, row.code, row.valid_from or change.day)
            continue
        before = table.rows.get(row.code)
        kept = _ended(rows, row.code, row.valid_from)
        rows = [*kept, _completed(row, before)]
    return CodeTable(table.name_of_table, rows)


def _completed(row: Code, before: Code | None) -> Code:
    """What a change leaves out stays as it was."""
    if before is None:
        return row
    return replace(row, name_en=row.name_en or before.name_en, parent=row.parent or before.parent)


def _ended(rows: list[Code], code: str, day: str) -> list[Code]:
    """Without the code from `day` on; an empty day is the beginning of time."""
    found = []
    for row in rows:
        if row.code != code:
            found.append(row)
        elif day and row.valid_from < day:
            found.append(row if row.valid_to and row.valid_to < day else replace(row, valid_to=_before(day)))
    return found


def _before(day: str) -> str:
    return f"{date.fromisoformat(day) - timedelta(days=1):%Y%m%d}"
