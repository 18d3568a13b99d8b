"""Mappings: versions in force, coverage, findings, field comparison; a candidate tried on the messages that came last."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

from aiohttp import web

from gateway import clock
from gateway.console.guard import audit, requires
from gateway.console.standins import StandIns, compared
from gateway.console.trying import find_mapping
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.errors import ConfigError, Finding
from gateway.mapping import Mapping
from gateway.mapping.mapping import load_mapping
from gateway.mappingtrial import Trial, messages_of, try_on_last

MOST = 200
_LAST = 50
_DAYS = 7
_MAX_CHARS = 200_000


def add(pages: web.Application) -> None:
    pages.router.add_get("/mappings", show_mappings)
    pages.router.add_get("/mappings/{profile}/{name}/{direction}", show_mapping)
    pages.router.add_post("/mappings/{profile}/{name}/{direction}/try", try_candidate)


@requires("mappings.view")
async def show_mappings(request: web.Request) -> web.Response:
    world = request.app[WORLD]
    errors = await errors_by_day(world)
    rows = [
        (one, await last_use(world, one), errors[one.profile, one.number, one.direction])
        for one in all_mappings(world)
    ]
    return await render(request, "mappings.html", {"tab": "mappings", "rows": rows, "days": _DAYS})


@requires("mappings.view")
async def show_mapping(request: web.Request) -> web.Response:
    return await _page(request, find_mapping(request))


@requires("mappings.try")
async def try_candidate(request: web.Request) -> web.Response:
    """The candidate is checked and run, and kept nowhere; that somebody tried it is in the audit."""
    world, mapping, form = request.app[WORLD], find_mapping(request), await request.post()
    text = str(form.get("text", "")).replace("\r\n", "\n")[:_MAX_CHARS]
    last = (
        min(MOST, int(given)) if (given := str(form.get("last", ""))).isascii() and given.isdigit() else _LAST
    )
    name = f"{mapping.profile}/{mapping.message}.{mapping.direction}"
    try:
        candidate = await asyncio.to_thread(_load, world, mapping, text)
    except ConfigError as error:
        return await _page(request, mapping, text=text, findings=error.findings, status=400)
    stand_ins = await asyncio.to_thread(StandIns.of, world, mapping)
    trials = await try_on_last(
        world.store, world.settings.platforms, mapping, candidate, max(last, 1), stand_ins.of_message
    )
    counted = Counter(one.verdict for one in trials)
    await audit(request, "try mapping", name, "", {"version": candidate.version, **counted})
    shown = [replace(one, message=world.masked(one.message)) for one in trials]
    return await _page(
        request, mapping, text=text, findings=candidate.findings, trials=shown, counted=counted, version=candidate.version
    )  # fmt: skip


async def errors_by_day(world: ConsoleWorld) -> dict[tuple[str, str | None, str], list[int]]:
    """By profile, number and direction: what failed on each of the last days, today last."""
    now = clock.now_ms()
    found: dict[tuple[str, str | None, str], list[int]] = defaultdict(lambda: [0] * _DAYS)
    for one in await world.store.mapping_errors(now - (_DAYS - 1) * clock.DAY_MS):
        platform, ago = world.settings.platforms.get(one.platform), clock.day_number(now) - one.day
        if platform is not None and ago < _DAYS:
            found[platform.profile, one.type, one.direction][_DAYS - 1 - ago] += one.count
    return found


def all_mappings(world: ConsoleWorld) -> list[Mapping]:
    return sorted(world.translator.mappings, key=lambda one: (one.profile, one.number or "", one.direction))


async def last_use(world: ConsoleWorld, mapping: Mapping) -> int:
    """ms of the newest message that it was used for, 0 if none."""
    found = await messages_of(world.store, world.settings.platforms, mapping, 1)
    return found[0][1].received_at if found else 0


def _load(world: ConsoleWorld, mapping: Mapping, text: str) -> Mapping:
    """Beside a copy of its profile's folder, because fragments and schemas are found from where a file lies."""
    own = Path(mapping.file)
    with tempfile.TemporaryDirectory(dir=world.settings.data_dir) as folder:
        root = Path(folder)
        (root / "schemas").symlink_to(world.settings.root / "schemas")
        place = root / "mappings" / own.parent.name
        place.mkdir(parents=True)
        for one in own.parent.parent.iterdir():
            if one != own.parent:
                (place.parent / one.name).symlink_to(one)
        for one in own.parent.iterdir():
            if one.name != own.name:
                (place / one.name).symlink_to(one)
        (place / own.name).write_text(text, encoding="utf-8")
        try:
            return load_mapping(place / own.name, world.translator.standard)
        except ConfigError as error:
            raise ConfigError([replace(one, file=own.name) for one in error.findings]) from error


async def _page(
    request: web.Request,
    mapping: Mapping,
    *,
    text: str = "",
    findings: tuple[Finding, ...] = (),
    trials: list[Trial] | None = None,
    counted: Counter[str] | None = None,
    version: str = "",
    status: int = 200,
) -> web.Response:
    world = request.app[WORLD]
    on_disk = await asyncio.to_thread(Path(mapping.file).read_text, "utf-8")
    checked, comparison = await asyncio.to_thread(compared, world, mapping)
    context = {
        "tab": "mappings",
        "mapping": mapping,
        "file": str(Path(mapping.file).relative_to(world.settings.root)),
        "text": text or on_disk,
        "comparison": comparison,
        "own_findings": checked.findings,
        "findings": findings,
        "trials": trials,
        "counted": counted or Counter(),
        "version": version,
        "last": _LAST,
        "most": MOST,
    }
    return await render(request, "mapping.html", context, status=status)
