"""The playground: a mapping, its sample and the result side by side, in a real headless browser."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from gateway.console.playground import PlaygroundWorld, make_playground
from gateway.standard import Standard
from tests.console.conftest import CHROMIUM, ROOT

NAME = "construction/AwardResultSync.in.yaml"
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no chromium command on this machine")


@dataclass
class Playground:
    url: str
    folder: Path


@pytest_asyncio.fixture(loop_scope="session")
async def playground(tmp_path: Path, standard: Standard) -> AsyncIterator[Playground]:
    """Over a copy of one profile's mappings, so that a test can see that nothing is written."""
    folder = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings" / "construction", folder / "construction")
    runner = web.AppRunner(
        make_playground(PlaygroundWorld(standard, folder, ROOT / "schemas")), access_log=None
    )
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Playground(f"http://127.0.0.1:{runner.addresses[0][1]}", folder)
    await runner.cleanup()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser, playground: Playground) -> AsyncIterator[Page]:
    """The page with one mapping open; nothing may go wrong on it, and it asks nobody else for anything."""
    page = await browser.new_page(viewport={"width": 1400, "height": 900})
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda line: wrong.append(line.text) if line.type in ("error", "warning") else None)
    page.on("request", lambda one: wrong.append(one.url) if not one.url.startswith(playground.url) else None)
    await page.goto(f"{playground.url}/#{NAME.replace('/', '%2F')}")
    await expect(page.locator("#state")).to_contain_text("通过")
    yield page
    await page.close()
    assert wrong == []


@needs_chromium
async def test_a_mapping_opens_with_its_sample_and_its_result(page: Page) -> None:
    await expect(page.locator("#file")).to_have_value(NAME)
    await expect(page.locator("#sample")).to_have_value(re.compile("WIN_BIDDER_NAME"))
    await expect(page.locator("#result")).to_contain_text("PriceFormCode: ")


@needs_chromium
async def test_the_result_follows_what_is_typed_in_the_sample(page: Page) -> None:
    sample = await page.locator("#sample").input_value()
    await page.locator("#sample").fill(sample.replace("<NOTICE_NAME>", "<NOTICE_NAME>改过的"))
    await expect(page.locator("[data-path=NoticeName]")).to_contain_text("改过的")


@needs_chromium
async def test_a_finding_is_underlined_where_it_is(page: Page) -> None:
    text = await page.locator("#mapping").input_value()
    await page.locator("#mapping").fill(text.replace("NOTICE_SEND_TIME", "NOTICE_SENT_TIME"))
    mark = page.locator("#marks mark.error")
    await expect(mark).to_have_text("NOTICE_SENT_TIME")
    await expect(page.locator("#findings li.error")).to_contain_text("did you mean NOTICE_SEND_TIME?")
    await expect(page.locator("#state")).to_contain_text("错误")
    under = await mark.bounding_box()
    editor = await page.locator("#mapping").bounding_box()
    assert under is not None and editor is not None
    scrolled = await page.evaluate("document.getElementById('mapping').scrollTop")
    line = text[: text.index("NOTICE_SEND_TIME")].count("\n")
    height = await page.evaluate(
        "parseFloat(getComputedStyle(document.getElementById('mapping')).lineHeight)"
    )
    assert abs(under["y"] - (editor["y"] + 9 + line * height - scrolled)) < 6
    await page.locator("#findings button").first.click()
    start = await page.evaluate("document.getElementById('mapping').selectionStart")
    assert start == text.index("NOTICE_SEND_TIME")


@needs_chromium
async def test_hovering_a_value_shows_its_origin(page: Page) -> None:
    await page.locator("[data-path=BidAmount]").hover()
    tip = page.locator("#origin")
    await expect(tip).to_be_visible()
    await expect(tip).to_contain_text("BID_AMOUNT, PRICE_UNIT")
    await expect(tip).to_contain_text("amount:")
    await page.keyboard.press("Escape")
    await expect(tip).to_be_hidden()
    await page.locator("[data-path=NoticeName]").focus()
    await expect(tip).to_contain_text("NOTICE_NAME")


@needs_chromium
async def test_a_fault_of_the_sample_is_told_in_the_senders_words(page: Page) -> None:
    await page.locator("#case").select_option("price-in-wan-yuan")
    sample = await page.locator("#sample").input_value()
    await page.locator("#sample").fill(sample.replace("<BID_AMOUNT>", "<BID_AMOUNT>x"))
    await expect(page.locator("#faults li")).to_contain_text("BID_AMOUNT")


@needs_chromium
async def test_markup_in_a_sample_stays_text(page: Page) -> None:
    sample = await page.locator("#sample").input_value()
    evil = "<NOTICE_NAME>&lt;img src=x onerror=alert(1)&gt;"
    await page.locator("#sample").fill(sample.replace("<NOTICE_NAME>", evil))
    await expect(page.locator("[data-path=NoticeName]")).to_contain_text("<img src=x")
    assert await page.locator("#result img").count() == 0


@needs_chromium
async def test_nothing_is_written(page: Page, playground: Playground) -> None:
    before = {path: path.read_bytes() for path in playground.folder.rglob("*") if path.is_file()}
    await page.locator("#mapping").fill("message: X")
    await expect(page.locator("#state")).to_contain_text("错误")
    assert {path: path.read_bytes() for path in playground.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-For": "10.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_only_the_person_at_this_machine_is_answered(
    playground: Playground, headers: dict[str, str]
) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{playground.url}/file?name={NAME}", headers=headers) as answer:
            assert answer.status == 403
        async with session.get(f"{playground.url}/file?name={NAME}") as answer:
            assert answer.status == 200
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "name", ["../../../../etc/passwd", "construction/../construction/X.yaml", "", "/etc/passwd"]
)
async def test_no_other_file_can_be_read(playground: Playground, name: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{playground.url}/file", params={"name": name}) as answer:
            assert answer.status == 404
        async with session.get(f"{playground.url}/static/..%2Fguard.py") as answer:
            assert answer.status == 404


@pytest.mark.parametrize(
    "body",
    [
        {"name": NAME, "mapping": "a: &a [*a]", "sample": "<x/>"},
        {"name": NAME, "mapping": "x" * 300_000, "sample": ""},
        {"name": "no/such.yaml", "mapping": "message: ProjectSync", "sample": "\ud7ff", "context": "["},
        {"name": 5, "mapping": [], "sample": {}},
    ],
)
async def test_whatever_is_typed_is_answered(playground: Playground, body: dict[str, object]) -> None:
    async with aiohttp.ClientSession() as session, session.post(f"{playground.url}/try", json=body) as answer:
        assert answer.status == 200
        assert (await answer.json())["findings"]


async def test_a_form_of_another_page_is_no_try(playground: Playground) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{playground.url}/try", data="{}") as answer:
            assert answer.status == 415
        async with session.post(f"{playground.url}/try", json=[]) as answer:
            assert answer.status == 400


async def test_the_command_listens_on_loopback_alone() -> None:
    process = await asyncio.create_subprocess_exec(
        str(ROOT / ".venv" / "bin" / "gateway"), "mapping", "serve", "--port", "0",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
        port = int(line.removeprefix("listening http://127.0.0.1:").rstrip("/\n"))
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/files") as answer,
        ):
            assert NAME in (await answer.json())["files"]
        with socket.socket() as other, pytest.raises(OSError):
            other.settimeout(5)
            other.connect(("127.0.0.2", port))  # another address of this machine
    finally:
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0
