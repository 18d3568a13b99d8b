"""The data standard to look things up in: every type, element, code table and rule, from the reference's own pages."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web
from markupsafe import Markup

from gateway import xmltree
from gateway.console.guard import requires
from gateway.console.masked import indented
from gateway.console.world import WORLD, render
from gateway.standard.changes import Version, load_version
from gateway.standard.reference import code_tables, overview, render_blocks, rules, table_page, type_page
from gateway.standard.reference.pages import Page

_VERSION = "v1"
LOADED: web.AppKey[dict[str, Version]] = web.AppKey("console-standard", dict)


def add(pages: web.Application) -> None:
    pages[LOADED] = {}
    pages.router.add_get("/standard", show_overview)
    pages.router.add_get("/standard/codes", show_codes)
    pages.router.add_get("/standard/codes/{name}", show_table)
    pages.router.add_get("/standard/rules", show_rules)
    pages.router.add_get("/standard/types/{number}", show_type)


async def version_of(request: web.Request) -> Version:
    """Read once, when somebody first asks; the schemas do not change while the gateway runs."""
    loaded = request.app[LOADED]
    if _VERSION not in loaded:
        folder = request.app[WORLD].settings.root / "schemas" / "standard" / _VERSION
        loaded[_VERSION] = await asyncio.to_thread(load_version, folder)
    return loaded[_VERSION]


@requires("standard.view")
async def show_overview(request: web.Request) -> web.Response:
    return await _page(request, overview(await version_of(request)), "types")


@requires("standard.view")
async def show_codes(request: web.Request) -> web.Response:
    return await _page(request, code_tables(await version_of(request)), "codes")


@requires("standard.view")
async def show_table(request: web.Request) -> web.Response:
    version, name = await version_of(request), request.match_info["name"]
    if version.codes is None or name not in version.codes.notes:
        raise web.HTTPNotFound
    return await _page(request, table_page(version, name), "codes")


@requires("standard.view")
async def show_rules(request: web.Request) -> web.Response:
    return await _page(request, rules(await version_of(request)), "rules")


@requires("standard.view")
async def show_type(request: web.Request) -> web.Response:
    """With the standard's own sample in both forms: made up, so nothing of it is anybody's."""
    version, number = await version_of(request), request.match_info["number"]
    if number not in version.schemas.catalogue:
        raise web.HTTPNotFound
    standard = request.app[WORLD].translator.standard
    record = standard.sample(number)
    samples = {
        "standard.sample-xml": indented(xmltree.parse(standard.build(number, record))),
        "standard.sample-json": orjson.dumps(
            standard.to_json(number, record), option=orjson.OPT_INDENT_2
        ).decode(),
    }
    kind = version.schemas.catalogue.get(number)
    return await _page(request, type_page(version, kind), "types", samples, number)


async def _page(
    request: web.Request, page: Page, part: str, samples: dict[str, str] | None = None, number: str = ""
) -> web.Response:
    version = await version_of(request)
    context = {
        "tab": "standard",
        "part": part,
        "kinds": list(version.schemas.catalogue),
        "number": number,
        "page": page,
        "blocks": Markup(render_blocks(page)),  # escaped where it is made, from our own files
        "samples": samples or {},
    }
    return await render(request, "standard.html", context)
