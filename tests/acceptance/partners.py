"""Both sides of a connector: the gateway's world for one platform, and a partner server with real keys."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import aiohttp
from aiohttp import web

from gateway import clock
from gateway.connectors import ConnectorWorld, FileRef, Parcel
from gateway.message import GATEWAY_NODE, Claims
from gateway.security.keys import (
    Identity,
    load_certificate,
    load_identity_from,
    write_development_certificates,
)
from gateway.security.suite import Peer, Suite, Unsealed, suites
from gateway.security.trust import Trust
from gateway.settings import Platform, Settings, load_settings

ROOT = Path(__file__).parents[2]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@cache
def settings() -> Settings:
    return load_settings(ROOT, environ={})


@cache
def certificates() -> Path:
    """Development keys of every platform, made once a test run."""
    folder = Path(mkdtemp(prefix="gateway-keys-"))
    kinds = {platform.id: platform.key_kind for platform in settings().platforms.values()}
    write_development_certificates(folder, {GATEWAY_NODE: "all", **kinds})
    return folder


@cache
def trust() -> Trust:
    folder = certificates()
    known = {
        node: [load_certificate((folder / node / name).read_bytes()) for name in ("sign.crt", "tls.crt")]
        for node in settings().platforms
    }
    for kind in ("rsa", "ec", "sm2"):
        own = load_certificate((folder / GATEWAY_NODE / kind / "sign.crt").read_bytes())
        known.setdefault(GATEWAY_NODE, []).append(own)
    roots = [load_certificate(path.read_bytes()) for path in sorted(folder.glob("root-*.crt"))]
    return Trust(known, roots)


@cache
def identity(node: str, kind: str = "") -> Identity:
    return load_identity_from(node, certificates() / node / kind)


@dataclass
class Partner:
    """A platform with its keys, on its own server."""

    platform: Platform

    @property
    def suite(self) -> Suite:
        return suites.get(self.platform.suite)

    @property
    def peer(self) -> Peer:
        """The platform, as the gateway seals for it."""
        encrypt = load_certificate((certificates() / self.platform.id / "encrypt.crt").read_bytes())
        return Peer(self.platform.id, self.platform.algorithms, encrypt)

    @property
    def gateway(self) -> Peer:
        """The gateway, as the platform seals for it."""
        place = certificates() / GATEWAY_NODE / self.platform.key_kind / "encrypt.crt"
        return Peer(GATEWAY_NODE, self.platform.algorithms, load_certificate(place.read_bytes()))

    def open(self, data: bytes) -> Unsealed:
        return self.suite.unseal(data, identity(self.platform.id), trust(), clock.now())

    def seal(
        self,
        payload: bytes,
        idem_key: str,
        *,
        sender: str = "",
        receiver: str = GATEWAY_NODE,
        msg_type: str = "8001",
        content_type: str = "application/json",
        age_s: int = 0,
    ) -> bytes:
        claims = Claims(
            sender or self.platform.id, receiver, msg_type, idem_key, int(time.time()) - age_s,
            secrets.token_hex(16), content_type,
        )  # fmt: skip
        return self.suite.seal(payload, claims, identity(self.platform.id), self.gateway)

    def world(
        self,
        session: aiohttp.ClientSession,
        url: str,
        *,
        timeout_s: float = 5,
        files: dict[str, bytes] | None = None,
        options: dict[str, str | int] | None = None,
    ) -> ConnectorWorld:
        async def read_file(digest: str) -> AsyncIterator[bytes]:
            data = (files or {}).get(digest)
            if data is None:
                raise FileNotFoundError(digest)
            for start in range(0, len(data), 1_000_000):
                yield data[start : start + 1_000_000]

        own = self.platform.connector
        connector = own.model_copy(
            update={"url": url, "timeout_s": timeout_s, "options": {**own.options, **(options or {})}}
        )
        return ConnectorWorld(
            platform=self.platform.model_copy(update={"connector": connector}),
            suite=self.suite,
            identity=identity(GATEWAY_NODE, self.platform.key_kind),
            peer=self.peer,
            trust=trust(),
            session=session,
            read_file=read_file,
            content_type="application/xml",
        )


def partner(node: str) -> Partner:
    return Partner(settings().platforms[node])


def parcel(number: str = "3001", payload: bytes = b"<A>1</A>", **changes: object) -> Parcel:
    one = Parcel(number, secrets.token_hex(32), payload, (), 1)
    return replace(one, **changes)  # type: ignore[arg-type]


@contextlib.asynccontextmanager
async def serve(handler: Handler, path: str = "/{tail:.*}") -> AsyncIterator[str]:
    """A partner's server on a free port; its base URL."""
    app = web.Application(client_max_size=16 * 1024 * 1024)
    app.router.add_route("*", path, handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


__all__ = [
    "FileRef",
    "Partner",
    "certificates",
    "identity",
    "parcel",
    "partner",
    "serve",
    "settings",
    "trust",
]
