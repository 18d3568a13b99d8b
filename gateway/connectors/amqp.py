"""Platforms behind a broker: the sealed message is published under its delivery key, and delivered once the broker
has confirmed it. A message that no queue takes is no delivery; what the platform makes of it comes as a message (8002).
"""

from __future__ import annotations

import aio_pika

from gateway.connectors.amqplink import AmqpLink
from gateway.connectors.contract import Answer, Connector, ConnectorWorld, Parcel, connectors
from gateway.connectors.seals import seal
from gateway.message import GATEWAY_NODE


class AmqpConnector:
    def __init__(self, world: ConnectorWorld):
        self.world = world
        self.link = AmqpLink(world)
        self.queue = world.platform.connector.queue
        self.knows_keys = world.platform.connector.options.get("knows_keys", 1) != 0

    async def send(self, parcel: Parcel) -> Answer:
        message = aio_pika.Message(
            seal(self.world, parcel),
            message_id=parcel.delivery_key,
            type=parcel.type,
            app_id=GATEWAY_NODE,
            content_type=self.world.suite.content_type,
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            headers={"traceparent": parcel.traceparent} if parcel.traceparent else None,
        )
        to = self.queue.deliver_to.replace("{type}", parcel.type)
        await self.link.publish(self.queue.exchange, to, message, parcel.heads)
        return Answer(b"", 0, accepted=True)

    def can_ask(self, number: str) -> bool:
        return False

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError("a broker tells nothing of what was taken out; the same key is sent again")

    async def close(self) -> None:
        await self.link.close()


def reply_message(
    body: bytes, content_type: str, correlation_id: str, type: str = "8001"
) -> aio_pika.Message:
    """The answer to a message that was taken from a queue."""
    return aio_pika.Message(
        body, correlation_id=correlation_id, content_type=content_type, type=type, app_id=GATEWAY_NODE,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )  # fmt: skip


def make(world: ConnectorWorld) -> Connector:
    return AmqpConnector(world)


connectors.add("amqp", make)
