"""Claiming from a large backlog on PostgreSQL: 500,000 deliveries, of which 400,000 wait behind 100 stuck lines.

A claim is whole: the lease, the attempt's row, the receiver's form read. Each node is a process of its own, as
`python -m gateway.bench.claiming URL LIMIT`: it claims until nothing is ready. The server is the machine's too.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import orjson

from gateway import clock
from gateway.bench.endtoend import launch
from gateway.bench.filling import Filler, Postgres, count_in
from gateway.bench.postgres import new_database
from gateway.bench.scale import store_model
from gateway.store import open_store
from gateway.torture.database import PostgresServer

BACKLOG, STUCK, LINES, RECEIVERS = 500_000, 400_000, 100, 20
LIMIT = 2000
_LEASE_S = 600.0
_RECEIVER = f"'R' || n % {RECEIVERS}"
_STUCK_LINE = {("delivery", "line"): f"'stuck ' || n % {LINES}", ("delivery", "receiver"): _RECEIVER}


async def fill_backlog(
    root: Path, url: str, folder: Path, backlog: int = BACKLOG, stuck: int = STUCK
) -> None:
    """A new database with the backlog: deliveries and forms, which are all that a claim looks at."""
    model = await store_model(root, url, folder, delivered=False)
    database = await Postgres.connect(url)
    began_ms = clock.now_ms() - backlog * 20 - 60_000
    first = 1000
    for count, changed in (
        (LINES, {**_STUCK_LINE, ("delivery", "state"): "'dead'"}),
        (stuck - LINES, {**_STUCK_LINE, ("delivery", "state"): "'waiting'"}),
        (backlog - stuck, {("delivery", "receiver"): _RECEIVER}),
    ):
        await Filler(database, model, changed, ("delivery", "form")).fill(first, count, began_ms)
        first += count
    await count_in(
        database, {("R0", "ready"): backlog - stuck, ("R0", "waiting"): stuck - LINES, ("R0", "dead"): LINES}
    )
    await database.run("VACUUM ANALYZE")
    await database.run("CHECKPOINT")
    await database.close()


async def claims_per_s(url: str, nodes: int, limit: int = LIMIT) -> float:
    """Of so many processes at a time, from the first one's start to the last one's end; each is connected before."""
    started = [
        await launch(("gateway.bench.claiming", url, str(limit)), {**os.environ}) for _ in range(nodes)
    ]
    told = [orjson.loads((await one.communicate())[0]) for one in started]
    wall_s = max(one["ended"] for one in told) - min(one["began"] for one in told)
    return float(sum(one["claimed"] for one in told) / wall_s)


async def measure_claiming(
    root: Path, folder: Path, server: PostgresServer, backlog: int = BACKLOG, stuck: int = STUCK
) -> dict[str, float]:
    """claims_per_s_postgres of two nodes, and of one; `claims_two_nodes_to_one`: their ratio."""
    model = await new_database(server, "model")
    await fill_backlog(root, model, folder, backlog, stuck)
    one, two = [
        await claims_per_s(await new_database(server, "claims", like="model"), nodes) for nodes in (1, 2)
    ]
    return {
        "claims_per_s_postgres": round(two),
        "claims_per_s_postgres_one_node": round(one),
        "claims_two_nodes_to_one": round(two / one, 2),
    }


async def main(url: str, limit: int) -> None:
    """Claims all that is ready and tells how many and when, in seconds of the machine's clock."""
    store = open_store(url, Path.cwd())
    await store.open()
    rooms = {f"R{number}": limit // RECEIVERS for number in range(RECEIVERS)}
    began, claimed, ended = time.time(), 0, time.time()
    while found := await store.claim("bench", limit, _LEASE_S, rooms=rooms):
        claimed += len(found)
        ended = time.time()
    await store.close()
    sys.stdout.write(orjson.dumps({"began": began, "ended": ended, "claimed": claimed}).decode() + "\n")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
