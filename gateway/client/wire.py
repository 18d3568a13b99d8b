"""The wire between a platform and the gateway: sealing afresh, opening answers, signing calls, trying again."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import aiohttp
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from gateway import clock, xmltree
from gateway.client.exchange import Exchange, send
from gateway.client.replies import Refused, read_fault, read_problem
from gateway.errors import DeliveryError, MessageError
from gateway.formats import read_json
from gateway.message import GATEWAY_NODE, Claims
from gateway.schedule import Schedule
from gateway.security.httpsig import read_time, sign_request
from gateway.security.keys import Identity
from gateway.security.suite import Peer, Suite, Unsealed, check_claims
from gateway.security.trust import Trust

Result = TypeVar("Result")
STALE = "20005"
# Refusals that time heals: the first request is still running, the gateway is busy, our clock was off.
_PASSING_RESULTS = frozenset({"90001", "90002", STALE})
_PASSING_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
# Said by a server that failed on the way: whether the call took effect is not known.
_UNKNOWN_STATUS = frozenset({500, 502, 504})
RETRY = Schedule(first_s=0.2, factor=2.0, most_s=5.0, attempts=6)


class Wire:
    """One platform's keys and the gateway's. `trust` knows the gateway's certificates, `gateway` is whom we
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

    def now(self) -> datetime:
        return clock.now() + timedelta(seconds=self.offset_s)

    def seal(self, payload: bytes, type: str, idem_key: str, content_type: str) -> bytes:
        claims = Claims(
            sender=self.node,
            receiver=GATEWAY_NODE,
            msg_type=type,
            idem_key=idem_key,
            issued_at=int(self.now().timestamp()),
            jti=clock.new_id(),  # it begins with its time, so that the memory of tokens grows at its end
            content_type=content_type,
        )
        return self.suite.seal(payload, claims, self.identity, self.gateway)

    def unseal_answer(self, exchange: Exchange, idem_key: str) -> Unsealed | None:
        """What the gateway says under its seal, bound to `idem_key`; None if the body carries none."""
        if exchange.content_type != self.suite.content_type.partition(";")[0].strip() or not exchange.data:
            return None
        at = self.now()
        try:
            unsealed = self.suite.unseal(exchange.data, self.identity, self.trust, at)
            if exchange.status == 401:
                # Said of our clock, maybe: what binds this answer to our call is the key, not the time.
                at = datetime.fromtimestamp(unsealed.claims.issued_at, UTC)
            check_claims(unsealed.claims, receiver=self.node, at=at, sender=GATEWAY_NODE, idem_key=idem_key)
        except MessageError:
            return None
        return unsealed

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Any:
        """A call without a sealed body, signed by RFC 9421, a new nonce each try; the JSON value that the
        gateway answers under its seal. `repeatable` False: not tried again once it may have taken effect."""

        async def once() -> Any:
            exchange, nonce = await self.exchange(method, path, body=body, headers=headers)
            unsealed = self.unseal_answer(exchange, nonce)
            if exchange.status >= 400 or unsealed is None:
                raise refusal_of(
                    exchange, unsealed.payload if unsealed else exchange.data, unsealed is not None
                )
            return _read_value(unsealed.payload)

        return await self.try_again(once, repeatable=repeatable)

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        stream: AsyncIterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_s: float | None = -1.0,
    ) -> tuple[Exchange, str]:
        """One signed call as it is, and its nonce, to which a sealed answer is bound. What is streamed is
        not covered by the signature; `timeout_s` None sets no limit for the whole."""
        nonce = secrets.token_urlsafe(16)
        url, sent = self.sign_call(method, path, body=body, headers=headers, nonce=nonce)
        limit_s = self.timeout_s if timeout_s == -1.0 else timeout_s
        content = body if stream is None else stream
        return self.told(await send(self.session, method, url, content, sent, limit_s), nonce), nonce

    def sign_call(
        self,
        method: str,
        path: str,
        *,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        nonce: str = "",
    ) -> tuple[str, dict[str, str]]:
        """(URL, every header to send) of a call signed by RFC 9421."""
        url = f"{self.base_url}{path}"
        sent = {"Content-Type": "application/json", **(headers or {})} if body else dict(headers or {})
        created = int(self.now().timestamp())
        fresh = nonce or secrets.token_urlsafe(16)
        return url, sent | sign_request(method, url, sent, body, self.identity, created, fresh)

    async def try_again(self, once: Callable[[], Awaitable[Result]], *, repeatable: bool = True) -> Result:
        """Runs `once` until it succeeds, is refused for good (Refused), or the tries are used up: then a
        refusal that may pass is none, and DeliveryError says whether the call may have taken effect."""
        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.retry.attempts),
            wait=self._delay_s,
            retry=retry_if_exception(is_passing if repeatable else is_without_effect),
            reraise=True,
        )
        try:
            return await retrying(once)
        except Refused as refused:
            if not is_passing(refused):
                raise
            raise DeliveryError(
                "client.tries-used-up", str(refused)[:300], status=refused.status,
                retry_after_s=refused.retry_after_s, unknown=refused.status in _UNKNOWN_STATUS,
            ) from refused  # fmt: skip

    def told(self, exchange: Exchange, nonce: str) -> Exchange:
        """The answer to a signed call; where it tells the gateway's time under a signature bound to the call, later calls
        go by it, and `is_stale` says that the same call may come again."""
        if exchange.status != 401:
            return exchange
        told_s = read_time(exchange.status, exchange.headers, self.trust, GATEWAY_NODE, nonce, self.now())
        if told_s is None:
            return exchange
        self.offset_s = int(told_s - clock.now().timestamp())
        return replace(exchange, is_stale=True)

    def learn(self, refused: Refused, unsealed: Unsealed | None) -> Refused:
        """A stale refusal carries the gateway's time under its seal: later seals go by it."""
        if refused.result == STALE and unsealed is not None:
            self.offset_s = int(unsealed.claims.issued_at - clock.now().timestamp())
        return refused

    def _delay_s(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, Refused) and error.result == STALE:
            return 0.0  # the clock is set now
        asked_s = error.retry_after_s if isinstance(error, (DeliveryError, Refused)) else None
        return self.retry.delay_s(state.attempt_number, asked_s) or 0.0


def _read_value(payload: bytes) -> Any:
    """A JSON value; WS-Security signs XML elements alone, so there the text travels in one."""
    if payload.startswith(b"<"):
        payload = (xmltree.parse(payload).text or "").encode()
    return read_json(payload)


def is_passing(error: BaseException) -> bool:
    """May the same call, made afresh, succeed later?"""
    if isinstance(error, Refused):
        return error.result in _PASSING_RESULTS or error.status in _PASSING_STATUS
    return isinstance(error, DeliveryError) and not error.permanent


def is_without_effect(error: BaseException) -> bool:
    """Is it passing, and certain that nothing happened yet?"""
    if isinstance(error, Refused):
        return is_passing(error) and error.status not in _UNKNOWN_STATUS
    return is_passing(error) and not (isinstance(error, DeliveryError) and error.unknown)


def refusal_of(exchange: Exchange, payload: bytes, sealed: bool) -> Refused | DeliveryError:
    """The refusal in an answer; DeliveryError for a success that nobody signed."""
    if exchange.status < 400 and not sealed:
        text = f"HTTP {exchange.status} without a valid seal of the gateway"
        return DeliveryError("client.unverified", text, status=exchange.status, unknown=True)
    problem = read_fault(payload) or read_problem(payload) or {"title": f"HTTP {exchange.status}"}
    if exchange.is_stale:  # HEAD has no words for it
        problem = {**problem, "result": STALE}
    return Refused(problem, status=exchange.status, sealed=sealed, retry_after_s=exchange.retry_after_s)
