"""The general platform 总平台: the standard's JSON form over REST, sealed by jose.

It keeps what the sub-platforms synchronise, takes what the treasury says, and passes on by itself what
others must know (`reactions`). What people do there is in `portal`.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from gateway import clock
from gateway.client import Opened, Refused, Reply
from gateway.errors import DeliveryError, MessageError
from gateway.formats import formats
from gateway.message import GATEWAY_NODE, Head, Record
from gateway.sandbox import reactions
from gateway.sandbox.forms import biz_key, digest_of
from gateway.sandbox.inbox import Arrived, PushedPlatform
from gateway.sandbox.ledger import ACKNOWLEDGED
from gateway.sandbox.place import SandboxPlatform
from gateway.standard import Standard
from gateway.standard import head as heads

JSON = "application/json"
_CITY = "310000"
_AWAY_S = 1.0


class GeneralPlatform(PushedPlatform):
    """Receives at POST /gateway/messages/{type}; answers a sealed 8001."""

    def __init__(self, place: SandboxPlatform):
        super().__init__(place)
        self.standard = Standard.load(place.schemas_dir)
        self._lines: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post("/gateway/messages/{type}", self.receive)

    def resume(self) -> None:
        for key in self.book.all("todo"):
            self.start_task(self._carry_out(key))

    # receiving
    def read(self, number: str, opened: Opened) -> Arrived:
        parsed = formats.get("standard-json").decode(opened.payload)
        faults: list[str] = []
        record: Record = parsed.record
        try:
            record = self.standard.from_json(number, parsed.record)
            self.standard.check(number, record, on=clock.now().date())
        except MessageError as error:
            faults = [f"{fault.path}: {fault.en}" for fault in error.faults]
        if parsed.head.get("IdemKey") != opened.claims.idem_key:
            faults.append("Head/IdemKey: not the key of the seal")
        return Arrived(
            number=number,
            key=opened.claims.idem_key,
            record=record,
            digest=digest_of(number, record),
            biz_key=biz_key(number, record),
            faults=faults,
            envelope=parsed.head,
        )

    def act(self, arrived: Arrived) -> None:
        reactions.keep(self.book, arrived)

    def react(self, arrived: Arrived) -> None:
        for place, task in enumerate(reactions.follow(self.book, arrived)):
            key = f"{arrived.key}:{place}"
            self.book.put("todo", key, task)
            self.start_task(self._carry_out(key))

    def answer(self, arrived: Arrived, problem: str) -> bytes:
        ack: Record = {
            "OriMsgNo": arrived.number,
            "OriMsgId": arrived.envelope.get("MsgId", "0" * 16),
            "Result": "10003" if problem else "00000",
            **({"AddWord": problem[:2000]} if problem else {}),
            "Duplicate": "0",
        }
        return self._write("8001", ack, self.make_head("8001", ack, 1))

    # sending
    async def send(
        self, number: str, record: Record, *, to: Sequence[str] = (), oper_type: str = "1", wait_s: float = 0
    ) -> Reply:
        """Submits a message of the standard under its own key; `to` names who must get it in the end.

        Refused as the gateway says; MessageError where our own check finds fault first.
        """
        self.standard.check(number, record, on=clock.now().date())
        key = self.standard.business_key(number, record)
        version = int(self.book.get("version", f"{number}|{key}") or 0) + 1
        reply = await self.submit(number, record, version, oper_type, wait_s=wait_s)
        self.book.put("version", f"{number}|{key}", version)
        idem_key = self.make_head(number, record, version, oper_type).IdemKey
        self.ledger.append(
            ACKNOWLEDGED,
            number,
            idem_key,
            digest=digest_of(number, record),
            biz_key=biz_key(number, record),
            body=record,
            answer=reply.message_id,
            to=to,
        )
        return reply

    async def submit(
        self, number: str, record: Record, version: int = 1, oper_type: str = "1", *, wait_s: float = 0
    ) -> Reply:
        """The bare call: neither checked nor written down. For what is sent to be refused."""
        head = self.make_head(number, record, version, oper_type)
        payload = self._write(number, record, head)
        return await self.client.submit(
            number, payload, idem_key=head.IdemKey, content_type=JSON, wait_s=wait_s
        )

    def make_head(self, number: str, record: Record, version: int, oper_type: str = "1") -> Head:
        key = self.standard.business_key(number, record)
        idem_key = heads.idem_key(number, self.node, key, str(version), oper_type)
        moment = clock.t17()
        return Head(
            MsgNo=number,
            MsgId=idem_key[:32],
            MsgRef=idem_key[:32],
            Src=self.node,
            Des=GATEWAY_NODE,
            AdmDivCode=str(record.get("AdmDivCode", _CITY)),
            StYear=str(record.get("StYear", moment[:4])),
            BizType=self.standard.catalogue.get(number).step,
            BizKey=key,
            BizVersion=str(version),
            OperType=oper_type,
            IdemKey=idem_key,
            BodyDigest=heads.body_digest(self.standard.build(number, record)),
            WorkDate=moment[:8],
            SendTime=moment,
        )

    def _write(self, number: str, record: Record, head: Head) -> bytes:
        return formats.get("standard-json").encode(self.standard.to_json(number, record), head, {}, "")

    async def _carry_out(self, key: str) -> None:
        """One message that follows from another. Those of one case go in the order of their causes."""
        task: dict[str, Any] | None = self.book.get("todo", key)
        if task is None:
            return
        async with self._lines[task["line"]]:
            while True:
                try:
                    await self.send(task["number"], task["record"], to=task["to"])
                    break
                except DeliveryError:
                    await asyncio.sleep(_AWAY_S)  # the gateway is away: the task waits, also over a restart
                except (Refused, MessageError) as error:
                    self.failures.append(f"{self.node}: {task['number']} for {task['line']}: {error}")
                    break
        self.book.put("todo", key, None)
