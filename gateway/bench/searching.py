"""The message log's search at 1,000,000 messages on both stores: what an operator asks for, first pages and deep ones.

The measured set: no filter, two-character, rare and absent words, names by index, each filter, combinations of
them (two of which each has an index, and few or no messages are in both), and pages far down. Each is asked
several times in a drawn order. The figure is the p95 of the worst question: over all answers two of them might take any time.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gateway import clock
from gateway.bench.filling import Filler, Postgres, Sqlite, count_in, grow_log
from gateway.bench.postgres import new_database
from gateway.bench.scale import store_model
from gateway.store import Store, open_store
from gateway.store.contract import MessageFilter
from gateway.store.partitions import make_months
from gateway.store.postgres_link import close, connect
from gateway.torture.database import PostgresServer

ROWS = 1_000_000
ROUNDS = 20
_SEED = 20240701
_EVERY_MS = 4000  # so that most of a million are of months that are over
_TABLES = ("message", "content", "sender_key", "business_key", "delivery", "leaf")  # what a search looks at
# What makes messages differ for a search: a company in 1,000, a rare one in 100,000, some that are stuck.
_COMMON, _RARE = "养护", "罕见桥隧"
_PARKED_AT = 107  # among the oldest
_SPREAD = {
    # In brackets, as SQLite and PostgreSQL bind % and || differently.
    ("message", "search"): (
        f"'沪建' || (n % 1000) || CASE WHEN n % 100000 = 7 THEN ' {_RARE}' ELSE '' END"
        " || ' 上海市政养护工程第' || (n % 1000) || '有限公司 浦东新区道路中修工程 SQ-2024-' || n"
        " || ' 91310000MA' || substr(CAST(100000000 + (n * 7919) % 100000000 AS text), 2)"
    ),
    (
        "message",
        "type",
    ): "CASE n % 10 WHEN 0 THEN '3001' WHEN 1 THEN '4002' WHEN 2 THEN '5001' ELSE '2002' END",
    ("message", "sender"): "CASE n % 4 WHEN 0 THEN 'GGZY-ZPT' ELSE 'GGZY-JSGC' END",
    ("message", "amount_fen"): "CASE WHEN n % 2 = 0 THEN (n * 7919) % 100000000 END",
    ("message", "state"): "CASE WHEN n % 500 = 0 THEN 'stuck' ELSE 'delivered' END",
    ("message", "application"): "CASE WHEN n % 10 = 0 THEN 'SQ-' || (n / 70) ELSE '' END",
    ("message", "note"): f"CASE WHEN n = {_PARKED_AT} THEN 'parked late' ELSE '' END",
    ("delivery", "last_code"): "CASE WHEN n % 500 = 0 THEN 'receiver.30001' ELSE '00000' END",
}


def questions(began_ms: int, rows: int) -> dict[str, MessageFilter]:
    """What is asked, by name. `began_ms`: of the first message."""
    middle, day = began_ms + rows * _EVERY_MS // 2, 3_600_000
    everything = MessageFilter()
    return {
        "all": everything,
        "pairs elsewhere": replace(everything, text="中修工程第"),
        "Latin, by its beginning": replace(everything, text="sq-2024-9999"),
        "Latin, absent": replace(everything, text="HT-2031"),
        "two words": replace(everything, text="浦东 养护"),
        "word and state": replace(everything, text=_COMMON, state="stuck"),
        "word and time": replace(everything, text=_COMMON, since=middle, until=middle + day),
        "rare word and time": replace(everything, text=_RARE, since=middle, until=middle + day),
        "word and receiver, none": replace(everything, text=_COMMON, receiver="GGZY-ZFCG"),
        "type and receiver, absent word": replace(
            everything, type="3001", receiver="GGZY-ZPT", text="查无此公司"
        ),
        "contract": replace(everything, contract="HT-100"),
        "company": replace(everything, company="沪建777"),
        "amount": replace(everything, least_fen=12_345_00, most_fen=12_345_99),
        "amounts": replace(everything, least_fen=1_000_00, most_fen=9_999_99),
        "amounts, sender and word": replace(
            everything, least_fen=1_000_00, most_fen=1_009_99, sender="GGZY-ZPT", text=_COMMON
        ),
        "amounts, none": replace(everything, least_fen=10**13),
        "id": replace(everything, id="0" * 26),
        "key": replace(everything, key="0" * 64),
        "code": replace(everything, code="receiver.30001"),
        "two characters": replace(everything, text=_COMMON),
        "part of a name": replace(everything, text="市政养护工程第7"),
        "rare": replace(everything, text=_RARE),
        "absent, two characters": replace(everything, text="鲲鹏"),
        "absent": replace(everything, text="查无此公司"),
        "application": replace(everything, text="SQ-100"),
        "type": replace(everything, type="5001"),
        "sender": replace(everything, sender="GGZY-ZPT"),
        "state": replace(everything, state="stuck"),
        "absent type": replace(everything, type="9999"),
        "type and sender": replace(everything, type="3001", sender="GGZY-ZPT"),
        "type and sender, none": replace(everything, type="4002", sender="GGZY-ZPT"),
        "state, type and time": replace(
            everything, state="stuck", type="3001", since=middle, until=middle + day
        ),
        "time": replace(everything, since=middle, until=middle + day),
        "sender and time": replace(everything, sender="GGZY-JSGC", since=middle, until=middle + day),
        "receiver": replace(everything, receiver="GGZY-ZPT"),
        "receiver and type": replace(everything, receiver="GGZY-ZPT", type="5001"),
        "word and type": replace(everything, text=_COMMON, type="5001"),
        "rare word and sender": replace(everything, text=_RARE, sender="GGZY-ZPT"),
        "id and sender": replace(everything, text="0" * 26, sender="GGZY-JSGC"),
        "application typed, and sender": replace(everything, text="SQ-100", sender="GGZY-JSGC"),
        "application and type": replace(everything, application="SQ-100", type="2002"),
        "application and state": replace(everything, application="SQ-100", state="delivered"),
        "absent application and type": replace(everything, application="SQ-none", type="2002"),
        "key and sender": replace(everything, key="0" * 64, sender="GGZY-JSGC"),
        "code and sender": replace(everything, code="receiver.30001", sender="GGZY-ZPT"),
        "code and sender, none": replace(everything, code="receiver.30001", sender="GGZY-JSGC"),
        "code and type, none": replace(everything, code="receiver.30001", type="2002"),
        "state, type and sender, none": replace(everything, state="stuck", type="2002", sender="GGZY-JSGC"),
        "delivered, type and sender": replace(everything, state="delivered", type="5001", sender="GGZY-ZPT"),
        "state and receiver, none": replace(everything, state="stuck", receiver="GGZY-ZFCG"),
        "parked": replace(everything, parked=True),
        "parked, type and sender": replace(everything, parked=True, type="2002", sender="GGZY-JSGC"),
        "amounts, all": replace(everything, least_fen=1_00),
        "amounts, all, and a rare word": replace(everything, least_fen=1_00, text=_RARE),
        "amounts, most, and sender": replace(
            everything, least_fen=2_000_00, most_fen=987_654_32, sender="GGZY-ZPT"
        ),
        "credit code, half": replace(everything, text="91310000M"),
        "credit code, half, and a rare word": replace(everything, text=f"91310000M {_RARE}"),
        "credit code, half, of no one": replace(everything, text="91310000B"),
    }


DEEP = (
    "all", "type", "sender", "state", "two characters", "receiver and type", "word and type", "amounts", "amounts, all",
    "credit code, half", "code", "application typed, and sender", "type and sender",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answers:
    """Of one store: milliseconds at p95, of all answers and by question."""

    pooled: float
    of_each: dict[str, float]

    @property
    def worst(self) -> float:
        return max(self.of_each.values())


async def fill_for_search(root: Path, url: str, folder: Path, rows: int, began_ms: int) -> None:
    """A new database with delivered messages, one every four seconds from `began_ms`."""
    model = await store_model(root, url, folder)
    if not url.startswith("sqlite"):
        await _make_months(url, began_ms, rows)
    is_file = url.startswith("sqlite")
    database = Sqlite(Path(url.removeprefix("sqlite:///"))) if is_file else await Postgres.connect(url)
    # What came first is of the first moment: else it is as new as what is not in the index of words yet.
    began = database.parameter(1, began_ms)
    await database.run(f"UPDATE message SET received_at = {began}, accepted_at = {began}", began_ms)
    await Filler(database, model, _SPREAD, _TABLES, _EVERY_MS).fill(100, rows, began_ms)
    await count_in(database, {("", "delivered"): rows, ("", "parked"): 1, ("GGZY-ZPT", "done"): rows})
    await grow_log(database, rows + 100)
    if not is_file:
        await database.run("VACUUM ANALYZE")  # as the server does by itself in the time that so many take
    await database.close()


async def _make_months(url: str, began_ms: int, rows: int) -> None:
    """Those in which the messages lie."""
    connection = await connect(url)
    try:
        for at in range(began_ms, began_ms + rows * _EVERY_MS, 20 * 86_400_000):
            await make_months(connection, clock.from_ms(at))
    finally:
        await close(connection)


async def latencies_ms(
    store: Store, began_ms: int, rows: int, rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Milliseconds of each answer, by question."""
    asked = questions(began_ms, rows)
    half = began_ms + rows * _EVERY_MS // 2
    deep = (await store.search(MessageFilter(until=half, since=half - 600_000, limit=1)))[0].id
    asked |= {f"{name}, deep page": replace(asked[name], before=deep) for name in DEEP}
    drawn = list(asked) * rounds
    random.Random(_SEED).shuffle(drawn)
    took: dict[str, list[float]] = {name: [] for name in asked}
    for name in drawn:
        started = time.perf_counter()
        await store.search(asked[name])
        took[name].append((time.perf_counter() - started) * 1000)
    return took


def p95(took: Iterable[float]) -> float:
    ordered = sorted(took)
    return round(ordered[math.ceil(len(ordered) * 0.95) - 1], 1)


async def measure(
    root: Path, folder: Path, server: PostgresServer, rows: int = ROWS, rounds: int = ROUNDS
) -> tuple[dict[str, float], dict[str, Answers]]:
    """rows, search_p95_ms_sqlite and search_p95_ms_postgres (of the worst question); and what lies behind them, by store."""
    figures: dict[str, float] = {"rows": rows}
    answers: dict[str, Answers] = {}
    urls = {"sqlite": f"sqlite:///{folder / 'gateway.db'}", "postgres": await new_database(server, "search")}
    for name, url in urls.items():
        began_ms = clock.now_ms() - rows * _EVERY_MS - 60_000
        await fill_for_search(root, url, folder, rows, began_ms)
        store = open_store(url, folder)
        await store.open()
        while await store.index_words():  # as the store does by itself beside the messages
            pass
        try:
            took = await latencies_ms(store, began_ms, rows, rounds)
        finally:
            await store.close()
        answers[name] = Answers(
            p95(one for each in took.values() for one in each),
            {question: p95(each) for question, each in took.items()},
        )
        figures[f"search_p95_ms_{name}"] = answers[name].worst
    return figures, answers
