"""The evidence: checkpoints of every log, whether each grew out of the one before, and whether a receipt is genuine."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, replace
from pathlib import Path

import orjson
from aiohttp import web

from gateway.console.guard import requires
from gateway.console.world import WORLD, render
from gateway.errors import MessageError
from gateway.evidence import ReceiptInvalid, Verified, checkpoint_text, verify_receipt
from gateway.evidence.chain import ChainCheck, check_chain
from gateway.evidence.log import FORMAT
from gateway.formats import read_json
from gateway.message import GATEWAY_NODE
from gateway.security.keys import Certificate, load_certificate
from gateway.store.contract import CheckpointRow, MessageRow, Store

PAGE_ROWS = 50
MOST_RECEIPT_BYTES = 64 * 1024
MOST_CHECKED = 5000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Receipt:
    """What came of a receipt that somebody gave. `fault`: why it proves nothing; `row`: the message as it is here."""

    verified: Verified | None = None
    fault: str = ""
    row: MessageRow | None = None

    @property
    def is_as_stored(self) -> bool:
        """Does the message that lies here have the fingerprint that the receipt proves?"""
        return (
            self.row is not None
            and self.verified is not None
            and self.row.fingerprint == self.verified.fingerprint
        )


def add(pages: web.Application) -> None:
    pages.router.add_get("/evidence", show_evidence)
    pages.router.add_post("/evidence/check", check)
    pages.router.add_post("/evidence/receipt", verify)
    pages.router.add_get("/evidence/checkpoints/{log}/{size}", download)


@requires("evidence.view")
async def show_evidence(request: web.Request) -> web.Response:
    return await _page(request)


@requires("evidence.view")
async def check(request: web.Request) -> web.Response:
    """Signatures and growth of a log's checkpoints, from one of so many leaves on."""
    given = await request.post()
    log_id, first = str(given.get("log", ""))[:128], number_of(str(given.get("first", "")))
    store = request.app[WORLD].store
    if log_id not in {one.log_id for one in await store.evidence_logs()}:
        raise web.HTTPNotFound
    checked = await check_log(store, request.app[WORLD].settings.certs_dir, log_id, first)
    return await _page(request, log_id=log_id, checked=checked, first=first)


@requires("evidence.view")
async def verify(request: web.Request) -> web.Response:
    """A receipt's file, at most 64 KiB: what it proves, or why it proves nothing."""
    field = (await request.post()).get("receipt")
    if not isinstance(field, web.FileField):
        return await _page(request, fault="evidence.no-file", status=400)
    data = field.file.read(MOST_RECEIPT_BYTES + 1)
    if len(data) > MOST_RECEIPT_BYTES:
        return await _page(request, fault="evidence.large", status=413)
    known = await asyncio.to_thread(receipt_keys, request.app[WORLD].settings.certs_dir)
    receipt = judge_receipt(data, known)
    if receipt.verified is not None:
        row = await request.app[WORLD].store.get_message(receipt.verified.message_id)
        receipt = replace(receipt, row=row)
    return await _page(request, receipt=receipt)


@requires("evidence.view")
async def download(request: web.Request) -> web.Response:
    """One checkpoint as JSON, with the text that its signature covers."""
    log_id, size = request.match_info["log"], number_of(request.match_info["size"])
    row = await request.app[WORLD].store.find_checkpoint(log_id, size)
    if row is None:
        raise web.HTTPNotFound
    name = f"checkpoint-{row.size}.json"
    return web.Response(
        body=orjson.dumps(as_told(row), option=orjson.OPT_INDENT_2),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _page(
    request: web.Request,
    *,
    log_id: str = "",
    checked: ChainCheck | None = None,
    first: int = 0,
    receipt: Receipt | None = None,
    fault: str = "",
    status: int = 200,
) -> web.Response:
    store = request.app[WORLD].store
    logs = await store.evidence_logs()
    log_id = log_id or request.query.get("log", "")[:128] or (logs[0].log_id if logs else "")
    before = number_of(request.query.get("before", ""))
    rows = await store.checkpoints(log_id, before, PAGE_ROWS + 1)
    shown = rows[:PAGE_ROWS]
    context = {
        "tab": "evidence",
        "logs": logs,
        "log_id": log_id,
        "rows": shown,
        "before": before,
        "older": shown[-1].size if len(rows) > PAGE_ROWS else 0,
        "checked": checked,
        "is_whole": checked is not None
        and any((one.log_id, one.size) == (log_id, checked.size) for one in logs),
        "first": first,
        "receipt": receipt,
        "fault": fault,
        "most": MOST_CHECKED,
    }
    return await render(request, "evidence.html", context, status=status)


async def check_log(store: Store, certs_dir: Path, log_id: str, first: int) -> ChainCheck:
    """At most `MOST_CHECKED` checkpoints, from the first with `first` leaves or more on."""
    certificates = await asyncio.to_thread(receipt_keys, certs_dir)
    known = {name: one.verify_text for name, one in certificates.items()}
    checked = ChainCheck(0, 0, "")
    while checked.checked < MOST_CHECKED:
        room = min(_AT_ONCE, MOST_CHECKED - checked.checked)
        before, links = await store.chain_links(log_id, first, room)
        if not links:
            break
        found = await asyncio.to_thread(check_chain, log_id, before, links, known)
        checked = replace(found, checked=checked.checked + found.checked)
        if found.fault or len(links) < room:
            break
        first = found.size + 1
    return checked


def judge_receipt(data: bytes, known: dict[str, Certificate]) -> Receipt:
    """By the gateway's own certificate that the receipt names; a receipt of another key proves nothing here."""
    try:
        receipt = read_json(data)
    except MessageError:
        return Receipt(fault="evidence.not-json")
    checkpoint = receipt.get("checkpoint") if isinstance(receipt, dict) else None
    named = str(checkpoint.get("key_id", "")) if isinstance(checkpoint, dict) else ""
    certificate = known.get(named)
    if checkpoint is None or not named:
        return Receipt(fault="evidence.no-receipt")
    if certificate is None:
        return Receipt(fault="evidence.other-key")
    try:
        return Receipt(verify_receipt(receipt, certificate.verify_text, certificate.thumbprint))
    except ReceiptInvalid:
        return Receipt(fault="evidence.false")


def receipt_keys(certs_dir: Path) -> dict[str, Certificate]:
    """The receipt key's certificate and those before it (`receipt*.crt`), by thumbprint."""
    paths = sorted((certs_dir / GATEWAY_NODE).glob("receipt*.crt"))
    found = [load_certificate(path.read_bytes()) for path in paths]
    return {one.thumbprint: one for one in found}


def as_told(row: CheckpointRow) -> dict[str, str | int]:
    return {
        "format": FORMAT, "log_id": row.log_id, "size": row.size, "root": row.root.hex(), "signed_at": row.signed_at,
        "key_id": row.key_id, "signature": base64.b64encode(row.signature).decode(),
        "text": checkpoint_text(row.log_id, row.size, row.root, row.signed_at).decode(),
    }  # fmt: skip


def number_of(text: str) -> int:
    """0 for what is no number."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
