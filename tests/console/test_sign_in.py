"""Signing in as a browser does it: forms with their tokens, cookies, the way from the first link to a second factor."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import AsyncIterator
from http.cookies import Morsel, SimpleCookie
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from lxml import html
from yarl import URL

from gateway.accounts import AccountFault, Accounts, Asker
from gateway.console.sessions import COOKIE, FIELD, OPS_COOKIE, VISIT
from gateway.rights import AUDIT, EVERYTHING, OPERATOR, SECURITY
from gateway.security.totp import code_at
from gateway.tokens import Tokens
from tests.console.conftest import Site
from tests.console.people import cookie_of

PASSWORD = "nine owls count to 4"
HOME = "/console/overview"


class Visitor:
    """A browser without scripts."""

    def __init__(self, site: Site):
        self.url = site.url
        self.session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self.status, self.page, self.place = 0, "", ""
        self.set: dict[str, Morsel[str]] = {}

    async def get(self, path: str) -> str:
        return await self._take("GET", path)

    async def send(self, path: str, **fields: str) -> str:
        """The form of the present page that goes to `path`, with its hidden fields."""
        (form,) = html.fromstring(self.page).xpath(f"//form[@action='{path}']")
        hidden = {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}
        return await self.post(path, **{**hidden, **fields})

    async def post(self, path: str, **fields: str) -> str:
        return await self._take("POST", path, data=fields)

    async def _take(self, method: str, path: str, **more: Any) -> str:
        async with self.session.request(method, self.url + path, **more) as answer:
            self.status, self.page, self.place = answer.status, await answer.text(), answer.url.path_qs
            for one in (*answer.history, answer):
                self.set |= dict(one.cookies)
            return self.page

    def plant(self, **cookies: str) -> None:
        for name, value in cookies.items():
            planted = SimpleCookie({name: value})
            planted[name]["path"] = "/console/"
            self.session.cookie_jar.update_cookies(planted, URL(self.url))

    def cookie(self, name: str) -> str:
        return next((one.value for one in self.session.cookie_jar if one.key == name), "")

    async def sign_in(self, name: str, password: str, path: str = "/console/sign-in") -> str:
        await self.get(path)
        return await self.send("/console/sign-in", name=name, password=password)


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(site: Site) -> AsyncIterator[Visitor]:
    one = Visitor(site)
    yield one
    await one.session.close()


@pytest_asyncio.fixture(loop_scope="session")
async def visitor_of_empty(empty_site: Site) -> AsyncIterator[Visitor]:
    one = Visitor(empty_site)
    yield one
    await one.session.close()


async def user(site: Site, name: str = "li", role: str = OPERATOR) -> None:
    accounts = Accounts(site.store)
    token = await accounts.add_user(name, "李四", [role], EVERYTHING, Asker("test"), "new")
    await accounts.take_up(token, "", "", PASSWORD, "test")


async def test_signing_in_leads_back_to_the_page_that_was_asked_for(site: Site, visitor: Visitor) -> None:
    await user(site)
    page = await visitor.sign_in("li", PASSWORD, "/console/applications?text=SQ")
    assert visitor.place == "/console/applications?text=SQ" and "李四" in page
    await visitor.send("/console/sign-out")
    assert visitor.place == "/console/sign-in" and not visitor.cookie(COOKIE)
    (act, signed_in, *_) = await site.store.acts(subject="li")
    assert (act.act, signed_in.act, signed_in.origin) == ("sign out", "sign in", "127.0.0.1")


@pytest.mark.parametrize(
    "back", ["https://evil.example/", "//evil.example/console/", "/console//evil.example"]
)
async def test_signing_in_leads_nowhere_else(site: Site, visitor: Visitor, back: str) -> None:
    await user(site)
    await visitor.get("/console/sign-in")
    await visitor.send("/console/sign-in", name="li", password=PASSWORD, back=back)
    assert visitor.place == HOME


async def test_the_refusal_does_not_tell_what_was_wrong(site: Site, visitor: Visitor) -> None:
    await user(site)
    said = []
    for name, password in (("li", "wrong password"), ("nobody", PASSWORD), ("a-operator", PASSWORD)):
        page = await visitor.sign_in(name, password)
        assert visitor.status == 401 and not visitor.cookie(COOKIE)
        said.append(html.fromstring(page).xpath("string(//p[@role='alert'])"))
    assert len(set(said)) == 1 and "不正确" in said[0]


async def test_cookies_are_kept_from_scripts_other_sites_and_plain_wires(
    site: Site, visitor: Visitor
) -> None:
    await user(site)
    await visitor.sign_in("li", PASSWORD)
    for name, path in ((COOKIE, "/console/"), (VISIT, "/console/"), (OPS_COOKIE, "/v1/ops/")):
        morsel = visitor.set[name]
        assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Strict", path), name
        assert not morsel["secure"], "plain HTTP on this machine could not send it back"
    async with visitor.session.get(f"{site.url}/v1/ops/messages") as answer:
        assert answer.status == 200
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{site.url}/console/sign-in", headers={"Host": "gateway.example"}) as answer,
    ):
        assert answer.cookies[VISIT]["secure"]


async def test_a_session_that_somebody_planted_is_worth_nothing(site: Site, visitor: Visitor) -> None:
    """Session fixation: neither a made-up token nor one of before becomes the session, and the old one ends."""
    await user(site)
    visitor.plant(**{COOKIE: "planted", VISIT: "planted"})
    await visitor.sign_in("li", PASSWORD)
    first = visitor.cookie(COOKIE)
    assert first and first != "planted" and visitor.cookie(VISIT) == ""
    await visitor.get("/console/sign-in")
    assert visitor.place == HOME  # is signed in
    other = Visitor(site)
    other.plant(**{COOKIE: first})
    await other.get("/console/")
    assert other.place == "/console/"
    async with aiohttp.ClientSession(cookies={COOKIE: first}) as session:
        token = re.search(r'name="csrf" value="(\w+)"', visitor.page)
        assert token is not None
        form = {FIELD: token.group(1), "name": "li", "password": PASSWORD}
        async with session.post(f"{site.url}/console/sign-in", data=form, allow_redirects=False) as answer:
            assert answer.status == 303 and answer.cookies[COOKIE].value != first
    await other.get("/console/")
    assert other.place.startswith("/console/sign-in"), "the session of before the sign-in went on"
    await other.session.close()


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({}, {}),
        ({FIELD: ""}, {}),
        ({FIELD: "0" * 64}, {}),
        ({FIELD: "right"}, {"Sec-Fetch-Site": "cross-site"}),
        ({FIELD: "right"}, {"Sec-Fetch-Site": "same-site"}),
    ],
)
async def test_a_form_that_is_not_ours_does_nothing(
    site: Site, fields: dict[str, str], headers: dict[str, str]
) -> None:
    cookies = await cookie_of(site.store, SECURITY)
    async with aiohttp.ClientSession(cookies=cookies) as session:
        async with session.get(f"{site.url}/console/users") as answer:
            token = re.search(r'name="csrf" value="(\w+)"', await answer.text())
        assert token is not None
        sent = {name: token.group(1) if value == "right" else value for name, value in fields.items()}
        form = {**sent, "reason": "r"}
        path = f"{site.url}/console/users/a-operator/lock"
        async with session.post(path, data=form, headers=headers) as answer:
            assert answer.status == 403
        row = await site.store.user("a-operator")
        assert row is not None and row.state == "active"
        async with session.post(
            path, data={"reason": "r"}, headers={"X-CSRF-Token": token.group(1)}
        ) as answer:
            assert answer.status == 200
    row = await site.store.user("a-operator")
    assert row is not None and row.state == "locked"


async def test_a_visitors_token_is_no_token_of_a_session(site: Site, visitor: Visitor) -> None:
    await visitor.get("/console/sign-in")
    token = re.search(r'name="csrf" value="(\w+)"', visitor.page)
    assert token is not None
    cookies = {**await cookie_of(site.store, SECURITY), VISIT: visitor.cookie(VISIT)}
    async with (
        aiohttp.ClientSession(cookies=cookies) as session,
        session.post(
            f"{site.url}/console/users/a-operator/lock", data={FIELD: token.group(1), "reason": "r"}
        ) as answer,
    ):
        assert answer.status == 403


async def test_from_the_first_link_to_three_administrators_and_a_second_factor(
    empty_site: Site, visitor_of_empty: Visitor
) -> None:
    """As on a new machine: second factors are required."""
    visitor = visitor_of_empty
    link = f"/console/set-up/{await Accounts(empty_site.store).invite_first()}"
    await visitor.get(link)
    assert "安全管理员" in visitor.page
    await visitor.send(link, name="wang", title="王五", password="short", again="short")
    assert visitor.status == 422 and "至少 12 个字符" in visitor.page
    await visitor.send(link, name="wang", title="王五", password=PASSWORD, again=PASSWORD)
    assert visitor.place == "/console/sign-in?made=wang"
    await visitor.get(link)
    assert visitor.status == 404 and "已使用" in visitor.page
    await visitor.sign_in("wang", PASSWORD)
    assert visitor.place == "/console/account" and "请先启用双因素认证" in visitor.page
    await visitor.get("/console/users")
    assert visitor.place == "/console/account", "went on without a second factor"
    secret = await enrol(visitor)
    assert len(html.fromstring(visitor.page).xpath("//ul[@class='codes']/li")) == 10
    await visitor.get("/console/users")
    assert visitor.status == 200
    for name, role in (("zhao", AUDIT), ("qian", "system")):
        await visitor.get("/console/users")
        await visitor.send("/console/users", name=name, title=name, role=role, reason="三员")
        assert f"{empty_site.url}/console/set-up/" in visitor.page
    await visitor.get("/console/users")
    await visitor.send("/console/users", name="sun", title="sun", role=OPERATOR, reason="")
    assert visitor.status == 422 and "必须填写理由" in visitor.page
    await visitor.get("/console/users/zhao")
    await visitor.send("/console/users/zhao/roles", role="security", reason="takes over")
    await visitor.get("/console/users/wang")
    await visitor.send("/console/users/wang/lock", reason="myself")
    assert visitor.status == 422 and "自己" in visitor.page
    await visitor.send("/console/sign-out")
    await visitor.sign_in("wang", PASSWORD)
    assert visitor.place.startswith("/console/sign-in/second")
    await visitor.get("/console/users")
    assert visitor.place.startswith("/console/sign-in"), "half a sign-in let somebody in"
    await visitor.get("/console/sign-in/second")
    await visitor.send("/console/sign-in/second", code=code_at(secret, time.time()))
    assert (
        visitor.status == 401 and "已使用过" in visitor.page
    )  # the one of the enrolment, or one yet to come
    await visitor.send("/console/sign-in/second", code=code_at(secret, time.time() + 30))
    assert visitor.place == "/console/users"
    checked = await empty_site.store.check_audit()
    assert checked.broken_at == 0 and checked.lines > 7


async def enrol(visitor: Visitor) -> str:
    """Through the page; the secret."""
    await visitor.get("/console/account/second-factor")
    secret = html.fromstring(visitor.page).xpath("string(//*[@id='secret'])").replace(" ", "")
    page = visitor.page
    picture = await visitor.get("/console/account/second-factor/qr.svg")
    assert picture.startswith("<svg") and "style=" not in picture
    visitor.page = page
    path = "/console/account/second-factor"
    await visitor.send(path, password=PASSWORD, code="000000")
    assert visitor.status == 422
    await visitor.send(path, password=PASSWORD, code=code_at(secret, time.time()))
    assert visitor.status == 200
    return str(secret)


async def test_plain_values_need_a_reason_and_leave_a_line(site: Site, visitor: Visitor) -> None:
    await user(site)
    await visitor.sign_in("li", PASSWORD)
    sample, sensitive = site.standard.sample("1001"), site.standard.sensitive("1001")
    values = [str(sample[name]) for name in sensitive if len(str(sample.get(name, ""))) > 1]
    assert values
    found = re.search(r"/console/messages/[0-9A-Z]{26}", await visitor.get("/console/?type=1001"))
    assert found is not None
    path = found.group()
    await visitor.get(path)
    await visitor.send(path + "/unmask", reason="  ")
    assert visitor.status == 422 and not [value for value in values if value in visitor.page]
    await visitor.get(path)
    await visitor.send(path + "/unmask", reason="来电核对账号")
    assert [value for value in values if value not in visitor.page] == []
    act = (await site.store.acts(subject=path.rsplit("/", 1)[1]))[0]
    assert (act.actor, act.act, act.reason, act.detail["type"]) == ("li", "unmask", "来电核对账号", "1001")
    await visitor.get(path)
    assert not [value for value in values if value in visitor.page]


async def test_the_audit_is_searched_exported_and_checked(site: Site, visitor: Visitor) -> None:
    await user(site, role=AUDIT)
    for number in range(60):
        await site.store.note_act("li", "pause", "CZ", "=cmd()" if number == 7 else "周末", {"n": number})
    await visitor.sign_in("li", PASSWORD)
    assert visitor.place == "/console/audit"
    await visitor.get("/console/audit?act=pause&since=2020-01-01")
    assert len(html.fromstring(visitor.page).xpath("//tbody/tr")) == 50
    (older,) = html.fromstring(visitor.page).xpath("//a[@rel='next']/@href")
    await visitor.get(f"/console/audit{older}")
    assert len(html.fromstring(visitor.page).xpath("//tbody/tr")) == 10
    text = await visitor.get("/console/audit.csv?act=pause")
    lines = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert len(lines) == 60 and lines[0]["reason"] == "周末" and "'=cmd()" in {one["reason"] for one in lines}
    assert {one.act for one in await site.store.acts(limit=1)} == {"export audit"}
    await visitor.get("/console/audit?since=2026-13-01")
    assert "日期无效" in visitor.page
    await visitor.send("/console/audit/check")
    assert "完整" in visitor.page


async def test_ones_own_tokens_are_listed_and_ended(site: Site, visitor: Visitor) -> None:
    await user(site)
    await user(site, "sun")
    for name, purpose in (("li", "夜间报表"), ("sun", "别人的")):
        await Tokens(site.store).make(name, purpose, 30, Asker("test"), "r")
    (own,), (other,) = [await Tokens(site.store).of(name) for name in ("li", "sun")]
    await visitor.sign_in("li", PASSWORD)
    await visitor.get("/console/account")
    assert "夜间报表" in visitor.page and "别人的" not in visitor.page
    csrf = html.fromstring(visitor.page).xpath(f"string(//input[@name='{FIELD}']/@value)")
    await visitor.post(f"/console/account/tokens/{other.id}/end", **{FIELD: csrf})
    assert visitor.status == 404 and await Tokens(site.store).of("sun") == [other]
    await visitor.get("/console/account")
    await visitor.send(f"/console/account/tokens/{own.id}/end")
    assert "令牌已吊销" in visitor.page and "夜间报表" not in visitor.page
    assert [one.name for one in await site.store.tokens()] == ["sun"]
    act = (await site.store.acts())[0]
    assert (act.actor, act.act, act.detail["token"]) == ("li", "end token", own.id)


async def test_a_token_that_was_ended_meanwhile_is_not_found(
    site: Site, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    await user(site)
    await Tokens(site.store).make("li", "夜间报表", 30, Asker("test"), "r")
    (own,) = await Tokens(site.store).of("li")
    await visitor.sign_in("li", PASSWORD)
    await visitor.get("/console/account")
    answers = iter([[own], [], []])  # between two looks somebody else was quicker

    async def seen() -> list[Any]:
        return next(answers)

    monkeypatch.setattr(site.store, "tokens", seen)
    await visitor.send(f"/console/account/tokens/{own.id}/end")
    assert visitor.status == 404


async def test_a_token_is_ended_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await user(site)
    await Tokens(site.store).make("li", "夜间报表", 30, Asker("test"), "r")
    rows = await site.store.tokens()

    async def seen() -> Any:
        return rows

    monkeypatch.setattr(site.store, "tokens", seen)
    await Tokens(site.store).end(rows[0].id, Asker("test"), "r")
    with pytest.raises(AccountFault):
        await Tokens(site.store).end(rows[0].id, Asker("test"), "r")


async def test_every_page_is_without_inline_script_and_style(site: Site, visitor: Visitor) -> None:
    """What the content security policy would block is not there."""
    await user(site, role=SECURITY)
    await visitor.sign_in("li", PASSWORD)
    for path in ("/console/users", "/console/users/li", "/console/account", "/console/account/second-factor"):
        page = html.fromstring(await visitor.get(path))
        assert visitor.status == 200, path
        assert (
            page.xpath("//*[@style] | //style | //script[not(@src)] | //*[@*[starts-with(name(), 'on')]]")
            == []
        )
        assert page.xpath("//form[@method='post'][not(.//input[@name='csrf'])]") == [], path
