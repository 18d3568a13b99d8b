"""The console in a real headless browser: searching as one types, both widths, dark, nothing blocked."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from gateway.accounts import Accounts
from gateway.security.totp import code_at
from tests.console.conftest import CHROMIUM, Site
from tests.console.people import cookie_of
from tests.console.seed import NO

PASSWORD = "nine owls count to 4"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, site: Site) -> AsyncIterator[Page]:
    """An operator's page on which nothing may go wrong: no script error, no blocked style, no failed request."""
    page = await browser.new_page(viewport={"width": 1280, "height": 900})
    await let_in(page.context, site.url, site.cookies)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    # What our own next step broke off is no fault of the page.
    page.on("requestfailed", lambda one: wrong.append(one.url) if one.failure != "net::ERR_ABORTED" else None)
    yield page
    await page.close()
    assert wrong == []


async def let_in(context: BrowserContext, url: str, cookies: dict[str, str]) -> None:
    """As if somebody had signed in."""
    for name, value in cookies.items():
        await context.add_cookies(
            [{"name": name, "value": value, "domain": "127.0.0.1", "path": "/console/", "sameSite": "Strict"}]
        )


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
    await let_in(context, site.url, site.cookies)
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


async def test_a_new_user_signs_in_with_a_second_factor(empty_site: Site, browser: Browser) -> None:
    """From the one-time link to the second sign-in, by keyboard and eye; nothing is blocked on the way."""
    page = await browser.new_page(viewport={"width": 390, "height": 844})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    token = await Accounts(empty_site.store).invite_first()
    await page.goto(f"{empty_site.url}/console/set-up/{token}")
    await expect(page.get_by_label("用户名", exact=True)).to_be_focused()
    await page.keyboard.type("wang")
    for text in ("王五", PASSWORD, PASSWORD):
        await page.keyboard.press("Tab")
        await page.keyboard.type(text)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("密码已设置")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("请先启用双因素认证")
    await page.get_by_role("link", name="启用双因素认证").click()
    drawn = await page.get_by_alt_text("二维码").evaluate(
        "picture => picture.complete && picture.naturalWidth"
    )
    assert drawn and await page.evaluate("document.documentElement.scrollWidth") <= 390
    secret = (await page.locator("#secret").inner_text()).replace(" ", "")
    await page.get_by_label("当前密码").fill(PASSWORD)
    await page.get_by_label("验证码").fill(code_at(secret, time.time()))
    await page.get_by_role("button", name="确认").click()
    await expect(page.locator(".codes li")).to_have_count(10)
    await page.get_by_role("button", name="退出").click()
    await page.get_by_label("用户名", exact=True).fill("wang")
    await page.get_by_label("密码").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("双因素认证")
    await page.get_by_label("验证码").fill(code_at(secret, time.time() + 30))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_contain_text("用户")
    await expect(page.locator("nav a")).to_have_text(["用户", "数据标准"])
    assert wrong == []


@pytest.mark.parametrize("role", ["security", "audit"])
async def test_no_page_of_administrators_scrolls_sideways(site: Site, page: Page, role: str) -> None:
    await let_in(page.context, site.url, await cookie_of(site.store, role))
    await site.store.note_act(
        "li", "resolve replay", "01K" * 9, "长理由" * 30, {"receiver": "CZ-ZFPT-310000"}
    )
    paths = {"security": ("/users", "/users/a-security", "/account"), "audit": ("/audit",)}
    for width, scheme in ((390, "light"), (390, "dark"), (1280, "light")):
        await page.set_viewport_size({"width": width, "height": 844})
        await page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        for path in paths[role]:
            await page.goto(f"{site.url}/console{path}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
