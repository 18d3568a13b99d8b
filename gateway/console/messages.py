"""The message log with its search, and one message: facts, timeline, deliveries, its forms (masked)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway import xmltree
from gateway.console.asking import FIELDS, STATES, AskFault, address, asked, filter_of
from gateway.console.guard import audit, requires
from gateway.console.masked import MOST_CHARS, NO_MASK, Masker, indented, readable
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.errors import MessageError
from gateway.store.contract import AttemptRow, DeliveryRow, MessageRow

PAGE_ROWS = 50
_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a message, readable and masked. `id` is its anchor."""

    id: str
    title: str
    text: str
    cut: bool


def add(pages: web.Application) -> None:
    pages.router.add_get("/", show_log)
    pages.router.add_get("/messages/{id}", show_message)
    pages.router.add_post("/messages/{id}/unmask", unmask)


@requires("messages.view")
async def show_log(request: web.Request) -> web.Response:
    """The newest first, 50 a page. htmx asks for the rows alone. A field that cannot be read finds nothing."""
    world = request.app[WORLD]
    wanted, before = asked(request.query), request.query.get("before", "")[:32]
    rows: Sequence[MessageRow] = ()
    fault = ""
    try:
        rows = await world.store.search(filter_of(wanted, limit=PAGE_ROWS + 1, before=before))
    except AskFault as error:
        fault = error.name
    shown = list(rows[:PAGE_ROWS])
    context = {
        "tab": "messages",
        "rows": [(world.masked(row), await world.store.deliveries(row.id)) for row in shown],
        "wanted": {field.name: wanted.get(field.name, "") for field in FIELDS},
        "fault": fault,
        "before": before,
        "newest": "?" + address(wanted),
        "older": "?" + address(wanted, before=shown[-1].id) if len(rows) > PAGE_ROWS else "",
        "types": sorted(kind.number for kind in world.translator.standard.catalogue),
        "platforms": sorted(world.settings.platforms),
        "states": STATES,
    }
    template = "log_rows.html" if _wants_rows(request) else "log.html"
    response = await render(request, template, context)
    response.headers["Vary"] = "HX-Request, HX-History-Restore-Request"
    return response


def _wants_rows(request: web.Request) -> bool:
    """htmx replaces the rows alone; going back in the browser's history it asks for the whole page."""
    restores = request.headers.get("HX-History-Restore-Request") == "true"
    return request.headers.get("HX-Request") == "true" and not restores


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
    context = {
        "tab": "messages",
        "row": row if is_plain else world.masked(row),
        "is_plain": is_plain,
        "no_reason": status == 422,
        "deliveries": deliveries,
        "attempts": attempts,
        "answers": _answers(attempts, masker),
        "timeline": await _timeline(world, row, deliveries, attempts, masker),
        "forms": _forms(world, row, deliveries, masker),
        "most": MOST_CHARS,
    }
    return await render(request, "message.html", context, status=status)


def _answers(attempts: dict[int, Sequence[AttemptRow]], masker: Masker) -> dict[tuple[int, int], str]:
    return {
        (delivery, one.number): masker.text(readable(one.answer))[:2000]
        for delivery, tried in attempts.items()
        for one in tried
        if one.answer
    }


async def _timeline(
    world: ConsoleWorld,
    row: MessageRow,
    deliveries: Sequence[DeliveryRow],
    attempts: dict[int, Sequence[AttemptRow]],
    masker: Masker,
) -> list[dict[str, Any]]:
    """Events and attempts in the order of time."""
    lines = [
        {
            "at": event.at,
            "stage": event.stage,
            "text": masker.text(_words(event.detail)),
            "node": "",
            "state": "",
        }
        for event in await world.store.events(row.id)
    ]
    for delivery in deliveries:
        lines += [
            {
                "at": one.started_at,
                "stage": "attempt",
                "text": " · ".join(part for part in (_took(one), one.code, masker.text(one.text)) if part),
                "node": delivery.receiver,
                "state": one.state,
                "number": one.number,
            }
            for one in attempts[delivery.id]
        ]
    return sorted(lines, key=lambda line: int(line["at"]))


def _took(one: AttemptRow) -> str:
    status = f"HTTP {one.status} · " if one.status else ""
    return f"{status}{one.latency_ms} ms"


def _words(detail: Mapping[str, Any]) -> str:
    """An event's detail in one line."""
    parts = []
    for name, value in detail.items():
        if isinstance(value, Mapping):
            unit = " µs" if name.endswith("_us") else ""
            parts += [f"{key} {number}{unit}" for key, number in value.items()]
        elif isinstance(value, str | int | float) and value != "":
            parts.append(f"{name} {value}")
    return " · ".join(parts)[:500]


def _forms(
    world: ConsoleWorld, row: MessageRow, deliveries: Sequence[DeliveryRow], masker: Masker
) -> list[Form]:
    """The sender's own form, the standard's, and each receiver's."""
    platforms = world.settings.platforms
    sender = platforms.get(row.sender)
    forms = []
    if row.original:
        forms.append(
            _form(
                "original", "message.original", readable(row.original, _format(sender, row.original)), masker
            )
        )
    forms.append(_form("standard", "message.standard", _standard_text(world, row), masker))
    for one in deliveries:
        if one.rendered:
            text = readable(one.rendered, _format(platforms.get(one.receiver), one.rendered))
            forms.append(_form(f"to-{one.id}", f"→ {one.receiver}", text, masker))
    if row.answer:
        forms.append(_form("answer", "message.answered", readable(row.answer), masker))
    return forms


def _format(platform: Any, data: bytes) -> str:
    return platform.format if platform is not None and data else ""


def _standard_text(world: ConsoleWorld, row: MessageRow) -> str:
    """The canonical body, indented."""
    try:
        return indented(xmltree.parse(row.body))
    except MessageError:
        return row.body.decode("utf-8", "replace")


def _form(id: str, title: str, text: str, masker: Masker) -> Form:
    shown = masker.text(text)
    return Form(id, title, shown[:MOST_CHARS], len(shown) > MOST_CHARS)
