"""Platforms behind a voucher store: a message becomes a sealed MOF voucher that is written and sent.

Which operations carry which message type is configuration (`operations`); without an entry it is
writeVoucher, sendVoucher. The store recognises a voucher by (AdmDivCode, StYear, VtCode, VoucherNo), so a
repeated send has one effect: it answers "已发送", which counts as success. After an unknown outcome the
receipt status is asked for. discardVoucher names the voucher that was pushed: its type is the option
`discardVtCode`, else the platform's value ApplicationVtCode, else that of the rendered form.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from gateway import xmltree
from gateway.connectors.contract import Answer, Connector, ConnectorWorld, FileRef, Parcel, connectors
from gateway.connectors.heads import Heads
from gateway.connectors.seals import seal
from gateway.connectors.voucher_store import SUCCESS, StoreRefusal, StoreReply, VoucherStore
from gateway.errors import DeliveryError, MessageError
from gateway.formats import VoucherFileBlocks

DEFAULT_OPERATIONS = ("writeVoucher", "sendVoucher")
# The store has this very voucher. "凭证编号不能重复" is not among them: the number may stand there with other
# content, so that one is final and a person looks.
_ALREADY = ("已发送", "已写入", "已作废")
# 1 已接收 3 签收成功 4 签收失败 5 已回单 6 被退回: it arrived; what became of it comes as 8002.
_ARRIVED = frozenset({"1", "3", "4", "5", "6"})


@dataclass(frozen=True, slots=True)
class Voucher:
    """What identifies the voucher in a rendered MOF."""

    vt_code: str
    st_year: str
    number: str


class VoucherConnector:
    knows_keys = True

    def __init__(self, world: ConnectorWorld):
        self.world = world
        self.store = VoucherStore(world)
        self.operations = world.platform.connector.operations
        options, values = world.platform.connector.options, world.platform.values
        self.discard_vt_code = str(options.get("discardVtCode") or values.get("ApplicationVtCode", ""))

    async def send(self, parcel: Parcel) -> Answer:
        voucher = read_voucher(parcel.payload)
        names = self._names(parcel.type)
        for name in names[:-1]:
            try:
                await self._run(name, voucher, parcel)
            except StoreRefusal as refusal:
                if not _is_already(refusal):
                    raise
        try:
            return _answer(await self._run(names[-1], voucher, parcel))
        except StoreRefusal as refusal:
            if _is_already(refusal):
                return _answer(StoreReply({"EVS": SUCCESS, "text": refusal.text}), already=True)
            raise

    def can_ask(self, number: str) -> bool:
        """Only what is sent has a receipt status: of a withdrawal the store tells none."""
        return "sendVoucher" in self._names(number)

    async def ask(self, parcel: Parcel) -> Answer | None:
        voucher = read_voucher(parcel.payload)
        status = await self.store.query(voucher.vt_code, voucher.st_year, [voucher.number], parcel.heads)
        if status.get(voucher.number) not in _ARRIVED:
            return None
        text = f"status {status[voucher.number]}"
        return _answer(StoreReply({"EVS": SUCCESS, "text": text}), already=True)

    async def close(self) -> None:
        """The session belongs to whoever made it."""

    def _names(self, number: str) -> tuple[str, ...]:
        configured = self.operations.get(number)
        return tuple(configured.operations) if configured is not None else DEFAULT_OPERATIONS

    async def _run(self, name: str, voucher: Voucher, parcel: Parcel) -> StoreReply:
        match name:
            case "sendData":
                for file in parcel.files:
                    await self._send_file(file, voucher, parcel.heads)
                return StoreReply({})
            case "writeVoucher":
                sealed = seal(self.world, parcel)
                return await self.store.write(voucher.vt_code, voucher.st_year, sealed, parcel.heads)
            case "sendVoucher":
                return await self.store.send(voucher.vt_code, voucher.st_year, [voucher.number], parcel.heads)
            case "discardVoucher":
                vt_code = self.discard_vt_code or voucher.vt_code
                return await self.store.discard(vt_code, voucher.st_year, [voucher.number], parcel.heads)
            case _:
                raise DeliveryError("delivery.configuration", f"unknown operation {name}", permanent=True)

    async def _send_file(self, file: FileRef, voucher: Voucher, heads: Heads) -> None:
        """A stored attachment in blocks of 2 MiB; at most one block is held in memory."""
        blocks = VoucherFileBlocks(file.name, voucher.vt_code, voucher.number, file.size, attach=file.digest)
        try:
            async for chunk in self.world.read_file(file.digest):
                for block in blocks.feed(chunk):
                    await self.store.send_data(voucher.st_year, block, heads)
            rest = blocks.finish()
        except (OSError, ValueError) as error:
            # Ours to mend (a file that is not there, or another than was granted), so it may be retried.
            raise DeliveryError("delivery.attachment", f"{file.digest}: {error}"[:300]) from error
        for block in rest:
            await self.store.send_data(voucher.st_year, block, heads)


def read_voucher(payload: bytes) -> Voucher:
    """The attributes of the only VoucherBody. DeliveryError (permanent) if the form has none."""
    try:
        root = xmltree.parse(payload)
    except MessageError as error:
        raise DeliveryError("delivery.form", str(error)[:300], permanent=True) from error
    body = root if xmltree.local(root.tag) == "VoucherBody" else root.find(".//VoucherBody")
    if body is None or not body.get("VoucherNo"):
        raise DeliveryError("delivery.form", "the form holds no numbered VoucherBody", permanent=True)
    return Voucher(body.get("VtCode") or "", body.get("StYear") or "", body.get("VoucherNo") or "")


def _is_already(refusal: StoreRefusal) -> bool:
    return refusal.evs == "EVS700" and any(word in refusal.text for word in _ALREADY)


def _answer(reply: StoreReply, *, already: bool = False) -> Answer:
    """The Map as small JSON, which the platform's acknowledgement mapping reads."""
    return Answer(orjson.dumps({**reply.entries, "EVS": reply.code, "text": reply.text}), 200, already)


def make(world: ConnectorWorld) -> Connector:
    return VoucherConnector(world)


connectors.add("voucher", make)
