"""The console on a real server over a real store, and a headless browser where there is one."""

from __future__ import annotations

import asyncio
import functools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from playwright.async_api import Browser, async_playwright
from pytest_asyncio import is_async_test

from gateway.console import add_console
from gateway.mapping import MappingSet
from gateway.reloading import reload
from gateway.settings import Settings, load_settings
from gateway.standard import Standard
from gateway.store import Store, open_store
from gateway.translate import Translator
from tests.console.people import cookie_of
from tests.console.proof import proving_log
from tests.console.seed import fill

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class Site:
    url: str
    settings: Settings
    standard: Standard
    store: Store
    cookies: dict[str, str]  # of an operator who is signed in
    api: web.Application  # /v1/ops
    pages: web.Application


@pytest.fixture(scope="session")
def standard() -> Standard:
    return Standard.load(ROOT / "schemas")


@asynccontextmanager
async def serving(
    folder: Path, standard: Standard, *, filled: bool, second_factor: bool
) -> AsyncIterator[Site]:
    settings = load_settings(ROOT, environ={})
    changed = {"data_dir": str(folder), "console_second_factor": second_factor}
    settings = replace(settings, gateway=settings.gateway.model_copy(update=changed))
    store = open_store(f"sqlite:///{folder / 'gateway.db'}", folder, evidence=proving_log(settings.certs_dir))
    await store.open()
    cookies = {}
    if filled:
        await fill(store, standard)
        cookies = await cookie_of(store, "operator")
    app = web.Application()
    translator = Translator(standard, MappingSet({}), settings.platforms)
    again = functools.partial(reload, settings, translator, asyncio.Lock())
    pages = add_console(app, settings, store, translator, again)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    port = runner.addresses[0][1]
    api = next(one for one in app._subapps if one is not pages)
    yield Site(f"http://127.0.0.1:{port}", settings, standard, store, cookies, api, pages)
    await runner.cleanup()
    await store.close()


@pytest_asyncio.fixture(loop_scope="session")
async def site(tmp_path: Path, standard: Standard) -> AsyncIterator[Site]:
    """With life in it, and an operator who is signed in."""
    async with serving(tmp_path, standard, filled=True, second_factor=False) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="session")
async def empty_site(tmp_path: Path, standard: Standard) -> AsyncIterator[Site]:
    """As on a new machine: nobody can sign in, and second factors are required."""
    async with serving(tmp_path, standard, filled=False, second_factor=True) as site:
        yield site


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
