"""Signing in and out, the second factor, and the one-time link that makes an account one's own."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from gateway.accounts import AccountFault, SignInRefused
from gateway.console.guard import asker, open_to_all, requires
from gateway.console.headers import origin_of
from gateway.console.places import SIGN_IN, home_of
from gateway.console.sessions import COOKIE, SESSION, USER, VISIT, drop_cookie, drop_session, set_session
from gateway.console.world import WORLD, is_own_path, render
from gateway.store.accountrows import FULL, SECOND

_MOST = 256
_SECOND = "/console/sign-in/second"


def add(pages: web.Application) -> None:
    pages.router.add_get("/sign-in", show_sign_in)
    pages.router.add_post("/sign-in", sign_in)
    pages.router.add_get("/sign-in/second", show_second)
    pages.router.add_post("/sign-in/second", second)
    pages.router.add_post("/sign-out", sign_out)
    pages.router.add_get("/set-up/{token}", show_set_up)
    pages.router.add_post("/set-up/{token}", set_up)


@open_to_all
async def show_sign_in(request: web.Request) -> web.Response:
    if USER in request:
        raise web.HTTPSeeOther(home_of(request[USER]))
    return await _sign_in_page(request, request.query.get("back", ""), made=request.query.get("made", ""))


@open_to_all
async def sign_in(request: web.Request) -> web.Response:
    form = await request.post()
    name, password, back = (str(form.get(field, "")) for field in ("name", "password", "back"))
    accounts, old = request.app[WORLD].accounts, request.cookies.get(COOKIE, "")
    try:
        token, kind = await accounts.sign_in(name[:_MOST], password[:_MOST], origin_of(request), old)
    except SignInRefused:
        return await _sign_in_page(request, back, fault="sign-in.wrong", name=name[:_MOST], status=401)
    if kind == SECOND:
        return _let_in(request, token, _SECOND + _query(back))
    return await _let_home(request, token, back)


async def _sign_in_page(
    request: web.Request, back: str, *, status: int = 200, **context: str
) -> web.Response:
    shown = {"back": back if is_own_path(back) else "", "fault": "", "name": "", "made": "", **context}
    return await render(request, "sign-in.html", shown, status=status)


def _query(back: str) -> str:
    return "?" + urlencode({"back": back}) if is_own_path(back) else ""


def _let_in(request: web.Request, token: str, place: str) -> web.Response:
    """Every sign-in gets a cookie of its own; what the browser had before is worth nothing then."""
    response = web.Response(status=303, headers={"Location": place})
    set_session(request, response, token)
    drop_cookie(request, response, VISIT)
    return response


async def _let_home(request: web.Request, token: str, back: str) -> web.Response:
    found = await request.app[WORLD].accounts.find(token)
    return _let_in(request, token, back if is_own_path(back) else home_of(found[0] if found else None))


@open_to_all
async def show_second(request: web.Request) -> web.Response:
    session = request.get(SESSION)
    if session is None or session.kind == FULL:
        raise web.HTTPSeeOther(SIGN_IN)
    back = request.query.get("back", "")
    return await render(request, "second.html", {"fault": "", "back": back if is_own_path(back) else ""})


@open_to_all
async def second(request: web.Request) -> web.Response:
    session = request.get(SESSION)
    if session is None or session.kind == FULL:
        raise web.HTTPSeeOther(SIGN_IN)
    form = await request.post()
    code, back = str(form.get("code", ""))[:_MOST], str(form.get("back", ""))
    try:
        token = await request.app[WORLD].accounts.second_factor(session, code, origin_of(request))
    except SignInRefused:
        context = {"fault": "second.wrong", "back": back if is_own_path(back) else ""}
        return await render(request, "second.html", context, status=401)
    return await _let_home(request, token, back)


@requires("account")
async def sign_out(request: web.Request) -> web.Response:
    await request.app[WORLD].accounts.sign_out(request.cookies.get(COOKIE, ""), asker(request))
    response = web.Response(status=303, headers={"Location": SIGN_IN})
    drop_session(request, response)
    return response


@open_to_all
async def show_set_up(request: web.Request) -> web.Response:
    return await _set_up_page(request)


@open_to_all
async def set_up(request: web.Request) -> web.Response:
    form = await request.post()
    name, title, password, again = (
        str(form.get(field, ""))[:_MOST] for field in ("name", "title", "password", "again")
    )
    if password != again:
        return await _set_up_page(request, fault="password.again", name=name, title=title)
    token = request.match_info["token"]
    try:
        made = await request.app[WORLD].accounts.take_up(token, name, title, password, origin_of(request))
    except AccountFault as error:
        return await _set_up_page(request, fault=error.key, name=name, title=title)
    raise web.HTTPSeeOther(f"{SIGN_IN}?made={made}")


async def _set_up_page(
    request: web.Request, fault: str = "", name: str = "", title: str = ""
) -> web.Response:
    invitation = await request.app[WORLD].accounts.invitation(request.match_info["token"])
    context: dict[str, Any] = {"fault": fault, "name": name, "title": title}
    if invitation is None:
        return await render(request, "set-up-void.html", {}, status=404)
    context |= {"own": invitation.name, "token": request.match_info["token"]}
    return await render(request, "set-up.html", context, status=422 if fault else 200)
