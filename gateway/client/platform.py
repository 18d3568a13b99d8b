"""The SDK that a platform uses: seal, send, receive.

Every try is sealed afresh under the same key, so a retry is always safe: the gateway answers with the
first outcome. What is refused raises `Refused` and is not tried again; a stale refusal carries the
gateway's time, by which the next try is sealed. What could not be delivered raises DeliveryError.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from gateway import clock
from gateway.client.exchange import Exchange, send
from gateway.client.replies import (
    PROBLEM,
    Opened,
    Refused,
    Reply,
    read_fault,
    read_json_reply,
    read_problem,
    read_soap_reply,
)
from gateway.errors import DeliveryError, MessageError
from gateway.message import GATEWAY_NODE, Claims
from gateway.schedule import Schedule
from gateway.security.keys import Identity
from gateway.security.suite import Peer, Suite, Unsealed, check_claims
from gateway.security.trust import Trust

STALE = "20005"
# Refusals that time heals: the first request is still running, the gateway is busy, our clock was off.
_PASSING_RESULTS = frozenset({"90001", "90002", STALE})
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
RETRY = Schedule(first_s=0.2, factor=2.0, most_s=5.0, attempts=6)


class PlatformClient:
    """One platform talking to the gateway. `trust` knows the gateway's certificates, `gateway` is whom we
    seal for; `algorithms`, if given, replace those of `gateway`."""

    def __init__(
        self,
        *,
        node: str,
        base_url: str,
        suite: Suite,
        identity: Identity,
        gateway: Peer,
        trust: Trust,
        session: aiohttp.ClientSession,
        algorithms: Mapping[str, str] | None = None,
        retry: Schedule = RETRY,
        timeout_s: float = 30.0,
    ):
        self.node = node
        self.base_url = base_url.rstrip("/")
        self.suite = suite
        self.identity = identity
        self.gateway = gateway if algorithms is None else replace(gateway, algorithms=algorithms)
        self.trust = trust
        self.session = session
        self.retry = retry
        self.timeout_s = timeout_s
        self.offset_s = 0  # the gateway's clock minus ours, learnt from a stale refusal

    async def submit(
        self, type: str, payload: bytes, *, idem_key: str, content_type: str, wait_s: float = 0
    ) -> Reply:
        """POST /v1/messages/{type}. `payload` is the message in the platform's own form, unsealed.

        `wait_s` (at most 60) waits for the receivers' outcomes. Refused, or DeliveryError when the tries
        are used up; then the same call under the same key may be made again at any time.
        """
        headers = {
            "Content-Type": self.suite.content_type,
            "Idempotency-Key": f'"{idem_key}"',
            **({"Prefer": f"wait={wait_s:g}"} if wait_s > 0 else {}),
        }
        url = f"{self.base_url}/v1/messages/{type}"

        async def once() -> Reply:
            sealed = self._seal(payload, type, idem_key, content_type)
            limit_s = self.timeout_s + wait_s
            exchange = await send(self.session, "POST", url, sealed, headers, limit_s)
            return self._read(exchange, idem_key, read_json_reply)

        return await self._try(once)

    async def submit_soap(
        self, payload: bytes, *, type: str, idem_key: str, content_type: str = "application/xml"
    ) -> Reply:
        """POST /soap/v1 with the sealed envelope as the body (suite wss); the same promises as `submit`."""
        headers = {"Content-Type": f"{self.suite.content_type}; charset=utf-8"}
        url = f"{self.base_url}/soap/v1"

        async def once() -> Reply:
            sealed = self._seal(payload, type, idem_key, content_type)
            exchange = await send(self.session, "POST", url, sealed, headers, self.timeout_s)
            return self._read(exchange, idem_key, read_soap_reply)

        return await self._try(once)

    def open(self, data: bytes) -> Opened:
        """A sealed body that was sent to this platform: MessageError 20001, 20005 or 20007 if it is not
        the gateway's word to us."""
        now = self._now()
        unsealed = self.suite.unseal(data, self.identity, self.trust, now)
        check_claims(unsealed.claims, receiver=self.node, at=now, sender=GATEWAY_NODE)
        return Opened(unsealed.payload, unsealed.claims)

    def seal_answer(
        self, payload: bytes, request: Claims, content_type: str, msg_type: str = "8001"
    ) -> bytes:
        """The sealed answer to a delivery, bound to it by its key."""
        return self._seal(payload, msg_type, request.idem_key, content_type)

    def _seal(self, payload: bytes, type: str, idem_key: str, content_type: str) -> bytes:
        claims = Claims(
            sender=self.node,
            receiver=GATEWAY_NODE,
            msg_type=type,
            idem_key=idem_key,
            issued_at=int(self._now().timestamp()),
            jti=secrets.token_hex(16),
            content_type=content_type,
        )
        return self.suite.seal(payload, claims, self.identity, self.gateway)

    def _now(self) -> datetime:
        return clock.now() + timedelta(seconds=self.offset_s)

    async def _try(self, once: Callable[[], Awaitable[Reply]]) -> Reply:
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.retry.attempts),
            wait=self._delay_s,
            retry=retry_if_exception(is_passing),
            reraise=True,
        )
        return await retrying(once)

    def _delay_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, (DeliveryError, Refused)) else None
        if isinstance(error, Refused) and error.result == STALE:
            return 0.0  # the clock is set now
        return self.retry.delay_s(state.attempt_number, asked_s) or 0.0

    def _read(
        self,
        exchange: Exchange,
        idem_key: str,
        read: Callable[[int, bytes, Mapping[str, str]], Reply],
    ) -> Reply:
        unsealed = self.unseal_answer(exchange, idem_key)
        if unsealed is None:
            raise refusal_of(exchange, exchange.data, sealed=False)
        payload = unsealed.payload
        said = unsealed.claims.content_type
        is_fault = not said.startswith(PROBLEM) and b"Fault" in payload and read_fault(payload) is not None
        if exchange.status >= 400 or said.startswith(PROBLEM) or is_fault:
            raise self._learn(refusal_of(exchange, payload, sealed=True), exchange)
        try:
            return read(exchange.status, payload, exchange.headers)
        except (MessageError, ValueError) as error:
            raise DeliveryError(
                "client.nonsense", str(error)[:300], status=exchange.status, unknown=True
            ) from error

    def unseal_answer(self, exchange: Exchange, idem_key: str) -> Unsealed | None:
        """What the gateway says under its seal, bound to `idem_key`; None if the body carries none."""
        if exchange.content_type != self.suite.content_type.partition(";")[0].strip() or not exchange.data:
            return None
        at = self._now()
        try:
            unsealed = self.suite.unseal(exchange.data, self.identity, self.trust, at)
        except MessageError:
            return None
        try:
            check_claims(unsealed.claims, receiver=self.node, at=at, sender=GATEWAY_NODE, idem_key=idem_key)
        except MessageError as error:
            # Fresh by the gateway's own clock and bound to our key: our clock is the one that is off.
            if error.result != STALE or exchange.status != 401:
                return None
            at = at + timedelta(seconds=_offset_s(exchange, at))
            check_claims(unsealed.claims, receiver=self.node, at=at, sender=GATEWAY_NODE, idem_key=idem_key)
        return unsealed

    def _learn(self, refused: Refused, exchange: Exchange) -> Refused:
        if refused.result == STALE:
            self.offset_s = _offset_s(exchange, clock.now())
        return refused


def is_passing(error: BaseException) -> bool:
    """May the same call, sealed afresh, succeed later?"""
    if isinstance(error, Refused):
        return error.result in _PASSING_RESULTS or error.status in _PASSING_STATUS
    return isinstance(error, DeliveryError) and not error.permanent


def refusal_of(exchange: Exchange, payload: bytes, *, sealed: bool) -> Refused | DeliveryError:
    """The refusal in an answer; DeliveryError for a success that nobody signed."""
    problem = read_fault(payload) or read_problem(payload)
    if not problem and exchange.status < 400:
        text = f"HTTP {exchange.status} without a valid seal of the gateway"
        return DeliveryError("client.unverified", text, status=exchange.status, unknown=True)
    problem = problem or {"title": f"HTTP {exchange.status}"}
    return Refused(problem, status=exchange.status, sealed=sealed, retry_after_s=exchange.retry_after_s)


def _offset_s(exchange: Exchange, at: datetime) -> int:
    """The gateway's clock minus `at`, in seconds, by the answer's Date header."""
    try:
        return int((parsedate_to_datetime(exchange.headers.get("Date", "")) - at).total_seconds())
    except ValueError:
        return 0
