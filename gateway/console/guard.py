"""Who may look: for now only this machine, by a name that means this machine.

Sign-in comes later, so a peer beyond loopback is refused unless the settings open the console. A request
that a proxy forwarded is not from this machine, and a foreign Host name is a page of somebody else's
that was pointed at us (DNS rebinding).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable

import aiohttp_jinja2
import structlog
from aiohttp import web

from gateway.console.world import WORLD, render, words
from gateway.errors import MessageError

log = structlog.get_logger("console")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-Ip")
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses strangers, renders errors as pages, and puts the security headers on everything."""
    try:
        if not request.app[WORLD].settings.gateway.console_beyond_loopback and not is_local(request):
            response: web.StreamResponse = _stranger(request)
        else:
            response = await handler(request)
    except web.HTTPException as error:
        if error.status >= 400:
            response = await _page(request, error.status, "error.not-found")
        else:
            error.headers.update(HEADERS)
            raise
    except MessageError as error:
        log.warning("page refused", path=request.path, error=str(error)[:300])
        response = await _page(request, error.status, "error.not-found")
    except Exception:
        number = secrets.token_hex(6)
        log.exception("incident", incident=number, where=request.path)
        response = await _page(request, 500, "error.inside", number)
    response.headers.update(HEADERS)
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def is_local(request: web.Request) -> bool:
    forwarded = any(name in request.headers for name in _FORWARDED)
    return request.remote in _LOOPBACK and host_name(request.host) in _NAMES and not forwarded


def host_name(host: str) -> str:
    """The name in a Host header, without port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


async def _page(request: web.Request, status: int, key: str, *values: object) -> web.Response:
    return await render(
        request, "error.html", {"key": key, "values": values, "status": status}, status=status
    )


def _stranger(request: web.Request) -> web.Response:
    """Says that the console is not for them, and nothing of what is in it."""
    return aiohttp_jinja2.render_template("stranger.html", request, words(request), status=403)
