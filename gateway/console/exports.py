"""The message log as CSV and XLSX: what the search finds, masked, bounded, and written down before it is given."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from aiohttp import web

from gateway import clock
from gateway.console.asking import AskFault, asked, filter_of
from gateway.console.csvs import stream
from gateway.console.guard import audit, requires
from gateway.console.headers import HEADERS
from gateway.console.ops import Refused
from gateway.console.texts import translate
from gateway.console.told import shown_key
from gateway.console.world import WORLD, ConsoleWorld, language_of
from gateway.mapping.sheets import to_sheet
from gateway.store.contract import MessageFilter, MessageRow

MOST = {"csv": 100_000, "xlsx": 20_000}  # rows; a workbook is made in memory
_AT_ONCE = 500
COLUMNS = (
    "time",
    "type",
    "title",
    "sender",
    "receivers",
    "state",
    "application",
    "key",
    "version",
    "codes",
    "id",
)
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def add(pages: web.Application) -> None:
    pages.router.add_get("/messages.{form:csv|xlsx}", export)


@requires("messages.export")
async def export(request: web.Request) -> web.StreamResponse:
    """Newest first, in the page's language; the last line says where more were found than are given."""
    form, language = request.match_info["form"], language_of(request)
    try:
        wanted = filter_of(asked(request.query), limit=_AT_ONCE)
    except AskFault as fault:
        raise web.HTTPBadRequest(text=str(fault)) from fault
    await _note(request, form)
    headings = [translate(language, f"export.{name}") for name in COLUMNS]
    if form == "csv":
        return await _stream(request, headings, wanted, language)
    pieces = _pieces(request.app[WORLD], language, wanted, MOST[form])
    rows = [row async for piece in pieces for row in piece]
    body = await asyncio.to_thread(to_sheet, translate(language, "nav.messages"), headings, rows)
    return web.Response(body=body, headers=_headers(form))


@requires("messages.export")
async def export_for_script(request: web.Request) -> web.StreamResponse:
    """As CSV whose headings are the columns' names."""
    try:
        wanted = filter_of(asked(request.query), limit=_AT_ONCE)
    except AskFault as fault:
        raise Refused(422, detail=str(fault)) from fault
    await _note(request, "csv")
    return await _stream(request, COLUMNS, wanted, "en")


async def _note(request: web.Request, form: str) -> None:
    await audit(request, "export messages", "", "", {"form": form, **asked(request.query)})


def _headers(form: str) -> dict[str, str]:
    name = f"messages-{clock.t14()}.{form}"
    return {"Content-Type": _MEDIA[form], "Content-Disposition": f'attachment; filename="{name}"'}


async def _stream(
    request: web.Request, headings: Sequence[str], wanted: MessageFilter, language: str
) -> web.StreamResponse:
    headers = {**HEADERS, "Cache-Control": "no-store", **_headers("csv")}
    pieces = _pieces(request.app[WORLD], language, wanted, MOST["csv"])
    return await stream(request, headers, headings, pieces)


async def _pieces(
    world: ConsoleWorld, language: str, wanted: MessageFilter, most: int
) -> AsyncIterator[list[list[str]]]:
    left = most
    while True:
        page = await world.store.search_page(replace(wanted, limit=min(left, _AT_ONCE)))
        yield [await _cells(world, language, row) for row in page.rows]
        left -= len(page.rows)
        if page.older and not left:
            yield [[translate(language, "export.cut", most)]]
        if not page.older or not left:
            return
        wanted = replace(wanted, before=page.older)


async def _cells(world: ConsoleWorld, language: str, row: MessageRow) -> list[str]:
    deliveries = await world.store.deliveries(row.id)
    codes = sorted({one.last_code for one in deliveries if one.last_code not in ("", "00000")})
    return [
        clock.time_of(row.received_at), row.type, world.title_of(row.type, language), row.sender,
        " ".join(one.receiver for one in deliveries), translate(language, f"state.{row.state}"), row.application,
        shown_key(row, world.masker(row)), str(row.biz_version), " ".join(codes), row.id,
    ]  # fmt: skip
