"""The playground in the console: one mapping on its golden samples and on real messages, which are masked.

A masked value has the look of one and not its check digits, so the standard may refuse it; the page says so.
What is typed is kept nowhere.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from gateway.console.guard import requires
from gateway.console.lineages import HIDDEN, ORIGINAL, WITHHELD, form_leaves, is_withheld
from gateway.console.masked import MOF, readable, without
from gateway.console.playground import answer, as_json, golden_samples, page, read_attempt
from gateway.console.sessions import form_token
from gateway.console.texts import translate
from gateway.console.world import WORLD, ConsoleWorld, language_of
from gateway.mapping import Mapping
from gateway.mapping.check import find_schemas
from gateway.mapping.playground import Attempt
from gateway.mapping.schema import Shelf
from gateway.mappingtrial import messages_of
from gateway.settings import Platform
from gateway.store.contract import MessageRow

_LAST = 10
_AT = "/mappings/{profile}/{name}/{direction}/play/"


def add(pages: web.Application) -> None:
    pages.router.add_get(_AT, show)
    pages.router.add_get(_AT + "files", files)
    pages.router.add_get(_AT + "file", file)
    pages.router.add_post(_AT + "try", try_)


def find_mapping(request: web.Request) -> Mapping:
    """The mapping in force that the path names; 404."""
    given = request.match_info
    found = request.app[WORLD].translator.mappings.find(given["profile"], given["name"], given["direction"])
    if found is None:
        raise web.HTTPNotFound
    return found


@requires("mappings.try")
async def show(request: web.Request) -> web.Response:
    find_mapping(request)
    back = request.path.removesuffix("/play/")
    return page("/console/static/", back=back, csrf=form_token(request))


@requires("mappings.try")
async def files(request: web.Request) -> web.Response:
    return as_json({"files": [_name(find_mapping(request))]})


@requires("mappings.try")
async def file(request: web.Request) -> web.Response:
    """Its text, the newest messages that it was used for (`message`: that one before them), its golden samples."""
    world, mapping = request.app[WORLD], find_mapping(request)
    why = translate(language_of(request), WITHHELD)
    real = await _real(world, mapping, request.query.get("message", ""), why)
    path = Path(mapping.file)
    golden = await asyncio.to_thread(golden_samples, path)
    return as_json({"text": await asyncio.to_thread(path.read_text, "utf-8"), "samples": [*real, *golden]})


@requires("mappings.try")
async def try_(request: web.Request) -> web.Response:
    world, path = request.app[WORLD], Path(find_mapping(request).file)
    _, *texts = await read_attempt(request)
    return await answer(Attempt(path, *texts), world.translator.standard, Shelf(find_schemas(path)))


def _name(mapping: Mapping) -> str:
    path = Path(mapping.file)
    return f"{path.parent.name}/{path.name}"


async def _real(world: ConsoleWorld, mapping: Mapping, first: str, why: str) -> list[dict[str, str]]:
    found = await messages_of(world.store, world.translator.platforms, mapping, _LAST)
    found.sort(key=lambda one: (one[1].id == first, one[1].id), reverse=True)
    # What is sensitive inside a voucher's Base64 cannot be masked there: of vouchers there are golden samples only.
    return [
        await asyncio.to_thread(_sample, world, mapping, platform, row, why)
        for platform, row in found
        if mapping.direction == "out" or platform.format != MOF
    ]


def _sample(
    world: ConsoleWorld, mapping: Mapping, platform: Platform, row: MessageRow, why: str
) -> dict[str, str]:
    """`why`: said in place of a sample that cannot be traced."""
    masker = world.masker(row)
    if mapping.direction == "in":
        leaves = form_leaves(world.translator, row, [], masker)
        original = next((form for form in leaves if form.id == ORIGINAL), None)
        if is_withheld(world.translator.standard, row, original, masker):
            return {"name": f"{row.id} {platform.id}: {why}", "sample": "", "context": ""}
        hidden = [value for form in leaves for value in form.hidden]
        text = without(readable(row.original, platform.format), hidden, HIDDEN)
    else:
        text = _indented(world.translator.standard.read(row.type, row.body))
    around = _indented({"head": orjson.loads(row.head), "platform": dict(platform.values)})
    name = f"{row.id} {platform.id}"
    return {"name": name, "sample": masker.text(text), "context": masker.text(around)}


def _indented(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
