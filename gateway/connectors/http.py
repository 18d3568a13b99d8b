"""Platforms that are reached by REST: a sealed body is POSTed, the answer is sealed too.

The delivery key travels as `Idempotency-Key` and inside the seal. Options: `already` (text of an answer
that means "I have this one", for a platform that refuses a second send), `knows_keys` (0: the platform
does not recognise the key; then a person decides after an unknown outcome of a payment).
"""

from __future__ import annotations

import orjson

from gateway.connectors.contract import Answer, Connector, ConnectorWorld, Parcel, connectors
from gateway.connectors.exchange import Exchange, post, refusal
from gateway.connectors.seals import seal, unseal
from gateway.errors import DeliveryError
from gateway.failpoints import reach

STALE = "20005"


class HttpConnector:
    def __init__(self, world: ConnectorWorld):
        settings = world.platform.connector
        self.world = world
        self.url = settings.url
        self.limit_s = settings.limit_s
        self.already = str(settings.options.get("already", "")).encode()
        self.knows_keys = settings.options.get("knows_keys", 1) != 0

    async def send(self, parcel: Parcel) -> Answer:
        data = seal(self.world, parcel)
        reach("http.sealed")
        url = self.url.replace("{type}", parcel.type)
        exchange = await post(
            self.world.session,
            url,
            data,
            self._headers(parcel),
            self.limit_s(parcel.type),
            heads=parcel.heads,
        )
        reach("http.answered")
        opened = unseal(self.world, parcel, exchange.data) if exchange.data else None
        if not 200 <= exchange.status < 300:
            raise _refused(exchange, opened, knows_keys=self.knows_keys)
        if opened is None:
            raise DeliveryError(
                "delivery.unverified",
                "the answer carries no valid seal of the receiver for this delivery",
                status=exchange.status,
                unknown=True,
            )
        already = bool(self.already) and self.already in opened[0]
        return Answer(opened[0], exchange.status, already)

    def can_ask(self, number: str) -> bool:
        return False

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError("a REST platform is sent the same key again instead")

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        headers = {
            "Content-Type": self.world.suite.content_type,
            "Accept-Encoding": "identity",
            "Idempotency-Key": parcel.delivery_key,
            "Gateway-Message-Type": parcel.type,
        }
        if parcel.traceparent:
            headers["traceparent"] = parcel.traceparent
        return headers


def _refused(exchange: Exchange, opened: tuple[bytes, str] | None, *, knows_keys: bool) -> DeliveryError:
    """Final only under the receiver's seal, and not where its clock or token memory is to blame."""
    code, text, payload = "delivery.refused", f"HTTP {exchange.status}", b""
    final = opened is not None
    if opened is not None:
        payload = opened[0]
        result, said = _problem(payload)
        text = f"HTTP {exchange.status}: {said}" if said else text
        code = f"receiver.{result}" if result else code
        final = result != STALE
    if 300 <= exchange.status < 400:
        text = f"HTTP {exchange.status}: redirects are not followed"
    return refusal(
        exchange, code=code, text=text, authentic=final, answer=payload,
        harmless_503=knows_keys or opened is not None,
    )  # fmt: skip


def _problem(payload: bytes) -> tuple[str, str]:
    """(CT-RESULT code, text) of a problem document (RFC 9457); ("", "") if it is none."""
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return "", ""
    if not isinstance(document, dict):
        return "", ""
    text = document.get("detail") or document.get("title") or document.get("MSG") or ""
    return str(document.get("result") or ""), str(text)[:300]


def make(world: ConnectorWorld) -> Connector:
    return HttpConnector(world)


connectors.add("http", make)
