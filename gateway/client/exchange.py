"""One HTTP exchange of a platform with the gateway: bounded, without redirects, every failure told apart."""

from __future__ import annotations

import io
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from gateway.errors import DeliveryError
from gateway.schedule import parse_retry_after

MAX_ANSWER_BYTES = 16 * 1024 * 1024
Body = bytes | AsyncIterable[bytes]
_AT_ONCE_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Exchange:
    """A whole answer. `content_type` is lower case and without parameters. `is_stale`: it refused a call for its time
    and told the right one."""

    status: int
    content_type: str
    headers: Mapping[str, str]
    data: bytes
    retry_after_s: float | None = None
    is_stale: bool = False


async def send(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    body: Body,
    headers: Mapping[str, str],
    timeout_s: float | None,
) -> Exchange:
    """The answer, whatever its status. `timeout_s` None: as long as something moves once a minute.

    DeliveryError: client.unreachable (nothing was sent), client.timeout, client.broken-off,
    client.answer-too-large (all three `unknown`: the request may have taken effect).
    """
    limits = aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(10.0, timeout_s or 10.0), sock_read=60.0)
    try:
        async with session.request(
            method,
            URL(url, encoded=True),  # what was signed is sent, letter by letter
            data=_in_pieces(body),
            headers=headers,
            timeout=limits,
            allow_redirects=False,
        ) as response:
            return Exchange(
                status=response.status,
                content_type=response.content_type.lower(),
                headers=response.headers.copy(),
                data=await _read(response),
                retry_after_s=parse_retry_after(response.headers.get("Retry-After")),
            )
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        raise DeliveryError("client.unreachable", _words(error)) from error
    except TimeoutError as error:
        raise DeliveryError(
            "client.timeout", f"no answer within {timeout_s or 60:g} s", unknown=True
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise DeliveryError("client.broken-off", _words(error), unknown=True) from error


def _in_pieces(body: Body) -> io.BytesIO | Body | None:
    """What aiohttp writes without holding the loop up."""
    if isinstance(body, bytes):
        return io.BytesIO(body) if len(body) > _AT_ONCE_BYTES else body or None
    return body


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts = bytearray()
    async for part in response.content.iter_chunked(65_536):
        parts += part
        if len(parts) > MAX_ANSWER_BYTES:
            response.close()
            text = f"the answer is larger than {MAX_ANSWER_BYTES} bytes"
            raise DeliveryError("client.answer-too-large", text, status=response.status, unknown=True)
    return bytes(parts)


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300] if str(error) else type(error).__name__
