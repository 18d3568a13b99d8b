"""Platforms that are reached by SOAP: the sealed WS-Security envelope is the HTTP body (SOAP 1.2).

The delivery key travels inside the seal's Head and as an HTTP header for intermediaries. A Fault is final
only under the receiver's seal, and only if it blames the sender. Options as for http: `already`,
`knows_keys`.
"""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from gateway import xmltree
from gateway.connectors.contract import Answer, Connector, ConnectorWorld, Parcel, connectors
from gateway.connectors.exchange import Exchange, post, refusal
from gateway.connectors.seals import seal, unseal
from gateway.errors import DeliveryError, MessageError

STALE = "20005"
_NAMESPACES = ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")


class SoapConnector:
    def __init__(self, world: ConnectorWorld):
        settings = world.platform.connector
        self.world = world
        self.url = settings.url
        self.limit_s = settings.limit_s
        self.already = str(settings.options.get("already", "")).encode()
        self.knows_keys = settings.options.get("knows_keys", 1) != 0

    async def send(self, parcel: Parcel) -> Answer:
        data = seal(self.world, parcel)
        url = self.url.replace("{type}", parcel.type)
        exchange = await post(
            self.world.session,
            url,
            data,
            self._headers(parcel),
            self.limit_s(parcel.type),
            heads=parcel.heads,
        )
        opened = unseal(self.world, parcel, exchange.data) if exchange.data else None
        said = find_fault(opened[0] if opened is not None else exchange.data)
        if said is not None:
            payload = opened[0] if opened is not None else None
            raise _refused(exchange, said, payload, knows_keys=self.knows_keys)
        if not 200 <= exchange.status < 300:
            text = f"HTTP {exchange.status} without a Fault"
            harmless = self.knows_keys or opened is not None
            raise refusal(
                exchange, code="delivery.refused", text=text, authentic=False, harmless_503=harmless
            )
        if opened is None:
            raise DeliveryError(
                "delivery.unverified",
                "the answer carries no valid seal of the receiver for this delivery",
                status=exchange.status,
                unknown=True,
            )
        return Answer(opened[0], exchange.status, bool(self.already) and self.already in opened[0])

    def can_ask(self, number: str) -> bool:
        return False

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError("a SOAP platform is sent the same key again instead")

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        headers = {
            "Content-Type": f"{self.world.suite.content_type}; charset=utf-8",
            "Accept-Encoding": "identity",
            "Idempotency-Key": parcel.delivery_key,
            "Gateway-Message-Type": parcel.type,
        }
        if parcel.traceparent:
            headers["traceparent"] = parcel.traceparent
        return headers


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP Fault, 1.1 or 1.2: whom it blames, the CT-RESULT code if it tells one, its text."""

    blames_sender: bool
    result: str
    text: str


def _read_fault(element: etree._Element) -> Fault:
    texts: dict[str, str] = {}
    for node in element.iter(etree.Element):
        text = (node.text or "").strip()
        if text:
            texts.setdefault(xmltree.local(node.tag), text)
    code = texts.get("faultcode") or texts.get("Value") or ""
    text = texts.get("Detail") or texts.get("Text") or texts.get("faultstring") or code
    who = code.rpartition(":")[2].partition(".")[0]
    return Fault(who in ("Sender", "Client"), texts.get("Result", ""), text[:300])


def find_fault(data: bytes) -> Fault | None:
    """The Fault in a payload (the element itself) or in an unsealed envelope; None if there is none."""
    if b"Fault" not in data:
        return None
    try:
        root = xmltree.parse(data)
    except MessageError:
        return None
    for namespace in _NAMESPACES:
        tag = f"{{{namespace}}}Fault"
        found = root if root.tag == tag else root.find(f"{{{namespace}}}Body/{tag}")
        if found is not None:
            return _read_fault(found)
    return None


def _refused(exchange: Exchange, said: Fault, payload: bytes | None, *, knows_keys: bool) -> DeliveryError:
    code = f"receiver.{said.result}" if said.result else "delivery.fault"
    final = payload is not None and said.blames_sender and said.result != STALE
    # A Fault that blames the sender came before any effect, whatever status the binding made it travel with.
    status = exchange.status
    effective = 400 if said.blames_sender and (status >= 500 or status < 300) else status
    if not said.blames_sender and status < 500:
        effective = 500
    told = Exchange(effective, exchange.content_type, exchange.data, exchange.retry_after_s)
    error = refusal(
        told, code=code, text=said.text, authentic=final, answer=payload or b"",
        harmless_503=knows_keys or payload is not None,
    )  # fmt: skip
    error.status = status
    return error


def make(world: ConnectorWorld) -> Connector:
    return SoapConnector(world)


connectors.add("soap", make)
