"""A loaded mapping: checked, compiled once, applied to every message. Pure and shared by all threads."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping as Map
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.errors import ConfigError, Fault, Finding, MessageError
from gateway.mapping.check import Checked, World, check_file, find_schemas
from gateway.mapping.compile import compile_envelope, compile_plan
from gateway.mapping.running import Gap
from gateway.mapping.schema import Shelf
from gateway.mapping.trace import MAX_FAULTS, Trace, trace, trace_envelope
from gateway.mapping.values import Wrong
from gateway.message import Record

FRAGMENTS = "fragments"  # a folder of mappings/ that is no profile


@dataclass(frozen=True, slots=True)
class Context:
    """What a mapping may read beside the message: the head, the platform's values, and the message that
    this one answers (in the standard's words)."""

    head: Map[str, str] = field(default_factory=dict)
    platform: Map[str, Any] = field(default_factory=dict)
    origin: Record | None = None


class Mapping:
    """One file: one message type, one direction, one profile.

    `message` is the type's name, `number` its number; `schema` the platform's own, "" for none; `root` the outermost element in the platform's words;
    `version` the file's own version and the digest of its content (fragments included); `compiled` the
    function (message, head, platform, origin), `python` its source; `findings` the warnings.
    """

    def __init__(self, path: Path, checked: Checked):
        if checked.plan is None:
            raise ConfigError(checked.findings)
        text = checked.text
        self.message = checked.name
        self.number = checked.number
        self.direction = text.direction
        self.format = text.format
        self.schema = text.schema
        self.root = checked.root
        self.profile = path.parent.name
        self.file = str(path)
        sheets = [path.parent / text.transform] if text.transform else []
        self.version = f"{text.version}-{_digest([path, *text.fragments, *sheets])}"
        self.findings = tuple(checked.findings)
        self.coverage = checked.coverage
        self.target_coverage = checked.target_coverage
        self.plan = checked.plan
        self._sources = checked.sources
        self.transform = checked.transform
        self.compiled, self.python = compile_plan(checked.plan, "apply")
        if checked.transform is not None:
            self.compiled = checked.transform.apply
        self._envelope = compile_envelope(checked.plan, "envelope")[0] if checked.plan.envelope else None

    def __repr__(self) -> str:
        return f"<Mapping {self.profile}/{self.message}.{self.direction} {self.version}>"

    def apply(self, record: Record, context: Context) -> Record:
        """The target's record. MessageError with every fault that the mapping can see; what an incoming
        message lacks is told by the standard's validation, unless the mapping refuses it anyway."""
        try:
            return self.compiled(record, context.head, context.platform, context.origin)
        except (Wrong, Gap):
            found, faults = self.attempt(record, context)
        if faults:
            raise MessageError(faults)
        return found

    def attempt(self, record: Record, context: Context) -> tuple[Record, tuple[Fault, ...]]:
        """What could be mapped, and every fault. A field with a fault is left out."""
        found = self.trace(record, context)
        faults = [*found.faults, *(found.gaps if found.faults or self.direction == "out" else ())]
        return found.record, tuple(faults[:MAX_FAULTS])

    def trace(self, record: Record, context: Context) -> Trace:
        """The result with the origin of every value: slow. A stylesheet tells no origins."""
        if self.transform is not None:
            try:
                return Trace(self.compiled(record, context.head, context.platform, context.origin))
            except MessageError as error:
                return Trace(faults=list(error.faults))
        return trace(self.plan, record, context.head, context.platform, context.origin)

    def envelope(self, record: Record, context: Context) -> dict[str, str]:
        """The envelope's fields of an outgoing message; {} where the mapping declares none."""
        if self._envelope is None:
            return {}
        try:
            return self._envelope(record, context.head, context.platform, context.origin)
        except (Wrong, Gap):
            found = trace_envelope(self.plan, record, context.head, context.platform, context.origin)
        if found.faults:
            raise MessageError(found.faults)
        return found.record

    def check_envelope(self, envelope: Map[str, str]) -> None:
        """MessageError where the envelope of an incoming message is not what the mapping declares."""
        faults = [
            Fault(
                "mapping.envelope",
                "",
                f"信封中 {name} 应为 {value}，实为 {envelope.get(name, '空')}",
                f"{name} of the envelope should be {value}, got {envelope.get(name, 'nothing')}",
                "10003",
                name,
                expected=value,
                found=envelope.get(name, ""),
            )
            for name, value in self.plan.expected
            if envelope.get(name, "") != value
        ]
        if faults:
            raise MessageError(faults)

    def source_of(self, target_path: str) -> str:
        """`Bidders/Bidder[2]/Code` → the path in the source's own words; "" where there is none."""
        return self._sources.source_of(target_path)


class MappingSet:
    """Mappings by (profile, type, direction)."""

    def __init__(self, mappings: Map[tuple[str, str, str], Mapping]):
        self._by_name = dict(mappings)
        self._by_name.update(
            {(one.profile, one.number, one.direction): one for one in mappings.values() if one.number}
        )
        self._all = tuple(mappings.values())

    def __iter__(self) -> Any:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def names(self) -> frozenset[tuple[str, str, str]]:
        """(profile, number of the type, direction) of every mapping."""
        return frozenset((one.profile, one.number, one.direction) for one in self._all)

    def find(self, profile: str, number_or_name: str, direction: str) -> Mapping | None:
        return self._by_name.get((profile, number_or_name, direction))

    def get(self, profile: str, number_or_name: str, direction: str) -> Mapping:
        """LookupError where there is none."""
        found = self.find(profile, number_or_name, direction)
        if found is None:
            raise LookupError(f"no mapping {profile}/{number_or_name}.{direction}")
        return found

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The warnings of all files."""
        return tuple(sorted(finding for one in self._all for finding in one.findings))


def load_mapping(path: Path, world: World) -> Mapping:
    """ConfigError with all findings of the file."""
    return _load(path, world, Shelf(find_schemas(path)))


def load_mappings(folder: Path, world: World) -> MappingSet:
    """Every `<profile>/<Type>.(in|out).yaml`. ConfigError with all findings of all files."""
    shelf = Shelf(find_schemas(folder / "any" / "any"))
    found: dict[tuple[str, str, str], Mapping] = {}
    findings: list[Finding] = []
    for path in mapping_files(folder):
        try:
            mapping = _load(path, world, shelf)
        except ConfigError as error:
            findings.extend(error.findings)
            continue
        found[mapping.profile, mapping.message, mapping.direction] = mapping
    if findings:
        raise ConfigError(findings)
    return MappingSet(found)


def mapping_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.glob("*/*.yaml")) if path.parent.name != FRAGMENTS]


def _load(path: Path, world: World, shelf: Shelf) -> Mapping:
    return Mapping(path, check_file(path, world, shelf))


def _digest(paths: list[Path]) -> str:
    content = hashlib.sha256()
    for path in paths:
        content.update(path.read_bytes() if path.is_file() else b"")
    return content.hexdigest()[:8]
