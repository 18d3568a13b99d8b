"""The console on a real server over a real store, and a headless browser where there is one."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web

from gateway.console import add_console
from gateway.mapping import MappingSet
from gateway.settings import Settings, load_settings
from gateway.standard import Standard
from gateway.store import Store, open_store
from gateway.translate import Translator
from tests.console.people import cookie_of
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


@pytest.fixture(scope="session")
def standard() -> Standard:
    return Standard.load(ROOT / "schemas")


@pytest.fixture
async def site(tmp_path: Path, standard: Standard) -> AsyncIterator[Site]:
    settings = load_settings(ROOT, environ={})
    settings = replace(
        settings,
        gateway=settings.gateway.model_copy(
            update={"data_dir": str(tmp_path), "console_second_factor": False}
        ),
    )
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
    cookies = await cookie_of(store, "operator")
    yield Site(f"http://127.0.0.1:{port}", settings, standard, store, cookies)
    await runner.cleanup()
    await store.close()
