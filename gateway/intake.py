"""Accepting a message, as DESIGN.md section 2 draws it; read `receive`, then `take`.

receive → identify the platform → unseal → look the key up → read the format → map → validate → route
→ one transaction → reply. A reply is a pure function of stored rows, so a crash after the commit
changes nothing: the retry gets the same bytes.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog

from gateway import clock
from gateway.arrivals import ArrivalMaker, Draft, Submission
from gateway.errors import Fault, MessageError
from gateway.failpoints import reach
from gateway.measures import Measures
from gateway.message import GATEWAY_NODE, Claims, Parsed, Record
from gateway.pressure import Pressure
from gateway.replies import Replies, Reply
from gateway.security.keys import Identity
from gateway.security.suite import Unsealed, check_claims, suites
from gateway.security.trust import Trust
from gateway.settings import Platform, Settings
from gateway.store.contract import PARKED, Arrival, MessageRow, Outcome, Store, StoreUnavailable
from gateway.tracing import NoTraces, Traces
from gateway.translate import Translator, placed

log = structlog.get_logger("intake")
RUNNING = "90001"  # the first request under the key is not answered yet
Answerer = Callable[[Platform, Record, Claims], AbstractAsyncContextManager[Record]]


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Call:
    """A sealed body as it came in. `type` is the number in the URL, `idem_key` the header, "" if none. A place of
    exchange belongs to one platform: `sender` is whose seal it must be ("": anyone's), `max_age_s` how old the seal may
    be (0: as the gateway is set), and nobody waits there, so what passes is raised and not told."""

    data: bytes
    suite: str
    type: str
    idem_key: str
    transport: str
    wait_s: float = 0.0
    traceparent: str = ""
    sender: str = ""
    max_age_s: int = 0


class Intake:
    """One per process. `identities` are the gateway's own, one a key kind; `answerers` answer the types that want an answer (1002, 6001) at once; `after` is called once a message of the type is stored."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        translator: Translator,
        arrivals: ArrivalMaker,
        replies: Replies,
        identities: Sequence[Identity],
        trust: Trust,
        answerers: Mapping[str, Answerer],
        after: Mapping[str, Callable[[], Awaitable[None]]],
        pressure: Pressure,
        measures: Measures | None = None,
        traces: Traces | None = None,
    ):
        self.settings = settings
        self.store = store
        self.translator = translator
        self.arrivals = arrivals
        self.replies = replies
        self.identities = identities
        self.trust = trust
        self.answerers = answerers
        self.after = after
        self.pressure = pressure
        self.measures = measures or Measures()
        self.traces = traces or NoTraces()
        self._running: set[tuple[str, str]] = set()

    async def receive(self, call: Call) -> Reply:
        """The sealed reply to a sealed body. Raises MessageError only for what could not be
        authenticated (there is nobody then to seal a refusal for), and where it is not even begun on."""
        self.pressure.check(call.type)
        now = clock.now()
        unsealed = self._unseal(call, now)
        platform = self._identify(call, unsealed)
        claims = unsealed.claims
        try:
            own_s = self.settings.gateway.max_age_s
            check_claims(
                claims, receiver=GATEWAY_NODE, at=now, max_age_s=call.max_age_s or own_s, max_ahead_s=own_s
            )  # fmt: skip
            number = self._number(call, claims)
            key = self._key(call, claims)
            submission = Submission(
                platform, number, key, unsealed.payload, claims, unsealed.certificate.thumbprint,
                call.suite, call.transport, call.traceparent,
            )  # fmt: skip
            await self.pressure.check_rate(platform)
            with self.pressure.sending(platform):
                outcome = await self.take(submission)
        except MessageError as error:
            if call.sender and error.result == RUNNING:
                raise
            if error.is_busy:  # neither sealed nor written down: that is the work which there is too much of
                raise
            await self._note_refusal(platform, claims, error)
            return self.replies.refuse(platform, claims, error, call.transport)
        row = outcome.message
        if row is None:
            raise LookupError(f"outcome {outcome.kind} without a message")
        settled = await self._wait(row, call.wait_s)
        reply = self.replies.accept(platform, claims, row, outcome.kind, call.transport, settled)
        reach("intake.sealed")
        return reply

    async def take(self, submission: Submission) -> Outcome:
        """Everything after the seal: for endpoints and pollers alike. MessageError where refused."""
        started_s, result, row = time.monotonic(), "failed", None
        platform = submission.platform.id
        number = submission.number if submission.number in self.translator.standard.catalogue else "none"
        span = self.traces.begin(
            f"take {number}", "server", submission.traceparent, {"type": number, "platform": platform}
        )
        submission.traceparent = span.traceparent
        try:
            outcome = await self._take_once(submission)
            result, row = outcome.kind, outcome.message
            return outcome
        except MessageError as error:
            result = "busy" if error.is_busy else "refused"
            raise
        finally:
            self.measures.count_taken(number, platform, result, time.monotonic() - started_s)
            message, application = (row.id, row.application) if row is not None else ("", "")
            span.end(result, message=message, application=application)
            log.debug(
                "taken",
                result=result,
                type=number,
                platform=platform,
                message=message,
                application=application,
            )

    async def _take_once(self, submission: Submission) -> Outcome:
        slot = (submission.platform.id, submission.key)
        if slot in self._running:
            raise MessageError.of(
                "key.in-progress",
                "同一幂等键的首个请求仍在处理",
                "the first request under this key is still running",
                result=RUNNING,
                retry_after_s=1,
            )
        self._running.add(slot)
        try:
            return await self._take(submission)
        finally:
            self._running.discard(slot)

    async def _take(self, submission: Submission) -> Outcome:
        started = time.perf_counter_ns()
        platform, number = submission.platform, submission.number
        self.pressure.check(number, platform.id)
        if number not in self.translator.standard.catalogue:
            raise MessageError.of(
                "message.unknown-type",
                f"未知报文类型 {number}",
                f"unknown message type {number}",
                result="10005",
            )
        self.arrivals.routes.check_sender(number, platform.id)
        try:
            outcome = await self._take_new(submission, started)
        except MessageError:
            first = await self._first(submission)
            if first is None:
                raise
            return first
        if outcome.kind == "accepted" and number in self.after:
            await self.after[number]()
        return outcome

    async def _take_new(self, submission: Submission, started: int) -> Outcome:
        """As if the key were new: it nearly always is, and the transaction looks it up anyway."""
        platform, number = submission.platform, submission.number
        parsed = self.translator.parse(platform, submission.payload)
        try:
            read = self.translator.read(platform, number, parsed)
        except MessageError as error:
            raise _taught(error, error.faults, submission, parsed) from error
        try:
            draft = await self.arrivals.draft(submission, read, started)
            outcome = await self._accept_answered(draft, submission, read.record)
            return self._judge(outcome)
        except MessageError as error:
            raise _taught(error, read.in_senders_words(error.faults), submission, parsed) from error

    async def _first(self, submission: Submission) -> Outcome | None:
        """A retry of the very bytes gets the first outcome, whatever mapping, table or rule has changed
        since and refuses them now."""
        stored = await self.store.find_by_key(submission.platform.id, submission.key)
        if stored is None or not await self._is_same(stored, submission):
            return None
        return Outcome("replayed" if stored.idem_key == submission.key else "duplicate", stored)

    async def _accept(self, arrival: Arrival) -> Outcome:
        reach("intake.drafted")
        try:
            outcome = await self.store.accept(arrival)
        except StoreUnavailable as error:
            log.error("store unavailable", cause=str(error))
            raise MessageError.busy("store.busy", retry_after_s=2) from error
        reach("intake.accepted")
        return outcome

    async def _is_same(self, stored: MessageRow, submission: Submission) -> bool:
        if stored.type != submission.number:
            raise _conflict(submission.key)
        if stored.original_digest:  # purged: its bytes are gone
            same = stored.original_digest == hashlib.sha256(submission.payload).digest()
        else:
            same = stored.original == submission.payload
        return same and await self._token_fits(stored, submission)

    async def _token_fits(self, stored: MessageRow, submission: Submission) -> bool:
        return stored.jti == submission.claims.jti or not await self.store.is_token_seen(
            submission.platform.id, submission.claims.jti
        )

    async def _accept_answered(self, draft: Draft, submission: Submission, record: Record) -> Outcome:
        """With the answer, where the type wants one: a refusal takes back what answering took. What a key
        is bound to has its answer already, and asking twice would use a ticket up for its own retry."""
        answerer = self.answerers.get(submission.number)
        if (
            answerer is None
            or await self.store.find_by_key(submission.platform.id, submission.key) is not None
        ):
            return await self._accept(draft.arrival())
        async with answerer(submission.platform, record, submission.claims) as answer:
            outcome = await self._accept(draft.arrival(orjson.dumps(answer)))
            return self._judge(outcome)

    def _judge(self, outcome: Outcome) -> Outcome:
        match outcome.kind:
            case "accepted" | "replayed" | "duplicate":
                _tell_parked(outcome)
                return outcome
            case "refused":
                raise MessageError(outcome.faults)
            case "key-conflict":
                raise _conflict("")
            case "version-conflict":
                raise MessageError.of(
                    "key.version-conflict",
                    "同一业务主键与版本已有不同内容",
                    "the same business key and version holds other content",
                    result="90003",
                )
            case "stale-version":
                raise MessageError.of(
                    "key.stale-version",
                    "业务版本或时间戳不新于已接收者",
                    "the version or time stamp is not newer than what was accepted",
                    result="90004",
                )
            case "token-replay":
                raise MessageError.of(
                    "seal.replayed",
                    "报文令牌已用于其他内容",
                    "the token was used for other content",
                    result="20006",
                )
            case _:
                raise LookupError(f"unknown outcome {outcome.kind}")

    def _unseal(self, call: Call, now: datetime) -> Unsealed:
        suite = suites.get(call.suite)
        return suite.unseal(call.data, self.identities, self.trust, now)

    def _identify(self, call: Call, unsealed: Unsealed) -> Platform:
        platform = self.settings.platforms.get(unsealed.claims.sender)
        is_another = bool(call.sender) and call.sender != unsealed.claims.sender
        if platform is None or platform.suite != call.suite or is_another:
            raise MessageError.of("seal.invalid", "验签失败", "the seal does not hold", result="20001")
        return platform

    @staticmethod
    def _number(call: Call, claims: Claims) -> str:
        if call.type and call.type != claims.msg_type:
            raise MessageError.of(
                "seal.re-addressed",
                "签名中的报文类型与调用地址不符",
                "the type that was signed is not the one that was called",
                result="20007",
            )
        return claims.msg_type

    @staticmethod
    def _key(call: Call, claims: Claims) -> str:
        if call.transport == "rest" and not call.idem_key:
            raise MessageError.of(
                "key.missing",
                "缺少 Idempotency-Key",
                "Idempotency-Key is missing",
                result="10001",
                status=400,
            )
        if call.idem_key and call.idem_key != claims.idem_key:
            raise MessageError.of(
                "key.not-signed",
                "Idempotency-Key 与签名中的幂等键不符",
                "Idempotency-Key is not the key that was signed",
                result="20007",
                status=400,
            )
        return claims.idem_key

    async def _wait(self, row: MessageRow, wait_s: float) -> MessageRow | None:
        return await self.store.wait_settled(row.id, wait_s) if wait_s > 0 else None

    async def _note_refusal(self, platform: Platform, claims: Claims, error: MessageError) -> None:
        log.info("refused", platform=platform.id, type=claims.msg_type, result=error.result)
        detail = {"idem_key": claims.idem_key, "status": error.status}
        await self.store.note_refusal(platform.id, claims.msg_type, clock.now_ms(), error.faults, detail)


def _tell_parked(outcome: Outcome) -> None:
    """The alarm: what was stored and not applied wants a person."""
    row = outcome.message
    if outcome.kind == "accepted" and row is not None and row.note.startswith(PARKED):
        log.error(
            "parked",
            message=row.id,
            type=row.type,
            sender=row.sender,
            application=row.application,
            why=row.note,
        )


def _taught(
    error: MessageError, faults: tuple[Fault, ...], submission: Submission, parsed: Parsed
) -> MessageError:
    """The refusal with each fault's place in the sender's bytes, and the message's own identifier."""
    return MessageError(
        placed(faults, submission.payload),
        status=error.status,
        retry_after_s=error.retry_after_s,
        message_id=parsed.head.get("MsgId", ""),
    )


def _conflict(key: str) -> MessageError:
    return MessageError.of(
        "key.conflict",
        "同一幂等键已用于不同内容",
        f"the key {key} was used for other content".replace("  ", " "),
        result="90003",
    )
