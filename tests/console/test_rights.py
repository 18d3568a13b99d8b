"""Every route of the console against the table of rights, for every role; and what is not allowed is not shown."""

from __future__ import annotations

import re
from dataclasses import replace

import aiohttp
import pytest
from aiohttp import web
from lxml import html

from gateway.console.guard import OPEN, right_of
from gateway.console.places import PLACES
from gateway.console.sessions import FIELD
from gateway.rights import DEPARTMENT, EVERYTHING, OPERATOR, RIGHTS, ROLES, SECURITY, Scope, may
from gateway.store.contract import MessageFilter
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import NO

NOWHERE = {
    "id": "NONE",
    "day": "20200101",
    "treasury": "NONE",
    "log": "NONE",
    "size": "1",
    "no": "NONE",
    "name": "nobody",
    "act": "lock",
    "token": "none",
    "language": "fr",
    "number": "0000",
    "profile": "none",
    "direction": "in",
    "form": "csv",
}


def routes(site: Site) -> list[web.AbstractRoute]:
    return [route for route in site.pages.router.routes() if route.method != "HEAD"]


def path_of(route: web.AbstractRoute) -> str:
    """A path that the route takes, of things that do not exist."""
    assert route.resource is not None
    canonical = route.resource.canonical
    names = re.findall(r"{(\w+)}", canonical)
    return canonical.format(**{name: NOWHERE[name] for name in names})


async def ask(
    site: Site, method: str, path: str, cookies: dict[str, str], token: str = ""
) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(cookies=cookies) as session,
        session.request(
            method, site.url + path, allow_redirects=False, data={FIELD: token} if method == "POST" else None
        ) as answer,
    ):
        ends = answer.content_type != "text/event-stream"
        return answer.status, await answer.text() if ends else ""


async def token_of(site: Site, cookies: dict[str, str]) -> str:
    _, page = await ask(site, "GET", "/console/account", cookies)
    found = html.fromstring(page).xpath(f"//input[@name='{FIELD}']/@value")
    assert found, "the account page has no form's token"
    return str(found[0])


async def test_every_handler_names_a_right_and_every_named_right_is_in_the_table(site: Site) -> None:
    named = {route: right_of(route) for route in routes(site)}
    assert [route for route, right in named.items() if right is None] == []
    assert {right for right in named.values() if right} <= set(RIGHTS)
    open_to_all = {path_of(route).removeprefix("/console") for route, right in named.items() if right == OPEN}
    assert open_to_all == {"/language/fr", "/sign-in", "/sign-in/second", "/set-up/none", "/static"}


@pytest.mark.parametrize("role", ROLES)
async def test_every_route_is_refused_or_open_as_the_table_says(site: Site, role: str) -> None:
    scope = Scope(divisions=("310000",)) if role == DEPARTMENT else EVERYTHING
    cookies = await cookie_of(site.store, role, scope)
    token = await token_of(site, cookies)
    wrong, walked = [], 0
    for route in sorted(routes(site), key=lambda one: path_of(one) == "/console/sign-out"):
        right = right_of(route)
        if not right:
            continue
        status, _ = await ask(site, route.method, path_of(route), cookies, token)
        walked += 1
        if (status != 403) != may([role], right) or status >= 500:
            wrong.append(f"{route.method} {path_of(route)} ({right}): {status}")
    assert wrong == [] and walked > 15


async def test_a_stranger_gets_nothing_but_the_sign_in_page(site: Site) -> None:
    for route in routes(site):
        if right_of(route) == OPEN:
            continue
        status, page = await ask(site, route.method, path_of(route), {})
        expected = 403 if route.method == "POST" else 303  # a form without our token is nobody's
        assert status == expected, route
        assert "SQ-310000" not in page and "GGZY-" not in page


async def test_htmx_is_sent_to_the_sign_in_page_as_a_whole(site: Site) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{site.url}/console/?type=4002", headers={"HX-Request": "true"}) as answer,
    ):
        assert answer.status == 401
        assert answer.headers["HX-Redirect"] == "/console/sign-in?back=%2Fconsole%2F%3Ftype%3D4002"


@pytest.mark.parametrize("role", ROLES)
async def test_what_one_may_not_do_is_not_shown(site: Site, role: str) -> None:
    scope = Scope(divisions=("310000",)) if role == DEPARTMENT else EVERYTHING
    cookies = await cookie_of(site.store, role, scope)
    _, page = await ask(site, "GET", "/console/account", cookies)
    links = {str(link) for link in html.fromstring(page).xpath("//nav/a/@href")}
    assert links == {place.href for place in PLACES if may([role], place.right)}
    assert ("报文 6" in page) == may([role], "deliveries.view")


@pytest.mark.parametrize(("role", "is_shown"), [("operator", True), ("viewer", False)])
async def test_the_way_to_plain_values_is_shown_to_operators_alone(
    site: Site, role: str, is_shown: bool
) -> None:
    cookies = await cookie_of(site.store, role)
    _, log = await ask(site, "GET", "/console/?type=1001", cookies)
    path = re.search(r"/console/messages/[0-9A-Z]{26}", log)
    assert path is not None
    _, page = await ask(site, "GET", path.group(), cookies)
    assert (f'action="{path.group()}/unmask"' in page) == is_shown


@pytest.mark.parametrize(("role", "leads_back"), [("audit", False), ("viewer", True)])
async def test_a_proof_leads_to_its_message_for_those_who_may_see_it(
    site: Site, role: str, leads_back: bool
) -> None:
    row = next(iter(await site.store.search(MessageFilter(type="1001"))))
    path = f"/console/messages/{row.id}"
    cookies = await cookie_of(site.store, role)
    status, page = await ask(site, "GET", f"{path}/proof", cookies)
    assert status == 200 and (f'href="{path}"' in page) == leads_back
    assert ((await ask(site, "GET", path, cookies))[0] == 200) == leads_back


async def test_a_department_sees_the_applications_within_its_bounds_alone(site: Site) -> None:
    inside = await cookie_of(site.store, DEPARTMENT, Scope(divisions=("310000",), project_kinds=("01",)))
    status, page = await ask(site, "GET", f"/console/applications/{NO}", inside)
    assert status == 200 and "/console/messages/" not in page
    assert "共 2 件" in (await ask(site, "GET", "/console/applications", inside))[1]
    await site.store.change_user(
        f"a-{DEPARTMENT}", lambda row, at: (replace(row, scope=Scope(divisions=("310115",))), None, ())
    )
    for text in ("", f"?text={NO}", "?text=12310000425010220N"):
        assert NO not in re.sub(
            r'value="[^"]*"', "", (await ask(site, "GET", "/console/applications" + text, inside))[1]
        )
    assert (await ask(site, "GET", f"/console/applications/{NO}", inside))[0] == 404


async def test_a_user_who_is_locked_is_out_at_once(site: Site) -> None:
    assert (await ask(site, "GET", "/console/", site.cookies))[0] == 200
    cookies = await cookie_of(site.store, SECURITY)
    token = await token_of(site, cookies)
    async with (
        aiohttp.ClientSession(cookies=cookies) as session,
        session.post(
            f"{site.url}/console/users/a-{OPERATOR}/lock", data={FIELD: token, "reason": "left"}
        ) as answer,
    ):
        assert answer.status == 200 and "已锁定" in await answer.text()
    assert (await ask(site, "GET", "/console/", site.cookies))[0] == 303
