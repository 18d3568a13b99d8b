"""What people watch, in a real headless browser: an alarm taken on, a rule changed, a receipt verified, a day reconciled."""

from __future__ import annotations

import orjson
import pytest
from playwright.async_api import Browser, Page, expect

from tests.console.conftest import CHROMIUM, Site
from tests.console.people import cookie_of
from tests.console.seed import NO
from tests.console.test_alarms import fire
from tests.console.test_keeping import DAY, DIFFERENCES, receipt_of
from tests.console.test_operator_tasks import open_page, page

__all__ = ["page"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")


async def test_an_operator_sees_an_alarm_fire_and_takes_it_on(site: Site, page: Page) -> None:
    await page.goto(f"{site.url}/console/stuck")
    await expect(page.get_by_role("link", name="告警", exact=True)).to_be_visible()  # nothing fires yet
    alarm = await fire(site)
    await page.reload()
    await page.get_by_role("link", name="告警1").click()
    one = page.locator(f"#a-{alarm}")
    await expect(one.get_by_role("heading")).to_contain_text("有投递待人工处理")
    await one.get_by_role("textbox", name="理由").fill("已联系对方")
    await one.get_by_role("button", name="确认").click()
    await expect(one).to_contain_text("已由 a-operator 确认")
    await expect(one).to_contain_text("已联系对方")
    await expect(one.get_by_role("button")).to_have_count(0)
    await page.get_by_role("link", name="English").click()
    await expect(one).to_contain_text("Acknowledged by a-operator")


async def test_the_system_administrator_changes_a_rule_and_an_operator_cannot(
    site: Site, page: Page, browser: Browser
) -> None:
    await page.goto(f"{site.url}/console/alarms/rules")
    await expect(page.get_by_role("link", name="有投递待人工处理")).to_have_count(0)
    system, wrong = await open_page(browser, site, await cookie_of(site.store, "system"))
    await system.goto(f"{site.url}/console/alarms/rules")
    await system.get_by_role("link", name="有投递待人工处理").click()
    await system.get_by_label("阈值").fill("many")
    await system.get_by_label("理由", exact=True).fill("夜班")
    # The page says so with the status that it is, and the browser tells that to its console.
    await system.get_by_role("button", name="保存").click()
    await expect(system.get_by_role("alert")).to_contain_text("阈值")
    assert all("400" in line for line in wrong)
    wrong.clear()
    await system.get_by_label("阈值").fill("12")
    await system.get_by_label("级别").select_option("critical")
    await system.get_by_label("理由", exact=True).fill("夜班")
    await system.get_by_role("button", name="保存").click()
    row = system.locator("tr", has_text="dead-letters")
    await expect(row).to_contain_text("> 12")
    await expect(row).to_contain_text("a-system")
    await system.close()
    assert wrong == []


async def test_a_receipt_is_verified_good_and_tampered(site: Site, browser: Browser) -> None:
    page, wrong = await open_page(browser, site, await cookie_of(site.store, "audit"))
    receipt = await receipt_of(site)
    await page.goto(f"{site.url}/console/evidence")
    for data, told in (
        (receipt, "回执真实有效"), ({**receipt, "index": 1}, "回执无效"),
    ):  # fmt: skip
        file = {"name": "receipt.json", "mimeType": "application/json", "buffer": orjson.dumps(data)}
        await page.get_by_label("回执文件").set_input_files(file)  # type: ignore[arg-type]
        await (
            page.locator("form[action='/console/evidence/receipt']")
            .get_by_role("button", name="验证", exact=True)
            .click()
        )
        await expect(page.locator("[aria-labelledby=verdict]")).to_contain_text(told)
    await (
        page.locator("form[action='/console/evidence/check']")
        .get_by_role("button", name="验证", exact=True)
        .click()
    )
    await expect(page.get_by_role("status")).to_contain_text("6 个检查点签名有效")
    async with page.expect_download() as kept:
        await page.get_by_role("link", name="下载检查点 6").click()
    assert (await kept.value).suggested_filename == "checkpoint-6.json"
    await page.close()
    assert wrong == []


async def test_a_difference_of_a_day_leads_to_its_application(site: Site, page: Page) -> None:
    await site.store.put_reconciliation(DAY, DIFFERENCES)
    await page.goto(f"{site.url}/console/")
    await page.get_by_role("link", name="对账", exact=True).click()
    await page.get_by_role("link", name="2026-11-26").click()
    row = page.locator("tr", has_text="金额不符")
    await expect(row).to_contain_text("1,000,000.00")
    await expect(row).to_contain_text("999,999.99")
    await row.get_by_role("link", name=NO).click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(NO)
