"""Several processes on one database; processes that are killed; what was acknowledged is there."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.evidence import make_receipt
from gateway.message import DeliveryState
from gateway.store import Store, open_store
from tests.store.samples import accept_id, claim_one, message, says, to

ROOT = Path(__file__).parent.parent.parent
Start = Callable[[str, int], "subprocess.Popen[str]"]


@pytest.fixture
def start(store_url: str, tmp_path: Path) -> Iterator[Start]:
    """Starts a child on the test's database; what still runs at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def run(worker: str, most: int) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.store.child", store_url]
        child = subprocess.Popen(
            [*command, str(tmp_path), worker, str(most)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        running.append(child)
        return child

    yield run
    for child in running:
        child.kill()
        child.wait()
        if child.stdout is not None:
            child.stdout.close()


def read_lines(child: subprocess.Popen[str], count: int) -> list[list[str]]:
    assert child.stdout is not None
    lines = [child.stdout.readline().split() for _ in range(count)]
    assert all(lines), "the child ended early"
    return lines


def rest(child: subprocess.Popen[str]) -> list[list[str]]:
    assert child.stdout is not None
    return [line.split() for line in child.stdout if line.endswith("\n")]


async def look(url: str, query: str) -> list[Any]:
    """The rows of a query, past the store."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()
    other = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await other.fetch(query)]
    finally:
        await other.close()


async def check_sound(url: str) -> None:
    """The file is whole, the counts are those of the rows, lines and messages stand where they must."""
    if url.startswith("sqlite"):
        assert await look(url, "PRAGMA integrity_check") == [("ok",)]
    counted = (
        "SELECT state, sum(count) FROM tally WHERE receiver = 'CZ' GROUP BY state HAVING sum(count) <> 0"
    )
    tally = dict(await look(url, counted))
    assert tally == dict(await look(url, "SELECT state, count(*) FROM delivery GROUP BY state"))
    heads = await look(
        url,
        "SELECT line, count(*) FILTER (WHERE state IN ('ready', 'leased')) FROM delivery WHERE is_open = 1"
        " GROUP BY line, receiver",
    )
    assert {count for _, count in heads} <= {1}
    wrong = await look(
        url,
        "SELECT count(*) FROM message JOIN delivery ON delivery.message_id = message.id"
        " WHERE (message.state = 'delivered') <> (delivery.state = 'done')",
    )
    assert wrong == [(0,)]
    (counts,) = await look(
        url,
        "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM leaf), (SELECT sum(size) FROM evidence_log),"
        " (SELECT count(*) FROM sender_key), (SELECT count(*) FROM content), (SELECT count(*) FROM form)",
    )
    assert len(set(counts)) == 1, counts


@pytest.mark.parametrize("after", [30, 170, 460])
async def test_what_was_acknowledged_survives_kill_9(
    start: Start, store_url: str, tmp_path: Path, after: int
) -> None:
    child = start("w1", 100_000)
    told = read_lines(child, after)
    child.send_signal(signal.SIGKILL)
    told += rest(child)
    assert child.wait() == -signal.SIGKILL
    await check_sound(store_url)
    store = open_store(store_url, tmp_path)
    await store.open()
    accepted = [words for words in told if words[0] == "accepted"]
    assert accepted
    for _, key, message_id in accepted:
        row = await store.find_by_key("GGZY-ZPT", key)
        assert row is not None and row.id == message_id and row.body == (key * 200).encode()
        assert row.place is not None and row.place.index >= 0
        assert make_receipt(row)["message"]["message_id"] == message_id
    for words in told:
        if words[0] == "done":
            (delivery,) = await store.deliveries(words[2])
            assert delivery.state is DeliveryState.DONE
    await accept_id(store, message("life goes on"))
    await store.close()


async def test_three_processes_share_one_database(start: Start, store_url: str, tmp_path: Path) -> None:
    children = [start(f"w{number}", 150) for number in range(3)]
    told = [line for child in children for line in rest(child)]
    assert [child.wait() for child in children] == [0, 0, 0]
    await check_sound(store_url)
    done = [words[1] for words in told if words[0] == "done"]
    assert len(done) == len(set(done))
    assert len([words for words in told if words[0] == "accepted"]) == 450
    store = open_store(store_url, tmp_path)
    await store.open()
    assert (await store.counts()).messages == 450
    logs: dict[str, list[int]] = defaultdict(list)
    for number in range(150):
        for worker in range(3):
            row = await store.find_by_key("GGZY-ZPT", f"w{worker}-{number}")
            assert row is not None and row.place is not None
            logs[row.place.log_id].append(row.place.index)
    assert {log: sorted(indexes) for log, indexes in logs.items()} == {
        f"w{worker}": list(range(150)) for worker in range(3)
    }
    await store.close()


async def test_a_lease_of_the_boot_before_is_over(
    sqlite_only: None, make_store: Callable[[], Store], tmp_path: Path
) -> None:
    store = make_store()
    await store.open()
    await accept_id(store, message("a", judge=says(to())))
    claimed = await claim_one(store, lease_s=10**9)
    assert await store.claim("w", 1, 60.0) == []
    await store.close()
    connection = sqlite3.connect(tmp_path / "gateway.db")
    connection.execute("UPDATE note SET value = 'another-boot 0' WHERE name = 'boot'")
    connection.commit()
    connection.close()
    store = make_store()
    await store.open()
    again = await claim_one(store)
    assert again.delivery_id == claimed.delivery_id and again.outcome_unknown and again.crashes == 1
    await store.close()


async def test_a_lease_of_this_boot_outlives_the_process(make_store: Callable[[], Store]) -> None:
    store = make_store()
    await store.open()
    await accept_id(store, message("a", judge=says(to())))
    await claim_one(store)
    await store.close()
    store = make_store()
    await store.open()
    assert await store.claim("w", 1, 60.0) == []
    await store.close()
