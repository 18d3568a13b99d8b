"""Mappings that are read again while the gateway runs: all new or all old, and what is wrong is said."""

from __future__ import annotations

import asyncio
from collections.abc import Set

import structlog

from gateway.errors import Finding
from gateway.mapping import reload_mappings
from gateway.settings import Settings
from gateway.translate import IDENTITY, Translator

log = structlog.get_logger("app")


def missing_mappings(settings: Settings, mappings: Set[tuple[str, str, str]]) -> list[Finding]:
    """Every configured (platform, type, direction) that no mapping serves; `mappings`: (profile, number of
    the type, direction)."""
    findings = []
    for platform in settings.platforms.values():
        if platform.profile == IDENTITY:
            continue
        for direction, numbers in (("in", platform.sends), ("out", platform.receives)):
            for number in numbers:
                if (platform.profile, number, direction) not in mappings:
                    text = f"type {number} has no mapping mappings/{platform.profile}/…{direction}.yaml"
                    place = f"config/platforms/{platform.id}"
                    findings.append(Finding(place, 0, 0, "sends/receives", text, "config.no-mapping"))
    return findings


async def reload(settings: Settings, translator: Translator, renewing: asyncio.Lock) -> tuple[Finding, ...]:
    """Reads all mappings again; where one has errors, or a configured type is left without, the old set
    stays and the log says so. Answers with the findings. One at a time, under `renewing`."""
    async with renewing:
        folder = settings.root / "mappings"
        found = await asyncio.to_thread(reload_mappings, translator.mappings, folder, translator.standard)
        findings = (*found.findings, *missing_mappings(settings, found.mappings.names()))
        if any(finding.severity == "error" for finding in findings):
            log.error("mappings not reloaded: the old ones stay", findings=[str(one) for one in findings])
            return findings
        translator.mappings = found.mappings
        changed = ["/".join(one) for one in found.changed]
        log.info("mappings reloaded", changed=changed, warnings=[str(one) for one in findings])
        return findings
