"""Which field of a table gives which field of the standard: proposals by name, annotation and type.

Each has a confidence from 0 to 1 and says what it rests on. From `SURE` on a proposal is written into the
draft, from `MAYBE` on it is offered beside; below it is not mentioned.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.mapping.check import World
from gateway.mapping.draft.notation import DATE, NUMBER, Notation
from gateway.mapping.draft.rows import FieldRow, FieldTable
from gateway.mapping.draft.workbook import key
from gateway.standard.catalogue import MessageType
from gateway.standard.model import Element

SURE = 0.75
MAYBE = 0.5
_TYPE_SURE = 0.55
_FEWEST = 3  # fields that fit, before a type is proposed
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SPLIT = re.compile("[：；，（:;,(]")
# What the standard and the platforms call alike: a word of the one counts as the other.
_ALIKE = {"num": "no", "number": "no", "amt": "amount", "sum": "amount", "tel": "phone", "telephone": "phone",
          "addr": "address", "org": "organ", "name": "name", "acct": "account", "app": "apply", "money": "amount",
          "price": "amount", "date": "time", "datetime": "time"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """A field of the standard: `listed` where it stands inside something that repeats."""

    path: str
    element: Element
    required: bool
    listed: bool


@dataclass(frozen=True, slots=True)
class Match:
    target: Target
    source: FieldRow
    confidence: float
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypeMatch:
    """How well a table fits a message type: `confidence` from its fields and its title."""

    kind: MessageType
    confidence: float
    matches: tuple[Match, ...]


def targets_of(
    element: Element, path: str = "", *, required: bool = True, listed: bool = False
) -> Iterator[Target]:
    """Every leaf below an element."""
    for child in element.children:
        here = f"{path}/{child.name}" if path else child.name
        needed, repeats = required and child.minimum > 0, listed or child.repeats
        if child.value is not None:
            yield Target(here, child, needed, repeats)
        else:
            yield from targets_of(child, here, required=needed, listed=repeats)


def rank_types(table: FieldTable, world: World) -> list[TypeMatch]:
    """The message types that a table may be, the likeliest first; only those with something in common."""
    rough = []
    names = {key(one.name).replace("_", "") for one in table.fields} | {
        _label(one.zh) for one in table.fields
    }
    for kind in world.catalogue:
        targets = [one for one in targets_of(world.model(kind.number)) if not one.listed]
        hits = sum(bool(names & _keys(one.element)) for one in targets)
        if hits:
            rough.append((hits / (len(targets) + 3) + _title(table, kind), kind))
    best = sorted(rough, key=lambda one: (-one[0], one[1].number))[:4]
    found = [match_type(table, kind, world) for _, kind in best]
    return sorted(found, key=lambda one: (-one.confidence, one.kind.number))


def match_type(table: FieldTable, kind: MessageType, world: World) -> TypeMatch:
    targets = [one for one in targets_of(world.model(kind.number)) if not one.listed]
    matches = match_fields(targets, table.fields)
    sure = {one.target.path: one.confidence for one in matches if one.confidence >= SURE}
    needed = [one for one in targets if one.required]
    by_needed = sum(sure.get(one.path, 0.0) for one in needed) / len(needed) if needed else 0.0
    by_fields = sum(sure.values()) / len(table.fields) if table.fields else 0.0
    confidence = 0.5 * by_needed + 0.25 * min(by_fields * 1.5, 1.0) + 0.25 * _title(table, kind)
    return TypeMatch(kind, round(confidence, 2), tuple(matches))


def is_likely(ranked: Sequence[TypeMatch]) -> bool:
    """Whether the first is worth a draft: good in itself, and not as good as the second."""
    if not ranked or ranked[0].confidence < _TYPE_SURE:
        return False
    if sum(one.confidence >= SURE for one in ranked[0].matches) < _FEWEST:
        return False  # one field called time makes no heartbeat
    return len(ranked) < 2 or ranked[0].confidence - ranked[1].confidence >= 0.05


def match_fields(targets: Sequence[Target], fields: Sequence[FieldRow]) -> list[Match]:
    """The best pairs first taken; each field of either side once; in the order of the standard."""
    pairs = []
    for target in targets:
        for one in fields:
            confidence, reasons = _confidence(target.element, one)
            if confidence >= MAYBE:
                pairs.append(Match(target, one, confidence, reasons))
    pairs.sort(key=lambda pair: (-pair.confidence, pair.target.path, pair.source.row))
    taken: set[str] = set()
    read: set[str] = set()
    found = {}
    for pair in pairs:
        if pair.target.path not in taken and pair.source.name not in read:
            found[pair.target.path] = pair
            taken.add(pair.target.path)
            read.add(pair.source.name)
    return [found[one.path] for one in targets if one.path in found]


def _confidence(element: Element, one: FieldRow) -> tuple[float, tuple[str, ...]]:
    by_name = _name_likeness(element.name, one.name)
    if one.name in re.split(r"[^\w]+", element.source):
        by_name = 1.0
    by_zh = _zh_likeness(_label(element.zh), _label(one.zh))
    if by_name < 0.5 and by_zh < 0.6:
        return 0.0, ()
    by_type = _type_likeness(element, one.notation)
    best, other = max(by_name, by_zh), min(by_name, by_zh)
    confidence = (0.65 * best + 0.25 * other + 0.1) * (1.0 if by_type else 0.75)
    reasons = [
        f"name {by_name:.2f}" if by_name >= 0.5 else "",
        f"annotation {by_zh:.2f}" if by_zh >= 0.5 else "",
        "" if by_type else "types differ",
    ]
    return round(min(confidence, 1.0), 2), tuple(reason for reason in reasons if reason)


def _keys(element: Element) -> set[str]:
    return {
        key(element.name),
        _label(element.zh),
        *(key(one).replace("_", "") for one in element.source.split()),
    }


@lru_cache(maxsize=65536)
def _label(zh: str) -> str:
    """The first words of a meaning, without what stands in brackets or behind."""
    plain = key(zh)
    return _SPLIT.split(re.sub(r"\(.*?\)", "", plain), maxsplit=1)[0] or plain


@lru_cache(maxsize=65536)
def _words(name: str) -> frozenset[str]:
    return frozenset(_ALIKE.get(one.lower(), one.lower()) for one in _WORDS.findall(name))


@lru_cache(maxsize=262144)
def _name_likeness(left: str, right: str) -> float:
    if key(left).replace("_", "") == key(right).replace("_", ""):
        return 1.0
    first, second = _words(left), _words(right)
    return 0.9 * len(first & second) / len(first | second) if first and second else 0.0


@lru_cache(maxsize=262144)
def _zh_likeness(left: str, right: str) -> float:
    """Equal, or the share of common pairs of characters."""
    if not left or not right:
        return 0.0
    if left == right:
        return 1.0
    first, second = _pairs(left), _pairs(right)
    shared = 2 * len(first & second) / (len(first) + len(second)) if first and second else 0.0
    return min(0.95, shared)


@lru_cache(maxsize=65536)
def _pairs(text: str) -> frozenset[str]:
    return frozenset(text[index : index + 2] for index in range(len(text) - 1)) or frozenset((text,))


def _type_likeness(element: Element, notation: Notation) -> bool:
    """Whether a value of the one may be a value of the other: a day is no name, an amount no code."""
    value = element.value
    assert value is not None
    if value.check in ("date", "datetime"):
        return notation.kind == DATE or (notation.most or 99) >= 8
    if value.numeric:
        return notation.kind == NUMBER or notation.most is not None
    if notation.kind == DATE:
        return value.max_length is None and not value.patterns
    return True


def _title(table: FieldTable, kind: MessageType) -> float:
    by_zh = _zh_likeness(_label(table.title), _label(kind.title_zh))
    return max(by_zh, _name_likeness(kind.name.removesuffix("Sync"), table.name))


def unmatched(fields: Iterable[FieldRow], matches: Iterable[Match]) -> list[FieldRow]:
    used = {one.source.name for one in matches if one.confidence >= SURE}
    return [one for one in fields if one.name not in used]
