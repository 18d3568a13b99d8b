"""A treasury's payment platform 支付平台: a voucher store that the gateway writes to and polls, sealed by gm.

One server a division. Every call must carry the gateway's HTTP message signature (RFC 9421), used once;
voucher bytes are sealed. `desk` is what the people at the treasury do.
"""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from gateway import clock, xmltree
from gateway.digests import sm3_hex
from gateway.errors import MessageError
from gateway.formats import formats, join, join_file_blocks, read_file_block
from gateway.message import GATEWAY_NODE, Record
from gateway.sandbox import vouchers
from gateway.sandbox.desk import Desk
from gateway.sandbox.envelopes import (
    Operation,
    StoreFault,
    data_result,
    fault_result,
    map_result,
    read_operation,
)
from gateway.sandbox.forms import Forms, biz_key, digest_of
from gateway.sandbox.ledger import ACKNOWLEDGED, APPLIED, REFUSED, REQUEST, Entry
from gateway.sandbox.place import GENERAL, SandboxPlatform
from gateway.sandbox.server import Platform
from gateway.sandbox.vouchers import INCOMING, Outgoing
from gateway.security.httpsig import has_digest, verify_request

FAILED = "failed"  # the gateway would not sign a voucher of ours in
_PATH = "/realware/services/AsspCBankService"
_MOST = 100
_OK = {"EVS": "EVS000"}
_WAITING, _READ, _CONFIRMED, _REFUSED, _RETURNED = "0", "1", "3", "4", "6"
_MEDIA = "application/xml; charset=GBK"
# What a voucher's elements are called in the standard, where ledgers are compared by it.
_NAMES = {"PayeeAcctNo": "AcctNo", "PayeeAcctBankNo": "AcctBankNo"}


class TreasuryPlatform(Platform):
    """`adm_div` is the division, the last part of the node's name."""

    def __init__(self, place: SandboxPlatform):
        super().__init__(place)
        self.adm_div = place.node.rpartition("-")[2]
        self.forms = Forms(place.schemas_dir / "platforms" / "treasury")
        self.wsdl = (place.schemas_dir / "platforms" / "treasury" / "voucher-store.wsdl").read_text("utf-8")
        self.desk = Desk(self)
        self._blocks: dict[tuple[str, str], dict[int, bytes]] = {}
        self._nonces: dict[str, float] = {}
        self._operations: dict[str, Callable[[Operation], bytes]] = {
            "readVoucher": self._read_new,
            "readVoucherAgain": self._read_again,
            "confirmVoucher": self._confirm,
            "confirmVoucherFail": self._confirm_fail,
            "returnVoucher": self._return,
            "discardVoucher": self._discard,
            "writeVoucher": self._write,
            "sendVoucher": self._send,
            "queryVoucherStatusByOrgType": self._query,
            "sendData": self._send_data,
            "getData": self._get_data,
        }

    def add_routes(self, app: web.Application) -> None:
        app.router.add_post(_PATH, self.serve)
        app.router.add_get(_PATH, self.describe)

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        try:
            self._identify(request, body)
            call = read_operation(body)
            perform = self._operations.get(call.name)
            if perform is None:
                raise StoreFault("EVS100", f"参数不合法：没有操作 {call.name[:60]}")
            if call.one("admDivCode")[:6] != self.adm_div:
                raise StoreFault("EVS004", "获取行政区划失败")
            answer, status = perform(call), 200
        except StoreFault as fault:
            answer, status = fault_result(fault), fault.status
        return web.Response(body=answer, status=status, content_type="text/xml", charset="utf-8")

    async def describe(self, request: web.Request) -> web.Response:
        """GET …?wsdl: the operations, at this server's address."""
        address = f"http://localhost{_PATH}"
        text = self.wsdl.replace(address, f"{request.scheme}://{request.host}{_PATH}")
        return web.Response(text=text, content_type="text/xml", charset="utf-8")

    def _identify(self, request: web.Request, body: bytes) -> None:
        """StoreFault EVS100 unless the gateway signed this very call, for the first time."""
        target = f"{request.scheme}://{request.host}{request.raw_path}"
        now = clock.now()
        try:
            call = verify_request(request.method, target, request.headers, self.client.trust, now)
        except MessageError as error:
            raise StoreFault("EVS100", "参数不合法：签名", 401) from error
        fresh = {nonce: at for nonce, at in self._nonces.items() if at > time.monotonic() - 180}
        replayed = call.nonce in fresh
        self._nonces = {**fresh, call.nonce: time.monotonic()}
        if call.platform != GATEWAY_NODE or replayed or not has_digest(call.content_digest, body):
            raise StoreFault("EVS100", "参数不合法：签名", 401)

    # writing, by the gateway
    def _write(self, call: Operation) -> bytes:
        """A sealed voucher is written down; it takes effect when it is sent."""
        try:
            opened = self.client.open(call.data("voucher"))
            parsed = formats.get("mof-voucher").decode(opened.payload)
        except MessageError as error:
            raise StoreFault("EVS100", f"参数不合法：{error.faults[0].zh}") from error
        vt_code, no, record = parsed.own_type, parsed.envelope["VoucherNo"], parsed.record
        number = INCOMING.get(vt_code, "")
        named = {_NAMES.get(name, name): value for name, value in record.items()}
        digest, key = digest_of(vt_code, record), opened.claims.idem_key
        self.ledger.append(REQUEST, number, key, digest=digest, biz_key=biz_key(number, named))
        held = self.book.get("voucher", f"{vt_code}|{no}")
        if held is not None:
            self._check_held(held, digest)
        faults = self._faults(vt_code, call, parsed.envelope, record, opened.payload)
        if faults:
            text = "；".join(faults)[:500]
            self.ledger.append(
                REFUSED, number, key, digest=digest, biz_key=biz_key(number, named), body=record, answer=text
            )
            raise StoreFault("EVS700", f"业务逻辑不合法：{text}")
        self.book.put(
            "voucher",
            f"{vt_code}|{no}",
            {
                "record": record, "digest": digest, "key": key, "number": number,
                "biz_key": biz_key(number, named), "state": "written",
            },
        )  # fmt: skip
        return map_result(call.name, _OK)

    @staticmethod
    def _check_held(held: Record, digest: str) -> None:
        if held["digest"] != digest:
            raise StoreFault("EVS700", "业务逻辑不合法：凭证编号不能重复")
        if held["state"] != "written":
            raise StoreFault("EVS700", "业务逻辑不合法：凭证已发送")

    def _faults(
        self, vt_code: str, call: Operation, envelope: dict[str, str], record: Record, payload: bytes
    ) -> list[str]:
        if vt_code not in INCOMING or call.one("vtCode") != vt_code:
            return [f"VtCode: {vt_code} 不是约定的凭证类型"]
        inner = xmltree.parse(payload, encoding="gbk").findtext("VoucherBody/Voucher") or ""
        element = xmltree.parse(base64.b64decode(inner), encoding="gbk")
        return [
            *self.forms.check(vt_code, element, record),
            *vouchers.check(record, envelope, clock.now()),
        ]

    def _send(self, call: Operation) -> bytes:
        """The vouchers take effect, each once."""
        vt_code = call.one("vtCode")
        for no in call.several("voucherNo"):
            held = self.book.get("voucher", f"{vt_code}|{no}")
            if held is None:
                raise StoreFault("EVS100", f"参数不合法：凭证 {no} 不存在")
            if held["state"] != "written":
                raise StoreFault("EVS700", f"业务逻辑不合法：凭证 {no} 已发送")
            self._apply(vt_code, no, held)
        return map_result(call.name, _OK)

    def _apply(self, vt_code: str, no: str, held: Record) -> None:
        if vt_code == vouchers.APPLICATION:
            self.desk.receive(held["record"])
        self.book.put("voucher", f"{vt_code}|{no}", {**held, "state": "sent"})
        self.ledger.append(
            APPLIED,
            held["number"],
            held["key"],
            digest=held["digest"],
            biz_key=held["biz_key"],
            body=held["record"],
        )

    def _discard(self, call: Operation) -> bytes:
        """A withdrawal is asked for; whether it is granted, 9802 tells."""
        vt_code = call.one("vtCode")
        for no in call.several("voucherNo"):
            held = self.book.get("voucher", f"{vt_code}|{no}")
            key, app_no = f"discard|{vt_code}|{no}", held["record"].get("PayAppNo", "") if held else ""
            self.ledger.append(REQUEST, "3004", key, digest=digest_of("3004", no), biz_key=app_no)
            if held is None:
                raise StoreFault("EVS100", f"参数不合法：凭证 {no} 不存在")
            if held["state"] == "discarded":
                raise StoreFault("EVS700", f"业务逻辑不合法：凭证 {no} 已作废")
            self.book.put("voucher", f"{vt_code}|{no}", {**held, "state": "discarded"})
            body = {"PayAppNo": app_no, "VoucherNo": no}
            self.ledger.append(APPLIED, "3004", key, digest=digest_of("3004", no), biz_key=app_no, body=body)
        return map_result(call.name, _OK)

    def _query(self, call: Operation) -> bytes:
        entries = dict(_OK)
        for no in call.several("voucherNo"):
            held = self.book.get("voucher", f"{call.one('vtCode')}|{no}")
            if held is not None:
                entries[no] = "0" if held["state"] == "written" else "1"
        return map_result(call.name, entries)

    def _send_data(self, call: Operation) -> bytes:
        """One block of a file; the last one completes it."""
        try:
            block = read_file_block(call.data("data"))
            held = self._blocks.setdefault((block.voucher_no, block.name), {})
            held[block.index] = call.data("data")
            if len(held) == block.count:
                _, data = join_file_blocks(read_file_block(one) for one in held.values())
                del self._blocks[block.voucher_no, block.name]
                self._keep_file(block.voucher_no, block.name, data)
        except MessageError as error:
            raise StoreFault("EVS100", f"参数不合法：{error.faults[0].zh}") from error
        return map_result(call.name, _OK)

    def _keep_file(self, voucher_no: str, name: str, data: bytes) -> None:
        digest = sm3_hex(data)
        folder = self.folder / "files"
        folder.mkdir(exist_ok=True)
        (folder / digest).write_bytes(data)
        self.book.put("file", f"{voucher_no}|{name}", {"digest": digest, "size": len(data)})

    def has_file(self, digest: str) -> bool:
        """Did a file with this SM3 (hex) come, whole?"""
        return (self.folder / "files" / digest).exists()

    def _get_data(self, call: Operation) -> bytes:
        try:
            wanted = read_file_block(call.data("data"))
        except MessageError as error:
            raise StoreFault("EVS100", f"参数不合法：{error.faults[0].zh}") from error
        held = self.book.get("file", f"{wanted.voucher_no}|{wanted.name}")
        if held is None:
            return data_result(call.name, b"")
        return data_result(call.name, (self.folder / "files" / held["digest"]).read_bytes())

    # reading, by the gateway
    def enqueue(self, voucher: Outgoing) -> None:
        """A voucher of ours waits to be polled."""
        self.book.put(
            "out",
            f"{voucher.vt_code}|{voucher.no}",
            {
                "mof": base64.b64encode(voucher.mof).decode(), "state": _WAITING, "number": voucher.number,
                "biz_key": voucher.biz_key, "digest": voucher.digest,
            },
        )  # fmt: skip

    def _read_new(self, call: Operation) -> bytes:
        return self._give(call, _WAITING)

    def _read_again(self, call: Operation) -> bytes:
        return self._give(call, _READ)

    def _give(self, call: Operation, state: str) -> bytes:
        vt_code, count = call.one("vtCode"), min(int(call.one("voucherCount")), _MOST)
        found = [
            (key, one)
            for key, one in self.book.all("out").items()
            if key.startswith(f"{vt_code}|") and one["state"] == state
        ][:count]
        if not found:
            return data_result(call.name, b"")
        for key, one in found:
            if state == _WAITING:
                self.book.put("out", key, {**one, "state": _READ})
        mof = join([base64.b64decode(one["mof"]) for _, one in found])
        return data_result(call.name, self.client.seal(mof, vt_code, secrets.token_hex(32), _MEDIA))

    def _confirm(self, call: Operation) -> bytes:
        for key, one in self._named(call):
            if one["state"] != _CONFIRMED:
                self.book.put("out", key, {**one, "state": _CONFIRMED})
                self._note(ACKNOWLEDGED, key, one, to=(GENERAL,))
        return map_result(call.name, _OK)

    def _confirm_fail(self, call: Operation) -> bytes:
        self._refuse(call, _REFUSED)
        return map_result(call.name, _OK)

    def _return(self, call: Operation) -> bytes:
        self._refuse(call, _RETURNED)
        return map_result(call.name, _OK)

    def _refuse(self, call: Operation, state: str) -> None:
        reasons = call.several("errMsg")
        named = self._named(call)
        if len(reasons) != len(named) or any(len(why.encode("gbk", "replace")) > 200 for why in reasons):
            raise StoreFault("EVS100", "参数不合法：errMsg")
        for (key, one), why in zip(named, reasons, strict=True):
            self.book.put("out", key, {**one, "state": state, "reason": why})
            self._note(FAILED, key, one, answer=why)

    def _named(self, call: Operation) -> list[tuple[str, dict[str, Any]]]:
        found = []
        for no in call.several("voucherNo"):
            key = f"{call.one('vtCode')}|{no}"
            one = self.book.get("out", key)
            if one is None or one["state"] == _WAITING:
                raise StoreFault("EVS100", f"参数不合法：凭证 {no} 未读取")
            found.append((key, one))
        return found

    def _note(
        self, kind: str, key: str, one: dict[str, Any], *, to: tuple[str, ...] = (), answer: str = ""
    ) -> Entry:
        return self.ledger.append(
            kind, one["number"], key, digest=one["digest"], biz_key=one["biz_key"], answer=answer, to=to
        )
