"""A connection to a broker that speaks AMQP 0-9-1 (aio-pika): publishing that waits for the broker's word, and taking
what is acknowledged by hand. Made anew by the next call after it broke.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq import exceptions

from gateway.connectors.contract import ConnectorWorld
from gateway.connectors.heads import Heads
from gateway.errors import DeliveryError

_HEARTBEAT_S = 30
_CHECK_S = 30.0  # a queue that was deleted tells its consumer nothing
_CLOSED = object()
_CLOSE_S = 2.0
# A connection or channel that was closed is told by a RuntimeError too.
_BROKEN = (exceptions.AMQPError, RuntimeError, OSError)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that is ours until `done`; where the connection ends before, it comes again by itself, in its place."""

    body: bytes
    message_id: str
    reply_to: str
    correlation_id: str
    traceparent: str
    message: AbstractIncomingMessage

    async def done(self) -> None:
        try:
            await self.message.ack()
        except _BROKEN as error:
            raise DeliveryError("delivery.broken-off", _words(error)) from error


class AmqpLink:
    def __init__(self, world: ConnectorWorld):
        connector = world.platform.connector
        address = urlsplit(connector.url)
        self.timeout_s = connector.timeout_s
        self._context = _context(world.login.authority) if address.scheme == "amqps" else None
        self.host, self.port = address.hostname or "", address.port or (5671 if self._context else 5672)
        self.user, self._password = unquote(address.username or ""), world.login.password
        self.virtual_host = unquote(address.path[1:]) or "/"
        self._connection: AbstractConnection | None = None
        self._channel: AbstractChannel | None = None
        self._connecting = asyncio.Lock()

    async def publish(
        self, exchange: str, routing_key: str, message: aio_pika.Message, heads: Heads | None = None
    ) -> None:
        """Returns once the broker has it for good. DeliveryError: delivery.unroutable (no queue takes it),
        delivery.not-confirmed, delivery.broken-off, delivery.timeout (these may have it), delivery.unreachable,
        delivery.login."""
        is_sent = False
        try:
            async with asyncio.timeout(self.timeout_s):
                channel = await self._opened()
                to = (
                    await channel.get_exchange(exchange, ensure=False)
                    if exchange
                    else channel.default_exchange
                )
                is_sent = True
                if heads is not None:
                    heads.sent = _heads_of(message)
                await to.publish(message, routing_key, mandatory=True)
        except exceptions.PublishError as error:
            text = f"no queue takes {routing_key!r} at the exchange {exchange!r}"
            raise DeliveryError("delivery.unroutable", text) from error
        except exceptions.DeliveryError as error:
            raise DeliveryError(
                "delivery.not-confirmed", "the broker did not take it", unknown=True
            ) from error
        except exceptions.ChannelNotFoundEntity as error:
            raise DeliveryError("delivery.unroutable", _words(error)) from error
        except TimeoutError as error:
            await self.close()
            text = f"no confirmation within {self.timeout_s:g} s"
            raise DeliveryError("delivery.timeout", text, unknown=is_sent) from error
        except _BROKEN as error:
            await self.close()
            raise DeliveryError("delivery.broken-off", _words(error), unknown=is_sent) from error

    @contextlib.asynccontextmanager
    async def consuming(self, queue: str, prefetch: int) -> AsyncIterator[Source]:
        """What comes to a queue that must be there, at most `prefetch` unacknowledged. DeliveryError as above."""
        connection = await self._connect()
        try:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=prefetch)
            source = Source(channel, queue)
            await source.start()
            yield source
        except _BROKEN as error:
            raise DeliveryError("delivery.broken-off", _words(error)) from error
        finally:
            await _close(connection)

    async def close(self) -> None:
        connection, self._connection, self._channel = self._connection, None, None
        if connection is not None:
            await _close(connection)

    async def _opened(self) -> AbstractChannel:
        async with self._connecting:
            if self._connection is None or self._connection.is_closed:
                self._connection = await self._connect()
                self._channel = None
            if self._channel is None or self._channel.is_closed:
                self._channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
            return self._channel

    async def _connect(self) -> AbstractConnection:
        try:
            return await aio_pika.connect(
                host=self.host, port=self.port, login=self.user, password=self._password,
                virtualhost=self.virtual_host, ssl=self._context is not None, ssl_context=self._context,
                timeout=self.timeout_s, heartbeat=_HEARTBEAT_S,
            )  # fmt: skip
        except (exceptions.AuthenticationError, exceptions.ProbableAuthenticationError) as error:
            raise DeliveryError("delivery.login", _words(error)) from error
        except (exceptions.AMQPError, OSError, TimeoutError) as error:
            raise DeliveryError("delivery.unreachable", _words(error)) from error


class Source:
    """The messages of one consumer, in the queue's order."""

    def __init__(self, channel: AbstractChannel, queue: str):
        self.channel = channel
        self.queue = queue
        self._found: asyncio.Queue[object] = asyncio.Queue()  # never more than the prefetch
        self._checked_s = 0.0

    async def start(self) -> None:
        queue = await self.channel.declare_queue(self.queue, passive=True)
        self.channel.close_callbacks.add(self._closed)
        await queue.consume(self._put)

    async def next(self, wait_s: float) -> Incoming | None:
        """None where nothing came within `wait_s`. DeliveryError where nothing will come any more."""
        try:
            async with asyncio.timeout(wait_s):
                found = await self._found.get()
        except TimeoutError:
            await self._check()
            return None
        if not isinstance(found, AbstractIncomingMessage):
            raise DeliveryError("delivery.broken-off", "the channel was closed")
        headers = found.headers or {}
        return Incoming(
            found.body, found.message_id or "", found.reply_to or "", str(found.correlation_id or ""),
            str(headers.get("traceparent") or ""), found,
        )  # fmt: skip

    async def _check(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._checked_s >= _CHECK_S:
            await self.channel.declare_queue(self.queue, passive=True)
            self._checked_s = now_s

    async def _put(self, message: AbstractIncomingMessage) -> None:
        self._found.put_nowait(message)

    def _closed(self, *_: object) -> None:
        self._found.put_nowait(_CLOSED)


def _context(authority: str) -> ssl.SSLContext:
    """The broker's name is held against its certificate; `authority`: PEM, empty for what the system trusts."""
    return ssl.create_default_context(cadata=authority or None)


async def _close(connection: AbstractConnection) -> None:
    with contextlib.suppress(*_BROKEN, TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await connection.close()


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


def _heads_of(message: aio_pika.Message) -> dict[str, str]:
    """Its properties and its own headers, under the names that AMQP gives them."""
    named = {
        "message-id": message.message_id, "type": message.type, "app-id": message.app_id,
        "content-type": message.content_type, **message.headers,
    }  # fmt: skip
    return {name: str(value) for name, value in named.items()}
