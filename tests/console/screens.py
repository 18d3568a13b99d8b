"""Takes the pictures of the console in the README, of a demo that runs:

make run                                            # prints users and passwords
.venv/bin/python -m tests.console.screens http://127.0.0.1:8450 demo-operator PASSWORD docs/screens
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Page, async_playwright

from tests.console.conftest import CHROMIUM

WIDTH, HEIGHT = 1280, 860
# By the picture's name: the page, and a link on it that is followed first.
PAGES = {
    "overview": ("/console/overview", ""),
    "messages": ("/console/", ""),
    "message": ("/console/?type=4002", "tbody a[href^='/console/messages/']"),
    "applications": ("/console/applications", ""),
    "application": ("/console/applications", "tbody a[href^='/console/applications/']"),
    "totals": ("/console/applications/totals", ""),
    "stuck": ("/console/stuck", ""),
    "platforms": ("/console/platforms", ""),
    "mapping": ("/console/mappings", "tbody a[href*='PaymentApplication/']"),
    "standard": ("/console/standard/types/4002", ""),
    "reconciliation": ("/console/reconciliation", ""),
    "evidence": ("/console/evidence", ""),
    "alarms": ("/console/alarms", ""),
}


async def main(url: str, user: str, password: str, folder: Path) -> None:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        await page.goto(f"{url}/console/sign-in")
        await page.get_by_label("用户名", exact=True).fill(user)
        await page.get_by_label("密码").fill(password)
        await page.keyboard.press("Enter")
        await page.locator("form.sign-out").wait_for()
        for name, (path, link) in PAGES.items():
            await take(page, url + path, link, folder / f"{name}.png")
        await browser.close()


async def take(page: Page, url: str, link: str, file: Path) -> None:
    answer = await page.goto(url)
    if link:
        await page.locator(link).first.click()
        await page.wait_for_load_state()
    await page.screenshot(path=file)
    sys.stdout.write(f"{file}: {answer.status if answer else '?'} {page.url}\n")


if __name__ == "__main__":
    into = Path(sys.argv[4])
    into.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(*sys.argv[1:4], into))
