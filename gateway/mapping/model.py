"""A mapping file as a tree with marks: what a person wrote, before it is checked against schemas.

Reads the file and its fragments, finds unknown and missing keys and values of the wrong shape, and goes on
after each finding so that all are listed at once.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.configfile import Document, Place, load_document, parse_document
from gateway.errors import ConfigError, Finding
from gateway.mapping.expression import ExpressionError, Node, parse

TOP = ("message", "direction", "format", "schema", "root", "origin", "version", "envelope", "tables", "let",
       "use", "fields", "ignored", "transform")  # fmt: skip
NOT_WITH_TRANSFORM = ("use", "fields", "ignored", "tables", "let")
BLOCK = ("each", "from", "when", "empty", "absent", "fields", "use", "prefix")
FRAGMENT = ("use", "fields")
USE = ("fragment", "prefix")
PREFIX = ("source", "target")
MAX_NESTING = 12
MAX_FIELDS = 5000


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands in a file; `label` is what a finding calls it."""

    document: Document
    place: Place
    label: str

    def finding(self, text: str, code: str, *, at: int | None = None, severity: str = "error") -> Finding:
        """`at`: offset in the expression that stands here."""
        line, column = self.document.mark(self.place)
        if at is not None and self.place in self.document.values:
            line, column = self.document.values[self.place]
            column += at
        code = code if "." in code else f"mapping.{code}"
        return Finding(self.document.file, line, column, self.label, text, code, severity)

    def of(self, key: str) -> Spot:
        return Spot(self.document, (*self.place, key), self.label)


@dataclass(frozen=True, slots=True)
class Formula:
    """An expression with its place. `prefix` goes before the names that it reads (in a fragment)."""

    node: Node
    spot: Spot
    prefix: str = ""


@dataclass(slots=True)
class FieldText:
    """One entry of `fields`: its target path, and either `value` alone or a block."""

    path: str
    spot: Spot
    value: Formula | None = None
    each: Formula | None = None
    when: Formula | None = None
    keep_empty: bool = False
    refuses_absent: bool = False  # `absent: refuse`: known, and meant
    fields: list[FieldText] | None = None


@dataclass(slots=True)
class MappingText:
    document: Document
    message: str = ""
    direction: str = ""
    format: str = ""
    schema: str = ""
    root: str = ""
    origin: str = ""
    version: str = ""
    transform: str = ""
    envelope: dict[str, Formula] = field(default_factory=dict)
    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    lets: dict[str, Formula] = field(default_factory=dict)
    fields: list[FieldText] = field(default_factory=list)
    ignored: list[tuple[str, Spot]] = field(default_factory=list)
    fragments: list[Path] = field(default_factory=list)

    def spot(self, *place: str | int) -> Spot:
        return Spot(self.document, place, ".".join(map(str, place)) or "(file)")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The nearest name, whatever its capitals and whether its words are joined by _ or not."""
    names = {_bare(one): one for one in known}
    close = difflib.get_close_matches(_bare(name), list(names), n=1, cutoff=0.6)
    return f"; did you mean {names[close[0]]}?" if close else ""


def _bare(name: str) -> str:
    return name.casefold().replace("_", "").replace("-", "")


def read_mapping(path: Path) -> tuple[MappingText, list[Finding]]:
    """The file's tree and what is wrong with its form. ConfigError where it is no YAML at all."""
    return _Reader(path, _load(path)).read()


def parse_mapping(text: str, path: Path) -> tuple[MappingText, list[Finding]]:
    """The same of a text in memory; `path` says where its fragments are."""
    return _Reader(path, parse_document(text, str(path))).read()


def _load(path: Path) -> Document:
    try:
        return load_document(path)
    except ConfigError as error:
        raise ConfigError([_with_hint(one) for one in error.findings]) from error


def _with_hint(finding: Finding) -> Finding:
    if "mapping values are not allowed" not in finding.text:
        return finding
    text = f"{finding.text}; an expression with ': ' stands in single quotes, or is written name:value"
    return Finding(finding.file, finding.line, finding.column, finding.field, text, finding.code)


class _Reader:
    def __init__(self, path: Path, document: Document):
        self.path = path
        self.result = MappingText(document)
        self.findings: list[Finding] = []
        self._fragments: dict[str, Document | None] = {}
        self._using: list[str] = []
        self._count = 0

    def read(self) -> tuple[MappingText, list[Finding]]:
        result, data = self.result, self.result.document.data
        top = result.spot()
        if not isinstance(data, dict):
            return result, [
                top.finding("expected a mapping file, with message:, direction:, fields:", "shape")
            ]
        self._known(data, TOP, top)
        for key in ("message", "direction", "format", "schema", "root", "origin", "version", "transform"):
            if key in data:
                setattr(result, key, self._text(data[key], result.spot(key)))
            elif key in ("message", "direction", "format", "version"):
                self._find(top, f"expected {key}:, got nothing", "missing-key")
        if result.direction not in ("in", "out", ""):
            text = f'expected "in" or "out", got {result.direction!r}'
            self._find(result.spot("direction"), text, "wrong-value")
        for key in NOT_WITH_TRANSFORM if result.transform else ():
            if key in data:
                self._find(result.spot(key), f"transform: stands in place of {key}:", "transform")
        if not data.get("fields") and not data.get("use") and "transform" not in data:
            self._find(top, "expected fields:, got nothing", "missing-key")
        result.tables = self._tables(data.get("tables"))
        result.envelope = self._formulas(data.get("envelope"), "envelope")
        result.lets = self._formulas(data.get("let"), "let")
        result.fields = self._block(data, result.spot(), "", "", 1)
        result.ignored = self._ignored(data.get("ignored"))
        return result, self.findings

    def _find(self, spot: Spot, text: str, code: str, *, at: int | None = None) -> None:
        self.findings.append(spot.finding(text, code, at=at))

    def _known(self, data: dict[str, Any], known: tuple[str, ...], spot: Spot) -> None:
        for key in data:
            if key not in known:
                hint = did_you_mean(key, known) or f"; there are {', '.join(known)}"
                self._find(spot.of(key), f"unknown key {key}{hint}", "unknown-key")

    def _text(self, value: Any, spot: Spot) -> str:
        if isinstance(value, str):
            return value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        advice = "" if value is None or isinstance(value, dict | list) else "; write it in quotes"
        self._find(spot, f"expected a text, got {_shown(value)}{advice}", "wrong-value")
        return ""

    def _mapping(self, value: Any, spot: Spot) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        if value is not None:
            self._find(spot, f"expected name: value lines, got {_shown(value)}", "wrong-value")
        return {}

    def _tables(self, value: Any) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for name, rows in self._mapping(value, self.result.spot("tables")).items():
            spot = self.result.spot("tables", name)
            found[name] = {
                key: self._text(row, self.result.spot("tables", name, key))
                for key, row in self._mapping(rows, spot).items()
            }
            if not rows:
                self._find(spot, "the table has no rows", "wrong-value")
        return found

    def _formulas(self, value: Any, key: str) -> dict[str, Formula]:
        found = {}
        for name, text in self._mapping(value, self.result.spot(key)).items():
            formula = self._formula(text, self.result.spot(key, name), "")
            if formula is not None:
                found[name] = formula
        return found

    def _formula(self, value: Any, spot: Spot, prefix: str) -> Formula | None:
        before = len(self.findings)
        text = self._text(value, spot)
        if len(self.findings) > before:
            return None
        try:
            return Formula(parse(text), spot, prefix)
        except ExpressionError as error:
            self._find(spot, error.text, "syntax", at=error.at)
            return None

    def _ignored(self, value: Any) -> list[tuple[str, Spot]]:
        spot = self.result.spot("ignored")
        if value is not None and not isinstance(value, list):
            self._find(spot, f"expected a list of source fields, got {_shown(value)}", "wrong-value")
            return []
        places = [self.result.spot("ignored", index) for index in range(len(value or []))]
        return [(self._text(one, place), place) for one, place in zip(value or [], places, strict=True)]

    # Fields, blocks and fragments

    def _block(
        self, data: dict[str, Any], spot: Spot, prefix: str, target: str, depth: int
    ) -> list[FieldText]:
        """`fields` and `use` of a block. `prefix`, `target`: what a fragment puts before names."""
        found = self._uses(data, spot, depth) if "use" in data else []
        place = Spot(spot.document, (*spot.place, "fields"), spot.label)
        for path, value in self._mapping(data.get("fields"), place).items():
            self._count += 1
            if self._count > MAX_FIELDS:
                self._find(place, f"more than {MAX_FIELDS} fields", "too-large")
                break
            label = target + path if spot.label == "(file)" else f"{spot.label}/{target}{path}"
            found.append(
                self._field(
                    target + path, value, Spot(spot.document, (*place.place, path), label), prefix, depth
                )
            )
        return found

    def _field(self, path: str, value: Any, spot: Spot, prefix: str, depth: int) -> FieldText:
        result = FieldText(path, spot)
        if not isinstance(value, dict):
            result.value = self._formula(value, spot, prefix)
            return result
        self._known(value, BLOCK, spot)
        if depth > MAX_NESTING:
            self._find(spot, f"nested deeper than {MAX_NESTING}", "too-large")
            return result
        for key in ("each", "when", "from"):
            if key in value:
                formula = self._formula(value[key], spot.of(key), prefix)
                setattr(result, "value" if key == "from" else key, formula)
        if "empty" in value:
            result.keep_empty = value["empty"] == "keep"
            if not result.keep_empty:
                self._find(spot.of("empty"), f"expected keep, got {_shown(value['empty'])}", "wrong-value")
        if "absent" in value:
            result.refuses_absent = value["absent"] == "refuse"
            if not result.refuses_absent:
                text = f"expected refuse, got {_shown(value['absent'])}"
                self._find(spot.of("absent"), text, "wrong-value")
        if "fields" in value or "use" in value:
            result.fields = self._block(value, spot, prefix, "", depth + 1)
        elif "from" not in value and "each" not in value:
            self._find(spot, "expected from:, each: or fields:, got nothing", "missing-key")
        if "prefix" in value and not isinstance(value.get("use"), str):
            self._find(spot.of("prefix"), "prefix: goes with use: FILE", "unknown-key")
        return result

    def _uses(self, data: dict[str, Any], spot: Spot, depth: int) -> list[FieldText]:
        use = data["use"]
        place = spot.of("use")
        if isinstance(use, str):
            return self._fragment(use, place, data.get("prefix"), spot.of("prefix"), spot, depth)
        if not isinstance(use, list):
            self._find(
                place, f"expected a fragment's file, or a list of them, got {_shown(use)}", "wrong-value"
            )
            return []
        found: list[FieldText] = []
        for index, one in enumerate(use):
            item = Spot(spot.document, (*place.place, index), spot.label)
            entry = {"fragment": one} if isinstance(one, str) else self._mapping(one, item)
            self._known(entry, USE, item)
            name = self._text(entry.get("fragment"), item.of("fragment"))
            found += self._fragment(name, item, entry.get("prefix"), item.of("prefix"), spot, depth)
        return found

    def _fragment(
        self, name: str, spot: Spot, prefix: Any, prefix_spot: Spot, around: Spot, depth: int
    ) -> list[FieldText]:
        source = target = ""
        if isinstance(prefix, dict):
            self._known(prefix, PREFIX, prefix_spot)
            source = self._text(prefix.get("source", ""), prefix_spot.of("source"))
            target = self._text(prefix.get("target", ""), prefix_spot.of("target"))
        elif prefix is not None:
            source = self._text(prefix, prefix_spot)
        self._count += 1
        if name in self._using or depth > MAX_NESTING or self._count > MAX_FIELDS:
            self._find(spot, "a fragment that uses itself, or fragments nested too deep", "fragment")
            return []
        document = self._open(name, spot)
        if document is None:
            return []
        inside = Spot(document, (), around.label)
        data = self._mapping(document.data, inside)
        self._known(data, FRAGMENT, inside)
        self._using.append(name)
        found = self._block(data, inside, source, target, depth + 1)
        self._using.pop()
        return found

    def _open(self, name: str, spot: Spot) -> Document | None:
        """A fragment beside the mapping, or in the folder of all mappings; never from elsewhere."""
        if name in self._fragments:
            return self._fragments[name]
        self._fragments[name] = None
        for folder in (self.path.parent, self.path.parent.parent):
            place = (folder / name).resolve()
            if name and place.is_relative_to(folder.resolve()) and place.is_file():
                try:
                    document = self._fragments[name] = _load(place)
                except ConfigError as error:
                    self.findings.extend(error.findings)
                    return None
                self.result.fragments.append(place)
                return document
        self._find(spot, f"no fragment {name!r} beside this file or in the folder above", "fragment")
        return None


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "name: value lines"
    return "a list" if isinstance(value, list) else repr(value)[:60]
