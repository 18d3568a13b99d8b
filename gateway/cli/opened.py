"""The store for a command: opened, given, closed; and how commands read words."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.settings import Settings
from gateway.store import Store, open_store
from gateway.store.contract import Evidence


@asynccontextmanager
async def opened_store(settings: Settings, evidence: Evidence | None = None) -> AsyncIterator[Store]:
    store = open_store(settings.store_url, settings.data_dir, evidence=evidence)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def typed(text: str) -> str:
    """What was typed; bytes that are no text of the terminal's encoding become question marks."""
    return text.encode("utf-8", "replace").decode()
