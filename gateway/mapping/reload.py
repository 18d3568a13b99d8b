"""Mappings that are read again while the gateway runs: all new or all old, and what is wrong is said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError, Finding
from gateway.mapping.check import World
from gateway.mapping.mapping import MappingSet, load_mappings


@dataclass(frozen=True, slots=True)
class Reloaded:
    """`mappings` is the old set itself where the files have errors; `findings` tells them all, and the
    warnings of the new ones. `changed`: (profile, type, direction) of what is new, gone or of another version."""

    mappings: MappingSet
    findings: tuple[Finding, ...]
    changed: tuple[tuple[str, str, str], ...]

    @property
    def is_new(self) -> bool:
        return not any(one.severity == "error" for one in self.findings)


def reload_mappings(current: MappingSet, folder: Path, world: World) -> Reloaded:
    """Reads every mapping again. Never raises for what the files hold."""
    try:
        found = load_mappings(folder, world)
    except ConfigError as error:
        return Reloaded(current, error.findings, ())
    before, after = _versions(current), _versions(found)
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    return Reloaded(found, found.findings, tuple(changed))


def _versions(mappings: MappingSet) -> dict[tuple[str, str, str], str]:
    return {(one.profile, one.message, one.direction): one.version for one in mappings}
