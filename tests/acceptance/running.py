"""A whole gateway in this process, on a free port, with fresh data; and its platforms as clients."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from gateway.app import Gateway, start
from gateway.client import PlatformClient
from gateway.security.keys import load_certificate
from gateway.security.trust import Trust
from gateway.settings import Settings, TlsSettings, load_settings
from gateway.store import Store
from tests.acceptance.partners import ROOT, certificates, identity, partner


@dataclass
class Running:
    gateway: Gateway
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.gateway.url

    @property
    def store(self) -> Store:
        return self.gateway.store

    @property
    def settings(self) -> Settings:
        return self.gateway.settings

    def client(self, node: str) -> PlatformClient:
        """The platform `node`, talking to this gateway with its own keys."""
        own = partner(node)
        kind = own.platform.key_kind
        folder = certificates()
        sign = load_certificate((folder / "GW" / kind / "sign.crt").read_bytes())
        roots = [load_certificate(path.read_bytes()) for path in sorted(folder.glob("root-*.crt"))]
        return PlatformClient(
            node=node, base_url=self.url, suite=own.suite, identity=identity(node), gateway=own.gateway,
            trust=Trust({"GW": [sign]}, roots), session=self.session, timeout_s=10,
        )  # fmt: skip


@contextlib.asynccontextmanager
async def running(
    data_dir: Path,
    tls: TlsSettings | None = None,
    change: Callable[[Settings], Settings] = lambda settings: settings,
    *,
    poll: bool = False,
    **environ: str,
) -> AsyncIterator[Running]:
    """`change` alters the settings after they were read; `environ` overrides scalars of gateway.yaml (GATEWAY_…). Nothing is polled but by `poll`; platforms are not there."""
    settings = load_settings(
        ROOT,
        environ={
            "GATEWAY_DATA_DIR": str(data_dir),
            "GATEWAY_PORT": "0",
            "GATEWAY_CERTIFICATES": str(certificates()),
            **environ,
        },
    )
    settings = replace(settings, gateway=settings.gateway.model_copy(update={"tls": tls}))
    gateway = await start(change(settings), poll=poll)
    try:
        async with aiohttp.ClientSession() as session:
            yield Running(gateway, session)
    finally:
        await gateway.stop()
