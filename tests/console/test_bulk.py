"""Dead letters in bulk: by cause, foreseen, done, approved by a second person; each act in the audit."""

from __future__ import annotations

import asyncio
import re

import aiohttp
from lxml import html

from gateway import clock
from gateway.console.sessions import FIELD
from gateway.message import DeliveryState
from gateway.store.contract import RequestRow
from gateway.store.requestrows import ASKED, RUNNING
from tests.console.conftest import Site
from tests.console.people import cookie_of
from tests.store.samples import accept_id, ended, message, says, to

CODE = "receiver.50001"


async def die(site: Site, count: int) -> list[int]:
    """So many dead letters of one cause, each in a line of its own."""
    body = site.standard.build("1001", site.standard.sample("1001")).decode()
    for number in range(count):
        delivery = to("GGZY-ZFCG", f"bulk-{number}")
        await accept_id(
            site.store, message(body, type="1001", biz_key=f"bulk-{number}", judge=says(delivery))
        )
    dead = []
    for claimed in await site.store.claim("w", count + 10, 60):
        if claimed.type == "1001":
            await site.store.record(ended(claimed, DeliveryState.DEAD, CODE, text="对方系统维护"))
            dead.append(claimed.delivery_id)
    return dead


async def ask(
    site: Site, path: str, data: dict[str, str] | None = None, cookies: dict[str, str] | None = None
) -> tuple[int, html.HtmlElement, str]:
    """Gets a page, or sends a form with the token that the account page shows."""
    async with aiohttp.ClientSession(cookies=cookies or site.cookies) as session:
        if data is None:
            async with session.get(site.url + path) as answer:
                return answer.status, html.fromstring(await answer.text()), str(answer.url)
        async with session.get(f"{site.url}/console/account") as answer:
            token = html.fromstring(await answer.text()).xpath(f"//input[@name='{FIELD}']/@value")[0]
        async with session.post(site.url + path, data={FIELD: str(token), **data}) as answer:
            return answer.status, html.fromstring(await answer.text()), str(answer.url)


def said(page: html.HtmlElement) -> str:
    return " ".join(page.text_content().split())


async def asked_for(site: Site, action: str = "replay") -> tuple[html.HtmlElement, str]:
    """From the filter over the preview to the request's page."""
    filled = {"code": CODE, "action": action, "reason": "对方已修复"}
    status, page, _ = await ask(site, "/console/stuck/preview", filled)
    assert status == 200
    form = page.xpath("//form[@action='/console/stuck/requests']")[0]
    given = {name: value for name, value in form.form_values() if name != FIELD}
    status, page, url = await ask(site, "/console/stuck/requests", given)
    assert status == 200
    return page, url.removeprefix(site.url)


async def finished(site: Site, path: str) -> html.HtmlElement:
    for _ in range(100):
        _, page, _ = await ask(site, path)
        if "已完成" in said(page):
            return page
        await asyncio.sleep(0.05)
    raise AssertionError("the request did not end")


async def test_dead_letters_are_grouped_by_cause(site: Site) -> None:
    await die(site, 3)
    _, page, _ = await ask(site, "/console/stuck")
    first = page.xpath("//ol[@class='causes']/li")[0]
    assert said(first).startswith("3") and CODE in said(first)
    _, page, _ = await ask(site, "/console/stuck" + first.xpath("a/@href")[0])
    assert len(page.xpath("//table[contains(@class,'stuck-list')]/tbody/tr")) == 3


async def test_a_preview_says_what_will_happen_and_does_nothing(site: Site) -> None:
    dead = await die(site, 2)
    acts = len(await site.store.acts())
    status, page, _ = await ask(site, "/console/stuck/preview", {"action": "replay", "reason": "x"})
    rows = [said(row) for row in page.xpath("//tbody/tr")]
    assert status == 200 and len(rows) == 4  # with the two of the site's own
    assert sum("→ 待投递" in row for row in rows) + sum("拒绝" in row for row in rows) == 4
    for one in dead:
        row = await site.store.delivery(one)
        assert row is not None and row.state is DeliveryState.DEAD
    assert len(await site.store.acts()) == acts


async def test_what_is_asked_for_without_reason_is_refused(site: Site) -> None:
    await die(site, 1)
    status, page, _ = await ask(site, "/console/stuck/preview", {"action": "replay", "reason": "  "})
    assert status == 400 and "填写理由" in said(page)
    status, _, _ = await ask(site, "/console/stuck/requests", {"action": "replay", "deliveries": "1"})
    assert status == 400 and await site.store.requests() == []


async def test_a_few_are_replayed_at_once_and_audited(site: Site) -> None:
    dead = await die(site, 3)
    _, path = await asked_for(site)
    page = await finished(site, path)
    assert "3 / 3 条已处理，0 条被拒绝" in said(page)
    for one in dead:
        row = await site.store.delivery(one)
        assert row is not None and row.state is DeliveryState.READY
    acts = [(one.actor, one.act, one.reason) for one in await site.store.acts()]
    assert acts[0] == ("a-operator", "resolve replay", "对方已修复")
    assert [act for _, act, _ in acts].count("replay") == 3 and (
        "a-operator",
        "ask resolve",
        "对方已修复",
    ) in acts


async def test_a_discard_tells_the_sender(site: Site) -> None:
    (dead,) = await die(site, 1)
    _, path = await asked_for(site, "discard")
    page = await finished(site, path)
    row = await site.store.delivery(dead)
    assert row is not None and row.state is DeliveryState.DISCARDED, said(page)


async def test_many_wait_for_a_second_person(site: Site) -> None:
    dead = await die(site, 21)
    page, path = await asked_for(site)
    assert "须由另一位操作员批准" in said(page)
    row = await site.store.delivery(dead[0])
    assert row is not None and row.state is DeliveryState.DEAD
    status, page, _ = await ask(site, f"{path}/decide", {"decision": "approve", "reason": "me too"})
    assert status == 409 and "不能批准自己的申请" in said(page)
    viewer = await cookie_of(site.store, "viewer")
    status, _, _ = await ask(site, f"{path}/decide", {"decision": "approve", "reason": "x"}, viewer)
    assert status == 403
    second = await cookie_of(site.store, "operator", title="王五", name="wang")
    _, page, _ = await ask(site, path, cookies=second)
    assert page.xpath("//button[@value='approve']")
    status, _, _ = await ask(site, f"{path}/decide", {"decision": "approve", "reason": "已核对"}, second)
    assert status == 200
    await finished(site, path)
    acts = {(one.actor, one.act) for one in await site.store.acts()}
    assert {("a-operator", "ask resolve"), ("wang", "approve resolve"), ("wang", "resolve replay")} <= acts


async def test_of_two_seconds_at_once_one_approves_and_each_delivery_is_replayed_once(site: Site) -> None:
    await die(site, 21)
    _, path = await asked_for(site)
    seconds = [await cookie_of(site.store, "operator", name=name) for name in ("wang", "zhao")]
    yes = {"decision": "approve", "reason": "已核对"}
    answers = await asyncio.gather(*(ask(site, f"{path}/decide", yes, one) for one in seconds))
    assert sorted(status for status, _, _ in answers) == [200, 409]
    await finished(site, path)
    acts = [one.act for one in await site.store.acts(200)]
    assert (acts.count("approve resolve"), acts.count("replay"), acts.count("resolve replay")) == (1, 21, 1)


async def test_a_second_request_within_the_hour_waits_too(site: Site) -> None:
    before = RequestRow("R1", "replay", "mended", False, "a-operator", clock.now_ms(), RUNNING)
    await site.store.add_request(before, range(1000, 1012))
    await die(site, 9)
    _, page, _ = await ask(site, "/console/stuck/preview", {"code": CODE, "action": "replay", "reason": "x"})
    assert "一小时内您单独处理的 12 条" in said(page)
    page, _ = await asked_for(site)
    assert "须由另一位操作员批准" in said(page)


async def test_a_request_whose_process_died_goes_on_where_it_stood(site: Site) -> None:
    dead = await die(site, 2)
    row = RequestRow("R1", "replay", "mended", False, "li", 1_000, RUNNING, seen_at=1_000)
    await site.store.add_request(row, dead)
    path = "/console/stuck/requests/R1"
    _, page, _ = await ask(site, path)
    assert "执行中断" in said(page)
    await ask(site, f"{path}/go-on", {})
    assert "2 / 2 条已处理，0 条被拒绝" in said(await finished(site, path))


async def test_who_may_only_look_gets_no_form(site: Site) -> None:
    await die(site, 1)
    viewer = await cookie_of(site.store, "viewer")
    _, page, _ = await ask(site, "/console/stuck", cookies=viewer)
    assert not page.xpath("//form[@action='/console/stuck/preview']//button")
    await site.store.add_request(RequestRow("R1", "replay", "mended", False, "li", 1_000, ASKED), [1])
    _, page, _ = await ask(site, "/console/stuck/requests/R1", cookies=viewer)
    assert not page.xpath("//button[@name='decision']")
    assert re.search("没有批准的权限", said(page))
