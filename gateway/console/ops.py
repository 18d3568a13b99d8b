"""/v1/ops: what the console shows, as JSON, for scripts. The frame: who may call, how faults look, what is described.

A part lists its calls; each handler names its right as the pages do (`requires`), and answers with `told`:

    @requires("messages.view")
    async def show_messages(request: web.Request) -> web.Response:
        return told({"messages": [...]})

    CALLS = (Call("GET", "/messages", show_messages, "报文检索", "Search the message log", ANSWER, PARAMETERS),)

Callers come with a token (`Authorization: Bearer …`) or with the console's own cookie; then what changes
something needs the form's token in X-CSRF-Token, as the pages send it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import structlog
from aiohttp import web

from gateway.console.guard import right_of
from gateway.console.headers import put_headers
from gateway.console.sessions import HALF, OPS_COOKIE, USER, is_form_ours, take_session
from gateway.console.world import WORLD, ConsoleWorld
from gateway.errors import MessageError
from gateway.formats import read_json
from gateway.hashing import TooManyHashes
from gateway.rights import may
from gateway.store.contract import StoreUnavailable
from gateway.tokens import Tokens

log = structlog.get_logger("ops")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Schema = Mapping[str, Any]
PREFIX = "/v1/ops"
MOST_REASON = 256
_SAFE = frozenset({"GET", "HEAD"})
_BEARER = "bearer "
_IN_PATH = re.compile(r"{(\w+)}")
_WORDS = {
    400: ("bad-request", "The request cannot be read"),
    401: ("unauthorized", "A token or a session is needed"),
    403: ("forbidden", "Not allowed"),
    404: ("not-found", "Not found"),
    405: ("method", "The method is not allowed"),
    409: ("conflict", "The state does not allow it"),
    413: ("too-large", "The request is too large"),
    422: ("unreadable", "A value cannot be read"),
    500: ("inside", "Internal error"),
    503: ("away", "Not now; come again"),
}


class Refused(Exception):
    """A call that is answered with a problem document. `code` is stable and begins with `ops.`"""

    def __init__(self, status: int, code: str = "", detail: str = ""):
        word, title = _WORDS[status]
        self.status, self.title, self.detail = status, title, detail
        self.code = f"ops.{code or word}"
        super().__init__(f"{self.code}: {detail}")


@dataclass(frozen=True, slots=True)
class Parameter:
    """Of the query, or of the path where the call's path names it."""

    name: str
    zh: str
    en: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})


@dataclass(frozen=True, slots=True)
class Call:
    """`path`: below /v1/ops. `answer`, `body`: JSON schemas. `handler` is marked by `requires`. `media`: of an
    answer that is no JSON."""

    method: str
    path: str
    handler: Handler
    zh: str
    en: str
    answer: Schema
    parameters: tuple[Parameter, ...] = ()
    body: Schema | None = None
    media: str = "application/json"


def add_ops(app: web.Application, world: ConsoleWorld, calls: Iterable[Call]) -> web.Application:
    """Hangs the API under /v1/ops of a server's application; its own application."""
    api = web.Application(middlewares=[guard])
    api[WORLD] = world
    for call in calls:
        api.router.add_route(call.method, call.path, call.handler)
    app.add_subapp(f"{PREFIX}/", api)
    return api


def told(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuses whom it must, and renders every fault as a problem document."""
    try:
        await _check(request)
        response = await handler(request)
    except Refused as refused:
        response = _problem(refused)
    except web.HTTPException as error:
        response = _problem(Refused(error.status if error.status in _WORDS else 400))
    except MessageError as error:
        response = _problem(Refused(422, detail=str(error)[:300]))
    except (StoreUnavailable, TooManyHashes) as error:
        log.warning("call not now", path=request.path, error=str(error)[:300])
        response = _problem(Refused(503))
    except Exception:
        number = secrets.token_hex(6)
        log.exception("incident", incident=number, where=request.path)
        response = _problem(Refused(500, detail=f"incident {number}"))
    put_headers(request, response)
    return response


async def _check(request: web.Request) -> None:
    """Who calls, and may they?"""
    has_token = await _sign_in(request)
    user = request.get(USER)
    if user is None:
        raise Refused(401)
    if request.match_info.http_exception is not None:
        raise request.match_info.http_exception
    right = right_of(request.match_info.route)
    if not right:
        log.error("a handler names no right", path=request.path)
        raise Refused(403)
    if request.get(HALF) and not has_token:
        raise Refused(403, "second-factor", "enrol a second factor in the console first")
    if request.method not in _SAFE and not has_token and not await is_form_ours(request):
        raise Refused(403, "form", "X-CSRF-Token is missing or wrong")
    if not may(user.roles, right):
        log.warning("right missing", user=user.name, right=right, path=request.path)
        raise Refused(403, "right-missing", right)


async def _sign_in(request: web.Request) -> bool:
    """Puts into the request who calls. Did they come by a token of their own? A wrong one is not made good by
    a cookie."""
    world, given = request.app[WORLD], request.headers.get("Authorization", "")
    if not given:
        await take_session(request, world.accounts, must_enrol=world.settings.gateway.console_second_factor)
        return False
    if given[: len(_BEARER)].lower() == _BEARER:
        user = await Tokens(world.store).find(given[len(_BEARER) :].strip())
        if user is not None:
            request[USER] = user
    return True


def _problem(refused: Refused) -> web.Response:
    said = {
        "type": "about:blank", "title": refused.title, "status": refused.status, "code": refused.code,
        "detail": refused.detail,
    }  # fmt: skip
    headers = {"WWW-Authenticate": 'Bearer realm="gateway"'} if refused.status == 401 else {}
    if refused.status == 503:
        headers["Retry-After"] = "5"
    return web.Response(
        body=orjson.dumps(said),
        status=refused.status,
        content_type="application/problem+json",
        headers=headers,
    )


def number_of(request: web.Request, name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query. Refused where it is none, or outside."""
    given = request.query.get(name, "")
    if not given:
        return default
    if not (given.isascii() and given.isdigit() and len(given) < 16 and least <= int(given) <= most):
        raise Refused(422, detail=f"{name}: expected {least} to {most}, got {given[:20]!r}")
    return int(given)


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object that was sent. Refused where it is none."""
    try:
        given = read_json(await request.read())
    except MessageError as error:
        raise Refused(400, detail=str(error)[:300]) from error
    if not isinstance(given, dict):
        raise Refused(400, detail="expected a JSON object")
    return given


def reason_of(given: Mapping[str, Any]) -> str:
    """Why something is done; Refused where it is missing."""
    reason = given.get("reason")
    if not isinstance(reason, str) or not reason.strip():
        raise Refused(400, "reason-missing", "a reason is required")
    return reason.strip()[:MOST_REASON]


def described(calls: Sequence[Call]) -> dict[str, Any]:
    """`paths`, `schemas` and `securitySchemes` for /openapi.json."""
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(PREFIX + call.path, {})[call.method.lower()] = _operation(call)
    problem = {
        "type": "object",
        "required": ["type", "title", "status", "code", "detail"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "code": {"type": "string", "pattern": "^ops\\."}, "detail": {"type": "string"},
        },
    }  # fmt: skip
    schemes = {
        "operatorToken": {
            "type": "http", "scheme": "bearer",
            "description": "gateway user token NAME；以该用户的角色行事 / acts with that user's roles",
        },
        "operatorSession": {"type": "apiKey", "in": "cookie", "name": OPS_COOKIE},
    }  # fmt: skip
    return {"paths": paths, "schemas": {"OpsProblem": problem}, "securitySchemes": schemes}


def _operation(call: Call) -> dict[str, Any]:
    in_path = set(_IN_PATH.findall(call.path))
    refusals = ["401", "403", "422", "503", *(["404"] if in_path else [])]
    if call.body is not None:
        refusals += ["400", "409", "413"]
    media = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/OpsProblem"}}}
    operation: dict[str, Any] = {
        "summary": f"{call.zh} / {call.en}",
        "tags": ["ops"],
        "description": f"需要权限 / needs the right `{right_name(call)}`",
        "security": [{"operatorToken": []}, {"operatorSession": []}],
        "parameters": [
            {
                "name": one.name, "in": "path" if one.name in in_path else "query",
                "required": one.name in in_path, "description": f"{one.zh} / {one.en}", "schema": one.schema,
            }
            for one in call.parameters
        ],
        "responses": {
            "200": {"description": "成功 / success", "content": {call.media: {"schema": call.answer}}},
            **{
                status: {"description": _WORDS[int(status)][1], "content": media}
                for status in sorted(refusals)
            },
        },
    }  # fmt: skip
    if call.body is not None:
        content = {"application/json": {"schema": call.body}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def right_name(call: Call) -> str:
    """The right that the handler names; "" where it names none, and is refused to everybody."""
    return str(getattr(call.handler, "_console_right", ""))
