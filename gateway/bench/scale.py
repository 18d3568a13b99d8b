"""Does what a message costs grow with what is stored? Accepting on SQLite, beside 10,000, 100,000 and 1,000,000.

Three databases are filled (filling.py) and take turns, a slice of new messages each, so that all meet the same
machine. The CPU is the process's own, both threads: judging, statements, evidence, commit. The collector is set as
`gateway serve` sets it: else one walk through all that is loaded falls into some slice of one of them, and is a fifth of
what that store's messages cost together.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from gateway import clock
from gateway.bench.awards import Awards, accept_all, accepted, new_log
from gateway.bench.filling import Filler, Sqlite, count_in, grow_log
from gateway.collector import keep_what_is_loaded
from gateway.message import DeliveryState
from gateway.store import Store, open_store
from gateway.store.contract import AttemptResult

SIZES = (10_000, 100_000, 1_000_000)
SLICE, ROUNDS, WARM_UP = 256, 36, 4
ANSWER = b'{"Head":{"MsgNo":"8001"},"Body":{"OriMsgNo":"2002","Result":"00000","Duplicate":"0"}}'


@dataclass(slots=True)
class Candidate:
    """A store with so many messages, and what a message cost in each slice, µs."""

    size: int
    store: Store
    spent_us: list[float] = field(default_factory=list)


async def measure_accepting(
    root: Path, folder: Path, sizes: Sequence[int] = SIZES, rounds: int = ROUNDS
) -> dict[str, float]:
    """accept_cpu_us_at_N: the mean of the slices, since a checkpoint falls into some of them. `accept_cpu_ratio`: the most filled to the least."""
    candidates = [Candidate(size, await filled(root, folder / str(size), size)) for size in sizes]
    try:
        awards = Awards(root, candidates[0].store)
        arrivals = await awards.make((rounds + WARM_UP) * SLICE, after=1)
        with _loaded():
            for turn in range(rounds + WARM_UP):
                batch = arrivals[turn * SLICE : (turn + 1) * SLICE]
                first = turn % len(candidates)
                for one in (*candidates[first:], *candidates[:first]):
                    started = time.process_time_ns()
                    await accept_all(one.store, batch)
                    one.spent_us.append((time.process_time_ns() - started) / SLICE / 1000)
    finally:
        for one in candidates:
            await one.store.close()
    figures = {f"accept_cpu_us_at_{one.size}": round(fmean(one.spent_us[WARM_UP:]), 1) for one in candidates}
    costs = list(figures.values())
    return {**figures, "accept_cpu_ratio": round(costs[-1] / costs[0], 3)}


@contextmanager
def _loaded() -> Iterator[None]:
    before = gc.get_threshold()
    keep_what_is_loaded()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


async def filled(root: Path, folder: Path, size: int) -> Store:
    """An open store on SQLite with `size` delivered awards."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    path = folder / "gateway.db"
    model = await store_model(root, f"sqlite:///{path}", folder)
    database = Sqlite(path)
    await Filler(database, model).fill(100, size, clock.now_ms() - size * 20 - 60_000)
    await count_in(database, {("", "delivered"): size, ("GGZY-ZPT", "done"): size})
    await grow_log(database, size + 100)
    await database.close()
    store = open_store(f"sqlite:///{path}", folder, evidence=new_log("GW-1"))
    await store.open()
    return store


async def store_model(root: Path, url: str, folder: Path, *, delivered: bool = True) -> str:
    """The id of the one award that was accepted, and as a rule delivered, in a new database."""
    store = open_store(url, folder, evidence=new_log("GW-1"))
    await store.open()
    try:
        awards = Awards(root, store)
        await awards.begin([store])
        (arrival,) = await awards.make(1)
        await deliver(store)
        message_id = accepted(await store.accept(arrival))
        if delivered:
            await deliver(store)
        return message_id
    finally:
        await store.close()


async def deliver(store: Store) -> None:
    for claimed in await store.claim("bench", 100, 60.0):
        await store.record(
            AttemptResult(
                claimed, DeliveryState.DONE, "00000", "成功", status=200, latency_ms=12, answer=ANSWER
            )
        )
