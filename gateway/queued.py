"""Where a platform sends by a queue: intake → answer → acknowledge, one after the other, in the queue's order.

Nothing is acknowledged before it is durable, a refusal not before it is written down and told. What a crash or a broken
connection leaves unacknowledged comes again, and its key is known. What cannot be taken now is kept in hand and tried
again, and those behind it wait: handed back by itself it would come after what the broker has sent already (`prefetch`).
"""

from __future__ import annotations

import asyncio

import structlog

from gateway.connectors.amqp import reply_message
from gateway.connectors.amqplink import AmqpLink, Incoming
from gateway.connectorsettings import QueueSettings
from gateway.errors import DeliveryError
from gateway.failpoints import reach
from gateway.receiving import Later, Receiving, Taken
from gateway.settings import Platform
from gateway.turns import Turn

log = structlog.get_logger("queued")
_LOOK_S, _AGAIN_S, _MOST_WAIT_S = 0.5, 2.0, 30.0


class QueueConsumer:
    """One a platform; one process of all nodes takes from a queue at a time (turns.py), so its order holds."""

    def __init__(
        self, platform: Platform, queue: QueueSettings, link: AmqpLink, receiving: Receiving, turn: Turn
    ):
        self.platform = platform
        self.queue = queue
        self.link = link
        self.receiving = receiving
        self.turn = turn
        self._stop = asyncio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        try:
            while not self._stop.is_set():
                if not await self.turn.hold():
                    await self._rest(self.turn.lasts_s / 5)
                    continue
                try:
                    await self._consume()
                except DeliveryError as error:
                    log.warning("queue not read", platform=self.platform.id, code=error.code, text=error.text)
                    await self._rest(_AGAIN_S)
        finally:
            await self.turn.give_back()
            await self.link.close()

    async def _rest(self, wait_s: float) -> None:
        try:
            async with asyncio.timeout(wait_s):
                await self._stop.wait()
        except TimeoutError:
            return

    async def _consume(self) -> None:
        """Until it is stopped or the turn is over; then the channel's end puts all that is not acknowledged back, in order."""
        async with self.link.consuming(self.queue.take_from, self.queue.prefetch) as source:
            while await self._goes_on():
                incoming = await source.next(_LOOK_S)
                if incoming is not None and not await self._take(incoming):
                    return

    async def _goes_on(self) -> bool:
        return not self._stop.is_set() and await self.turn.hold()

    async def _take(self, incoming: Incoming) -> bool:
        """False where it could not be taken for as long as it was ours to take."""
        while isinstance(taken := await self._receive(incoming), Later):
            log.warning("message held", platform=self.platform.id, name=incoming.message_id, why=taken.why)
            if not await self._wait(min(taken.after_s, _MOST_WAIT_S)):
                return False
        reach("queue.taken")
        await self._answer(incoming, taken)
        await incoming.done()
        return True

    async def _wait(self, wait_s: float) -> bool:
        """Is it still ours after so long? The turn is held on the way: another node would take what lies behind."""
        slice_s = self.turn.lasts_s / 4
        while wait_s > 0:
            await self._rest(min(wait_s, slice_s))
            if not await self._goes_on():
                return False
            wait_s -= slice_s
        return True

    async def _receive(self, incoming: Incoming) -> Taken | Later:
        return await self.receiving.take(incoming.body, incoming.message_id, incoming.traceparent)

    async def _answer(self, incoming: Incoming, taken: Taken) -> None:
        """To `reply_to`, where it is given. A queue for it that is gone holds nothing up: the sender may send the same again
        and gets the same answer."""
        if not incoming.reply_to:
            return
        message = reply_message(
            taken.answer, taken.content_type, incoming.correlation_id or incoming.message_id
        )
        try:
            await self.link.publish("", incoming.reply_to, message)
        except DeliveryError as error:
            if error.code != "delivery.unroutable":
                raise
            log.warning("nobody takes the answer", platform=self.platform.id, queue=incoming.reply_to)
