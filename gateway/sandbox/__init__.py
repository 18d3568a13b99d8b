"""The sandbox: reference platforms that speak their own real formats and suites, and the people who use them.

They stand for strangers: built on `gateway.client`, formats and the standard, they know the gateway's
wire and nothing of its inside. Each has its own port, keys, ledger and book of what it knows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from gateway.sandbox.construction import ConstructionPlatform
from gateway.sandbox.general import GeneralPlatform
from gateway.sandbox.ledger import Effects, count_effects
from gateway.sandbox.place import (
    CITY,
    CONSTRUCTION,
    GENERAL,
    NODES,
    PROCUREMENT,
    PUDONG,
    SandboxPlatform,
)
from gateway.sandbox.portal import Portal
from gateway.sandbox.procurement import ProcurementPlatform
from gateway.sandbox.server import Platform
from gateway.sandbox.sub import SubPlatform
from gateway.sandbox.treasury import TreasuryPlatform

_KINDS: dict[str, type[Platform]] = {
    GENERAL: GeneralPlatform,
    CONSTRUCTION: ConstructionPlatform,
    PROCUREMENT: ProcurementPlatform,
    CITY: TreasuryPlatform,
    PUDONG: TreasuryPlatform,
}
# Where the gateway reaches each: what `connector.url` of its configuration is set to.
_ADDRESSES = {
    GENERAL: "/gateway/messages/{type}",
    CONSTRUCTION: "/des/upload",
    PROCUREMENT: "/soap/receive",
    CITY: "/realware/services/AsspCBankService",
    PUDONG: "/realware/services/AsspCBankService",
}


@dataclass(slots=True)
class Sandbox:
    """The running platforms, by node. A property of one that was not started raises LookupError."""

    platforms: dict[str, Platform]

    @property
    def general(self) -> GeneralPlatform:
        return cast(GeneralPlatform, self.get(GENERAL))

    @property
    def construction(self) -> ConstructionPlatform:
        return cast(ConstructionPlatform, self.get(CONSTRUCTION))

    @property
    def procurement(self) -> ProcurementPlatform:
        return cast(ProcurementPlatform, self.get(PROCUREMENT))

    @property
    def treasuries(self) -> dict[str, TreasuryPlatform]:
        """By division: "310000", "310115"."""
        found = (one for one in self.platforms.values() if isinstance(one, TreasuryPlatform))
        return {one.adm_div: one for one in found}

    @property
    def portal(self) -> Portal:
        """The general platform's portal, with everybody who shares its subjects."""
        subs = [node for node, one in self.platforms.items() if isinstance(one, SubPlatform)]
        return Portal(self.general, subs, [one.node for one in self.treasuries.values()])

    def get(self, node: str) -> Platform:
        if node not in self.platforms:
            raise LookupError(f"{node} is not running; there are: {', '.join(self.platforms)}")
        return self.platforms[node]

    def urls(self) -> dict[str, str]:
        """node → connector URL, with the ports that were really taken."""
        return {node: f"{one.url}{_ADDRESSES[node]}" for node, one in self.platforms.items()}

    def set_gateway(self, url: str) -> None:
        """Where the gateway is, if that was not known when the platforms were started."""
        for one in self.platforms.values():
            one.client.base_url = url.rstrip("/")

    def effects(self) -> Effects:
        """Counted over the platforms' own ledgers."""
        return count_effects(one.ledger for one in self.platforms.values())

    @property
    def failures(self) -> list[str]:
        """What platforms could not do by themselves."""
        return [text for one in self.platforms.values() for text in one.failures]

    async def stop(self) -> None:
        await asyncio.gather(*(one.stop() for one in self.platforms.values()))


async def start_platform(
    node: str,
    port: int,
    certs_dir: Path,
    data_dir: Path,
    gateway_url: str = "",
    *,
    schemas: Path | None = None,
) -> Platform:
    """One platform on 127.0.0.1; `port` 0 takes a free one. LookupError for an unknown node, OSError where
    keys are missing or the port is taken."""
    kind = _KINDS.get(node)
    if kind is None:
        raise LookupError(f"no sandbox platform {node}; there are: {', '.join(NODES)}")
    platform = kind(SandboxPlatform(node, port, certs_dir, data_dir, gateway_url, schemas))
    try:
        await platform.start()
    except OSError:
        await platform.stop()
        raise
    return platform


async def start_platforms(
    ports: Mapping[str, int],
    certs_dir: Path,
    data_dir: Path,
    gateway_url: str = "",
    *,
    schemas: Path | None = None,
) -> Sandbox:
    """The platforms of `ports` (node → port), each with its folder under `data_dir`."""
    sandbox = Sandbox({})
    try:
        for node, port in ports.items():
            sandbox.platforms[node] = await start_platform(
                node, port, certs_dir, data_dir, gateway_url, schemas=schemas
            )
    except (OSError, LookupError):
        await sandbox.stop()
        raise
    return sandbox


async def start_all(
    certs_dir: Path, data_dir: Path, gateway_url: str = "", *, schemas: Path | None = None
) -> Sandbox:
    """All five platforms on free ports."""
    return await start_platforms(dict.fromkeys(NODES, 0), certs_dir, data_dir, gateway_url, schemas=schemas)


__all__ = ["NODES", "Effects", "Platform", "Sandbox", "start_all", "start_platform", "start_platforms"]
