"""What a mapping is fuzzed on: its source's tree, values that are likely to pass, good messages, contexts, and the
schemas of both sides as judges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any

from lxml import etree

from gateway import xmltree
from gateway.errors import MessageError
from gateway.formats import formats
from gateway.formats.elements import write_element
from gateway.mapping import plan
from gateway.mapping.check import find_schemas
from gateway.mapping.comparison import places
from gateway.mapping.fuzz.instances import Maker, texts
from gateway.mapping.fuzz.words import draw_standard, draw_value, takes
from gateway.mapping.lineage import unmarked
from gateway.mapping.mapping import Context
from gateway.mapping.mapping import Mapping as Mapped
from gateway.mapping.run import Case, find_cases, read_case
from gateway.mapping.schema import Element, Leaf, Shelf, from_standard
from gateway.message import HEAD_FIELDS, Head, Record
from gateway.standard import Standard
from gateway.standard.model import Element as StandardElement

_GBK_FORMATS = frozenset(("mof-voucher", "xml-gbk", "csv-gbk"))
_HEAD = {
    "Ver": "1.0", "MsgId": "3f0a4e0a5f2d4f0b9c1d2e3f40516273", "MsgRef": "3f0a4e0a5f2d4f0b9c1d2e3f40516273",
    "Src": "GGZY-ZPT", "Des": "", "AdmDivCode": "310000", "StYear": "2024", "BizType": "03", "BizVersion": "1",
    "BizKey": "SQ-310000-20240618-00042", "OperType": "1", "IdemKey": "9c" * 32, "BodyDigest": "0" * 64,
    "WorkDate": "20240618", "SendTime": "20240618094501123", "RetryNo": "0",
}  # fmt: skip


@dataclass
class Ground:
    """`good`: records of the golden cases (and the standard's sample) that the mapping takes; `hints`: source
    path → the standard's elements that its value may become."""

    mapping: Mapped
    standard: Standard
    schema: str
    origin_type: str = ""
    on: date = field(default_factory=lambda: date(2024, 12, 31))

    @cached_property
    def shelf(self) -> Shelf:
        return Shelf(find_schemas(Path(self.mapping.file)))

    @cached_property
    def platform(self) -> Element | None:
        return self.shelf.get(self.schema) if self.schema else None

    @cached_property
    def validator(self) -> etree.XMLSchema | None:
        if not self.schema:
            return None
        return etree.XMLSchema(etree.parse(str(self.shelf.root / self.schema)))

    @property
    def is_in(self) -> bool:
        return self.mapping.direction == "in"

    @cached_property
    def source(self) -> Element:
        """The source's tree; of a platform without a schema, what the mapping reads and the cases have."""
        if not self.is_in:
            return from_standard(self.standard.model(self.mapping.number))
        if self.platform is not None:
            return self.platform
        paths = {path for one in self.good for path in texts(one)} | set(self.read_paths)
        return _tree(sorted(paths))

    @cached_property
    def read_paths(self) -> Mapping[str, tuple[str, ...]]:
        """Source path → the target paths that it gives."""
        found: dict[str, list[str]] = {}
        made = self.mapping.plan
        for one in _leaves(made.fields):
            value = one.source if isinstance(one, plan.Items) else one.value  # type: ignore[union-attr]
            assert value is not None
            for place in places(value, made.lets):
                if place.partition("/")[0] not in ("head", "platform", "origin"):
                    found.setdefault(unmarked(place), []).append(unmarked(one.path))
        return {path: tuple(paths) for path, paths in found.items()}

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        return tuple(find_cases(self.mapping))

    @cached_property
    def read_cases(self) -> tuple[tuple[Record, Context], ...]:
        return tuple(read_case(case) for case in self.cases if not case.beside("error.yaml").is_file())

    @cached_property
    def good(self) -> tuple[Record, ...]:
        found = [record for record, _ in self.read_cases]
        return tuple(found if self.is_in else [*found, self.standard.sample(self.mapping.number)])

    @cached_property
    def contexts(self) -> tuple[Context, ...]:
        """Of the cases; completed with what every message has."""
        head = {**_HEAD, "MsgNo": self.mapping.number}
        origins: list[Record | None] = [one.origin for _, one in self.read_cases if one.origin] or [None]
        if self.origin_type:
            number = self.standard.catalogue.get(self.origin_type).number
            origins = [*origins, self.standard.sample(number), None]
        given = self.read_cases or (({}, Context()),)
        return tuple(
            Context({**head, **context.head}, context.platform, origin)
            for _, context in given
            for origin in origins
        )

    @cached_property
    def maker(self) -> Maker:
        return Maker(self.source, self.draw)

    @cached_property
    def hints(self) -> Mapping[str, tuple[StandardElement, ...]]:
        model = self.standard.model(self.mapping.number)
        if not self.is_in:
            return {path: (one,) for path, one in model.walk() if one.value is not None}
        return {
            path: tuple(
                one for target in targets if (one := model.find(target)) is not None and one.value is not None
            )
            for path, targets in self.read_paths.items()
        }

    @cached_property
    def known_places(self) -> frozenset[str]:
        """Every path that the source has, also those that only its good messages show."""
        return frozenset((*(path for path, _ in self.source.walk()), *self.known, *self.read_paths))

    @cached_property
    def known(self) -> Mapping[str, tuple[str, ...]]:
        """Source path → texts of good messages there."""
        found: dict[str, list[str]] = {}
        for one in self.good:
            for path, text in texts(one).items():
                found.setdefault(path, []).append(text)
        return {path: tuple(dict.fromkeys(values)) for path, values in found.items()}

    def draw(self, random: Random, path: str, element: Element) -> str:
        """Mostly what is likely to pass on the other side, now and then anything that the leaf takes."""
        kind = random.random()
        leaf = element.leaf or Leaf()
        if kind < 0.45:
            for hint in self.hints.get(path, ()):
                text = draw_standard(random, hint, self.standard.codes, self.on)
                if takes(leaf, text):
                    return text
        if kind < 0.75 and path in self.known:
            text = random.choice(self.known[path])
            if takes(leaf, text):
                return text
        return draw_value(random, element, gbk_only=self.is_in and self.mapping.format in _GBK_FORMATS)

    def is_valid_source(self, record: Record) -> bool:
        """What a mapping may be given: a platform's record that its schema takes, a standard's that is valid
        with all its rules."""
        if self.is_in:
            return self.is_platforms(record)
        try:
            self.standard.check(self.mapping.number, record, on=self.on)
        except MessageError:
            return False
        return True

    def is_platforms(self, record: Record) -> bool:
        """Whether the platform's schema takes a record; without a schema, whether it can be written."""
        return not self.platform_faults(record)

    def platform_faults(self, record: Record) -> list[str]:
        pieces: list[str] = []
        try:
            write_element(self.mapping.root or "Record", record, pieces)
            root = xmltree.parse("".join(pieces).encode())
        except (ValueError, TypeError, MessageError) as error:
            return [f"cannot be written: {error}"]
        if self.validator is None or self.validator.validate(root):
            return []
        log: Any = self.validator.error_log
        return [f"{one.path}: {one.message}" for one in log]

    def write(self, record: Record) -> bytes:
        """A source record in the platform's own bytes. MessageError where the format cannot hold it."""
        if not self.is_in:
            raise ValueError("a standard record needs no platform's bytes")
        envelope = {**self.envelope, **dict(self.mapping.plan.expected)}
        head = Head(**{name: self.contexts[0].head.get(name, "") for name in HEAD_FIELDS})
        return formats.get(self.mapping.format).encode(record, head, envelope, self.mapping.root)

    @cached_property
    def envelope(self) -> dict[str, str]:
        """The fields around a message, from the golden cases."""
        given = {
            "SYSTEM_NO": "9120", "CA_KEY": "9120", "DATA_CN": "x", "DATA_EN": "X", "DATA_NO": "000", "DATA_TYPE": "1",
            "ROUTE_WAY": "0", "AdmDivCode": "310000", "StYear": "2024", "VtCode": "0000", "VoucherNo": "1", "VoucherFlag": "0",
        }  # fmt: skip
        for case in self.cases[:1]:
            try:
                given.update(formats.get(self.mapping.format).decode(case.input.read_bytes()).envelope)
            except MessageError:
                continue
        given.pop("DATA_KEY", None)
        return given


def _leaves(fields: Iterable[plan.Field]) -> Sequence[plan.Field]:
    found: list[plan.Field] = []
    for one in fields:
        if isinstance(one, plan.Leaf) or (isinstance(one, plan.Items) and one.value is not None):
            found.append(one)
        else:
            found += _leaves(one.fields)
    return found


def _tree(paths: Sequence[str]) -> Element:
    """A tree of optional texts."""

    def level(inside: Sequence[str], name: str) -> Element:
        below: dict[str, list[str]] = {}
        for path in inside:
            head, _, rest = path.partition("/")
            below.setdefault(head, [])
            if rest:
                below[head].append(rest)
        children = tuple(
            level(rest, one) if rest else Element(one, Leaf(max_length=200), least=0)
            for one, rest in below.items()
            if one
        )
        return Element(name, None, children, least=0)

    return level(paths, "Record")
