"""What an operator does, in a real headless browser: replay in bulk with a second person, pause a receiver, look up."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.console.conftest import CHROMIUM, Site
from tests.console.people import cookie_of
from tests.console.seed import NO
from tests.console.test_browser import let_in
from tests.console.test_bulk import CODE, die

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")
PATHS = (
    "/stuck", "/platforms", "/applications", f"/applications/{NO}", "/applications/totals", "/standard",
    "/standard/types/3001", "/standard/codes",
)  # fmt: skip


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """An operator's page on which nothing may go wrong: no script error, no blocked style, no failed request."""
    page, wrong = await open_page(browser, site, site.cookies)
    yield page
    await page.close()
    assert wrong == []


async def open_page(browser: Browser, site: Site, cookies: dict[str, str]) -> tuple[Page, list[str]]:
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await let_in(page.context, site.url, cookies)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    return page, wrong


async def test_many_are_replayed_after_a_second_person_looked(
    site: Site, page: Page, browser: Browser
) -> None:
    await die(site, 21)
    await page.goto(f"{site.url}/console/stuck")
    await page.get_by_role("link", name=CODE).click()
    await page.get_by_role("radio", name="重投").check()
    await page.get_by_label("理由", exact=True).fill("对方已修复")
    await page.get_by_role("button", name="预览结果").click()
    await expect(page.locator(".figures")).to_contain_text("21")
    await expect(page.locator("tbody tr").first).to_contain_text("待投递")
    await page.get_by_role("button", name="提交审批").click()
    await expect(page.locator("#request-state")).to_have_text("待批准")
    await expect(page.get_by_role("button", name="批准并执行")).to_have_count(0)
    second, wrong = await open_page(browser, site, await cookie_of(site.store, "operator", name="wang"))
    await second.goto(page.url)
    await second.get_by_label("理由", exact=True).fill("已核对")
    await second.get_by_role("button", name="批准并执行").click()
    await expect(second.locator("#request-state")).to_have_text("已完成", timeout=15_000)
    await expect(second.get_by_role("status")).to_contain_text("21 / 21 条已处理，0 条被拒绝")
    await second.close()
    assert wrong == []


async def test_a_receiver_is_paused_and_resumed(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/console/platforms")
    platform = page.locator("#GGZY-ZFCG")
    await platform.get_by_role("textbox").fill("对方割接")
    await platform.get_by_role("button", name="暂停投递").click()
    await expect(platform.get_by_role("heading")).to_contain_text("已暂停")
    assert [row.receiver for row in await site.store.pauses()] == ["GGZY-ZFCG"]
    await platform.get_by_role("textbox").fill("割接完成")
    await page.keyboard.press("Enter")
    await expect(platform.get_by_role("heading")).to_contain_text("正常")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_scrolls_sideways(site: Site, page: Page, width: int, scheme: str) -> None:
    await die(site, 2)
    await page.set_viewport_size({"width": width, "height": 844})
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    too_wide = []
    for path in PATHS:
        await page.goto(f"{site.url}/console{path}")
        if await page.evaluate("document.documentElement.scrollWidth") > width:
            too_wide.append(path)
    assert too_wide == []
