"""Real messages as a candidate mapping may read them: with others of the same form in place of sensitive values.

What a candidate makes of a plain value, no mask finds again: a part of it, it backwards, whether it begins so.
Therefore neither the candidate nor the version in force is given one, nor what the version in force does not read:
nobody has said what that is. A stand-in has the length of the value, a
digit for a digit and a letter for a letter, so that functions do with it what they would do; it is another one at
each try.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping as Table
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from gateway.console.lineages import called_sensitive, walk
from gateway.console.told import masked, masker_of
from gateway.console.world import ConsoleWorld
from gateway.formats import formats
from gateway.mapping import Checked, Context, Mapping, check_file
from gateway.mapping.check import find_schemas
from gateway.mapping.comparison import Comparison, compare, describe, reads
from gateway.mapping.lineage import without_indexes
from gateway.mapping.schema import SchemaError, Shelf
from gateway.message import Record
from gateway.security.masking import mask_record
from gateway.settings import Platform
from gateway.standard import Standard
from gateway.store.contract import MessageRow

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HAN = "甲乙丙丁戊己庚辛壬癸"


@dataclass(frozen=True, slots=True)
class StandIns:
    """`made_of`: sensitive path of the standard's form → those of the sender's form that it is made of. `open_`:
    paths of the sender's form that are given as they are, unless they are called like something sensitive: what the
    version in force reads, and codes and dates. Anything else may be anything."""

    standard: Standard
    direction: str
    made_of: Table[str, tuple[str, ...]] = field(default_factory=dict)
    open_: frozenset[str] = frozenset()
    secret: bytes = field(default_factory=lambda: secrets.token_bytes(32))

    @classmethod
    def of(cls, world: ConsoleWorld, mapping: Mapping) -> StandIns:
        """Of the version in force, whatever its file holds by now. Slow: for a thread."""
        standard = world.translator.standard
        if mapping.direction == "out":
            return cls(standard, mapping.direction)
        found, sensitive = reads(mapping.plan), standard.sensitive(mapping.number)
        made_of = {path: sources for path, sources in found.made_of.items() if path in sensitive}
        return cls(standard, mapping.direction, made_of, found.read | _codes_and_dates(mapping))

    def of_message(self, platform: Platform, row: MessageRow) -> tuple[Record, Context]:
        """What the mapping reads. GatewayError where it cannot be read."""
        masker = masker_of(self.standard, row, self.like)
        if self.direction == "in":
            parsed = formats.get(platform.format).decode(row.original)
            hidden = dict.fromkeys((*self._sensitive(row), *self._unread(parsed.record)), "personal")
            record, head = mask_record(parsed.record, hidden, self.like), parsed.head
        else:
            sensitive = self.standard.sensitive(row.type)
            record = mask_record(self.standard.read(row.type, row.body), sensitive, self.like)
            head = orjson.loads(row.head)
        said = {str(name): masker.text(str(value)) for name, value in head.items()}
        return masked(record, masker), Context(said, platform.values)

    def _sensitive(self, row: MessageRow) -> list[str]:
        """Of the sender's form: a field that can become a sensitive element is one only where it did."""
        record = self.standard.read(row.type, row.body) if row.body else {}
        return [
            source
            for path, sources in self.made_of.items()
            if _is_in(record, path.split("/"))
            for source in sources
        ]

    def _unread(self, record: Record) -> set[str]:
        paths = {without_indexes(path) for path, _, _, value in walk(record) if value is not None}
        return (paths - self.open_) | called_sensitive(record, self.standard.catalogue.is_sensitive_name)

    def like(self, kind: str, value: str) -> str:
        """The same for the same value, as long as one try lasts."""
        seed = hashlib.blake2b(value.encode(), key=self.secret).digest()
        return "".join(_like(char, seed[place % len(seed)]) for place, char in enumerate(value))


def _codes_and_dates(mapping: Mapping) -> frozenset[str]:
    """By the platform's schema; none where that cannot be read."""
    try:
        top = Shelf(find_schemas(Path(mapping.file))).get(mapping.schema) if mapping.schema else None
    except SchemaError:
        return frozenset()
    leaves = ((path, one.leaf) for path, one in top.walk()) if top is not None else ()
    return frozenset(
        path for path, leaf in leaves if leaf is not None and describe(leaf)[0].startswith(("代码", "日期"))
    )


def compared(world: ConsoleWorld, mapping: Mapping) -> tuple[Checked, Comparison | None]:
    """The mapping's file as it is on disk; no comparison where it has errors."""
    path, standard = Path(mapping.file), world.translator.standard
    shelf = Shelf(find_schemas(path))
    checked = check_file(path, standard, shelf)
    return checked, compare(checked, standard, shelf) if checked.plan is not None else None


def _is_in(value: Any, path: list[str]) -> bool:
    if isinstance(value, list):
        return any(_is_in(item, path) for item in value)
    if not path:
        return bool(value)
    return isinstance(value, dict) and path[0] in value and _is_in(value[path[0]], path[1:])


def _like(char: str, chance: int) -> str:
    if char.isdigit():
        return str(chance % 10)
    if char.isascii() and char.isalpha():
        letter = _LETTERS[chance % 26]
        return letter.upper() if char.isupper() else letter
    return _HAN[chance % 10] if char.isalpha() else char
