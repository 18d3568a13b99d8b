"""One message whole: what happened when, its forms side by side with their lineage, who signed it, its proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from gateway import xmltree
from gateway.console import proof
from gateway.console.certificates import Key, all_keys
from gateway.console.curls import curl_of
from gateway.console.guard import audit, requires
from gateway.console.lineages import (
    HIDDEN,
    ORIGINAL,
    STANDARD,
    WITHHELD,
    FormLeaves,
    form_leaves,
    is_withheld,
)
from gateway.console.masked import MOST_CHARS, NO_MASK, Masker, indented, readable, without
from gateway.console.timeline import timeline
from gateway.console.told import answer_of, headers_of
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.errors import MessageError
from gateway.evidence import make_receipt
from gateway.message import Record
from gateway.payments.process import ORIGINS
from gateway.store.contract import AttemptRow, DeliveryRow, MessageFilter, MessageRow

_LONGEST_REASON = 500
_RELATED = 40
_ANSWER = "answer"
_OWN = (
    STANDARD,
    _ANSWER,
)  # in the standard's words or the gateway's own: the masker knows what is sensitive there


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a message, readable and masked. `id` is its anchor. `fault`: why its text is not shown, as a key."""

    id: str
    title: str
    text: str
    cut: bool
    fault: str = ""


def add(pages: web.Application) -> None:
    pages.router.add_get("/messages/{id}", show_message)
    pages.router.add_post("/messages/{id}/unmask", unmask)
    pages.router.add_get("/messages/{id}/proof", show_proof)
    pages.router.add_get("/messages/{id}/evidence", download_evidence)


@requires("messages.view")
async def show_message(request: web.Request) -> web.Response:
    return await _message_page(request, await _get(request))


@requires("messages.unmask")
async def unmask(request: web.Request) -> web.Response:
    """The page with its sensitive values, for this one view; who looked and why is written down before."""
    row = await _get(request)
    reason = str((await request.post()).get("reason", "")).strip()[:_LONGEST_REASON]
    if not reason:
        return await _message_page(request, row, status=422)
    await audit(request, "unmask", row.id, reason, {"type": row.type, "application": row.application})
    return await _message_page(request, row, is_plain=True)


@requires("evidence.view")
async def show_proof(request: web.Request) -> web.Response:
    """The receipt checked now; htmx gets the result alone."""
    world, row = request.app[WORLD], await _get(request)
    found = await asyncio.to_thread(proof.check, world.settings, row)
    context = {
        "tab": "messages",
        "row": row,
        "proof": found,
        "is_part": request.headers.get("HX-Request") == "true",
    }
    response = await render(request, "message-proof.html", context)
    response.headers["Vary"] = "HX-Request"
    return response


@requires("evidence.view")
async def download_evidence(request: web.Request) -> web.Response:
    """The receipt as `gateway evidence verify` takes it; it holds digests and ids, and nothing of the content."""
    row = await _get(request)
    if row.place is None:
        raise web.HTTPNotFound
    return web.Response(
        body=orjson.dumps(make_receipt(row), option=orjson.OPT_INDENT_2),
        content_type="application/json",
        headers={"Content-Disposition": f'attachment; filename="evidence-{row.id}.json"'},
    )


async def _get(request: web.Request) -> MessageRow:
    row = await request.app[WORLD].store.get_message(request.match_info["id"])
    if row is None:
        raise web.HTTPNotFound
    return row


async def _message_page(
    request: web.Request, row: MessageRow, *, is_plain: bool = False, status: int = 200
) -> web.Response:
    world = request.app[WORLD]
    masker = NO_MASK if is_plain else world.masker(row)
    deliveries = [world.masked_delivery(one, masker) for one in await world.store.deliveries(row.id)]
    attempts = {one.id: await world.store.attempts(one.id) for one in deliveries}
    events = await world.store.events(row.id)
    platforms = world.settings.platforms
    leaves = await leaves_of(world, row, deliveries, masker)
    context = {
        "tab": "messages",
        "row": row if is_plain else world.masked(row),
        "is_plain": is_plain,
        "no_reason": status == 422,
        "deliveries": deliveries,
        "platforms": platforms,
        "curls": {one.id: curl_of(platforms[one.receiver], one) for one in deliveries if one.receiver in platforms},
        "attempts": attempts,
        "answers": _of_each(attempts, lambda one: answer_of(one, masker) if one.answer else ""),
        "headers": _of_each(attempts, lambda one: headers_of(one, masker) if one.headers else {}),
        "timeline": timeline(row, events, deliveries, attempts, masker),
        "signer": await signer(world, row),
        "forms": forms_of(world, row, deliveries, masker, leaves),
        "leaves": leaves,
        "related": await related(world, row),
        "most": MOST_CHARS,
    }  # fmt: skip
    return await render(request, "message.html", context, status=status)


async def leaves_of(
    world: ConsoleWorld, row: MessageRow, deliveries: list[DeliveryRow], masker: Masker
) -> list[FormLeaves]:
    """With the message that it answers, as the mapping saw it on the way."""
    if not row.body:
        return []
    answered = await _answered(world, row)
    return await asyncio.to_thread(form_leaves, world.translator, row, deliveries, masker, answered)


async def _answered(world: ConsoleWorld, row: MessageRow) -> Record | None:
    number = ORIGINS.get(row.type)
    if number is None:
        return None
    found = await world.store.search(MessageFilter(type=number, application=row.application, limit=1))
    return world.translator.standard.read(number, found[0].body) if found and found[0].body else None


async def signer(world: ConsoleWorld, row: MessageRow) -> Key | None:
    """The certificate whose key signed it, where it is still among those of its sender."""
    if not row.cert:
        return None
    found = await asyncio.to_thread(all_keys, world.settings)
    return next((one for rows in found.values() for one in rows if one.thumbprint == row.cert), None)


async def related(world: ConsoleWorld, row: MessageRow) -> list[MessageRow]:
    """The newest of the same application, in the order of time; and the one that it answers."""
    rows: list[MessageRow] = []
    if row.application:
        rows += await world.store.search(MessageFilter(application=row.application, limit=_RELATED))
    if row.origin_id and all(one.id != row.origin_id for one in rows):
        origin = await world.store.get_message(row.origin_id)
        rows += [origin] if origin is not None else []
    return sorted((one for one in rows if one.id != row.id), key=lambda one: one.id)


def _of_each(
    attempts: dict[int, Sequence[AttemptRow]], told: Callable[[AttemptRow], Any]
) -> dict[tuple[int, int], Any]:
    return {(delivery, one.number): told(one) for delivery, tried in attempts.items() for one in tried}


def forms_of(
    world: ConsoleWorld,
    row: MessageRow,
    deliveries: Sequence[DeliveryRow],
    masker: Masker,
    leaves: Sequence[FormLeaves],
) -> list[Form]:
    """The sender's own form, the standard's, and each receiver's. `leaves`: what is hidden there is hidden here."""
    platforms = world.settings.platforms
    sender = platforms.get(row.sender)
    texts = []
    if row.original:
        texts.append((ORIGINAL, "message.original", readable(row.original, _format(sender, row.original))))
    texts.append((STANDARD, "message.standard", _standard_text(world, row)))
    for one in deliveries:
        if one.rendered:
            text = readable(one.rendered, _format(platforms.get(one.receiver), one.rendered))
            texts.append((f"to-{one.id}", f"→ {one.receiver}", text))
    if row.answer:
        texts.append((_ANSWER, "message.answered", readable(row.answer)))
    found = {one.id: one for one in leaves}
    forms = []
    for id, title, text in texts:
        if id not in _OWN and is_withheld(world.translator.standard, row, found.get(id), masker):
            forms.append(Form(id, title, "", cut=False, fault=WITHHELD))
            continue
        hidden = found[id].hidden if id in found else ()
        forms.append(_form(id, title, masker.text(without(text, hidden, HIDDEN))))
    return forms


def _format(platform: Any, data: bytes) -> str:
    return platform.format if platform is not None and data else ""


def _standard_text(world: ConsoleWorld, row: MessageRow) -> str:
    """The canonical body, indented."""
    try:
        return indented(xmltree.parse(row.body))
    except MessageError:
        return row.body.decode("utf-8", "replace")


def _form(id: str, title: str, shown: str) -> Form:
    return Form(id, title, shown[:MOST_CHARS], len(shown) > MOST_CHARS)
