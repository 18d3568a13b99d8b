"""Two versions of the standard compared: what changed, and for whom it breaks.

A change breaks *senders* where a message that was valid may be valid no more, and *receivers* where a
message may now be valid that one of the old version refuses: the schemas are closed, so a new optional
element is such a one. A version is compatible when nothing breaks senders: whoever built on the old one is
still understood. What cannot be decided (one pattern instead of another) counts as breaking both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import configfile
from gateway.standard.catalogue import MessageType, Schemas, load_schemas
from gateway.standard.codes import Code, CodeTables
from gateway.standard.model import Element, ValueType

NOTHING, SENDERS, RECEIVERS, BOTH = "", "senders", "receivers", "both"
_WORDS = ("zh", "en")
_RULES = ("values", "rules")  # the sections of rules.yaml that hold rules: of single values, between fields


@dataclass(frozen=True, slots=True)
class Change:
    """`place`: type and path (`3001 Payees/Payee`), `rule ID` or `codes TABLE`. `breaks`: senders,
    receivers, both or empty."""

    place: str
    kind: str
    old: str
    new: str
    breaks: str = NOTHING

    @property
    def breaks_senders(self) -> bool:
        return self.breaks in (SENDERS, BOTH)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the standard, read from its folder: `rules` by id, `mends` by id, check or code of a
    fault; `codes` is None where none lie beside it."""

    schemas: Schemas
    rules: Mapping[str, Mapping[str, Any]]
    mends: Mapping[str, Sequence[str]]
    codes: CodeTables | None


def load_version(folder: Path) -> Version:
    """From a folder such as `schemas/standard/v1`; the tables from `schemas/codes`. ConfigError."""
    tables = folder.resolve().parents[1] / "codes"
    said = configfile.load_document(folder / "rules.yaml").data
    rules = {str(line["id"]): line for section in _RULES for line in said.get(section, ())}
    codes = CodeTables.load(tables) if tables.is_dir() else None
    return Version(load_schemas(folder), rules, said.get("mends", {}), codes)


def compare(old: Version, new: Version) -> list[Change]:
    """Every change, types first, in the order of the new version."""
    found = list(_types(old.schemas, new.schemas))
    found += _rules(old.rules, new.rules)
    if old.codes is not None and new.codes is not None:
        found += _tables(old.codes, new.codes)
    return found


def _types(old: Schemas, new: Schemas) -> Iterator[Change]:
    yield from _children("Head", old.head, new.head)
    for kind in new.catalogue:
        if kind.number not in old.catalogue:
            yield Change(kind.number, "type added", "", kind.name, RECEIVERS)
            continue
        yield from _said(kind.number, old.catalogue.get(kind.number), kind)
        yield from _children(kind.number, old.roots[kind.number], new.roots[kind.number])
    for kind in old.catalogue:
        if kind.number not in new.catalogue:
            yield Change(kind.number, "type removed", kind.name, "", SENDERS)


def _said(number: str, old: MessageType, new: MessageType) -> Iterator[Change]:
    """What the annotation says of the type as a whole."""
    pairs = {
        "name": (old.name, new.name, BOTH),
        "business key": ("|".join(old.key), "|".join(new.key), BOTH),
        "hashed key": (old.hashed_key, new.hashed_key, BOTH),
        "versioned": (old.versioned, new.versioned, BOTH),
        "step": (old.step, new.step, BOTH),
        "answer": (old.answer, new.answer, BOTH),
        "money": (old.money, new.money, NOTHING),
        "fact": (old.fact, new.fact, NOTHING),
        "lane": (old.lane, new.lane, NOTHING),
        "flow": (old.flow, new.flow, NOTHING),
        "title": (old.title_zh + old.title_en, new.title_zh + new.title_en, NOTHING),
    }
    for kind, (before, after, breaks) in pairs.items():
        if before != after:
            yield Change(number, f"{kind} changed", str(before), str(after), breaks)


def _children(place: str, old: Element, new: Element) -> Iterator[Change]:
    separator = "/" if " " in place else " "
    common = [child.name for child in new.children if child.name in old.by_name]
    if common != [child.name for child in old.children if child.name in new.by_name]:
        yield Change(place, "order changed", "", " ".join(common), BOTH)
    for child in new.children:
        path = f"{place}{separator}{child.name}"
        before = old.by_name.get(child.name)
        if before is None:
            breaks = BOTH if child.minimum else RECEIVERS
            yield Change(path, "element added", "", _need(child), breaks)
        else:
            yield from _element(path, before, child)
    for child in old.children:
        if child.name not in new.by_name:
            breaks = BOTH if child.minimum else SENDERS
            yield Change(f"{place}{separator}{child.name}", "element removed", _need(child), "", breaks)


def _need(element: Element) -> str:
    return "required" if element.minimum else "optional"


def _element(path: str, old: Element, new: Element) -> Iterator[Change]:
    yield from _limit(path, "minOccurs", old.minimum, new.minimum, is_floor=True)
    yield from _limit(path, "maxOccurs", old.maximum, new.maximum, is_floor=False)
    if (old.value is None) != (new.value is None):
        yield Change(path, "content changed", _content(old), _content(new), BOTH)
    elif old.value is not None and new.value is not None:
        yield from _value(path, old.value, new.value)
    else:
        yield from _children(path, old, new)
    yield from _codes(path, old, new)
    yield from _limit(path, "bytes in GBK", old.gbk_max or None, new.gbk_max or None, is_floor=False)
    if old.code_type != new.code_type:
        yield Change(path, "code type changed", old.code_type, new.code_type, BOTH)
    for kind, before, after in (
        ("sensitivity", old.sensitive, new.sensitive),
        ("warning of GBK", str(old.gbk_warn), str(new.gbk_warn)),
        ("source", old.source, new.source),
        ("meaning", f"{old.zh} / {old.en}", f"{new.zh} / {new.en}"),
    ):
        if before != after:
            yield Change(path, f"{kind} changed", before, after)


def _content(element: Element) -> str:
    return "elements" if element.value is None else element.value.name


def _limit(path: str, kind: str, old: int | None, new: int | None, *, is_floor: bool) -> Iterator[Change]:
    """A bound that moved; None is no bound. A floor that rises and a ceiling that falls take something away."""
    if old == new:
        return
    bottom, top = (-1, -1) if is_floor else (2**63, 2**63)
    before, after = bottom if old is None else old, top if new is None else new
    narrower = after > before if is_floor else after < before
    yield Change(path, f"{kind} changed", _shown(old), _shown(new), SENDERS if narrower else RECEIVERS)


def _shown(value: int | None) -> str:
    return "none" if value is None else str(value)


def _value(path: str, old: ValueType, new: ValueType) -> Iterator[Change]:
    if old.integer != new.integer:
        yield Change(path, "base changed", old.name, new.name, BOTH)
        return
    yield from _limit(path, "shortest", old.min_length, new.min_length, is_floor=True)
    yield from _limit(path, "longest", old.max_length, new.max_length, is_floor=False)
    yield from _limit(path, "least", old.min_value, new.min_value, is_floor=True)
    yield from _limit(path, "most", old.max_value, new.max_value, is_floor=False)
    patterns = [tuple(one.pattern for one in kind.patterns) for kind in (old, new)]
    yield from _replaced(path, "pattern", *(" and ".join(one) for one in patterns))
    if old.enumeration != new.enumeration:
        gone, come = set(old.enumeration) - set(new.enumeration), set(new.enumeration) - set(old.enumeration)
        breaks = BOTH if gone and come else SENDERS if gone else RECEIVERS if come else NOTHING
        yield Change(path, "values changed", " ".join(old.enumeration), " ".join(new.enumeration), breaks)
    yield from _replaced(path, "check", old.check, new.check)


def _replaced(path: str, kind: str, old: str, new: str) -> Iterator[Change]:
    """A condition that came, went or was exchanged for another."""
    if old != new:
        breaks = SENDERS if not old else RECEIVERS if not new else BOTH
        yield Change(path, f"{kind} changed", old, new, breaks)


def _codes(path: str, old: Element, new: Element) -> Iterator[Change]:
    before, after = (
        (one.codes, one.codes_separator) if one.codes and not one.codes_open else ("", "")
        for one in (old, new)
    )
    yield from _replaced(path, "code table", " ".join(before).strip(), " ".join(after).strip())
    if before == after and old.codes != new.codes:
        yield Change(path, "open code table changed", old.codes, new.codes)


def _rules(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Change]:
    for name, line in new.items():
        before = old.get(name)
        if before is None:
            yield Change(f"rule {name}", "rule added", "", str(line["en"]), _weight(line, SENDERS))
        elif before != line:
            yield Change(
                f"rule {name}", "rule changed", _rule(before), _rule(line), _rule_breaks(before, line)
            )
    for name, line in old.items():
        if name not in new:
            yield Change(f"rule {name}", "rule removed", str(line["en"]), "", _weight(line, RECEIVERS))


def _weight(line: Mapping[str, Any], breaks: str) -> str:
    """A warning refuses nothing."""
    return NOTHING if line.get("severity") == "warning" else breaks


def _rule(line: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in line.items() if name not in ("id", *_WORDS))


def _rule_breaks(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    if _rule(old) == _rule(new):
        return NOTHING
    refused, refuses = (one.get("severity") != "warning" for one in (old, new))
    return {(True, True): BOTH, (False, True): SENDERS, (True, False): RECEIVERS}.get(
        (refused, refuses), NOTHING
    )


def _tables(old: CodeTables, new: CodeTables) -> Iterator[Change]:
    for name in new:
        if name not in old:
            yield Change(f"codes {name}", "table added", "", f"{len(new.get(name))} codes")
            continue
        yield from _rows(f"codes {name}", old.get(name).rows, new.get(name).rows)
    for name in old:
        if name not in new:
            yield Change(f"codes {name}", "table removed", f"{len(old.get(name))} codes", "", SENDERS)


def _rows(place: str, old: Mapping[str, Code], new: Mapping[str, Code]) -> Iterator[Change]:
    for code, row in new.items():
        before = old.get(code)
        if before is None:
            yield Change(f"{place} {code}", "code added", "", row.name_zh, RECEIVERS)
        elif before != row:
            yield Change(f"{place} {code}", "code changed", _row(before), _row(row), _row_breaks(before, row))
    for code, row in old.items():
        if code not in new:
            yield Change(f"{place} {code}", "code removed", row.name_zh, "", SENDERS)


def _row(row: Code) -> str:
    return f"{row.name_zh} / {row.name_en} {row.parent} [{row.valid_from or '…'}, {row.valid_to or '…'}]"


def _row_breaks(old: Code, new: Code) -> str:
    """By the days on which the code is valid."""
    starts = [row.valid_from or "00000000" for row in (old, new)]
    ends = [row.valid_to or "99999999" for row in (old, new)]
    shorter, longer = starts[1] > starts[0] or ends[1] < ends[0], starts[1] < starts[0] or ends[1] > ends[0]
    return BOTH if shorter and longer else SENDERS if shorter else RECEIVERS if longer else NOTHING


def is_compatible(changes: Sequence[Change]) -> bool:
    """Does everything that was valid stay valid?"""
    return not any(change.breaks_senders for change in changes)
