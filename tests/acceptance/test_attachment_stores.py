"""Where attachments lie: several nodes on one S3-compatible store; disks and stores that are full or away."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from gateway.client import Refused
from gateway.settings import GatewayFile
from tests.acceptance.attaching import CITY, GENERAL, MIB, download, offset, put, stream
from tests.acceptance.running import running
from tests.store.s3 import BUCKET, s3_server
from tests.store.test_blobs import small_disk


def nodes_at(endpoint: str) -> dict[str, str]:
    return {
        "GATEWAY_ATTACHMENTS_URL": f"s3://{BUCKET}/attachments",
        "GATEWAY_ATTACHMENTS_ENDPOINT": endpoint,
        "GATEWAY_ATTACHMENTS_REGION": "us-east-1",
    }


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=30m", str(disk)], check=True)


async def test_an_upload_goes_on_at_another_node_and_is_read_at_both(tmp_path: Path) -> None:
    with s3_server() as endpoint:
        where = nodes_at(endpoint)
        async with running(tmp_path, **where) as first, running(tmp_path, **where) as second:
            data = secrets.token_bytes(5 * MIB)
            digest, body = stream(GENERAL, data, chunk=65_536)
            half = 4 * MIB + 100_000
            told = await put(first.session, first.url, GENERAL, digest, body[:half])
            assert told == (202, str(half), "")
            assert await offset(second.session, second.url, GENERAL, digest) == (200, str(half), "?0")
            told = await put(second.session, second.url, GENERAL, digest, body[half:], first=half, to=CITY)
            assert told[0] == 201
            assert await download(first.client(GENERAL), digest) == data
            assert await download(second.client(CITY), digest) == data
            assert await second.client(GENERAL).upload(data) == digest
            assert not (tmp_path / "attachments").exists()


async def test_a_store_that_is_away_is_told_and_the_upload_goes_on_when_it_is_back(tmp_path: Path) -> None:
    digest, body = stream(GENERAL, b"x" * 100_000)
    with s3_server() as endpoint:
        where = nodes_at(endpoint)
    async with running(tmp_path, **where) as gateway:
        told = await put(gateway.session, gateway.url, GENERAL, digest, body)
        assert (told[0], told[2]) == (503, "gateway.busy")
        with s3_server(urlsplit(endpoint).port or 0):
            assert (await put(gateway.session, gateway.url, GENERAL, digest, body))[0] == 201
            assert await download(gateway.client(GENERAL), digest) == b"x" * 100_000


async def test_a_full_disk_is_told_nothing_half_is_seen_and_it_goes_on_when_there_is_room(
    tmp_path: Path,
) -> None:
    (tmp_path / "var").mkdir()
    disk = tmp_path / "var" / "attachments"
    with small_disk(disk, "7m"):
        async with running(tmp_path / "var") as gateway:
            data = secrets.token_bytes(10 * MIB)
            digest, body = stream(GENERAL, data, chunk=65_536)
            status, _, code = await put(gateway.session, gateway.url, GENERAL, digest, body)
            assert (status, code) == (503, "gateway.busy")
            with pytest.raises(Refused):
                await download(gateway.client(GENERAL), digest)
            status, here, whole = await offset(gateway.session, gateway.url, GENERAL, digest)
            assert (status, whole) == (200, "?0") and 4 * MIB <= int(here) < 7 * MIB
            # What there is room for goes on meanwhile.
            small = secrets.token_bytes(1000)
            assert (
                await download(gateway.client(GENERAL), await gateway.client(GENERAL).upload(small)) == small
            )
            grow(disk)
            rest = body[int(here) :]
            told = await put(gateway.session, gateway.url, GENERAL, digest, rest, first=int(here))
            assert told[0] == 201
            assert await download(gateway.client(GENERAL), digest) == data


async def test_unfinished_uploads_go_after_their_time_and_those_under_way_stay(tmp_path: Path) -> None:
    async with running(tmp_path, GATEWAY_UNFINISHED_UPLOADS_S="1") as gateway:
        digest, body = stream(GENERAL, secrets.token_bytes(20_000))
        assert (await put(gateway.session, gateway.url, GENERAL, digest, body[:9000]))[0] == 202
        uploads = gateway.gateway.parts["unfinished uploads"].uploads
        going_on = await uploads.begin("ab" * 32)
        await going_on.append(b"x")
        await going_on.flush()
        async with asyncio.timeout(10):
            while (await offset(gateway.session, gateway.url, GENERAL, digest))[0] == 200:  # noqa: ASYNC110 - the purge can only be asked for
                await asyncio.sleep(0.1)
        assert await uploads.offset("ab" * 32) == 1
        assert (await put(gateway.session, gateway.url, GENERAL, digest, body))[0] == 201


def test_an_upload_may_rest_for_two_days() -> None:
    assert GatewayFile().unfinished_uploads_s == 2 * 86_400
