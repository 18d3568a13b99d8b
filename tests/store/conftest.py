"""One suite for every store: SQLite now; PostgreSQL will be one more parameter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.store import Store, open_store
from tests.store.samples import new_log

OpenStore = Callable[[], Store]


@pytest.fixture(params=["sqlite"])
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> OpenStore:
    """Stores on one and the same database, not yet opened."""
    urls = {"sqlite": f"sqlite:///{tmp_path / 'gateway.db'}"}
    log = new_log()
    return lambda: open_store(urls[request.param], tmp_path, seal_batch=log.seal_batch)


@pytest_asyncio.fixture
async def store(make_store: OpenStore) -> AsyncIterator[Store]:
    opened = make_store()
    await opened.open()
    yield opened
    await opened.close()
