"""The overview: what a person sees of platforms and of the last hour, live and without reloading."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import pytest
from lxml import html
from playwright.async_api import Browser, expect

from gateway import clock
from gateway.accounts import Asker, hash_token
from gateway.console.charts import bars
from gateway.console.flow import SPAN_MS, Flow
from gateway.console.overview import PULSE, lasts
from gateway.console.overviewing import OpenAlarms, by_minute, last_of_each, open_alarms
from gateway.console.pulse import MOST_OF_ONE, Pulse, TooManyListeners
from gateway.console.texts import translate
from gateway.console.world import WORLD
from gateway.message import GATEWAY_NODE
from gateway.store.accountrows import FULL
from gateway.store.contract import ErrorCount, SessionRow, StoreUnavailable
from gateway.store.watchingrows import FAILED, REFUSED
from tests.console.conftest import CHROMIUM, Site
from tests.console.people import cookie_of
from tests.console.proof import certificate
from tests.console.seed import accept
from tests.console.test_alarms import fire
from tests.console.test_bulk import said
from tests.console.test_keeping import DAY, DIFFERENCES
from tests.console.test_operator_tasks import open_page
from tests.store.samples import accept_id, message, says, to

needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")


async def ask(site: Site, path: str, cookies: dict[str, str] | None = None) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(cookies=site.cookies if cookies is None else cookies) as session,
        session.get(f"{site.url}/console{path}") as answer,
    ):
        return answer.status, await answer.text()


async def test_each_platform_is_told_with_what_waits_and_what_went_wrong(site: Site) -> None:
    await site.store.pause_receiver("GGZY-JSGC", "li", "对方割接")
    old = clock.first_id(clock.now_ms() - 3_700_000)
    await accept_id(site.store, message(judge=says(to("CZ-ZFPT-310115")), message_id=old))
    status, text = await ask(site, "/overview")
    page = html.fromstring(text)
    assert status == 200
    cards = {one.get("id")[2:]: said(one) for one in page.xpath("//article")}
    assert set(cards) == set(site.settings.platforms)
    assert "已暂停" in cards["GGZY-JSGC"] and "li: 对方割接" in cards["GGZY-JSGC"]
    assert re.search(r"排队投递\s*1\s*最久等待 1 小时 1 分", cards["CZ-ZFPT-310115"])
    assert re.search(r"滞留（死信）\s*1", cards["CZ-ZFPT-310000"]) and "1 / 1" in cards["CZ-ZFPT-310000"]
    assert "0 / 2" in cards["GGZY-ZFCG"]  # one refused, one attempt that failed
    figures = said(page.get_element_by_id("o-figures"))
    assert re.search(r"7\s*报文.*5\s*错误.*2\s*滞留", figures)


async def test_what_may_not_be_followed_is_no_link(site: Site) -> None:
    assert "/console/stuck" in (await ask(site, "/overview"))[1]
    _, text = await ask(site, "/overview", await cookie_of(site.store, "system"))
    assert "滞留（死信）" in text and "/console/stuck" not in text


async def test_the_same_is_told_as_data(site: Site) -> None:
    status, text = await ask(site, "/overview/data")
    told = json.loads(text)
    assert (status, told["waiting"], told["stuck"], sum(told["messages"])) == (200, 3, 2, 6)
    of_city = next(one for one in told["platforms"] if one["id"] == "CZ-ZFPT-310000")
    assert (of_city["state"], of_city["stuck"], sum(of_city["errors"]), len(of_city["messages"])) == (
        "up",
        1,
        1,
        60,
    )
    assert (await ask(site, "/overview/data", await cookie_of(site.store, "audit")))[0] == 403


async def events(answer: aiohttp.ClientResponse) -> AsyncIterator[tuple[str, str]]:
    name, lines = "", []
    async for raw in answer.content:
        line = raw.decode().rstrip("\n")
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data:"):
            lines.append(line[6:])
        elif not line:
            yield name, "\n".join(lines)
            name, lines = "", []


async def test_a_stream_tells_what_changes_and_ends_with_the_session(site: Site) -> None:
    pulse = site.pages[PULSE]
    pulse.every_s = 0.05
    async with (
        aiohttp.ClientSession(cookies=site.cookies) as session,
        session.get(f"{site.url}/console/overview/stream") as answer,
    ):
        assert (
            answer.content_type == "text/event-stream"
            and "script-src" in answer.headers["Content-Security-Policy"]
        )
        told = events(answer)
        name, text = await anext(told)
        assert name == "overview" and 'id="o-waiting">3<' in text
        await accept(site.store, site.standard, "2001", "GGZY-JSGC", ("GGZY-ZFCG",))
        while 'id="o-waiting">4<' not in (await anext(told))[1]:
            pass
        await site.pages[WORLD].accounts.lock("a-operator", Asker("zhao"), "left")
        while name != "over":
            name, _ = await anext(told)
        assert [one async for one in told] == []
    for _ in range(100):
        if not pulse.listeners:
            break
        await asyncio.sleep(0.01)
    assert pulse.listeners == 0 and pulse._task is None


async def test_listening_keeps_no_session_alive(site: Site) -> None:
    accounts, token = site.pages[WORLD].accounts, "t" * 43
    now = clock.now_ms()
    row = SessionRow(hash_token(token), "a-operator", FULL, now, now - 60_000, now + 3_600_000, "")
    await site.store.start_session(row, 1_800_000)

    async def seen_at() -> int:
        found = await site.store.session(row.hash)
        assert found is not None
        return found.seen_at

    assert await accounts.find(token, is_use=False) is not None
    assert await seen_at() == now - 60_000
    assert await accounts.find(token) is not None
    assert await seen_at() >= now


async def test_a_session_has_few_streams(site: Site) -> None:
    async with aiohttp.ClientSession(cookies=site.cookies) as session:
        opened = [await session.get(f"{site.url}/console/overview/stream") for _ in range(MOST_OF_ONE)]
        assert {one.status for one in opened} == {200}
        async with session.get(f"{site.url}/console/overview/stream") as refused:
            assert refused.status == 503 and refused.headers["Retry-After"]
        for one in opened:
            one.close()


async def test_streams_end_when_the_process_stops(site: Site) -> None:
    async with (
        aiohttp.ClientSession(cookies=site.cookies) as session,
        session.get(f"{site.url}/console/overview/stream") as answer,
    ):
        await anext(events(answer))
        await site.pages.shutdown()
        async with asyncio.timeout(5):
            while await answer.content.read(65_536):
                pass


@needs_browser
async def test_a_person_sees_it_change_without_reloading(site: Site, browser: Browser) -> None:
    site.pages[PULSE].every_s = 0.1
    page, wrong = await open_page(browser, site, site.cookies)
    await page.goto(f"{site.url}/console/overview")
    await expect(page.locator("#live-state")).to_have_text("实时")
    await expect(page.locator("#o-waiting")).to_have_text("3")
    link = page.locator("#o-stuck-link")
    await link.focus()
    await accept(site.store, site.standard, "2001", "GGZY-JSGC", ("GGZY-ZFCG",))
    await expect(page.locator("#o-waiting")).to_have_text("4")
    await expect(link).to_be_focused()
    await page.get_by_role("button", name="停止刷新").click()
    await expect(page.locator("#live-state")).to_have_text("已停止刷新")
    await site.store.pause_receiver("GGZY-ZFCG", "li", "割接")
    await page.get_by_role("button", name="继续刷新").click()
    await expect(page.locator("#o-GGZY-ZFCG")).to_contain_text("已暂停")
    await site.pages[WORLD].accounts.lock("a-operator", Asker("zhao"), "left")
    await expect(page.locator("#live-state")).to_have_text("登录已结束，请刷新页面")
    await page.close()
    assert wrong == []


@needs_browser
async def test_a_person_sees_what_expires_what_was_reconciled_and_what_fires(
    site: Site, browser: Browser
) -> None:
    own = site.settings.certs_dir / GATEWAY_NODE
    for name, days in (("receipt-soon.crt", 9), ("receipt-over.crt", -2), ("receipt-late.crt", 200)):
        (own / name).write_bytes(certificate(days))
    site.pages[PULSE].every_s = 0.1
    page, wrong = await open_page(browser, site, site.cookies)
    await page.goto(f"{site.url}/console/overview")
    certificates = page.get_by_role("region", name="即将到期的证书")
    soon, over = (
        f"{clock.from_ms(clock.now_ms()) + timedelta(days=days, hours=1):%Y-%m-%d}" for days in (9, -2)
    )
    await expect(certificates).to_contain_text(f"receipt-soon.crt 还有 9 天 · {soon}")
    await expect(certificates).to_contain_text(f"receipt-over.crt 已过期 {over}")
    await expect(certificates).not_to_contain_text("receipt-late.crt")
    reconciled = page.get_by_role("region", name="最近对账")
    await expect(reconciled).to_contain_text("尚无对账")
    alarms = page.locator("#o-alarms")
    await expect(alarms).to_have_text("0当前告警")
    await site.store.put_reconciliation(DAY, DIFFERENCES)
    alarm = await fire(site)
    treasury = site.settings.platforms[DAY.treasury].name
    await expect(reconciled).to_contain_text(f"{treasury} 2026-11-26 有差异 2 笔，一致 1 笔 · 2 处差异")
    await expect(alarms).to_have_text("1当前告警 警告 1")
    await site.store.acknowledge_alarm(alarm, "li", "对方割接")
    await expect(alarms).to_have_text("0当前告警 警告 0 · 已确认 1")
    await alarms.get_by_role("link", name="当前告警").click()
    await expect(page.get_by_role("main")).to_contain_text("对方割接")
    await page.close()
    assert wrong == []


@needs_browser
@pytest.mark.parametrize("width", [390, 1280])
async def test_it_fits(site: Site, browser: Browser, width: int) -> None:
    page, wrong = await open_page(browser, site, site.cookies)
    for scheme in ("light", "dark"):
        await page.set_viewport_size({"width": width, "height": 844})
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        await page.goto(f"{site.url}/console/overview")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
    await page.close()
    assert wrong == []


async def test_one_look_serves_all_and_nobody_looks_for_nobody() -> None:
    looks = 0

    async def look() -> int:
        nonlocal looks
        looks += 1
        await asyncio.sleep(0.01)
        if looks == 3:
            raise StoreUnavailable("away")
        return looks

    pulse = Pulse(look, every_s=0.02)
    assert await asyncio.gather(*(pulse.fresh() for _ in range(50))) == [1] * 50
    with pulse.listening("a"), pulse.listening("b"):
        seen = pulse.number
        await pulse.wait(seen, 5)
        assert (looks, pulse.number, pulse.is_away) == (2, seen + 1, False)
        await pulse.wait(pulse.number, 5)
        assert (looks, pulse.is_away) == (3, True)
        await pulse.wait(pulse.number, 5)
        assert (looks, pulse.is_away) == (4, False)
    await asyncio.sleep(0.1)
    assert looks == 4


async def test_listeners_are_bounded_by_session() -> None:
    async def look() -> int:
        return 1

    pulse = Pulse(look)
    from contextlib import ExitStack

    with ExitStack() as held:
        for _ in range(MOST_OF_ONE):
            held.enter_context(pulse.listening("a"))
        with pytest.raises(TooManyListeners), pulse.listening("a"):
            pass
        held.enter_context(pulse.listening("b"))
        assert pulse.listeners == MOST_OF_ONE + 1
    assert pulse.listeners == 0


class Counted:
    """A store that notes which spans it was asked for; every span has one message."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def received(self, since: int, until: int) -> dict[str, int]:
        assert until - since == SPAN_MS
        self.asked.append(since // SPAN_MS)
        return {"A": 1}


async def test_a_span_that_is_over_is_counted_once() -> None:
    store = Counted()
    flow = Flow(store)  # type: ignore[arg-type]
    now = 1_790_000_040_000 // 60_000 * 60_000 + 30_000
    counted = (await flow.look(now))["A"]
    assert counted == [4] * 59 + [3]
    first = len(store.asked)
    await flow.look(now + 3_000)
    assert store.asked[first:] == [now // SPAN_MS, now // SPAN_MS - 1]
    later = (await flow.look(now + 60_000))["A"]
    assert later == [4] * 59 + [3] and len(store.asked) < first + 10


def test_errors_are_laid_over_the_last_hour() -> None:
    rows = [
        ErrorCount(1000, "A", REFUSED, 2),
        ErrorCount(1000, "A", FAILED, 1),
        ErrorCount(940, "A", FAILED, 9),
    ]
    found = by_minute(rows, 1000)
    assert found["A"] == [0] * 59 + [3]


def test_bars_are_as_high_as_their_values() -> None:
    assert bars([0, 5, 10], 10, 30, 100) == "M10 100v-50h8v50zM20 100v-100h8v100z"
    assert bars([1], 1_000_000, 10, 100, [0]) == "M0 100v-1h8v1z"
    assert bars([], 1, 10, 100) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3_660, "1 h 1 min"), (90_000, "1 d 1 h")],
)
def test_spans_are_told_in_two_units(seconds: int, text: str) -> None:
    assert lasts(lambda key, *values: translate("en", key, *values), seconds) == text


def test_open_alarms_are_told_by_severity_the_gravest_first() -> None:
    counts = {("info", "firing"): 1, ("critical", "acknowledged"): 2, ("warning", "pending"): 5}
    assert open_alarms(counts) == (OpenAlarms("critical", 0, 2), OpenAlarms("info", 1, 0))
    assert open_alarms({}) == ()


def test_the_last_day_of_each_treasury_counts() -> None:
    assert last_of_each([]) == ()
