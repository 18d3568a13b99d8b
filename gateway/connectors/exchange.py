"""One HTTP exchange, with every way it can fail told apart by what it says of the effect.

Before the request was written nothing can have happened; after it anything can. Redirects are not
followed (a sealed body goes to the address that was configured), answers are bounded while they arrive.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from weakref import WeakSet

import aiohttp
from aiohttp.client_proto import ResponseHandler

from gateway.connectors.contract import MAX_ANSWER_BYTES
from gateway.connectors.heads import Heads
from gateway.errors import DeliveryError
from gateway.schedule import parse_retry_after

_CONNECT_S = 10.0
_LARGE_BYTES = 512 * 1024
_PASSING_STATUS = frozenset({408, 409, 425, 429})


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Exchange:
    """A whole answer: status, media type (lower case, without parameters), body."""

    status: int
    content_type: str
    data: bytes
    retry_after_s: float | None = None


class _Connections(aiohttp.TCPConnector):
    """A connection on which something came while nobody asked is not used again: it would be read as the answer to
    what is sent next. A new one is taken as it is."""

    def __init__(self) -> None:
        super().__init__(limit=0)
        self._used: WeakSet[ResponseHandler] = WeakSet()

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        while True:
            connection = await super().connect(req, traces, timeout)
            protocol = connection.protocol
            if protocol is None or protocol not in self._used or not protocol.should_close:
                break
            connection.close()
        if protocol is not None:
            self._used.add(protocol)
        return connection


def open_session() -> aiohttp.ClientSession:
    """To any platform. No cookies: what one answer sets must not travel with the next message. To be closed by
    whoever opened it, on the loop that runs now."""
    return aiohttp.ClientSession(connector=_Connections(), cookie_jar=aiohttp.DummyCookieJar())


async def post(
    session: aiohttp.ClientSession,
    url: str,
    data: bytes,
    headers: Mapping[str, str],
    timeout_s: float,
    *,
    max_bytes: int = MAX_ANSWER_BYTES,
    heads: Heads | None = None,
) -> Exchange:
    """POSTs and reads the whole answer, whatever its status. `heads` is told what was sent and answered, so far
    as it came.

    DeliveryError: delivery.unreachable (nothing was sent), delivery.timeout, delivery.broken-off,
    delivery.answer-too-large (all three unknown).
    """
    told = heads or Heads()
    told.sent = headers
    try:
        async with session.post(
            url, data=_body(data), headers=headers, timeout=_limits(timeout_s), allow_redirects=False
        ) as response:
            told.sent, told.answered = response.request_info.headers, response.headers
            body = await _read(response, max_bytes)
            retry_after_s = parse_retry_after(response.headers.get("Retry-After"))
            return Exchange(response.status, _media_type(response.headers), body, retry_after_s)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL) as error:
        told.sent = {}
        raise DeliveryError("delivery.unreachable", _words(error)) from error
    except TimeoutError as error:
        raise DeliveryError("delivery.timeout", f"no answer within {timeout_s:g} s", unknown=True) from error
    except (aiohttp.ClientError, OSError) as error:
        raise DeliveryError("delivery.broken-off", _words(error), unknown=True) from error


@lru_cache(maxsize=256)  # there are as many as platforms
def _limits(timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeout_s, sock_connect=min(_CONNECT_S, timeout_s))


def _body(data: bytes) -> bytes | io.BytesIO:
    """A large body is written in pieces, so that it does not hold the event loop."""
    return data if len(data) < _LARGE_BYTES else io.BytesIO(data)


def _media_type(headers: Mapping[str, str]) -> str:
    """Where nothing is said, bytes are meant (RFC 9110 section 8.3)."""
    return headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip().lower()


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    if response.content.is_eof():  # all of it came with the head
        whole = response.content.read_nowait()
    else:
        parts = bytearray()
        async for part in response.content.iter_chunked(65_536):
            parts += part
            if len(parts) > max_bytes:
                break
        whole = bytes(parts)
    if len(whole) > max_bytes:
        response.close()
        raise DeliveryError(
            "delivery.answer-too-large",
            f"the answer is larger than {max_bytes} bytes",
            status=response.status,
            unknown=True,
        )
    return whole


def refusal(
    exchange: Exchange, *, code: str, text: str, authentic: bool, harmless_503: bool, answer: bytes = b""
) -> DeliveryError:
    """The DeliveryError of an answer that is not a success.

    429 says that nothing was done; 5xx leave it open, but for 503 where that is `harmless_503`: the receiver itself
    says it, or knows the key. A proxy answers 503 too when what it had passed on broke off. A 4xx is final only
    if `authentic`.
    """
    status = exchange.status
    final = authentic and 400 <= status < 500 and status not in _PASSING_STATUS
    return DeliveryError(
        code,
        text,
        status=status,
        retry_after_s=exchange.retry_after_s,
        permanent=final,
        unknown=status >= 500 and not (status == 503 and harmless_503),
        answer=answer,
    )


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300] if str(error) else type(error).__name__
