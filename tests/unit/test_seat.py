"""A worker's part of what all of them may do at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from gateway.seat import Seat
from gateway.settings import load_settings

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize(("nodes", "workers"), [(1, 1), (1, 3), (1, 20), (2, 3), (4, 1)])
def test_the_parts_of_all_workers_are_the_whole(nodes: int, workers: int) -> None:
    whole = load_settings(ROOT, environ={})
    own = whole.gateway.model_copy(update={"processes": nodes})
    seats = [Seat(number, workers) for number in range(1, workers + 1)]
    shared = [seat.share(replace(whole, gateway=own)) for seat in seats]
    for node, platform in whole.platforms.items():
        parts = [one.platforms[node].connector.concurrency for one in shared]
        assert sum(parts) == max(1, platform.connector.concurrency // nodes) and max(parts) - min(parts) <= 1
    assert {one.gateway.processes for one in shared} == {nodes * workers}
