"""YAML with line marks: the one door to configuration and mapping files.

Scalars are read by YAML 1.2's core schema, so that `NO`, `on` and `012` stay what a person wrote. Every
finding carries file, line and column. A file cannot exhaust the reader: its size, its depth and the number
of nodes that aliases expand to are bounded.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.errors import ConfigError, Finding

Place = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)
MAX_BYTES = 1024 * 1024
MAX_NODES = 100_000
MAX_DEPTH = 64
_SECRET = (("secret",), ("password",), ("passphrase",), ("key",))
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# Numbers longer than any setting needs stay text: nothing is rounded, nothing overflows.
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,15}|(0|[1-9][0-9]{0,14})(\.[0-9]{0,15})?)([eE][-+]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Document:
    """A file as plain data; `marks`: place in the data → (line, column) of its key, from 1; `values`: the
    same of the first character of a text that stands on one line (inside its quotes)."""

    file: str
    data: Any
    marks: Mapping[Place, tuple[int, int]] = field(default_factory=dict)
    values: Mapping[Place, tuple[int, int]] = field(default_factory=dict)

    def finding(self, place: Place, text: str, code: str, *, severity: str = "error") -> Finding:
        line, column = self.mark(place)
        return Finding(self.file, line, column, ".".join(map(str, place)) or "(file)", text, code, severity)

    def mark(self, place: Place) -> tuple[int, int]:
        """Of the place, or of the nearest one around it."""
        while place not in self.marks and place:
            place = place[:-1]
        return self.marks.get(place, (1, 1))


def load_document(path: Path) -> Document:
    """ConfigError: missing, too large, not UTF-8, not YAML, duplicate keys, exploding aliases."""
    try:
        data = path.read_bytes()
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise ConfigError([Finding(str(path), 0, 0, "(file)", text, "config.missing-file")]) from error
    if len(data) > MAX_BYTES:
        raise _error(str(path), 1, 1, f"larger than {MAX_BYTES} bytes", "config.too-large")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise _error(str(path), line, 1, "expected UTF-8", "config.encoding") from error
    return parse_document(text, str(path))


def parse_document(text: str, file: str) -> Document:
    """The same for text that is in memory already."""
    try:
        root = _compose(file, iter(yaml.parse(text, Loader=yaml.CSafeLoader)))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _error(file, line, column, f"not YAML: {error.problem}", "config.syntax") from error
    except yaml.YAMLError as error:
        raise _error(file, 1, 1, f"not YAML: {error}", "config.syntax") from error
    reader = _Reader(file)
    data = reader.build(root, ()) if root is not None else None
    if reader.findings:
        raise ConfigError(reader.findings)
    return Document(file, data, reader.marks, reader.values)


@dataclass(slots=True)
class _Node:
    """One value of the text. `items`: of a list its values, of a mapping keys and values in turn."""

    kind: str  # scalar, list, map
    line: int
    column: int
    text: str = ""
    style: str = ""
    tag: str = ""
    one_line: bool = False
    items: list[_Node] = field(default_factory=list)


_KINDS = {yaml.ScalarEvent: "scalar", yaml.SequenceStartEvent: "list", yaml.MappingStartEvent: "map"}


def _compose(file: str, events: Iterator[Any]) -> _Node | None:
    """The one document. Event by event: libyaml's own composer recurses without a bound."""
    root: _Node | None = None
    anchors: dict[str, _Node] = {}
    above: list[_Node] = []
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            above.pop()
            continue
        node = _aliased(file, event, anchors) if isinstance(event, yaml.AliasEvent) else _node(event)
        if node is None:
            continue
        if above:
            above[-1].items.append(node)
        elif root is not None:
            raise _at(file, node, "more than one document", "config.syntax")
        root = root or node
        if isinstance(event, yaml.NodeEvent) and event.anchor:
            anchors[event.anchor] = node
        if isinstance(event, yaml.CollectionStartEvent):
            above.append(node)
            if len(above) > MAX_DEPTH:
                raise _at(file, node, f"nested deeper than {MAX_DEPTH}", "config.too-deep")
    return root


def _aliased(file: str, event: Any, anchors: Mapping[str, _Node]) -> _Node:
    if event.anchor not in anchors:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        raise _error(file, line, column, f"unknown alias {event.anchor}", "config.syntax")
    return anchors[event.anchor]


def _node(event: Any) -> _Node | None:
    kind = _KINDS.get(type(event))
    if kind is None:
        return None
    start, end = event.start_mark, event.end_mark
    node = _Node(kind, start.line + 1, start.column + 1, tag=event.tag or "")
    if kind == "scalar":
        node.text, node.style, node.one_line = event.value, event.style or "", start.line == end.line
    return node


class _Reader:
    def __init__(self, file: str) -> None:
        self.file = file
        self.marks: dict[Place, tuple[int, int]] = {}
        self.values: dict[Place, tuple[int, int]] = {}
        self.findings: list[Finding] = []
        self._count = 0
        self._open: set[int] = set()

    def build(self, node: _Node, place: Place) -> Any:
        self._count += 1
        if self._count > MAX_NODES:
            raise _at(self.file, node, f"more than {MAX_NODES} values (aliases included)", "config.too-many")
        if id(node) in self._open:
            raise _at(self.file, node, "an alias contains itself", "config.alias-cycle")
        self.marks.setdefault(place, (node.line, node.column))
        if node.kind == "scalar":
            if node.one_line and node.style not in ("|", ">"):
                self.values[place] = (node.line, node.column + (node.style in ("'", '"')))
            return _scalar(node)
        self._open.add(id(node))
        try:
            if node.kind == "list":
                return [self.build(item, (*place, index)) for index, item in enumerate(node.items)]
            return self._mapping(node, place)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: _Node, place: Place) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in zip(node.items[::2], node.items[1::2], strict=True):
            if key.kind != "scalar":
                raise _at(self.file, key, "expected a plain key", "config.syntax")
            inner = (*place, key.text)
            if key.text in found:
                name = ".".join(map(str, inner))
                text, code = "the key stands twice", "config.duplicate-key"
                self.findings.append(Finding(self.file, key.line, key.column, name, text, code))
                continue
            self.marks[inner] = (key.line, key.column)
            found[key.text] = self.build(value, inner)
        return found


def _scalar(node: _Node) -> Any:
    text = node.text
    if node.style in ("'", '"', "|", ">") or node.tag.endswith(":str"):
        return text
    if _NULL.fullmatch(text):
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def validate(model: type[Model], document: Document, *, at: Place = ()) -> Model:
    """The model's instance; ConfigError lists every finding with its place."""
    data = document.data
    for part in at:
        data = data[part]
    try:
        return model.model_validate(data if data is not None else {})
    except ValidationError as error:
        raise ConfigError([_finding(model, document, at, one) for one in error.errors()]) from error


def _finding(model: type[BaseModel], document: Document, at: Place, error: ErrorDetails) -> Finding:
    place = (*at, *(part for part in error["loc"]))
    if error["type"] == "extra_forbidden":
        known = _known_fields(model, error["loc"][:-1])
        close = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
        hint = f"; did you mean {close[0]}?" if close else f"; known: {', '.join(sorted(known))}"
        return document.finding(place, f"unknown field{hint}", "config.unknown-field")
    if error["type"] == "missing":
        return document.finding(place, "expected a value, got nothing", "config.missing-field")
    text = f"{error['msg'][0].lower()}{error['msg'][1:]}"
    # A secret that was written out by mistake stands in no log; it may stand anywhere in a whole section.
    if place[-1:] not in _SECRET and not isinstance(error["input"], dict):
        text += f", got {str(error['input'])[:60]!r}"
    return document.finding(place, text, "config.invalid")


def _known_fields(model: type[BaseModel], place: tuple[str | int, ...]) -> list[str]:
    current: Any = model
    for part in place:
        if isinstance(part, int) or not (isinstance(current, type) and issubclass(current, BaseModel)):
            continue
        current = (
            _inner_model(current.model_fields[part].annotation) if part in current.model_fields else None
        )
    if isinstance(current, type) and issubclass(current, BaseModel):
        return list(current.model_fields)
    return []


def _inner_model(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _inner_model(argument)
        if found is not None:
            return found
    return None


def _error(file: str, line: int, column: int, text: str, code: str) -> ConfigError:
    return ConfigError([Finding(file, line, column, "(file)", text, code)])


def _at(file: str, node: _Node, text: str, code: str) -> ConfigError:
    return _error(file, node.line, node.column, text, code)
