"""What the tests of attachments share: sealed streams made here, and raw signed calls."""

from __future__ import annotations

import hashlib
import io
import secrets
import time

import aiohttp

from gateway.client import PlatformClient
from gateway.message import Claims
from gateway.security.chunks import ChunkSealer, new_header, seal_header
from gateway.security.httpsig import sign_request
from tests.acceptance.partners import identity, partner

GENERAL, CONSTRUCTION, PROCUREMENT, CITY = "GGZY-ZPT", "GGZY-JSGC", "GGZY-ZFCG", "CZ-ZFPT-310000"
MIB = 1024 * 1024


async def download(client: PlatformClient, digest: str) -> bytes:
    return b"".join([piece async for piece in client.download(digest)])


def stream(
    node: str, data: bytes, *, digest: str = "", algorithm: str = "sm3", chunk: int = 1024
) -> tuple[str, bytes]:
    """(digest, the whole sealed stream) of a file, sealed by a platform for the gateway."""
    own = partner(node)
    digest = digest or f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
    header = new_header(
        digest, len(data), chunk_size=chunk, cipher="SM4-GCM" if own.suite.name == "gm" else "A256GCM"
    )
    claims = Claims(node, "GW", "attachment", digest, int(time.time()), secrets.token_hex(8))
    start = seal_header(header, claims, own.suite, identity(node), own.gateway)
    sealer = ChunkSealer(header)
    return digest, start + sealer.feed(data) + sealer.finish()


async def put(
    session: aiohttp.ClientSession,
    base_url: str,
    node: str,
    digest: str,
    body: bytes,
    *,
    first: int = 0,
    total: int = 0,
    to: str = "",
    rest: str = "",
) -> tuple[int, str, str]:
    """(status, Upload-Offset, code of the problem)."""
    url = f"{base_url}/v1/attachments/{digest}" + (f"?to={to}" if to else "")
    headers = {"Content-Type": "application/octet-stream"}
    if rest:
        headers["Content-Range"] = rest
    elif first or total:
        headers["Content-Range"] = f"bytes {first}-{first + len(body) - 1}/{total or first + len(body)}"
    signature = sign_request("PUT", url, headers, b"", identity(node), int(time.time()), secrets.token_hex(8))
    async with session.put(url, data=io.BytesIO(body), headers={**headers, **signature}) as answer:
        problem = await answer.json(content_type=None) if answer.status >= 400 else {}
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
        return answer.status, answer.headers.get("Upload-Offset", ""), problem.get("code", "")


async def offset(
    session: aiohttp.ClientSession, base_url: str, node: str, digest: str
) -> tuple[int, str, str]:
    """(status, Upload-Offset, Upload-Complete)."""
    url = f"{base_url}/v1/attachments/{digest}"
    signature = sign_request("HEAD", url, {}, b"", identity(node), int(time.time()), secrets.token_hex(8))
    async with session.head(url, headers=signature) as answer:
        return (
            answer.status,
            answer.headers.get("Upload-Offset", ""),
            answer.headers.get("Upload-Complete", ""),
        )
