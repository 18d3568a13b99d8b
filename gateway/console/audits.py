"""The audit: who did what, when, to what, why and from where; searched, exported, and proved to be whole."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway import clock
from gateway.console.csvs import stream
from gateway.console.guard import audit, requires
from gateway.console.texts import TEXTS, translate
from gateway.console.world import WORLD, language_of, render
from gateway.store.contract import ActRow, AuditFilter

PAGE_ROWS = 50
_AT_ONCE = 1000
FIELDS = ("actor", "act", "subject", "text", "since", "until")
_COLUMNS = ("id", "at", "actor", "act", "subject", "reason", "detail", "origin", "hash")


def add(pages: web.Application) -> None:
    pages.router.add_get("/audit", show_audit)
    pages.router.add_get("/audit.csv", export_audit)
    pages.router.add_post("/audit/check", check_audit)


@requires("audit.view")
async def show_audit(request: web.Request) -> web.Response:
    return await _page(request)


@requires("audit.view")
async def check_audit(request: web.Request) -> web.Response:
    """Walks the chain, and says what it found."""
    return await _page(request, is_checked=True)


async def _page(request: web.Request, *, is_checked: bool = False) -> web.Response:
    store = request.app[WORLD].store
    wanted, fault = wanted_of(request)
    before = request.query.get("before", "")
    number = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 0
    rows = await store.find_acts(replace(filter_of(wanted), before=number, limit=PAGE_ROWS + 1))
    shown = list(rows[:PAGE_ROWS])
    given = {name: value for name, value in wanted.items() if value}
    context = {
        "tab": "audit",
        "rows": shown,
        "wanted": wanted,
        "fault": fault,
        "older": "?" + urlencode({**given, "before": shown[-1].id}) if len(rows) > PAGE_ROWS else "",
        "before": before,
        "export": "/console/audit.csv" + ("?" + urlencode(given) if given else ""),
        "title_of": functools.partial(_title, language_of(request)),
        "detail_of": _detail,
        "checked": await store.check_audit() if is_checked else None,
    }
    return await render(request, "audit.html", context)


@requires("audit.view")
async def export_audit(request: web.Request) -> web.StreamResponse:
    """CSV, UTF-8 with a mark so that spreadsheets read the Chinese; oldest hash and all. Streamed."""
    wanted, _ = wanted_of(request)
    await audit(request, "export audit", "", "", {name: value for name, value in wanted.items() if value})
    headers = {
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": f'attachment; filename="audit-{clock.t14()}.csv"',
    }
    return await stream(request, headers, _COLUMNS, _pieces(request, wanted))


async def _pieces(request: web.Request, wanted: dict[str, str]) -> AsyncIterator[list[list[str]]]:
    asked = replace(filter_of(wanted), limit=_AT_ONCE)
    while rows := await request.app[WORLD].store.find_acts(asked):
        yield [_cells(row) for row in rows]
        asked = replace(asked, before=rows[-1].id)


def wanted_of(request: web.Request) -> tuple[dict[str, str], str]:
    """What is looked for; days that are none are told and left out."""
    wanted = {name: request.query.get(name, "").strip()[:128] for name in FIELDS}
    fault = ""
    for name in ("since", "until"):
        if wanted[name] and _day_ms(wanted[name]) is None:
            wanted[name], fault = "", "audit.day"
    return wanted, fault


def filter_of(wanted: dict[str, str]) -> AuditFilter:
    """`until` is the last day that counts."""
    return AuditFilter(
        wanted["actor"], wanted["act"], wanted["subject"], wanted["text"],
        _day_ms(wanted["since"]) or 0, _day_ms(wanted["until"], days=1) or 0,
    )  # fmt: skip


def _day_ms(text: str, days: int = 0) -> int | None:
    """A day (yyyy-MM-dd) in Shanghai, and so many days later."""
    try:
        moment = clock.parse_t(text.replace("-", "")) if len(text) == 10 else None
    except ValueError:
        return None
    return int((moment + timedelta(days=days)).timestamp() * 1000) if moment else None


def _title(language: str, word: str) -> str:
    """An act's or a place's name in a language; the word itself where it has none."""
    key = "act." + word.replace(" ", "-")
    return translate(language, key) if key in TEXTS else word


def _detail(detail: Mapping[str, Any]) -> str:
    """In one line."""
    return " · ".join(
        f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
        for name, value in detail.items()
    )


def _cells(row: ActRow) -> list[str]:
    detail = _detail(row.detail)
    at = clock.from_ms(row.at).isoformat(timespec="milliseconds")
    return [str(row.id), at, row.actor, row.act, row.subject, row.reason, detail, row.origin, row.hash]
