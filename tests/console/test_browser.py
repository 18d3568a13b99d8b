"""The console in a real headless browser: searching as one types, both widths, dark, nothing blocked."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.console.conftest import CHROMIUM, Site
from tests.console.seed import NO

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A page on which nothing may go wrong: no script error, no blocked style, no failed request."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    page.on("requestfailed", lambda request: wrong.append(request.url))
    yield page
    await page.close()
    assert wrong == []


async def test_the_log_follows_what_is_typed(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/console/")
    await expect(page.locator("#rows tbody tr")).to_have_count(6)
    await page.get_by_role("searchbox").fill(NO)
    await expect(page.locator("#rows tbody tr")).to_have_count(4)
    await page.locator("select[name=type]").select_option("4002")
    await expect(page.locator("#rows tbody tr")).to_have_count(1)
    assert "type=4002" in page.url
    await page.go_back()
    await page.go_back()
    await expect(page.locator("#rows tbody tr")).to_have_count(6)


async def test_from_the_log_to_a_message_to_its_application(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/console/?type=4002")
    await page.get_by_role("link", name="4002").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("4002")
    await page.locator("summary", has_text="原文").click()
    await expect(page.locator("#original pre")).to_be_visible()
    await page.locator("dl").get_by_role("link", name=NO).click()
    await expect(page.locator("[aria-current=step]")).to_contain_text("资金支付")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/", "/applications", f"/applications/{NO}", "/refusals", "/stuck"])
async def test_no_page_scrolls_sideways(site: Site, page: Page, width: int, scheme: str, path: str) -> None:
    await page.set_viewport_size({"width": width, "height": 844})
    await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    await page.goto(f"{site.url}/console{path}")
    wide = await page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width


async def test_the_pages_work_without_a_script(site: Site, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(f"{site.url}/console/")
    await page.get_by_role("searchbox").fill(NO)
    await page.get_by_role("button", name="查询").click()
    await expect(page.locator("#rows tbody tr")).to_have_count(4)


async def test_the_language_is_switched_and_stays(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/console/applications")
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Applications")
    await page.goto(f"{site.url}/console/")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Messages")
