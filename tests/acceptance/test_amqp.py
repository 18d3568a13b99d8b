"""Platforms behind a broker, at a real RabbitMQ: confirmed before it counts as delivered, acknowledged after it is durable."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import aio_pika
import orjson
import pytest
from aio_pika.abc import AbstractIncomingMessage, AbstractQueue

from gateway.connectors.amqp import AmqpConnector
from gateway.connectors.amqplink import AmqpLink
from gateway.connectorsettings import ConnectorSettings, LoginSettings, QueueSettings
from gateway.errors import DeliveryError
from gateway.logins import Login
from gateway.queued import QueueConsumer
from gateway.receiving import Later, Receiving, Taken
from gateway.settings import RetrySettings, Settings
from gateway.store import open_store
from gateway.store.contract import MessageFilter
from gateway.turns import Turn

from .broker import broker, is_installed
from .harness import GatewayProcess
from .partners import certificates, parcel, partner
from .running import Running, running
from .test_drops import SUB, ended, lay_down, opened, project, sealed
from .test_pressure import send

pytestmark = pytest.mark.skipif(not is_installed(), reason="rabbitmq-server is not installed")


@dataclass
class Place:
    """A broker, and the queues of one test."""

    port: int
    secure: int
    folder: Path
    mark: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def url(self) -> str:
        return f"amqp://guest@127.0.0.1:{self.port}/"

    @property
    def out(self) -> str:
        return f"out-{self.mark}"

    @property
    def inward(self) -> str:
        return f"in-{self.mark}"


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("broker")
    with broker(folder) as (port, secure):
        yield Place(port, secure, folder)


@pytest.fixture
def place(ports: Place) -> Place:
    return Place(ports.port, ports.secure, ports.folder)


class Platform:
    """The platform's side of the broker."""

    def __init__(self, channel: aio_pika.abc.AbstractChannel, place: Place, replies: AbstractQueue):
        self.channel, self.place, self.replies = channel, place, replies

    async def declare(self, name: str) -> AbstractQueue:
        return await self.channel.declare_queue(name, durable=True)

    async def send(self, body: bytes, correlation_id: str, reply_to: str = "") -> None:
        message = aio_pika.Message(
            body, reply_to=reply_to or self.replies.name, correlation_id=correlation_id, message_id=correlation_id
        )  # fmt: skip
        await self.channel.default_exchange.publish(message, self.place.inward)

    async def waiting(self, name: str) -> int:
        """Messages in a queue that nobody has."""
        found = await self.channel.declare_queue(name, passive=True)
        return found.declaration_result.message_count or 0

    async def get(self, queue: AbstractQueue, limit_s: float = 15) -> AbstractIncomingMessage:
        async with asyncio.timeout(limit_s):
            while (found := await queue.get(fail=False)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await found.ack()
        return found


@pytest.fixture
async def platform(place: Place) -> AsyncIterator[Platform]:
    connection = await aio_pika.connect(place.url.replace("guest@", "guest:guest@"))
    async with connection:
        channel = await connection.channel()
        replies = await channel.declare_queue(exclusive=True)
        made = Platform(channel, place, replies)
        await made.declare(place.inward)
        yield made


def by_queues(place: Place, secret: Path, url: str = "") -> ConnectorSettings:
    secret.write_text("guest\n")
    return ConnectorSettings(
        kind="amqp", url=url or place.url, timeout_s=5, login=LoginSettings(password=f"file:{secret}"),
        queue=QueueSettings(deliver_to=place.out, take_from=place.inward),
    )  # fmt: skip


@contextlib.asynccontextmanager
async def exchanging(tmp_path: Path, place: Place) -> AsyncIterator[Running]:
    own = by_queues(place, tmp_path / "secret")

    def change(settings: Settings) -> Settings:
        calm = {node: one.model_copy(update={"poll": None}) for node, one in settings.platforms.items()}
        calm[SUB] = calm[SUB].model_copy(update={"connector": own})
        quick = settings.gateway.model_copy(
            update={"retry": RetrySettings(first_s=0.2, factor=1, attempts=1000)}
        )
        return replace(settings, platforms=calm, gateway=quick)

    async with running(tmp_path / "data", change=change, poll=True) as there:
        yield there


async def test_what_no_queue_takes_waits_and_is_delivered_once_there_is_one(
    tmp_path: Path, place: Place, platform: Platform
) -> None:
    async with exchanging(tmp_path, place) as there:
        sent = await send(there)
        (row,) = [one for one in await there.store.deliveries(sent.message_id) if one.receiver == SUB]
        assert (await ended(there, row.id)).last_code == "delivery.unroutable"
        queue = await platform.declare(place.out)
        got = await platform.get(queue)
        assert (got.message_id, got.type, got.delivery_mode) == (row.delivery_key, "1001", 2)
        told = partner(SUB).open(got.body)
        assert told.claims.idem_key == row.delivery_key
        async with asyncio.timeout(10):
            while (now := await there.store.delivery(row.id)) is None or now.state != "done":  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def test_what_comes_by_the_queue_is_answered_and_a_repeat_gets_the_same(
    tmp_path: Path, place: Place, platform: Platform
) -> None:
    number, data, key = project()
    async with exchanging(tmp_path, place) as there:
        answers = []
        for mark in ("one", "two"):
            await platform.send(sealed(number, data, key), mark)
            got = await platform.get(platform.replies)
            assert got.correlation_id == mark
            answers.append(orjson.loads(partner(SUB).open(got.body).payload))
        row = await there.store.find_by_key(SUB, key)
        assert row is not None and row.transport == "amqp"
        assert answers[0] == answers[1] and answers[0]["Message"]["Id"] == row.id
        assert len(await there.store.search(MessageFilter(type=number))) == 1


async def test_refusals_are_told_and_acknowledged_and_stop_nobody(
    tmp_path: Path, place: Place, platform: Platform
) -> None:
    number, data, key = project()
    async with exchanging(tmp_path, place) as there:
        await platform.send(b"nonsense", "1")
        await platform.send(sealed("2002", data, key), "2")
        await platform.send(sealed(number, data, key), "3", reply_to=f"gone-{place.mark}")
        await platform.send(sealed(number, data, key), "4")
        got = [await platform.get(platform.replies) for _ in range(3)]
        assert [one.correlation_id for one in got] == ["1", "2", "4"]
        assert got[0].content_type == "application/problem+json"
        assert orjson.loads(got[0].body)["code"] == "seal.invalid"
        assert orjson.loads(partner(SUB).open(got[1].body).payload)["errors"]
        assert len(await there.store.refusals()) == 2
    assert await platform.waiting(place.inward) == 0  # all were acknowledged, or they would be back now


async def test_a_gateway_killed_between_commit_and_acknowledgement_takes_it_once(
    copy: Path, place: Place, platform: Platform
) -> None:
    number, data, key = project()
    secret = copy / "secret"
    secret.write_text("guest\n")
    own = (
        f"connector: {{kind: amqp, url: '{place.url}', login: {{password: 'file:{secret}'}}, "
        f"queue: {{deliver_to: {place.out}, take_from: {place.inward}}}}}"
    )
    lay_down(copy, {"platforms/construction.yaml": ("connector:", own)})
    gateway = GatewayProcess(copy, poll=True)
    gateway.environ |= {"GATEWAY_CERTIFICATES": str(certificates()), "GATEWAY_FAILPOINT": "queue.taken:1"}
    await platform.send(sealed(number, data, key), "1")
    try:
        await gateway.start()
        assert gateway.process is not None
        async with asyncio.timeout(60):
            assert await gateway.process.wait() == -signal.SIGKILL
        assert await platform.replies.get(fail=False) is None
        del gateway.environ["GATEWAY_FAILPOINT"]
        await gateway.start()
        got = await platform.get(platform.replies, 60)
        async with opened(copy / "var") as store:
            (row,) = await store.search(MessageFilter(type=number))
    finally:
        await gateway.stop()
    assert orjson.loads(partner(SUB).open(got.body).payload)["Message"]["Id"] == row.id


class Counter:
    """Takes what comes, and says "later" to the first one as often as it is told to."""

    def __init__(self, busy: int, after_s: float = 0.01):
        self.busy, self.after_s = busy, after_s
        self.taken: list[bytes] = []

    async def take(self, data: bytes, name: str, traceparent: str = "") -> Taken | Later:
        if self.busy and not self.taken:
            self.busy -= 1
            return Later(self.after_s, "store.busy")
        self.taken.append(data)
        return Taken(True, b"", "text/plain")


@contextlib.asynccontextmanager
async def consuming(
    tmp_path: Path, place: Place, counter: Counter, lasts_s: float = 10.0
) -> AsyncIterator[Turn]:
    """Another node's turn at the queue."""
    own = partner(SUB)
    settings = by_queues(place, tmp_path / "secret")
    platform = own.platform.model_copy(update={"connector": settings})
    world = replace(own.world(None, ""), platform=platform, login=Login(password="guest"))  # type: ignore[arg-type]
    store = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path)
    await store.open()
    one = QueueConsumer(
        platform, settings.queue, AmqpLink(world), cast(Receiving, counter),
        Turn(store, "queue", "n1", tmp_path, lasts_s=lasts_s),
    )  # fmt: skip
    task = asyncio.create_task(one.run())
    try:
        yield Turn(store, "queue", "n2", tmp_path)
    finally:
        one.stop()
        await task
        await store.close()


async def test_what_is_held_is_not_passed_by_what_the_broker_has_sent_already(
    tmp_path: Path, place: Place, platform: Platform
) -> None:
    for number in (b"1", b"2", b"3"):
        await platform.send(number, number.decode())
    counter = Counter(busy=2)
    async with consuming(tmp_path, place, counter):
        async with asyncio.timeout(15):
            while len(counter.taken) < 3:  # noqa: ASYNC110 - what is looked at is a list, as it fills
                await asyncio.sleep(0.02)
    assert counter.taken == [b"1", b"2", b"3"]


async def test_the_turn_is_kept_while_something_is_held(
    tmp_path: Path, place: Place, platform: Platform
) -> None:
    await platform.send(b"1", "1")
    counter = Counter(busy=1, after_s=1.0)
    async with consuming(tmp_path, place, counter, lasts_s=0.6) as other, asyncio.timeout(15):
        while counter.busy:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        while not counter.taken:
            assert not await other.hold()
            await asyncio.sleep(0.02)


async def test_what_is_held_when_it_is_stopped_is_in_its_place_again(
    tmp_path: Path, place: Place, platform: Platform
) -> None:
    for number in (b"1", b"2"):
        await platform.send(number, number.decode())
    counter = Counter(busy=1_000_000)
    async with consuming(tmp_path, place, counter):
        async with asyncio.timeout(15):
            while counter.busy > 1_000_000 - 3:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    queue = await platform.declare(place.inward)
    assert [(await platform.get(queue)).body for _ in range(2)] == [b"1", b"2"] and not counter.taken


# What the connector says of the ways in which it can fail.
def connector(
    place: Place, url: str = "", password: str = "guest", exchange: str = "", **login: str
) -> AmqpConnector:
    own = partner(SUB)
    settings = ConnectorSettings.model_construct(
        kind="amqp", url=url or place.url, timeout_s=5, options={},
        queue=QueueSettings(deliver_to=place.out, exchange=exchange),
    )  # fmt: skip
    world = own.world(None, "")  # type: ignore[arg-type]
    platform = own.platform.model_copy(update={"connector": settings})
    return AmqpConnector(replace(world, platform=platform, login=Login(password=password, **login)))


async def failure(one: AmqpConnector) -> tuple[str, bool, bool]:
    with pytest.raises(DeliveryError) as caught:
        await one.send(parcel("3001"))
    await one.close()
    return caught.value.code, caught.value.unknown, caught.value.permanent


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda place: {"password": "wrong"}, "delivery.login"),
        (lambda place: {"exchange": "none"}, "delivery.unroutable"),
        (lambda place: {"url": "amqp://guest@127.0.0.1:1/"}, "delivery.unreachable"),
        (lambda place: {"url": place.url + "none"}, "delivery.unreachable"),
        (lambda place: {"url": f"amqps://guest@localhost:{place.secure}/"}, "delivery.unreachable"),
    ],
)  # fmt: skip
async def test_nothing_was_sent_where_there_is_no_way(
    place: Place, change: Callable[[Place], dict[str, str]], said: str
) -> None:
    assert await failure(connector(place, **change(place))) == (said, False, False)  # type: ignore[arg-type]


async def test_tls_holds_the_brokers_name_against_its_certificate(place: Place, platform: Platform) -> None:
    queue = await platform.declare(place.out)
    authority = (place.folder / "ca.pem").read_text()
    one = connector(place, url=f"amqps://guest@localhost:{place.secure}/", authority=authority)
    message = parcel("3001")
    assert (await one.send(message)).accepted
    assert (await platform.get(queue)).message_id == message.delivery_key
    assert message.heads.sent["message-id"] == message.delivery_key and not message.heads.answered
    await one.close()
    another = connector(place, url=f"amqps://guest@127.0.0.1:{place.secure}/", authority=authority)
    assert (await failure(another))[0] == "delivery.unreachable"


async def test_a_connection_that_breaks_before_the_confirmation_leaves_it_open_and_the_key_is_the_same(
    place: Place, platform: Platform
) -> None:
    """Between gateway and broker stands a line that cuts off the broker's word once."""
    queue = await platform.declare(place.out)
    line = Line(place.port)
    server = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        one = connector(place, url=f"amqp://guest@127.0.0.1:{port}/")
        await one.send(parcel("3001"))
        await platform.get(queue)
        line.is_cut = True
        message = parcel("3001")
        with pytest.raises(DeliveryError) as caught:
            await one.send(message)
        assert (caught.value.code, caught.value.unknown) == ("delivery.broken-off", True)
        line.is_cut = False
        assert (await one.send(message)).accepted
        keys = [(await platform.get(queue)).message_id for _ in range(2)]
        assert keys == [message.delivery_key] * 2  # the receiver knows it by its key
        await one.close()


class Line:
    def __init__(self, port: int):
        self.port = port
        self.is_cut = False

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.port)
        ways = [
            asyncio.create_task(self._copy(reader, back)),
            asyncio.create_task(self._copy(there, writer, True)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for one in ways:
            one.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        for end in (writer, back):
            end.close()

    async def _copy(
        self, source: asyncio.StreamReader, to: asyncio.StreamWriter, is_word: bool = False
    ) -> None:
        while data := await source.read(65_536):
            if is_word and self.is_cut:
                return
            to.write(data)
            await to.drain()
