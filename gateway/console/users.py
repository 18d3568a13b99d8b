"""The users: the security administrator adds, locks, resets, and says who holds which role within which bounds."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from multidict import MultiDictProxy

from gateway.accounts import AccountFault, Asker
from gateway.console.bounds import known_bounds
from gateway.console.guard import asker, requires
from gateway.console.headers import scheme_of
from gateway.console.world import WORLD, ConsoleWorld, render
from gateway.rights import ROLES, Scope
from gateway.store.contract import UserRow

_MOST = 256
Form = MultiDictProxy[Any]


def add(pages: web.Application) -> None:
    pages.router.add_get("/users", show_users)
    pages.router.add_post("/users", add_user)
    pages.router.add_get("/users/{name}", show_user)
    pages.router.add_post("/users/{name}/roles", set_roles)
    pages.router.add_post("/users/{name}/{act:lock|unlock|reset}", act_on_user)


@requires("users.manage")
async def show_users(request: web.Request) -> web.Response:
    return await _list_page(request)


@requires("users.manage")
async def add_user(request: web.Request) -> web.Response:
    form = await request.post()
    name, title, reason = (_text(form, field) for field in ("name", "title", "reason"))
    world = request.app[WORLD]
    try:
        token = await world.accounts.add_user(
            name, title, _roles(form), _scope(world, form), asker(request), _needed(reason)
        )
    except AccountFault as error:
        given = {"name": name, "title": title, "reason": reason, "roles": _roles(form)}
        return await _list_page(request, fault=error.key, given=given)
    return await _link_page(request, name, token)


@requires("users.manage")
async def show_user(request: web.Request) -> web.Response:
    return await _user_page(request)


@requires("users.manage")
async def set_roles(request: web.Request) -> web.Response:
    form, world = await request.post(), request.app[WORLD]
    row = await _get(request)
    try:
        await world.accounts.set_roles(
            row.name, _roles(form), _scope(world, form), asker(request), _needed(_text(form, "reason"))
        )
    except AccountFault as error:
        return await _user_page(request, fault=error.key)
    raise web.HTTPSeeOther(f"/console/users/{row.name}")


@requires("users.manage")
async def act_on_user(request: web.Request) -> web.Response:
    row = await _get(request)
    reason = _text(await request.post(), "reason")
    accounts, who = request.app[WORLD].accounts, asker(request)
    try:
        token = await _act(accounts, request.match_info["act"], row.name, who, _needed(reason))
    except AccountFault as error:
        return await _user_page(request, fault=error.key)
    if token:
        return await _link_page(request, row.name, token)
    raise web.HTTPSeeOther(f"/console/users/{row.name}")


async def _act(accounts: Any, act: str, name: str, who: Asker, reason: str) -> str:
    """A link's token, where the act makes one."""
    if act == "reset":
        return str(await accounts.reset(name, who, reason))
    await (accounts.lock if act == "lock" else accounts.unlock)(name, who, reason)
    return ""


async def _get(request: web.Request) -> UserRow:
    row = await request.app[WORLD].store.user(request.match_info["name"])
    if row is None:
        raise web.HTTPNotFound
    return row


def _text(form: Form, name: str) -> str:
    return str(form.get(name, "")).strip()[:_MOST]


def _needed(reason: str) -> str:
    if not reason:
        raise AccountFault("reason.missing")
    return reason


def _roles(form: Form) -> list[str]:
    return [str(role) for role in form.getall("role", [])]


def _scope(world: ConsoleWorld, form: Form) -> Scope:
    """Of what the configuration and the code tables know, in their order."""
    known = known_bounds(world)
    chosen = {
        name: tuple(code for code, _ in rows if code in form.getall(name, [])) for name, rows in known.items()
    }
    return Scope(chosen["authority"], chosen["division"], chosen["kind"])


async def _list_page(
    request: web.Request, fault: str = "", given: dict[str, Any] | None = None
) -> web.Response:
    world = request.app[WORLD]
    context = {
        "tab": "users",
        "rows": await world.store.users(),
        "roles": ROLES,
        "bounds": known_bounds(world),
        "chosen": Scope(),
        "fault": fault,
        "given": given or {"name": "", "title": "", "reason": "", "roles": []},
    }
    return await render(request, "users.html", context, status=422 if fault else 200)


async def _user_page(request: web.Request, fault: str = "") -> web.Response:
    world, row = request.app[WORLD], await _get(request)
    context = {
        "tab": "users",
        "row": row,
        "roles": ROLES,
        "bounds": known_bounds(world),
        "chosen": row.scope,
        "fault": fault,
        "acts": ("unlock" if row.state == "locked" or row.refused_until else "lock", "reset"),
    }
    return await render(request, "user.html", context, status=422 if fault else 200)


async def _link_page(request: web.Request, name: str, token: str) -> web.Response:
    """The one-time link, shown once: only its hash is kept."""
    link = f"{scheme_of(request)}://{request.host}/console/set-up/{token}"
    return await render(request, "invited.html", {"tab": "users", "name": name.casefold(), "link": link})
