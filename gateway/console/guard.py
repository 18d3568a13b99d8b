"""Who may do what: each handler names the right it needs, and nothing runs before the guard has looked.

A handler without a mark is refused to everybody: forgetting one opens nothing. What a page offers asks the same
table (`may` in the templates), so what one may not do is not shown, and is refused when it is asked for anyway.

    @requires("deliveries.resolve")
    async def resolve(request: web.Request) -> web.Response:
        await audit(request, "resolve", subject, reason, {"action": "replay"})   # or pass asker(request) on
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

import structlog
from aiohttp import web

from gateway.accounts import Asker
from gateway.console.headers import origin_of, put_headers
from gateway.console.sessions import HALF, USER, is_form_ours, start_visit, take_session
from gateway.console.world import WORLD, render
from gateway.errors import MessageError
from gateway.hashing import TooManyHashes
from gateway.rights import RIGHTS, may
from gateway.store.contract import StoreUnavailable, UserRow

log = structlog.get_logger("console")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
AnyHandler = TypeVar("AnyHandler", bound=Handler)
OPEN = ""  # for everybody, signed in or not
_MARK = "_console_right"
_SAFE = frozenset({"GET", "HEAD"})


def requires(right: str) -> Callable[[AnyHandler], AnyHandler]:
    """Marks a handler with the right that it needs. KeyError for one that rights.py does not have."""
    RIGHTS[right]

    def mark(handler: AnyHandler) -> AnyHandler:
        setattr(handler, _MARK, right)
        return handler

    return mark


def open_to_all(handler: AnyHandler) -> AnyHandler:
    """Marks a handler that needs no sign-in; its forms carry their token all the same."""
    setattr(handler, _MARK, OPEN)
    return handler


def right_of(route: web.AbstractRoute) -> str | None:
    """The right that a route needs: "" for none, None where its handler has no mark."""
    if isinstance(route.resource, web.StaticResource):
        return OPEN
    return getattr(route.handler, _MARK, None)


def current_user(request: web.Request) -> UserRow:
    """Who is signed in. KeyError in handlers that are open to all, where nobody may be."""
    return request[USER]


def asker(request: web.Request) -> Asker:
    """Who does it, and from where: what acts in the store want to know."""
    return Asker(current_user(request).name, origin_of(request))


async def audit(
    request: web.Request, act: str, subject: str, reason: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Writes down what the user did; durable when it returns. Do it before what it tells of is shown."""
    who = asker(request)
    store = request.app[WORLD].store
    await store.note_act(who.name, act, subject, reason, detail or {}, origin=who.origin)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses whom it must, renders errors as pages, and puts the security headers on everything."""
    try:
        response = await _check(request) or await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            put_headers(request, error)
            raise
        response = await _error(request, error.status)
    except MessageError as error:
        log.warning("page refused", path=request.path, error=str(error)[:300])
        response = await _error(request, error.status)
    except (StoreUnavailable, TooManyHashes) as error:
        log.warning("page not now", path=request.path, error=str(error)[:300])
        response = await _error(request, 503)
    except Exception:
        number = secrets.token_hex(6)
        log.exception("incident", incident=number, where=request.path)
        response = await render(
            request, "error.html", {"key": "error.inside", "values": (number,), "status": 500}, status=500
        )
    start_visit(request, response)
    put_headers(request, response)
    return response


async def _check(request: web.Request) -> web.StreamResponse | None:
    """None where the handler may run."""
    route = request.match_info.route
    right = right_of(route)
    if isinstance(route.resource, web.StaticResource):
        return None
    world = request.app[WORLD]
    must_enrol = world.settings.gateway.console_second_factor
    await take_session(request, world.accounts, must_enrol=must_enrol)
    if request.match_info.http_exception is not None:
        return None if USER in request else await _error(request, request.match_info.http_exception.status)
    if right is None:
        log.error("a handler names no right", path=request.path)
        raise web.HTTPForbidden
    if request.method not in _SAFE and not await is_form_ours(request):
        return await _error(request, 403, "error.form")
    if right == OPEN:
        return None
    user = request.get(USER)
    if user is None:
        return _to_sign_in(request)
    if request[HALF] and right != "account":
        return _redirect(request, "/console/account")
    if not may(user.roles, right):
        log.warning("right missing", user=user.name, right=right, path=request.path)
        return await _error(request, 403)
    return None


def _to_sign_in(request: web.Request) -> web.Response:
    """And back to the page afterwards."""
    kept = {"back": request.path_qs} if request.method in _SAFE and request.path_qs != "/console/" else {}
    return _redirect(request, "/console/sign-in" + ("?" + urlencode(kept) if kept else ""))


def _redirect(request: web.Request, place: str) -> web.Response:
    if request.headers.get("HX-Request") == "true":
        return web.Response(status=401, headers={"HX-Redirect": place})
    return web.Response(status=303, headers={"Location": place})


_KEYS = {403: "error.forbidden", 503: "error.away"}


async def _error(request: web.Request, status: int, key: str = "") -> web.Response:
    context = {"key": key or _KEYS.get(status, "error.not-found"), "values": (), "status": status}
    return await render(request, "error.html", context, status=status)


__all__ = ["asker", "audit", "current_user", "guard", "open_to_all", "requires", "right_of"]
