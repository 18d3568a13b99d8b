"""A mapping file against the world: both schemas, code tables, formats. File → plan and findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.configfile import Document
from gateway.errors import ConfigError, Finding
from gateway.formats import formats
from gateway.mapping import expression as ex
from gateway.mapping import plan
from gateway.mapping.lineage import Sources, unmarked
from gateway.mapping.model import MappingText, did_you_mean, parse_mapping, read_mapping
from gateway.mapping.resolve import OUTSIDE, Resolver
from gateway.mapping.schema import Element, SchemaError, Shelf, from_standard
from gateway.mapping.target import TargetBuilder
from gateway.mapping.transform import Transform, TransformError
from gateway.standard import Catalogue, CodeTables
from gateway.standard.model import Element as StandardElement

DIRECTIONS = ("in", "out")


class World(Protocol):
    """What a mapping is checked against: `gateway.standard.Standard` is one."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def codes(self) -> CodeTables: ...
    def model(self, number: str) -> StandardElement: ...


@dataclass(slots=True)
class Checked:
    """`plan` is None where there are errors. `numbers`: of the message type."""

    text: MappingText
    number: str = ""
    name: str = ""
    root: str = ""
    plan: plan.Plan | None = None
    transform: Transform | None = None
    sources: Sources = field(default_factory=Sources)
    findings: list[Finding] = field(default_factory=list)
    coverage: tuple[int, int] = (0, 0)  # source fields used or ignored, and all
    target_coverage: tuple[int, int] = (0, 0)  # target fields given, and all


def find_schemas(path: Path) -> Path:
    """The folder `schemas` that stands beside or above a mapping file's folder."""
    for folder in path.resolve().parents:
        if (folder / "schemas").is_dir():
            return folder / "schemas"
    return path.parent


def check_file(path: Path, world: World, shelf: Shelf | None = None) -> Checked:
    """Reads and checks one file; never raises for what the file holds."""
    try:
        text, findings = read_mapping(path)
    except ConfigError as error:
        return _unreadable(path, error)
    return _Checker(path, text, findings, world, shelf or Shelf(find_schemas(path))).check()


def check_text(text: str, path: Path, world: World, shelf: Shelf | None = None) -> Checked:
    """The same for a text in memory; `path` gives its names and the place of its fragments."""
    try:
        parsed, findings = parse_mapping(text, path)
    except ConfigError as error:
        return _unreadable(path, error)
    return _Checker(path, parsed, findings, world, shelf or Shelf(find_schemas(path))).check()


def _unreadable(path: Path, error: ConfigError) -> Checked:
    return Checked(MappingText(Document(str(path), None)), findings=list(error.findings))


class _Checker:
    def __init__(self, path: Path, text: MappingText, findings: list[Finding], world: World, shelf: Shelf):
        self.path = path
        self.text = text
        self.world = world
        self.shelf = shelf
        self.result = Checked(text, findings=findings)

    def check(self) -> Checked:
        text, result = self.text, self.result
        if not isinstance(text.document.data, dict):
            return result
        self._check_names()
        if not (text.fields or text.transform) or text.direction not in DIRECTIONS:
            result.findings.sort()
            return result
        standard = self._standard(text.message, "message")
        platform = self._platform()
        source, target = (platform, standard) if text.direction == "in" else (standard, platform)
        origin = self._standard(text.origin, "origin") if text.origin else None
        resolver = Resolver(source, origin, text.tables, self.world.codes)
        lets = self._lets(resolver, source)
        builder = TargetBuilder(resolver, target, text.direction)
        fields = builder.build(text.fields, text.spot("fields")) if not text.transform else ()
        envelope, expected = self._envelope(resolver)
        result.findings += resolver.findings
        if text.transform:
            root = (result.root or "Message") if text.direction == "in" else text.message
            result.transform = self._transform(root, target)
        else:
            self._check_unused(resolver, source)
        result.sources = builder.sources
        if target is not None and not text.transform:
            leaves = [path for path, element in target.walk() if element.leaf is not None]
            result.target_coverage = (sum(path in builder.given for path in leaves), len(leaves))
        if not self._has_errors():
            result.plan = plan.Plan(text.direction, lets, fields, envelope, expected)
        result.findings = list(dict.fromkeys(sorted(result.findings)))
        return result

    def _find(self, place: tuple[str | int, ...], text: str, code: str, severity: str = "error") -> None:
        self.result.findings.append(self.text.spot(*place).finding(text, code, severity=severity))

    def _has_errors(self) -> bool:
        return any(one.severity == "error" for one in self.result.findings)

    def _check_names(self) -> None:
        text = self.text
        if text.format and text.format not in formats:
            hint = did_you_mean(text.format, formats) or f"; there are {', '.join(formats)}"
            self._find(("format",), f"unknown format {text.format}{hint}", "unknown-format")
        name, _, rest = self.path.name.partition(".")
        direction = rest.partition(".")[0]
        wanted = (text.message, text.direction)
        if text.message and text.direction in DIRECTIONS and (name, direction) != wanted:
            expected = f"{text.message}.{text.direction}.yaml"
            self._find(("message",), f"the file is called {self.path.name}, not {expected}", "file-name")

    def _standard(self, name: str, key: str) -> Element | None:
        if not name:
            return None
        if name not in self.world.catalogue:
            known = [one.name for one in self.world.catalogue]
            self._find((key,), f"unknown message type {name}{did_you_mean(name, known)}", "unknown-type")
            return None
        kind = self.world.catalogue.get(name)
        if key == "message":
            self.result.number, self.result.name = kind.number, kind.name
        return from_standard(self.world.model(kind.number))

    def _platform(self) -> Element | None:
        self.result.root = self.text.root
        if not self.text.schema:
            return None
        found = self._schema(self.text.schema, "schema")
        if found is not None and not self.text.root:
            self.result.root = found.name
        return found

    def _transform(self, root: str, target: Element | None) -> Transform | None:
        """The stylesheet beside the mapping file."""
        place = (self.path.parent / self.text.transform).resolve()
        if not place.is_relative_to(self.path.parent.resolve()):
            text = f"{self.text.transform} lies outside of the mapping's folder"
            self._find(("transform",), text, "transform")
            return None
        try:
            return Transform(place, root, target)
        except TransformError as error:
            at = f":{error.line}" if error.line else ""
            self._find(("transform",), f"{self.text.transform}{at}: {error}", "transform")
            return None

    def _schema(self, path: str, key: str) -> Element | None:
        try:
            return self.shelf.get(path)
        except SchemaError as error:
            near = [
                str(one.relative_to(self.shelf.root))
                for ending in ("xsd", "json", "csv")
                for one in self.shelf.root.glob(f"platforms/*/*.{ending}")
            ]
            self._find((key,), f"schema {path}: {error}{did_you_mean(path, near)}", "unknown-schema")
            return None

    def _lets(self, resolver: Resolver, source: Element | None) -> tuple[tuple[str, plan.Expr], ...]:
        found: list[tuple[str, plan.Expr]] = []
        for name, formula in self.text.lets.items():
            if name in OUTSIDE or (source is not None and source.child(name) is not None):
                self._find(("let", name), f"{name} hides the field {name} of the message", "shadowed")
            value = resolver.resolve(formula, (resolver.root,))
            if value is not None and value.kind.item is not None and value.kind.item.name == "zip":
                self._find(("let", name), "a zip belongs in each", "wrong-kind")
                value = None
            if value is not None:
                path = plan.source(value)
                resolver.lets[name] = plan.Let(name, len(found), value.kind, path)
                resolver.let_values[len(found)] = value
                found.append((name, value))
        return tuple(found)

    def _envelope(
        self, resolver: Resolver
    ) -> tuple[tuple[tuple[str, plan.Expr], ...], tuple[tuple[str, str], ...]]:
        envelope: list[tuple[str, plan.Expr]] = []
        expected: list[tuple[str, str]] = []
        self._check_envelope_names()
        for name, formula in self.text.envelope.items():
            if self.text.direction == "in":
                if isinstance(formula.node, ex.Text):
                    expected.append((name, formula.node.value))
                else:
                    text = 'the envelope of an incoming message is compared with constants: = "…"'
                    self._find(("envelope", name), text, "envelope")
                continue
            value = resolver.resolve(formula, (resolver.root,))
            resolver.formula = formula
            held = resolver.text(value, formula.node)
            if held is not None:
                envelope.append((name, held))
        return tuple(envelope), tuple(expected)

    def _check_envelope_names(self) -> None:
        text = self.text
        if text.format not in formats:
            return
        known, needed = formats.get(text.format).envelope_names, formats.get(text.format).envelope_needs
        for name in text.envelope:
            if name not in known:
                there = f"; there are {', '.join(known)}" if known else "; it has none"
                hint = did_you_mean(name, known) or there
                self._find(
                    ("envelope", name),
                    f"the envelope of {text.format} has no field {name}{hint}",
                    "envelope",
                )
        missing = [name for name in needed if name not in text.envelope]
        if missing and text.direction == "out" and not text.transform:
            place = ("envelope",) if text.envelope else ("format",)
            names = ", ".join(missing)
            self._find(place, f"the envelope of {text.format} needs {names}", "envelope")

    # What is not used

    def _check_unused(self, resolver: Resolver, source: Element | None) -> None:
        for name in self.text.tables:
            if name in self.world.codes:
                self._find(
                    ("tables", name), f"{name} hides the code table {name} of schemas/codes", "shadowed"
                )
            if name not in resolver.used_tables and not self._has_errors():
                self._find(("tables", name), f"table {name} is not used", "unused", "warning")
        for name in self.text.lets:
            if name in resolver.lets and name not in resolver.used_lets and not self._has_errors():
                self._find(("let", name), f"{name} is not used", "unused", "warning")
        if source is None:
            return
        known = dict(source.walk())
        ignored: set[str] = set()
        for name, spot in self.text.ignored:
            if name in ignored or any(above in ignored for above in _and_above(name.rpartition("/")[0])):
                text = f"{name} is ignored already"
                self.result.findings.append(spot.finding(text, "ignored-twice", at=0, severity="warning"))
            if name and name not in known:
                hint = did_you_mean(name, known)
                self.result.findings.append(
                    spot.finding(f"the source has no field {name}{hint}", "unknown-ignored", at=0)
                )
            elif name in resolver.used and not self._has_errors():
                text = f"{name} is used, so it is not ignored"
                self.result.findings.append(spot.finding(text, "ignored-used", at=0, severity="warning"))
            ignored.add(name)
        self._check_covered(known, ignored, {unmarked(one) for one in resolver.used})

    def _check_covered(self, known: dict[str, Element], ignored: set[str], used: set[str]) -> None:
        leaves = [path for path, element in known.items() if element.leaf is not None]
        open_ = [
            path
            for path in leaves
            if path not in used and not any(above in ignored for above in _and_above(path))
        ]
        self.result.coverage = (len(leaves) - len(open_), len(leaves))
        for path in open_ if not self._has_errors() else ():
            zh = f" ({known[path].zh})" if known[path].zh else ""
            text = f"source field {path}{zh} is not used; map it, or list it under ignored:"
            self._find(("fields",), text, "unused-source", "warning")


def _and_above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]
