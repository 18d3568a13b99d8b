"""The benchmarks of a full store, in their short form: they end with figures of what they did."""

from __future__ import annotations

from pathlib import Path

from gateway.bench.claiming import claims_per_s, fill_backlog
from gateway.bench.scale import measure_accepting
from gateway.store import open_store
from tests.postgres import new_database, the_server

ROOT = Path(__file__).parents[2]


async def test_accepting_is_measured_beside_what_is_stored(tmp_path: Path) -> None:
    figures = await measure_accepting(ROOT, tmp_path, sizes=(20, 60), rounds=1)
    assert set(figures) == {"accept_cpu_us_at_20", "accept_cpu_us_at_60", "accept_cpu_ratio"}
    assert min(figures.values()) > 0
    store = open_store(f"sqlite:///{tmp_path / '60' / 'gateway.db'}", tmp_path)
    await store.open()
    try:
        taken = (await store.counts()).messages
    finally:
        await store.close()
    assert taken == 60 + 4 + 5 * 256  # filled, the model with what it belongs to, five slices


async def test_a_claim_takes_what_is_ready_and_leaves_what_waits(tmp_path: Path) -> None:
    url = await new_database(the_server(), "bench_claims")
    await fill_backlog(ROOT, url, tmp_path, backlog=400, stuck=300)
    assert await claims_per_s(url, nodes=1, limit=40) > 0
    store = open_store(url, tmp_path)
    await store.open()
    try:
        left = await store.claim("again", 100, 60.0)
        assert [one.receiver for one in left] == [
            "GGZY-ZPT"
        ]  # the model's own: no receiver of the benchmark's
        deliveries = (await store.counts()).deliveries
    finally:
        await store.close()
    assert (deliveries["leased"], deliveries["waiting"], deliveries["dead"]) == (101, 200, 100)
