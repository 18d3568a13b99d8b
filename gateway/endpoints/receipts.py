"""GET /v1/receipts/{id}: the proof that a message was taken over. POST /v1/receipts/verify: is it genuine?

A receipt is a pure function of stored rows, so asking again gives the same one. Verification here is a
convenience; `gateway evidence verify` does the same offline with public keys alone.
"""

from __future__ import annotations

import functools
from dataclasses import asdict
from pathlib import Path

from aiohttp import web

from gateway.endpoints.signed import identify, identify_with_body, sealed_json
from gateway.endpoints.world import WORLD
from gateway.errors import MessageError
from gateway.evidence import ReceiptInvalid, make_receipt, verify_receipt
from gateway.formats import read_json
from gateway.message import GATEWAY_NODE
from gateway.security.keys import Certificate, load_certificate


def add(app: web.Application) -> None:
    app.router.add_get("/v1/receipts/{id}", show)
    app.router.add_post("/v1/receipts/verify", verify)


async def show(request: web.Request) -> web.Response:
    """For the message's sender and receivers; for all others it does not exist."""
    world = request.app[WORLD]
    caller = await identify(request, world)
    row = await world.store.get_message(request.match_info["id"])
    me = caller.platform.id
    mine = row is not None and (
        row.sender == me or any(one.receiver == me for one in await world.store.deliveries(row.id))
    )
    if row is None or not mine:
        raise MessageError.of(
            "receipt.unknown", "回执不存在或无权查看", "no such receipt, or not yours to see", result="30003",
            status=404,
        )  # fmt: skip
    return sealed_json(world, caller, "receipt", make_receipt(row))


async def verify(request: web.Request) -> web.Response:
    """{Valid, and what the receipt proves}, or {Valid: false, Reason}: a false receipt is an answer too."""
    world = request.app[WORLD]
    caller, body = await identify_with_body(request, world)
    receipt = read_json(body)
    known = _receipt_certificate(world.settings.certs_dir)
    try:
        proved = asdict(verify_receipt(receipt, known.verify_text, known.thumbprint))
    except ReceiptInvalid as error:
        return sealed_json(world, caller, "receipt", {"Valid": False, "Reason": str(error)[:300]})
    return sealed_json(world, caller, "receipt", {"Valid": True, **{_title(k): v for k, v in proved.items()}})


@functools.cache
def _receipt_certificate(folder: Path) -> Certificate:
    """The certificate of the key that signs checkpoints."""
    return load_certificate((folder / GATEWAY_NODE / "receipt.crt").read_bytes())


def _title(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
