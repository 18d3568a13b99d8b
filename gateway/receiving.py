"""A sealed body from a place of exchange (folder, queue): the same intake as at an endpoint, with nobody waiting.

What passes (the gateway is busy, the store away) is told apart from what is refused: it is read again, untouched.
"""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from gateway import clock
from gateway.errors import MessageError
from gateway.intake import RUNNING, Call, Intake
from gateway.replies import PROBLEM
from gateway.settings import Platform
from gateway.store.contract import StoreUnavailable

log = structlog.get_logger("receiving")


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of it, and the answer to hand back: sealed, or a plain problem document where the sender could not
    be told for sure."""

    accepted: bool
    answer: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing was done; it may be read again after so long."""

    after_s: float
    why: str


class Receiving:
    """`kind` is the transport's name, of the platform whose place it is."""

    def __init__(self, intake: Intake, platform: Platform, max_age_s: int):
        self.intake = intake
        self.platform = platform
        self.max_age_s = max_age_s
        kind = platform.connector.kind
        self.transport = f"{kind}-soap" if platform.suite == "wss" else kind

    async def take(self, data: bytes, name: str, traceparent: str = "") -> Taken | Later:
        """`name` tells people which it was. `data` may be cut off one byte after what a message may have."""
        most = self.intake.settings.gateway.max_body_bytes
        try:
            if len(data) > most:
                raise _too_large(most)
            with self.intake.pressure.holding(len(data), most):
                return await self._receive(data, traceparent)
        except MessageError as error:
            if error.is_busy or error.result == RUNNING:
                return Later(float(error.retry_after_s or 1), error.faults[0].code)
            return await self._refuse(error, name)
        except StoreUnavailable as error:
            return Later(1.0, str(error))

    async def _receive(self, data: bytes, traceparent: str) -> Taken:
        call = Call(
            data, self.platform.suite, "", "", self.transport, traceparent=traceparent,
            sender=self.platform.id, max_age_s=self.max_age_s,
        )  # fmt: skip
        reply = await self.intake.receive(call)
        return Taken(reply.status < 400, reply.data, reply.content_type)

    async def _refuse(self, error: MessageError, name: str) -> Taken:
        """Whoever wrote it is not known for sure: the answer has no seal, and the log keeps it for a person."""
        log.warning("refused unread", platform=self.platform.id, name=name, result=error.result)
        await self.intake.store.note_refusal(
            self.platform.id, "", clock.now_ms(), error.faults, {"transport": self.transport, "name": name}
        )
        return Taken(False, self.intake.replies.problem(error), PROBLEM)


def _too_large(most: int) -> MessageError:
    return MessageError.of(
        "http.too-large",
        f"报文超过 {most} 字节",
        f"the message is larger than {most} bytes",
        result="10002",
    )
