"""/v1/ops: who may call what, what the answers hold to, and the message log by it."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import jsonschema_rs
import pytest

from gateway.accounts import Accounts, Asker
from gateway.console.guard import right_of
from gateway.console.ops import PREFIX, right_name
from gateway.console.routes import OPS, describe_ops
from gateway.rights import DEPARTMENT, EVERYTHING, OPERATOR, RIGHTS, ROLES, Scope, may
from gateway.tokens import Tokens
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.console.seed import NO

ADMIN = Asker("wang")


async def ask(
    site: Site,
    path: str,
    token: str = "",
    cookies: dict[str, str] | None = None,
    method: str = "GET",
    **more: Any,
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with (
        aiohttp.ClientSession(cookies=cookies) as session,
        session.request(method, site.url + PREFIX + path, headers=headers, **more) as answer,
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        if answer.status != 200:
            assert answer.content_type == "application/problem+json"
        is_json = answer.content_type.endswith("json")
        return answer.status, await (answer.json(content_type=None) if is_json else answer.text())


async def token_of(site: Site, role: str = OPERATOR, **changes: Any) -> str:
    scope = Scope(divisions=("310000",)) if role == DEPARTMENT else EVERYTHING
    await cookie_of(site.store, role, scope, **changes)
    return await Tokens(site.store).make(
        str(changes.get("name", f"a-{role}")), "a script", 1, ADMIN, "nightly"
    )


def path_of(path: str) -> str:
    """Of what does not exist."""
    return re.sub(r"{\w+}", "NONE", path)


async def test_every_call_names_a_right_and_is_described(site: Site) -> None:
    routes = [route for route in site.api.router.routes() if route.method != "HEAD"]
    assert {right_of(route) for route in routes} <= set(RIGHTS) and len(routes) == len(OPS)
    described = describe_ops()["paths"]
    for call in OPS:
        operation = described[PREFIX + call.path][call.method.lower()]
        assert set(re.findall(r"{(\w+)}", call.path)) <= {one["name"] for one in operation["parameters"]}
        assert re.search("[一-鿿]", operation["summary"]) and operation["responses"]["200"]


@pytest.mark.parametrize("role", ROLES)
async def test_every_call_is_refused_or_open_as_the_table_says(site: Site, role: str) -> None:
    token = await token_of(site, role)
    for call in OPS:
        status, said = await ask(site, path_of(call.path), token, method=call.method)
        allowed = may((role,), getattr(call.handler, "_console_right"))  # noqa: B009
        assert (status != 403) == allowed, (call.path, status, said)
        status, said = await ask(site, path_of(call.path), method=call.method)
        assert status == 401 and said["code"] == "ops.unauthorized"


async def test_answers_hold_to_what_is_described(site: Site) -> None:
    tokens = {role: await token_of(site, role) for role in ROLES}
    _, listed = await ask(site, "/messages", tokens[OPERATOR])
    ids = {call.path: listed["messages"][0]["id"] for call in OPS if call.path.startswith("/messages/{id}")}
    ids |= {"/applications/{no}": NO, "/platforms/{name}": "GGZY-JSGC"}
    ids |= {"/standard/types/{number}": "4002", "/standard/codes/{name}": "status"}
    for call in OPS:
        if call.method != "GET" or call.media != "application/json":
            continue
        path = re.sub(r"{\w+}", lambda _, call=call: ids.get(call.path, "NONE"), call.path)
        role = next(one for one in (OPERATOR, *ROLES) if may((one,), right_name(call)))
        status, said = await ask(site, path, tokens[role])
        if status == 404 and "{" in call.path:
            continue
        assert status == 200, (path, said)
        jsonschema_rs.validate(dict(call.answer), said)


async def test_the_log_is_found_by_its_fields_and_read_page_by_page(site: Site) -> None:
    token = await token_of(site)
    _, whole = await ask(site, "/messages", token)
    ids = [one["id"] for one in whole["messages"]]
    assert len(ids) == 6 and whole["older"] == ""
    seen, before = [], ""
    while True:
        _, page = await ask(site, f"/messages?limit=2&before={before}", token)
        seen += [one["id"] for one in page["messages"]]
        before = page["older"]
        if not before:
            break
    assert seen == ids
    _, found = await ask(site, f"/messages?application={NO}&type=4002", token)
    assert [one["type"] for one in found["messages"]] == ["4002"]
    _, one = await ask(site, f"/messages/{found['messages'][0]['id']}", token)
    assert one["deliveries"][0]["receiver"] == "CZ-ZFPT-310000" and one["events"][0]["stage"] == "accepted"
    (sent,) = (await ask(site, "/messages?type=2003", token))[1]["messages"]
    _, one = await ask(site, f"/messages/{sent['id']}", token)
    (tried,) = one["deliveries"][0]["attempts"]
    assert tried["headers"] == {
        "sent": {"idempotency-key": "k-1"},
        "answered": {"set-cookie": "***", "x-contact": "138****5678"},
        "cut": True,
    }
    assert '"Result": "00000"' in tried["answer"]
    assert (await ask(site, "/messages?until=2020-01-01", token))[1]["messages"] == []


@pytest.mark.parametrize(
    "query", ["since=yesterday", "state=gone", "limit=0", "limit=x", "colour=red", "until=2024-13-01"]
)
async def test_what_cannot_be_read_is_said(site: Site, query: str) -> None:
    status, said = await ask(site, f"/messages?{query}", await token_of(site))
    assert status == 422 and said["code"].startswith("ops.") and query.partition("=")[0] in said["detail"]


async def test_the_console_cookie_is_good_for_reading(site: Site) -> None:
    assert (await ask(site, "/messages", cookies=site.cookies))[0] == 200
    assert (await ask(site, "/messages", "wrong", cookies=site.cookies))[0] == 401


async def test_a_token_ends_with_its_term_its_revocation_and_its_user(site: Site) -> None:
    accounts = Accounts(site.store)
    first, second = await token_of(site), await token_of(site)
    (one, other) = await site.store.tokens()
    assert first not in str(one) + str(other) and one.purpose == "a script"
    assert (await ask(site, "/messages", first))[0] == (await ask(site, "/messages", second))[0] == 200
    await Tokens(accounts.store).end(one.id, ADMIN, "leaked")
    told = [(await ask(site, "/messages", token))[0] for token in (first, second)]
    assert sorted(told) == [200, 401]
    await accounts.lock(f"a-{OPERATOR}", ADMIN, "left")
    assert [(await ask(site, "/messages", token))[0] for token in (first, second)] == [401, 401]
    assert await site.store.tokens() == []
    acts = [act.act for act in await site.store.acts(subject=f"a-{OPERATOR}")]
    assert acts[:4] == ["lock user", "end token", "make token", "make token"]


async def test_what_lies_nowhere_is_told_as_a_problem(site: Site) -> None:
    token = await token_of(site)
    assert (await ask(site, "/nothing", token))[0] == 404 and (await ask(site, "/nothing"))[0] == 401
    assert (await ask(site, "/messages", token, method="DELETE"))[0] == 405
