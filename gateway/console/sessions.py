"""The session cookie, and the token that every form and every htmx request carries.

The form's token is made of the cookie's: nothing is kept for it, and another site can read neither. Before
anybody is signed in a visitor's cookie stands in, and it never becomes a session's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from aiohttp import web

from gateway.accounts import Accounts
from gateway.console.headers import needs_secure_cookies
from gateway.store.accountrows import FULL
from gateway.store.contract import SessionRow, UserRow

COOKIE, VISIT = "gateway-session", "gateway-visit"
# A session is good for /v1/ops too, by a cookie of its own: at "/" both could be planted over.
OPS_COOKIE = "gateway-session-ops"
_PATHS = {COOKIE: "/console/", VISIT: "/console/", OPS_COOKIE: "/v1/ops/"}
USER = web.RequestKey("user", UserRow)
SESSION = web.RequestKey("session", SessionRow)
HALF = web.RequestKey("half", bool)  # signed in, but has to enrol a second factor before anything else
_TOKEN, _VISIT = web.RequestKey("form-token", str), web.RequestKey("visit", str)
FIELD, HEADER = "csrf", "X-CSRF-Token"
_FETCHED_BY_US = ("same-origin", "none")
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


async def take_session(request: web.Request, accounts: Accounts, *, must_enrol: bool) -> None:
    """Puts into the request who is signed in, the session, and the token of its forms. `must_enrol`: nobody
    without a second factor is let further than to where it is enrolled."""
    token = request.cookies.get(COOKIE) or request.cookies.get(OPS_COOKIE, "")
    found = await accounts.find(token)
    if found is not None:
        user, session = found
        request[SESSION] = session
        request[_TOKEN] = _form_token(token)
        if session.kind == FULL:
            request[USER] = user
            request[HALF] = must_enrol and not user.totp
        return
    request[_TOKEN] = _form_token(request.cookies[VISIT]) if request.cookies.get(VISIT) else ""


def start_visit(request: web.Request, response: web.StreamResponse) -> None:
    """Gives a visitor the cookie whose token the forms of `response` carry already."""
    if _VISIT in request:
        set_cookie(request, response, VISIT, request[_VISIT])


def form_token(request: web.Request) -> str:
    """The token for the forms of this answer; makes a visitor's where there is none yet."""
    if not request.get(_TOKEN):
        request[_VISIT] = secrets.token_urlsafe(32)
        request[_TOKEN] = _form_token(request[_VISIT])
    return request[_TOKEN]


def _form_token(token: str) -> str:
    return hmac.new(token.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


async def is_form_ours(request: web.Request) -> bool:
    """Does a request that changes something come from a page of ours?"""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in _FETCHED_BY_US:
        return False
    given = request.headers.get(HEADER, "")
    if not given and request.content_type in _FORMS:
        given = str((await request.post()).get(FIELD, ""))
    expected = request.get(_TOKEN, "")
    return bool(expected) and hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def set_session(request: web.Request, response: web.StreamResponse, token: str) -> None:
    for name in (COOKIE, OPS_COOKIE):
        set_cookie(request, response, name, token)


def drop_session(request: web.Request, response: web.StreamResponse) -> None:
    for name in (COOKIE, OPS_COOKIE):
        drop_cookie(request, response, name)


def set_cookie(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    """Until the browser is closed: when it ends is the store's matter."""
    response.set_cookie(
        name, value, path=_PATHS[name], httponly=True, samesite="Strict", secure=needs_secure_cookies(request)
    )


def drop_cookie(request: web.Request, response: web.StreamResponse, name: str) -> None:
    response.del_cookie(
        name, path=_PATHS[name], httponly=True, samesite="Strict", secure=needs_secure_cookies(request)
    )
