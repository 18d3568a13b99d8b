"""Receiving what the gateway delivers: open the seal, write it down, act once, answer the same again.

The order never changes: ledger first (before any deduplication), then the key, then the form, then the
effect and the answer in one line of the ledger. So a crash after the line answers as before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.client import Opened
from gateway.errors import MessageError
from gateway.formats import write_json
from gateway.message import Record
from gateway.sandbox.ledger import APPLIED, REFUSED, REQUEST
from gateway.sandbox.place import SandboxPlatform
from gateway.sandbox.server import Platform


@dataclass(frozen=True, slots=True)
class Arrived:
    """A delivery as the platform understands it. `number` is the standard's type, `record` the content in
    the platform's own names, `digest` that of the content alone, `faults` what its own schema says."""

    number: str
    key: str
    record: Record
    digest: str
    biz_key: str
    faults: list[str] = field(default_factory=list)
    envelope: dict[str, str] = field(default_factory=dict)


class PushedPlatform(Platform):
    """A platform that the gateway calls. Subclasses say how they read, what they do, how they answer."""

    answer_type = "application/json"

    def read(self, number: str, opened: Opened) -> Arrived:
        """MessageError where the payload is not in the platform's form at all."""
        raise NotImplementedError

    def __init__(self, place: SandboxPlatform):
        super().__init__(place)
        self._ordered: list[str] = []

    def refuse_next(self, why: str, times: int) -> None:
        """Whatever comes next is refused, so often: for what operators have to mend."""
        self._ordered += [why] * times

    def refuses(self, arrived: Arrived) -> str:
        """A reason of the platform's own not to take a well-formed message; "" if it takes it."""
        return ""

    def holds(self, arrived: Arrived) -> bool:
        """Does the platform have this very content, by a key of its own envelope? Then nothing is done."""
        return False

    def act(self, arrived: Arrived) -> None:
        """The effect. Called once a key, before the answer."""

    def react(self, arrived: Arrived) -> None:
        """What follows by itself from the effect. Called after it is on disk."""

    def answer(self, arrived: Arrived, problem: str) -> bytes:
        """The acknowledgement in the platform's own form; `problem` says why it is a refusal."""
        raise NotImplementedError

    async def receive(self, request: web.Request) -> web.Response:
        """The server's side of a delivery."""
        try:
            opened = self.client.open(await request.read())
            number = request.match_info.get("type") or opened.claims.msg_type
            if number != opened.claims.msg_type:
                raise _refusal("the address names another type than the seal", "20007")
            payload = self.take(number, opened)
        except MessageError as error:
            return self.refuse_call(error)
        sealed = self.client.seal_answer(payload, opened.claims, self.answer_type)
        media = self.client.suite.content_type
        return web.Response(body=sealed, headers={"Content-Type": media})

    def take(self, number: str, opened: Opened) -> bytes:
        """The answer's payload; the same again for a key that is known with the same content."""
        arrived = self.read(number, opened)
        self.ledger.append(
            REQUEST, arrived.number, arrived.key, digest=arrived.digest, biz_key=arrived.biz_key
        )
        known = self.ledger.effect(arrived.key)
        if known is not None:
            if known.digest != arrived.digest:
                return self.answer(arrived, "the key is known with other content")
            return known.answer.encode()
        problem = "; ".join(arrived.faults) or self.refuses(arrived)
        if not problem and self._ordered:
            problem = self._ordered.pop()
        if not problem and self.holds(arrived):
            return self.answer(arrived, "")
        if not problem:
            self.act(arrived)
        return self._settle(arrived, problem)

    def _settle(self, arrived: Arrived, problem: str) -> bytes:
        answer = self.answer(arrived, problem)
        self.ledger.append(
            REFUSED if problem else APPLIED,
            arrived.number,
            arrived.key,
            digest=arrived.digest,
            biz_key=arrived.biz_key,
            body=arrived.record,
            answer=answer.decode(),
        )
        if not problem:
            self.react(arrived)
        return answer

    def refuse_call(self, error: MessageError) -> web.Response:
        """An unsealed refusal, for what does not come from the gateway or cannot be read."""
        problem: dict[str, Any] = {
            "title": error.faults[0].en,
            "status": error.status,
            "result": error.result,
        }
        return web.Response(
            status=error.status, body=write_json(problem), content_type="application/problem+json"
        )


def _refusal(text: str, result: str) -> MessageError:
    return MessageError.of("sandbox.refused", text, text, result=result)
