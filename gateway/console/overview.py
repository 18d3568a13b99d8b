"""The overview: the console's first page, and the stream that keeps it as things are."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable

import aiohttp_jinja2
import orjson
from aiohttp import web

from gateway import clock
from gateway.console.charts import bars
from gateway.console.guard import current_user, requires
from gateway.console.headers import put_headers
from gateway.console.overviewing import Overview, Overviewer
from gateway.console.pulse import Pulse, TooManyListeners
from gateway.console.sessions import COOKIE, SESSION
from gateway.console.world import WORLD, language_of, name_values, render, words
from gateway.store.contract import StoreUnavailable

PULSE: web.AppKey[Pulse[Overview]] = web.AppKey("overview-pulse", Pulse)
_DRAWN: web.AppKey[dict[tuple[str, ...], tuple[int, str]]] = web.AppKey("overview-drawn", dict)
BEAT_S = 15.0  # a proxy drops what is silent for a minute
_TYPE = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


def add(pages: web.Application) -> None:
    world = pages[WORLD]
    pages[PULSE] = Pulse(Overviewer(world.settings, world.store).look)
    pages[_DRAWN] = {}
    pages.on_shutdown.append(_stop)
    pages.router.add_get("/overview", show_overview)
    pages.router.add_get("/overview/data", tell_overview)
    pages.router.add_get("/overview/stream", stream)


async def _stop(pages: web.Application) -> None:
    pages[PULSE].stop()


@requires("overview.view")
async def show_overview(request: web.Request) -> web.Response:
    seen = await request.app[PULSE].fresh()
    return await render(request, "overview.html", {"tab": "overview", **_values(request, seen)})


@requires("overview.view")
async def tell_overview(request: web.Request) -> web.Response:
    """The same as data, of the same look."""
    seen = await request.app[PULSE].fresh()
    return web.Response(body=orjson.dumps(seen.as_json()), content_type="application/json")


@requires("overview.view")
async def stream(request: web.Request) -> web.StreamResponse:
    """Server-sent events: `overview` with the part of the page that changes, `away` while the store is. It ends
    with the session (`over`) and with the process."""
    pulse, response = request.app[PULSE], web.StreamResponse(headers=_TYPE)
    try:
        with pulse.listening(request[SESSION].hash), contextlib.suppress(ConnectionError):  # they just leave
            put_headers(request, response)
            await response.prepare(request)
            await _send(request, pulse, response)
    except TooManyListeners:
        return web.Response(status=503, headers={"Retry-After": "60"})
    return response


async def _send(request: web.Request, pulse: Pulse[Overview], response: web.StreamResponse) -> None:
    seen = -1
    while True:
        await pulse.wait(seen, BEAT_S)
        if pulse.is_stopped:
            return
        if not await _may_go_on(request):
            await response.write(b"event: over\ndata:\n\n")
            return
        if pulse.number == seen:
            await response.write(b": still here\n\n")
            continue
        seen = pulse.number
        if pulse.is_away:
            await response.write(b"event: away\ndata:\n\n")
            continue
        await response.write(_event("overview", await _drawn(request, pulse)))


async def _may_go_on(request: web.Request) -> bool:
    """Listening is no use of a session: it ends in its time, though the page stays open. Where the store is away
    nothing can be asked, and nothing is shown either."""
    try:
        found = await request.app[WORLD].accounts.find(request.cookies.get(COOKIE, ""), is_use=False)
    except StoreUnavailable:
        return True
    return found is not None


def _event(name: str, text: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in text.splitlines())
    return f"event: {name}\n{lines}\n".encode()


async def _drawn(request: web.Request, pulse: Pulse[Overview]) -> str:
    """Drawn once for all who see the same."""
    same = (language_of(request), *current_user(request).roles)
    drawn = request.app[_DRAWN]
    number, text = drawn.get(same, (-1, ""))
    if number != pulse.number:
        context = {**words(request), **name_values(request), **_values(request, await pulse.fresh())}
        text = aiohttp_jinja2.render_string("overview-live.html", request, context)
        drawn[same] = pulse.number, text
    return text


def _values(request: web.Request, seen: Overview) -> dict[str, object]:
    say: Callable[..., str] = words(request)["t"]
    return {
        "seen": seen,
        "bars": bars,
        "lasts": functools.partial(lasts, say),
        "clock_time": f"{clock.from_ms(seen.at):%H:%M:%S}",
        "day_of": lambda day: f"{day[:4]}-{day[4:6]}-{day[6:]}",
    }


def lasts(say: Callable[..., str], seconds: int) -> str:
    """A time span in the two largest units that it has."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if days:
        return say("lasts.days", days, hours % 24)
    if hours:
        return say("lasts.hours", hours, minutes % 60)
    return say("lasts.minutes", minutes, seconds % 60) if minutes else say("lasts.seconds", seconds)
