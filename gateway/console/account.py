"""One's own account: the password, the second factor with its QR code, and the codes for when the device is lost."""

from __future__ import annotations

import io
from typing import Any

import segno
from aiohttp import web

from gateway.accounts import AccountFault
from gateway.console.guard import asker, current_user, requires
from gateway.console.headers import origin_of
from gateway.console.sessions import HALF, SESSION
from gateway.console.world import WORLD, render
from gateway.security.totp import provisioning_uri
from gateway.tokens import Tokens

_MOST = 256
_ISSUER = "GGZY Gateway"  # authenticators show it; some cannot show Chinese


def add(pages: web.Application) -> None:
    pages.router.add_get("/account", show_account)
    pages.router.add_post("/account/password", change_password)
    pages.router.add_post("/account/tokens/{id}/end", end_token)
    pages.router.add_get("/account/second-factor", show_second_factor)
    pages.router.add_get("/account/second-factor/qr.svg", show_qr)
    pages.router.add_post("/account/second-factor", enrol)


@requires("account")
async def show_account(request: web.Request) -> web.Response:
    return await _page(request)


@requires("account")
async def change_password(request: web.Request) -> web.Response:
    form = await request.post()
    old, new, again = (str(form.get(name, ""))[:_MOST] for name in ("old", "password", "again"))
    if new != again:
        return await _page(request, fault="password.again")
    accounts = request.app[WORLD].accounts
    try:
        await accounts.change_password(current_user(request), request[SESSION], old, new, origin_of(request))
    except AccountFault as error:
        return await _page(request, fault=error.key)
    return await _page(request, done="account.password-changed")


@requires("account")
async def end_token(request: web.Request) -> web.Response:
    """One of one's own; 404 where it is none, or was ended meanwhile."""
    tokens, name = Tokens(request.app[WORLD].store), current_user(request).name
    own = [one for one in await tokens.of(name) if one.id == request.match_info["id"]]
    if not own:
        raise web.HTTPNotFound
    try:
        await tokens.end(own[0].id, asker(request), "")
    except AccountFault as error:
        raise web.HTTPNotFound from error
    return await _page(request, done="account.token-ended")


async def _page(request: web.Request, fault: str = "", done: str = "") -> web.Response:
    tokens = await Tokens(request.app[WORLD].store).of(current_user(request).name)
    context = {"fault": fault, "done": done, "must_enrol": request[HALF], "tokens": tokens}
    return await render(request, "account.html", context, status=422 if fault else 200)


@requires("account")
async def show_second_factor(request: web.Request) -> web.Response:
    return await _second_factor_page(request)


@requires("account")
async def show_qr(request: web.Request) -> web.Response:
    """The offered secret as a picture of its own: no picture inside the page's text is needed."""
    user = current_user(request)
    secret = await request.app[WORLD].accounts.offer_totp(user)
    out = io.BytesIO()
    code = segno.make_qr(provisioning_uri(secret, user.name, _ISSUER))
    code.save(out, kind="svg", scale=5, border=4, light="#fff", xmldecl=False)
    return web.Response(body=out.getvalue(), content_type="image/svg+xml")


@requires("account")
async def enrol(request: web.Request) -> web.Response:
    form = await request.post()
    password, code = (str(form.get(name, ""))[:_MOST] for name in ("password", "code"))
    accounts = request.app[WORLD].accounts
    try:
        codes = await accounts.confirm_totp(
            current_user(request), request[SESSION], password, code, origin_of(request)
        )
    except AccountFault as error:
        return await _second_factor_page(request, fault=error.key)
    return await render(request, "recovery.html", {"codes": codes})


async def _second_factor_page(request: web.Request, fault: str = "") -> web.Response:
    secret = await request.app[WORLD].accounts.offer_totp(current_user(request))
    grouped = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
    context: dict[str, Any] = {"fault": fault, "secret": grouped}
    return await render(request, "second-factor.html", context, status=422 if fault else 200)
