"""One suite for every store: SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.store import Store, open_store
from tests.postgres import clean_database, the_server
from tests.store.samples import new_log

OpenStore = Callable[[], Store]


@pytest_asyncio.fixture(params=["sqlite", "postgres"])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gateway.db'}"
    return await clean_database(the_server())


@pytest.fixture
def make_store(store_url: str, tmp_path: Path) -> OpenStore:
    """Stores on one and the same database, not yet opened."""
    log = new_log()
    return lambda: open_store(store_url, tmp_path, evidence=log)


@pytest_asyncio.fixture
async def store(make_store: OpenStore) -> AsyncIterator[Store]:
    opened = make_store()
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def sqlite_only(store_url: str) -> None:
    """Of what only a file does."""
    if not store_url.startswith("sqlite"):
        pytest.skip("of SQLite alone")
