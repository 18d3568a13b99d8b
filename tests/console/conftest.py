"""The console on a real server over a real store, and a headless browser where there is one."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, async_playwright
from pytest_asyncio import is_async_test

from gateway.console import add_console
from gateway.mapping import MappingSet
from gateway.settings import Settings, load_settings
from gateway.standard import Standard
from gateway.store import Store, open_store
from gateway.translate import Translator
from tests.console.seed import fill

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Site:
    url: str
    settings: Settings
    standard: Standard
    store: Store


@pytest.fixture(scope="session")
def standard() -> Standard:
    return Standard.load(ROOT / "schemas")


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, standard: Standard) -> AsyncIterator[Site]:
    settings = load_settings(ROOT, environ={})
    settings = replace(settings, gateway=settings.gateway.model_copy(update={"data_dir": str(tmp_path)}))
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", tmp_path)
    await store.open()
    await fill(store, standard)
    app = web.Application()
    add_console(app, settings, store, Translator(standard, MappingSet({}), settings.platforms))
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    port = runner.addresses[0][1]
    yield Site(f"http://127.0.0.1:{port}", settings, standard, store)
    await runner.cleanup()
    await store.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all tests here, so that they can share one browser: it takes seconds to start."""
    for item in items:
        if item.path.parent == Path(__file__).parent and is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield browser
        await browser.close()
