"""What there is to break: samples, code tables, rules, and values to fill an optional element with."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from gateway import configfile
from gateway.selftest import digits
from gateway.selftest.schemas import Node, read_types

DAY = date(2024, 7, 1)  # the day on which the samples' messages are judged
Place = tuple[str | int, ...]
Record = dict[str, Any]
IDENTITY = "11010519491231002X"  # the example of GB 11643
GONE = object()  # an edit's value: what is at the place goes away


@dataclass(slots=True)
class Material:
    types: dict[str, tuple[str, Node]]
    samples: dict[str, Record]
    tables: dict[str, dict[str, bool]]  # table → code → is it valid on DAY
    rules: list[dict[str, Any]]
    value_rules: list[dict[str, Any]]
    pool: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def load(cls, root: Path) -> Material:
        """From the folder `schemas`."""
        folder = root / "standard" / "v1"
        types = read_types(folder)
        samples = {
            number: _texts(json.loads((folder / "samples" / f"{number}-{name}.json").read_text("utf-8")))
            for number, (name, _) in types.items()
        }
        tables = {path.stem: _table(path) for path in sorted((root / "codes").glob("*.csv"))}
        notes: Any = configfile.load_document(root / "codes" / "tables.yaml").data
        tables["code-table"] = {note["id"]: True for note in notes["tables"] if not note.get("fixed")}
        book: Any = configfile.load_document(folder / "rules.yaml").data
        made = cls(types, samples, tables, list(book["rules"]), list(book["values"]))
        for number, sample in samples.items():
            for _, node, value in leaves(types[number][1], sample):
                if node.leaf is not None and value not in made.pool.setdefault(node.leaf.name, []):
                    made.pool[node.leaf.name].append(value)
        return made

    def rules_of(self, number: str) -> list[dict[str, Any]]:
        return [rule for rule in self.rules if number in listed(rule["types"])]

    def values_for(self, node: Node) -> list[str]:
        """Values that an element may have: of its code table, else what its type has in any sample."""
        if node.leaf is None:
            return []
        if node.leaf.mark == "id-card":
            return [IDENTITY]
        table = self.tables.get(node.codes, {})
        codes = [code for code, is_valid in table.items() if is_valid and node.leaf.takes(code)]
        return codes or [one for one in self.pool.get(node.leaf.name, _GUESSES) if node.leaf.takes(one)]

    def is_right(self, node: Node, value: str, kind: str | None) -> bool:
        """Is a leaf's value right by itself? `kind`: what the sibling says that tells the code's kind."""
        leaf = node.leaf
        if leaf is None or not leaf.takes(value):
            return False
        if node.codes and not node.is_open:
            codes = value.split(node.separator) if node.separator else [value]
            if not all(self.tables[node.codes].get(code, False) for code in codes):
                return False
        if node.gbk and len(value.encode("gbk")) > node.gbk:
            return False
        return digits.is_right(leaf.mark, value, kind)

    def is_sound(self, number: str, record: Record) -> bool:
        """Is every leaf of a record right by itself?"""
        for place, node, value in leaves(self.types[number][1], record):
            holder: Any = record
            for part in place[:-1]:
                holder = holder[part]
            kind = holder.get(node.kind_of, "") if node.kind_of else None
            if not self.is_right(node, value, kind):
                return False
        return True

    def filled(self, node: Node) -> Any:
        """Something valid to put there; None where nothing is known."""
        if node.leaf is not None:
            return next(iter(self.values_for(node)), None)
        made = {one.name: self.filled(one) for one in node.children if one.least}
        if None in made.values():
            return None
        made = {name: [value] if _child(node, name).most > 1 else value for name, value in made.items()}
        return made or None


_GUESSES = ["1", "20240601", "20240601120000", "100.00", "20.00", "A1", "G1503", "1.000", "12", "https://a.cn/",
            "2024-310000-48-01-000001"]  # fmt: skip


def _child(node: Node, name: str) -> Node:
    found = node.child(name)
    if found is None:
        raise LookupError(name)
    return found


def _texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _texts(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_texts(one) for one in value]
    return str(value)


def _table(path: Path) -> dict[str, bool]:
    """A code that has several rows is valid where one of them is."""
    found: dict[str, bool] = {}
    day = f"{DAY:%Y%m%d}"
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            is_valid = (row["valid_from"] or "0") <= day <= (row["valid_to"] or "9")
            found[row["code"]] = found.get(row["code"], False) or is_valid
    return found


def listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def leaves(node: Node, record: Record, place: Place = ()) -> Iterator[tuple[Place, Node, str]]:
    """(place, element, text) of every leaf that a record has."""
    for at, one, value in everything(node, record, place):
        if one.leaf is not None:
            yield at, one, value


def everything(node: Node, record: Record, place: Place = ()) -> Iterator[tuple[Place, Node, Any]]:
    """(place, element, value) of all that a record has, each item of a list by itself."""
    for one in node.children:
        if one.name not in record:
            continue
        here, found = (*place, one.name), record[one.name]
        items = (
            [((*here, index), item) for index, item in enumerate(found)] if one.most > 1 else [(here, found)]
        )
        for at, value in items:
            yield at, one, value
            if one.leaf is None:
                yield from everything(one, value, at)


def path_of(place: Place) -> str:
    """As a fault writes it: `Invoices/Invoice[2]/AmountWithTax`."""
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f"/{part}"
    return text.lstrip("/")


def copied(value: Any) -> Any:
    """Records are dicts, lists and text: five times as fast as a deep copy of anything."""
    if type(value) is dict:
        return {name: copied(one) for name, one in value.items()}
    return [copied(one) for one in value] if type(value) is list else value


def edited(record: Record, edits: list[tuple[Place, Any]]) -> Record:
    """A copy with other values at places; GONE removes what is there."""
    made: Record = copied(record)
    for place, value in edits:
        holder: Any = made
        for part in place[:-1]:
            holder = holder[part]
        if value is GONE:
            del holder[place[-1]]
        else:
            holder[place[-1]] = copied(value)
    return made
