"""The playground: a page with a source sample, a mapping and its result side by side.

By `gateway mapping serve` it is for the person at this machine alone: it answers to loopback and to this machine's
names, to its own page's scripts, and it writes nothing. The console shows the same page (trying.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import orjson
from aiohttp import web

from gateway.console.headers import HEADERS, is_local
from gateway.mapping.mapping import mapping_files
from gateway.mapping.playground import Attempt, attempt
from gateway.mapping.run import CASES
from gateway.mapping.schema import Shelf
from gateway.standard import Standard

_STATIC = Path(__file__).parent / "static"
_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
)
_ASSETS = {"playground.js": "text/javascript", "playground.css": "text/css", "icon.svg": "image/svg+xml"}
_MAX_BODY = 12 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class PlaygroundWorld:
    """`folder`: the mappings; a file is named `<profile>/<Type>.<in|out>.yaml`, and no other path is read."""

    standard: Standard
    folder: Path
    schemas: Path

    def files(self) -> dict[str, Path]:
        return {f"{path.parent.name}/{path.name}": path for path in mapping_files(self.folder)}


WORLD = web.AppKey("playground", PlaygroundWorld)


def make_playground(world: PlaygroundWorld) -> web.Application:
    app = web.Application(middlewares=[_guard], client_max_size=_MAX_BODY)
    app[WORLD] = world
    app.router.add_get("/", _page)
    app.router.add_get("/static/{name}", _asset)
    app.router.add_get("/files", _files)
    app.router.add_get("/file", _file)
    app.router.add_post("/try", _try)
    return app


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only this machine, by its own names; a script only from this page."""
    if not is_local(request) or request.headers.get("Sec-Fetch-Site", "same-origin") not in (
        "same-origin",
        "none",
    ):
        return web.Response(status=403, text="only for the person at this machine\n", headers=HEADERS)
    try:
        response = await handler(request)
    except web.HTTPException as error:
        error.headers.update(HEADERS)
        raise
    response.headers.update(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


async def _page(request: web.Request) -> web.Response:
    return page("static/")


def page(static: str, *, back: str = "", csrf: str = "") -> web.Response:
    """Its scripts and styles are under `static`, what they ask beside the page. `back`: where the page was come
    from; `csrf`: what a request that sends something carries."""
    text = _PAGES.get_template("playground.html").render(static=static, back=back, csrf=csrf)
    return web.Response(text=text, content_type="text/html")


async def _asset(request: web.Request) -> web.Response:
    name = request.match_info["name"]
    if name not in _ASSETS:
        raise web.HTTPNotFound
    return web.Response(body=(_STATIC / name).read_bytes(), content_type=_ASSETS[name], charset="utf-8")


def as_json(value: Any) -> web.Response:
    return web.Response(body=orjson.dumps(value), content_type="application/json")


async def _files(request: web.Request) -> web.Response:
    return as_json({"files": list(request.app[WORLD].files())})


async def _file(request: web.Request) -> web.Response:
    """A mapping's text with the samples of its golden cases."""
    path = request.app[WORLD].files().get(request.query.get("name", ""))
    if path is None:
        raise web.HTTPNotFound
    return as_json(
        {"text": path.read_text(encoding="utf-8"), "samples": await asyncio.to_thread(golden_samples, path)}
    )


def golden_samples(path: Path) -> list[dict[str, str]]:
    folder = path.parent / CASES / path.name.removesuffix(".yaml")
    found = []
    for one in sorted(folder.glob("*.input.*")):
        stem = one.name.split(".input.")[0]
        context = one.with_name(f"{stem}.context.json")
        found.append(
            {
                "name": stem,
                "sample": _unicode(one.read_bytes()),
                "context": context.read_text(encoding="utf-8") if context.is_file() else "",
            }
        )
    return found


def _unicode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


async def _try(request: web.Request) -> web.Response:
    name, *texts = await read_attempt(request)
    world = request.app[WORLD]
    path = world.files().get(name, world.folder / "new" / "New.in.yaml")
    return await answer(Attempt(path, *texts), world.standard, Shelf(world.schemas))


async def read_attempt(request: web.Request) -> list[str]:
    """What was typed: the file's name, the mapping, the sample, the context."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType
    try:
        given = orjson.loads(await request.read())
        return [str(given.get(name, "")) for name in ("name", "mapping", "sample", "context")]
    except (orjson.JSONDecodeError, AttributeError) as error:
        raise web.HTTPBadRequest(text="expected a JSON object") from error


async def answer(given: Attempt, standard: Standard, shelf: Shelf) -> web.Response:
    return as_json(await asyncio.to_thread(attempt, given, standard, shelf))
