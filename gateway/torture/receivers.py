"""The receiving platforms: they write every request down, and then behave as badly as networks do."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import socket
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from gateway.client import PlatformClient
from gateway.errors import GatewayError
from gateway.torture.contents import NUMBER, mark_of
from gateway.torture.ledger import Ledger, Notice, Request
from gateway.torture.namespaces import MakeSocket, make_socket

ANSWER_WITHIN_S = 2.0  # what the gateway's configuration gives a receiver
# What happens to a request, and how often. `late` and `twice` did take the content, `hang` and `reset` may have.
TROUBLES = {"hang": 0.004, "reset": 0.008, "late": 0.004, "twice": 0.01, "garbage": 0.008, "busy": 0.008}
_REFUSES_S, _ACCEPTS_S = 0.3, (3.0, 8.0)


class Receiver:
    """One platform's server at POST /in/{type}, on the same port of every loopback that `doors` make sockets of.
    `troubled` False: it behaves."""

    def __init__(
        self,
        client: PlatformClient,
        ledger: Ledger,
        dice: random.Random,
        doors: Sequence[MakeSocket] = (make_socket,),
    ):
        self.client = client
        self.ledger = ledger
        self.troubled = True
        self.open_requests = 0
        self.faults: Counter[str] = Counter()
        self._dice = dice
        self._runner: web.AppRunner | None = None
        self._doors = doors
        self._sites: list[web.SockSite] = []
        self._refusing: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/in/{type}", self.take)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()
        self._refusing = asyncio.create_task(self._refuse())

    async def stop(self) -> None:
        if self._refusing is not None:
            self._refusing.cancel()
        if self._runner is not None:
            await self._runner.cleanup()

    async def _listen(self) -> None:
        assert self._runner is not None
        for make in self._doors:
            listener = make()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", self.port))
            self.port = listener.getsockname()[1]
            self._sites.append(web.SockSite(self._runner, listener))
            await self._sites[-1].start()

    async def _refuse(self) -> None:
        """Now and then nobody listens."""
        while True:
            await asyncio.sleep(self._dice.uniform(*_ACCEPTS_S))
            if self.troubled:
                while self._sites:
                    await self._sites.pop().stop()
                self.faults["refuse"] += 1
                await asyncio.sleep(_REFUSES_S)
                await self._listen()

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.open_requests += 1
        try:
            return await self._take(request, self._trouble())
        finally:
            self.open_requests -= 1

    def _trouble(self) -> str:
        roll = self._dice.random() if self.troubled else 1.0
        for name, share in TROUBLES.items():
            roll -= share
            if roll < 0:
                self.faults[name] += 1
                return name
        return ""

    async def _take(self, request: web.Request, trouble: str) -> web.StreamResponse:
        data = await request.read()
        self.ledger.arrived += 1
        taken = trouble != "busy" and not (trouble == "hang" and self._dice.random() < 0.5)
        try:
            opened = self.client.open(data)
        except GatewayError as error:  # a clock that is wrong, as a real platform would see it
            self.ledger.unopened[str(error)[:60]] += 1
            return web.Response(status=401)
        document = json.loads(opened.payload)
        head = document["Head"]
        key = opened.claims.idem_key
        mark = mark_of(document["Body"])
        if head["MsgNo"] == NUMBER:
            version = int(head["BizVersion"])
            fresh = self.ledger.append(Request(self.client.node, key, head["BizKey"], version, mark, taken))
        else:
            fresh = self.ledger.append_notice(key, _notice(document["Body"], mark))
        if not taken:
            if trouble == "hang":
                await asyncio.sleep(ANSWER_WITHIN_S + 1)
            return web.Response(status=503, headers={"Retry-After": "0"})
        sealed = self.client.seal_answer(
            _ack(self.client.node, head, key, fresh), opened.claims, "application/json"
        )
        return await self._answer(request, sealed, trouble)

    async def _answer(self, request: web.Request, sealed: bytes, trouble: str) -> web.StreamResponse:
        kind = self.client.suite.content_type
        if trouble in ("hang", "late"):
            await asyncio.sleep(ANSWER_WITHIN_S + 0.3)
        elif trouble == "garbage":
            return web.Response(body=secrets.token_bytes(300), content_type=kind)
        elif trouble == "reset" and (transport := request.transport) is not None:
            transport.write(_head(kind, len(sealed)) + sealed[: len(sealed) // 2])
            await asyncio.sleep(0)
            transport.abort()
        elif trouble == "twice" and request.transport is not None:
            request.transport.write(_head(kind, len(sealed)) + sealed)
        return web.Response(body=sealed, content_type=kind)


def _notice(body: dict[str, Any], mark: str) -> Notice:
    """By what an 8002 says: the message's own key and version, and in its error the receiver before a colon."""
    receiver = body["Errors"]["Error"][0]["Path"].partition(":")[0]
    return Notice(receiver, body["BizKey"], int(body["BizVersion"]), mark)


def _head(kind: str, size: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\n\r\n".encode()


def _ack(node: str, said: dict[str, str], key: str, fresh: bool) -> bytes:
    moment = time.strftime("%Y%m%d%H%M%S") + "000"
    head = {
        "Ver": "1.0", "MsgNo": "8001", "MsgId": key[:32], "MsgRef": key[:32], "Src": node, "Des": "GW",
        "AdmDivCode": "310000", "StYear": moment[:4], "BizType": "00", "BizKey": f"{said['MsgNo']}|{key[:32]}",
        "BizVersion": 1, "OperType": "1", "IdemKey": key, "BodyDigest": "0" * 64, "WorkDate": moment[:8],
        "SendTime": moment, "RetryNo": 0,
    }  # fmt: skip
    body = {
        "OriMsgNo": said["MsgNo"], "OriMsgId": said["MsgId"], "Result": "00000", "Duplicate": "0" if fresh else "1"
    }  # fmt: skip
    return json.dumps({"Head": head, "Body": body}).encode()
