"""The operations of the voucher store 电子凭证库 (voucher-store.wsdl): SOAP 1.1, document/literal, wrapped.

Every request carries an HTTP message signature (RFC 9421) by the gateway's key. Results are not sealed,
so they are believed as far as the connection is; voucher bytes are sealed and verified by whoever reads
them. A refusal is a Fault "EVSnnn#text", or a Map whose EVS is not EVS000.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lxml import etree

from gateway import clock, xmltree
from gateway.connectors.contract import ConnectorWorld
from gateway.connectors.exchange import Exchange, post, refusal
from gateway.connectors.heads import Heads
from gateway.errors import DeliveryError, MessageError
from gateway.security.httpsig import sign_request

NAMESPACE = "urn:voucher-store"
SUCCESS = "EVS000"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_OPEN = f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{_SOAP}"><s:Body>'
_CLOSE = "</s:Body></s:Envelope>"
_READ_BYTES = 8 * 1024 * 1024
_REASON_BYTES = 200
# The store read the request and refuses it: arguments, division, business logic (FACTS.md 2.2).
_FINAL = ("EVS0", "EVS1", "EVS7")
_Value = str | Sequence[str]


@dataclass(frozen=True, slots=True)
class StoreReply:
    """The Map of a result, and the bytes of a reading operation. `code` is EVS000 for success."""

    entries: dict[str, str]
    data: bytes = b""

    @property
    def code(self) -> str:
        return self.entries.get("EVS", SUCCESS)

    @property
    def text(self) -> str:
        return self.entries.get("text", "")


class StoreRefusal(DeliveryError):
    """The voucher store's own refusal; `evs` is its code. With 401 it did not know who called (a clock, a
    certificate): nothing happened, and it may know us later."""

    def __init__(self, evs: str, text: str, status: int):
        final = evs.startswith(_FINAL)
        known = status != 401
        super().__init__(
            f"receiver.{evs}", text, status=status, permanent=final and known, unknown=not final and known
        )
        self.evs = evs


class VoucherStore:
    """One treasury's voucher store, as its client. Numbers are VoucherNo; `vt_code` is VtCode."""

    def __init__(self, world: ConnectorWorld):
        options, platform = world.platform.connector.options, world.platform
        self.world = world
        self.url = platform.connector.url
        self.timeout_s = platform.connector.timeout_s
        self.cert_id = str(options.get("certID") or world.identity.sign_cert.serial_hex)
        self.source = str(options.get("srcOrgType", "1"))
        self.target = str(options.get("decOrgType", "2"))
        self.adm_div = str(options.get("admDivCode") or platform.values.get("AdmDivCode", ""))
        self.batch = platform.poll.batch if platform.poll is not None else 100

    # reading
    async def read(self, vt_code: str, *, again: bool = False) -> bytes | None:
        """The sealed MOF (DER) of up to `batch` vouchers; None when there is nothing."""
        name = "readVoucherAgain" if again else "readVoucher"
        reply = await self._call(
            name, [*self._of(vt_code), ("voucherCount", str(self.batch))], max_bytes=_READ_BYTES
        )
        return reply.data or None

    async def confirm(self, vt_code: str, nos: Sequence[str]) -> None:
        """签收成功: only after the commit of what was read."""
        await self._call("confirmVoucher", [*self._of(vt_code), ("voucherNo", nos)])

    async def confirm_fail(self, vt_code: str, nos: Sequence[str], messages: Sequence[str]) -> None:
        """签收失败, one reason a voucher, cut to 200 GBK bytes."""
        reasons = [_cut(message) for message in messages]
        await self._call("confirmVoucherFail", [*self._of(vt_code), ("voucherNo", nos), ("errMsg", reasons)])

    async def return_vouchers(self, vt_code: str, nos: Sequence[str], messages: Sequence[str]) -> None:
        """退回, one reason a voucher, cut to 200 GBK bytes."""
        reasons = [_cut(message) for message in messages]
        await self._call("returnVoucher", [*self._of(vt_code), ("voucherNo", nos), ("errMsg", reasons)])

    # writing
    async def write(
        self, vt_code: str, st_year: str, sealed: bytes, heads: Heads | None = None
    ) -> StoreReply:
        voucher = ("voucher", base64.b64encode(sealed).decode())
        return await self._call(
            "writeVoucher", [*self._of(vt_code, st_year), voucher, *self._orgs()], heads=heads
        )

    async def send(
        self, vt_code: str, st_year: str, nos: Sequence[str], heads: Heads | None = None
    ) -> StoreReply:
        head = [("certID", self.cert_id), ("admDivCode", self.adm_div), *self._orgs()]
        tail = [("stYear", st_year), ("vtCode", vt_code), ("voucherNo", nos)]
        return await self._call("sendVoucher", [*head, *tail], heads=heads)

    async def discard(
        self, vt_code: str, st_year: str, nos: Sequence[str], heads: Heads | None = None
    ) -> StoreReply:
        return await self._call(
            "discardVoucher", [*self._of(vt_code, st_year), ("voucherNo", nos)], heads=heads
        )

    async def query(
        self, vt_code: str, st_year: str, nos: Sequence[str], heads: Heads | None = None
    ) -> dict[str, str]:
        """Receipt status (0–6) by number; a number that the store does not know is absent."""
        target = ("decOrgType", self.target)
        args = [*self._of(vt_code, st_year), ("voucherNo", nos), target]
        reply = await self._call("queryVoucherStatusByOrgType", args, heads=heads)
        return {no: reply.entries[no] for no in nos if no in reply.entries}

    # files
    async def send_data(self, st_year: str, block: bytes, heads: Heads | None = None) -> StoreReply:
        """One block of a file, as formats.VoucherFileBlocks makes it."""
        return await self._call("sendData", self._data(st_year, block), heads=heads)

    async def get_data(self, st_year: str, block: bytes) -> bytes:
        """The block of a file that `block` (a File without data) names; b"" if there is none."""
        reply = await self._call("getData", self._data(st_year, block), max_bytes=_READ_BYTES)
        return reply.data

    def _of(self, vt_code: str, st_year: str = "") -> list[tuple[str, _Value]]:
        year = st_year or str(clock.now().year)
        return [("certID", self.cert_id), ("admDivCode", self.adm_div), ("stYear", year), ("vtCode", vt_code)]

    def _orgs(self) -> list[tuple[str, _Value]]:
        return [("srcOrgType", self.source), ("decOrgType", self.target)]

    def _data(self, st_year: str, block: bytes) -> list[tuple[str, _Value]]:
        head: list[tuple[str, _Value]] = [("certID", self.cert_id), ("admDivCode", self.adm_div)]
        data = ("data", base64.b64encode(block).decode())
        return [*head, *self._orgs(), ("stYear", st_year), data]

    async def _call(
        self,
        operation: str,
        arguments: Sequence[tuple[str, _Value]],
        *,
        max_bytes: int = 65_536,
        heads: Heads | None = None,
    ) -> StoreReply:
        body = envelope(operation, arguments)
        headers = {
            "Content-Type": "text/xml; charset=utf-8",
            "SOAPAction": f'"{NAMESPACE}/{operation}"',
            "Accept-Encoding": "identity",
        }
        signature = sign_request(
            "POST", self.url, headers, body, self.world.identity, clock.now_s(), secrets.token_urlsafe(16)
        )
        exchange = await post(
            self.world.session,
            self.url,
            body,
            {**headers, **signature},
            self.timeout_s,
            max_bytes=max_bytes,
            heads=heads,
        )
        return read_reply(operation, exchange)


def envelope(operation: str, arguments: Sequence[tuple[str, _Value]]) -> bytes:
    """A wrapped document/literal request; a sequence repeats its element."""
    parts = [_OPEN, f'<{operation} xmlns="{NAMESPACE}">']
    for name, value in arguments:
        for text in (value,) if isinstance(value, str) else value:
            parts.append(f"<{name}>{escape(text)}</{name}>")
    parts += [f"</{operation}>", _CLOSE]
    return "".join(parts).encode()


def read_reply(operation: str, exchange: Exchange) -> StoreReply:
    """The result; StoreRefusal for a Fault or an EVS code, DeliveryError for what is no SOAP answer."""
    body = _soap_body(exchange)
    if body is None:
        if exchange.status == 200:
            raise DeliveryError("delivery.nonsense", "the answer is not SOAP", status=200, unknown=True)
        text = f"HTTP {exchange.status} without a SOAP answer"
        # It recognises a voucher that comes again.
        raise refusal(exchange, code="delivery.refused", text=text, authentic=False, harmless_503=True)
    fault = body.find(f"{{{_SOAP}}}Fault")
    if fault is not None:
        raise _refused(fault.findtext("faultstring") or "", exchange.status)
    found = body.find(f"{{{NAMESPACE}}}{operation}Response")
    if found is None or exchange.status != 200:
        raise DeliveryError(
            "delivery.nonsense", f"no {operation}Response in the answer", status=exchange.status, unknown=True
        )
    reply = _read_return(found)
    if reply.code != SUCCESS:
        raise StoreRefusal(reply.code, reply.text, exchange.status)
    return reply


def _soap_body(exchange: Exchange) -> etree._Element | None:
    try:
        root = xmltree.parse(exchange.data)
    except MessageError:
        return None
    return root.find(f"{{{_SOAP}}}Body") if root.tag == f"{{{_SOAP}}}Envelope" else None


def _read_return(found: etree._Element) -> StoreReply:
    result = found.find(f"{{{NAMESPACE}}}return")
    if result is None:
        return StoreReply({})
    entries = {
        entry.findtext(f"{{{NAMESPACE}}}key") or "": entry.findtext(f"{{{NAMESPACE}}}value") or ""
        for entry in result.iterfind(f"{{{NAMESPACE}}}entry")
    }
    text = (result.text or "").strip()
    if entries or not text:
        return StoreReply(entries)
    try:
        return StoreReply({}, base64.b64decode("".join(text.split()), validate=True))
    except binascii.Error as error:
        raise DeliveryError("delivery.nonsense", "the result is not Base64", unknown=True) from error


def _refused(faultstring: str, status: int) -> StoreRefusal:
    evs, _, text = faultstring.partition("#")
    if not evs.startswith("EVS") or len(evs) > 10:
        return StoreRefusal("EVS", faultstring[:300], status)
    return StoreRefusal(evs, text[:300], status)


def _cut(message: str) -> str:
    """At most 200 GBK bytes, cut on a character's border; never empty."""
    return message.encode("gbk", "replace")[:_REASON_BYTES].decode("gbk", "ignore") or "-"
