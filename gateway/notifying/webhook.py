"""A notification as an HTTP POST of JSON, signed.

`Gateway-Timestamp` is seconds since 1970 UTC; `Gateway-Signature` is `sha256=` and the hex of HMAC-SHA256 (RFC 2104)
under the target's secret over the timestamp, a full stop and the body's bytes. A receiver refuses old timestamps, and
takes `Gateway-Notification` as the key of what it may get twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

import aiohttp
import orjson

from gateway import clock

_MOST_WORDS = 200


def sign(secret: bytes, timestamp: str, body: bytes) -> str:
    return "sha256=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


async def post(
    session: aiohttp.ClientSession, url: str, secret: bytes, told: Mapping[str, Any], timeout_s: float
) -> str:
    """ "" for any 2xx; else why not. Redirects are not followed: the target is the configuration's."""
    body, timestamp = orjson.dumps(told), str(clock.now_s())
    headers = {
        "Content-Type": "application/json",
        "Gateway-Notification": str(told["id"]),
        "Gateway-Timestamp": timestamp,
        "Gateway-Signature": sign(secret, timestamp, body),
    }
    try:
        async with (
            asyncio.timeout(timeout_s),
            session.post(url, data=body, headers=headers, allow_redirects=False) as answer,
        ):
            return "" if answer.ok and answer.status < 300 else f"HTTP {answer.status}"
    except TimeoutError:
        return f"no answer within {timeout_s:g} s"
    except aiohttp.ClientError as error:
        return f"{type(error).__name__}: {error}"[:_MOST_WORDS]
