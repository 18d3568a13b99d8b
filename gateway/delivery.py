"""Delivering, as DESIGN.md section 2 draws it; read `_deliver`.

leave out who is paused, in maintenance or behind an open breaker → claim the head of a line under a lease → ask first where an earlier outcome is unknown → send the stored
form, sealed afresh → read the receiver's answer → record: done, retry by schedule, dead letter, unknown.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential

from gateway.connectors.contract import Answer, Connector, Parcel
from gateway.errors import DeliveryError, MessageError
from gateway.failpoints import reach
from gateway.measures import Measures
from gateway.message import DeliveryState, Record
from gateway.outcomes import Outcomes, Verdict, parcel_of
from gateway.settings import Settings
from gateway.standard import Catalogue
from gateway.steering import LOOK_EVERY_S, Steering
from gateway.store.contract import AttemptResult, Claimed, MakeNotice, Store, StoreUnavailable, Wish
from gateway.tracing import NoTraces, Traces
from gateway.translate import Translator

log = structlog.get_logger("delivery")
SUCCESS = "00000"
# The receiver's refusals that time can heal: running (90001), busy (90002), clock or token (20005, 20006).
PASSING = frozenset({"90001", "90002", "20005", "20006"})
# What went wrong on our side: it says nothing of the receiver.
_OURS = frozenset(
    {"delivery.attachment", "delivery.form", "delivery.configuration", "delivery.unknown-outcome"}
)
_ANSWER_BYTES = 65_536
_AWAY_S = 1.0
_GIVE_BACK_S = 2.0


class DeliveryWorker:
    """Claims and sends until stopped. `make_notice` builds the gateway's own 8002 for the sender of a
    message that died (None where the sender takes none). Who has no connector is not sent to: it fetches."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        translator: Translator,
        connectors: Mapping[str, Connector],
        catalogue: Catalogue,
        make_notice: MakeNotice,
        *,
        name: str,
        steering: Steering | None = None,
        measures: Measures | None = None,
        traces: Traces | None = None,
    ):
        self.settings = settings
        self.store = store
        self.translator = translator
        self.connectors = connectors
        self.catalogue = catalogue
        self.make_notice = make_notice
        self.name = name
        self.outcomes = Outcomes(settings, catalogue, make_notice)
        self.measures = measures or Measures()
        self.traces = traces or NoTraces()
        self.steering = steering or Steering(settings, store)
        self._wake = asyncio.Event()
        self._stopping = False
        self._under_way: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()  # attempts on their way to a receiver
        self._claims = False  # by itself, just now
        self.expects_more = True  # beside what is new: there was no room for all that was due
        self._is_served = False  # the store claims along
        self._wished: Wish | None = None

    async def run(self) -> None:
        """Until `stop`; then what is in flight is finished, and what takes too long is given back."""
        if not self._stopping:
            await self.steering.look()  # before anything is claimed, along with others too
        looking = asyncio.create_task(self._look())
        try:
            await self._run()
            await self._end()
        finally:
            looking.cancel()

    async def _look(self) -> None:
        """Whoever is let go again has work that nobody waits for."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            held = self.steering.held
            try:
                await self.steering.look()
            except StoreUnavailable:
                log.warning("store away: pauses and health not read")
            if held - self.steering.held:
                self._wake.set()

    async def _run(self) -> None:
        self.store.on_work(self._wake.set)
        self._is_served = self.store.claim_along(self)
        while not self._stopping:
            self._wake.clear()
            wish = self.wish()
            claimed = await self._claim(wish) if wish else []
            self.take(claimed)
            if wish is None or len(claimed) < wish.limit:
                # Nothing more is due, or who has it has enough: new work and freed places wake.
                await self._rest()

    async def _end(self) -> None:
        """What is in flight has `stop_s` to finish; what takes longer is given back."""
        try:
            async with asyncio.timeout(self.settings.gateway.stop_s):
                if self._is_served:  # what is being committed just now may have claimed along: behind it
                    await self._claim(Wish(self.name, 0, self.settings.gateway.lease_s, {}))
                while self._under_way:
                    await asyncio.wait(self._under_way)
        except TimeoutError:
            log.warning("attempts broken off", count=len(self._under_way))
        for task in self._under_way:
            task.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)

    def stop(self) -> None:
        self._stopping = True
        self._wake.set()

    def wish(self) -> Wish | None:
        """What there is room for; None while nothing is, or a claim is under way that counted with it."""
        room = self.settings.gateway.workers - self._busy.total()
        if room <= 0 or self._claims or self._stopping:
            return None
        self._wished = Wish(self.name, room, self.settings.gateway.lease_s, self._rooms())
        return self._wished

    def _rooms(self) -> dict[str, int]:
        """Of whom may be sent to now: nobody gets more than its share, or one slow receiver would take every place
        (promise 4). Who is not configured (any more) is in no map, and what waits for it stays where it is."""
        return {
            node: self.steering.room(node) - self._busy[node]
            for node in self.connectors
            if node not in self.steering.held
        }

    def take(self, claimed: Sequence[Claimed]) -> None:
        for one in claimed:
            self._start(one)
        self.expects_more = self._was_bounded(claimed)

    def _was_bounded(self, claimed: Sequence[Claimed]) -> bool:
        """Was there room for all that was due, when it was asked for? What was freed since says nothing of it."""
        wish = self._wished
        if wish is None or len(claimed) >= wish.limit:
            return True
        got = Counter(one.receiver for one in claimed)
        return any(got[node] >= room for node, room in wish.rooms.items())

    async def _claim(self, wish: Wish) -> list[Claimed]:
        self._claims = True
        try:
            return await self.store.claim(
                wish.worker, wish.limit, wish.lease_s,
                rooms=wish.rooms, make_notice=self.make_notice,
            )  # fmt: skip
        except StoreUnavailable as error:
            log.warning("nothing can be claimed now", cause=str(error))
            return []
        finally:
            self._claims = False

    async def _rest(self) -> None:
        """Until new work, a freed place, or the next due time."""
        free = [node for node, room in self._rooms().items() if room > 0]
        try:
            due_s = None if self._is_full() else await self.store.next_due_in_s(free)
        except StoreUnavailable:
            due_s = _AWAY_S
        wait_s = 5.0 if due_s is None else min(max(due_s, 0.01), 5.0)
        try:
            async with asyncio.timeout(wait_s):
                await self._wake.wait()
        except TimeoutError:
            return

    def _start(self, claimed: Claimed) -> None:
        self._busy[claimed.receiver] += 1
        task = asyncio.create_task(self._deliver(claimed))
        self._under_way.add(task)
        task.add_done_callback(self._finish)

    def _is_full(self) -> bool:
        return self._busy.total() >= self.settings.gateway.workers

    def _free(self, receiver: str) -> None:
        """Its place is free once it was answered; the transaction of the outcome already gives it away. Before the
        answer is judged: others were left waiting by the room as it still is."""
        was_full, busy = self._is_full(), self._busy[receiver]
        self._busy[receiver] -= 1
        if not self._is_served and (was_full or busy >= self.steering.room(receiver)):
            self._wake.set()  # what could not be claimed before now can

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        if not task.cancelled() and task.exception() is not None:
            # Our own fault: the lease runs out, the delivery is tried again, the third crash quarantines it.
            log.error("attempt crashed", exc_info=task.exception())
            self._wake.set()

    async def _deliver(self, claimed: Claimed) -> None:
        started = time.monotonic()
        node, end = claimed.receiver, "broken off"
        span = self.traces.begin(
            f"deliver {claimed.type}", "client", claimed.traceparent,
            {
                "type": claimed.type, "receiver": node, "message": claimed.message_id, "application": claimed.application,
            },
        )  # fmt: skip
        claimed.traceparent = span.traceparent
        reach("delivery.claimed")
        try:
            verdict = await self._attempt(claimed)
            latency_s, end = time.monotonic() - started, str(verdict.state)
        except asyncio.CancelledError:
            if self._stopping:
                await self._give_back(claimed)
            raise
        finally:
            self._free(node)
            span.end(end)
        reach("delivery.answered")
        result = self.outcomes.result(claimed, verdict, int(latency_s * 1000))
        self.measures.count_attempt(node, result.state, latency_s)
        if result.state is not DeliveryState.DONE:
            log.warning(
                "not delivered",
                state=str(result.state),
                code=result.code,
                attempt=claimed.attempt,
                **_names(claimed),
            )
        # Before the outcome is written: the same transaction claims again.
        found = self.steering.judge(
            node, _reached(verdict), latency_s, result.code, result.text, verdict.retry_after_s or 0.0
        )
        if not await self._record(result):
            log.warning("lease lost", **_names(claimed))
        reach("delivery.recorded")
        if found is not None:
            await self.steering.tell(found)
            self._wake.set()  # it may have been let go
        if result.state is DeliveryState.READY:
            self._wake.set()  # its next due time counts from now on

    async def _give_back(self, claimed: Claimed) -> None:
        """The lease ends now and not later: another worker may ask what became of it. Where the store does not take
        the word in time, the lease ends by itself: who stops waits for nobody."""
        text = "the gateway stopped before the receiver answered"
        result = AttemptResult(
            claimed, DeliveryState.READY, "delivery.interrupted", text, outcome_unknown=True
        )
        try:
            async with asyncio.timeout(_GIVE_BACK_S):
                await self.store.record(result)
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("lease not given back", cause=repr(error), **_names(claimed))

    async def _record(self, result: AttemptResult) -> bool:
        """What came of it must not be lost to a passing trouble of the store: tried while the lease lasts."""
        try:
            return await self.store.record(result)
        except StoreUnavailable:
            log.warning("outcome not recorded yet", **_names(result.claimed))
        tries = AsyncRetrying(
            retry=retry_if_exception_type(StoreUnavailable),
            wait=wait_exponential(multiplier=0.1, max=2.0),
            stop=stop_after_delay(self.settings.gateway.lease_s),
            reraise=True,
        )
        return await tries(self.store.record, result)

    async def _attempt(self, claimed: Claimed) -> Verdict:
        connector = self.connectors[claimed.receiver]
        parcel = parcel_of(claimed)
        in_doubt = claimed.outcome_unknown
        try:
            async with asyncio.timeout(self.settings.gateway.lease_s * 0.9):
                verdict = await self._ask(claimed, connector, parcel) if in_doubt else None
                if verdict is None:
                    # It was asked: nothing had arrived.
                    in_doubt = in_doubt and not connector.can_ask(claimed.type)
                    verdict = self._read(claimed, await connector.send(parcel))
        except DeliveryError as error:
            verdict = _failed(error)
        except TimeoutError:
            text = "the attempt took too long"
            verdict = Verdict(DeliveryState.READY, "delivery.timeout", text, unknown=True)
        # A doubt stays until the receiver's own word on this key ends it, whatever fails in between.
        stays = in_doubt and not _is_final(verdict, connector)
        verdict.unknown, verdict.headers = verdict.unknown or stays, parcel.heads.text()
        return verdict

    async def _ask(self, claimed: Claimed, connector: Connector, parcel: Parcel) -> Verdict | None:
        """After an unknown outcome: ask before sending again; where nobody can be asked and money moves,
        a person decides (promise 3). None: send again, the receiver knows the key."""
        if connector.can_ask(claimed.type):
            answer = await connector.ask(parcel)
            return self._read(claimed, answer) if answer is not None else None
        # The first try in doubt is one that a person let start anew, and who answers for it.
        if claimed.attempt > 1 and self.catalogue.get(claimed.type).money and not connector.knows_keys:
            text = "the outcome of an earlier attempt is unknown and the receiver cannot be asked"
            return Verdict(DeliveryState.UNKNOWN, "delivery.unknown-outcome", text)
        return None

    def _read(self, claimed: Claimed, answer: Answer) -> Verdict:
        kept = answer.payload[:_ANSWER_BYTES]
        if answer.already:
            return Verdict(DeliveryState.DONE, "delivery.already", status=answer.status, answer=kept)
        if answer.accepted:
            return Verdict(DeliveryState.DONE, status=answer.status, answer=kept)
        platform = self.settings.platforms[claimed.receiver]
        try:
            ack = self.translator.read_ack(platform, answer.payload)
        except MessageError as error:
            # It answered and its seal held, but nobody can tell what it says: it may have taken effect.
            return Verdict(
                DeliveryState.READY, "delivery.nonsense", str(error)[:500], answer.status, kept, unknown=True
            )
        return _judge(ack, answer.status, kept)


def _names(claimed: Claimed) -> dict[str, object]:
    """What a line of the log says of a delivery."""
    return {
        "delivery": claimed.delivery_id, "receiver": claimed.receiver, "message": claimed.message_id,
        "application": claimed.application,
    }  # fmt: skip


def _is_final(verdict: Verdict, connector: Connector) -> bool:
    """Does it say what became of every attempt under this key?"""
    if verdict.state is DeliveryState.DEAD:
        return connector.knows_keys and verdict.status > 0
    return verdict.state is DeliveryState.DONE


def _reached(verdict: Verdict) -> bool | None:
    """Did the receiver itself answer? None where the attempt says nothing of it, or it only asks for time."""
    if verdict.state is not DeliveryState.READY:
        return None if verdict.code in _OURS else True
    if verdict.code in _OURS or verdict.code.removeprefix("receiver.") in PASSING:
        return None
    return False


def _failed(error: DeliveryError) -> Verdict:
    state = DeliveryState.DEAD if error.permanent else DeliveryState.READY
    return Verdict(
        state,
        error.code,
        error.text,
        error.status,
        error.answer[:_ANSWER_BYTES],
        error.retry_after_s,
        error.unknown,
    )


def _judge(ack: Record, status: int, kept: bytes) -> Verdict:
    result = str(ack.get("Result", ""))
    if result == SUCCESS:
        return Verdict(DeliveryState.DONE, status=status, answer=kept)
    text = str(ack.get("AddWord", ""))[:500]
    state = DeliveryState.READY if result in PASSING else DeliveryState.DEAD
    return Verdict(state, f"receiver.{result or 'no-result'}", text, status, kept)
