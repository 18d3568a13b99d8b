"""Over mTLS the certificate says who calls, if it is one that is registered to a platform."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from gateway import clock
from gateway.security.keys import issue, load_authority, write_key_pair
from gateway.settings import TlsSettings
from tests.acceptance.partners import certificates, partner
from tests.acceptance.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    folder: Path = tmp_path_factory.mktemp("gateway")
    keys = certificates()
    tls = TlsSettings(
        certificate=str(keys / "tls" / "server.crt"),
        key=str(keys / "tls" / "server.key"),
        client_authority=str(keys / "root-ec.crt"),
    )
    async with running(folder, tls) as started:
        yield started


def context(pair: Path | None) -> ssl.SSLContext:
    """Trusts the development root, and comes with a client certificate if one is given."""
    found = ssl.create_default_context(cafile=str(certificates() / "root-ec.crt"))
    if pair is not None:
        found.load_cert_chain(pair.with_name(pair.name + ".crt"), pair.with_name(pair.name + ".key"))
    return found


async def ask(gateway: Running, pair: Path | None) -> tuple[int, bytes]:
    connector = aiohttp.TCPConnector(ssl=context(pair), force_close=True)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(f"{gateway.url}/v1/applications") as answer,
    ):
        return answer.status, await answer.read()


@pytest.mark.parametrize("node", ["GGZY-ZPT", "GGZY-JSGC", "CZ-ZFPT-310000"])
async def test_a_registered_certificate_needs_no_signature(gateway: Running, node: str) -> None:
    status, body = await ask(gateway, certificates() / node / "tls")
    assert status == 200
    assert partner(node).open(body).payload == b'{"Total":0,"PageNo":1,"PageSize":20,"Items":[]}'


async def test_without_a_certificate_nobody_is_known(gateway: Running) -> None:
    assert (await ask(gateway, None))[0] == 401


async def test_chaining_to_the_root_is_not_enough(gateway: Running, tmp_path: Path) -> None:
    root = certificates() / "root-ec"
    authority = load_authority(
        root.with_name("root-ec.key").read_bytes(), root.with_name("root-ec.crt").read_bytes()
    )
    key, certificate = issue(authority, "GGZY-ZPT", "ec", "tls-client", clock.now())
    write_key_pair(tmp_path / "forged", key, certificate)
    status, body = await ask(gateway, tmp_path / "forged")
    assert status == 401
    assert b"20001" in body
