from __future__ import annotations

from typing import Any

import pytest

from gateway.cli.serve import tell_first_link
from gateway.store.contract import StoreUnavailable


class FullStore:
    """Nobody is a user of it, and its disk is full."""

    async def users(self) -> list[Any]:
        return []

    async def invite(self, row: Any) -> None:
        raise StoreUnavailable("the database did not take the write: database or disk is full")


async def test_a_full_disk_at_the_start_does_not_end_a_gateway_that_accepts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store: Any = FullStore()
    await tell_first_link(store, "http://127.0.0.1:1")
    assert "database or disk is full" in capsys.readouterr().err
