"""What only PostgreSQL does: several at once, a server that goes away, one that must not be used, months."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest
import pytest_asyncio
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from gateway import clock
from gateway.errors import ConfigError
from gateway.message import DeliveryState
from gateway.payments.ground import BusinessObject, Ground, Needs
from gateway.store import Store, open_store
from gateway.store.columns import metadata
from gateway.store.contract import (
    AttemptResult,
    Claimed,
    LastVersion,
    MessageFilter,
    NotPurged,
    StoreUnavailable,
    Verdict,
)
from gateway.store.months import Month
from gateway.store.partitions import make_months
from gateway.store.postgres_connection import Broken, PostgresConnection
from gateway.store.postgres_link import Link
from gateway.store.records import record_digest
from gateway.torture.database import PostgresServer
from gateway.torture.proxy import Valve
from tests.postgres import clean_database, new_database, new_server, the_server
from tests.store.samples import accept_id, ended, message, new_log, says, to

Result = TypeVar("Result")
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresServer]:
    """A server that a test may stop."""
    server = new_server()
    yield server
    server.stop()


@pytest_asyncio.fixture
async def url() -> str:
    return await clean_database(the_server())


@pytest_asyncio.fixture
async def nodes(url: str, tmp_path: Path) -> AsyncIterator[list[Store]]:
    """Three stores as on three machines: they share nothing but the database."""
    opened = [open_store(url, tmp_path, evidence=new_log(f"GW-n{number}")) for number in range(3)]
    for store in opened:
        await store.open()
    yield opened
    for store in opened:
        await store.close()


@pytest.mark.parametrize("name", DURABLE)
async def test_a_server_that_could_lose_what_it_acknowledged_is_refused(name: str, tmp_path: Path) -> None:
    server = the_server()
    database = await new_database(server, f"careless_{name}")
    connection = await asyncpg.connect(server.url())
    if name == "synchronous_commit":
        await connection.execute(f"ALTER DATABASE careless_{name} SET {name} = off")
    else:
        await connection.execute(f"ALTER SYSTEM SET {name} = off")
        await connection.execute("SELECT pg_reload_conf()")
    try:
        store = open_store(database, tmp_path)
        async with asyncio.timeout(10):
            while True:  # the server reads its file when it gets to it
                try:
                    await store.open()
                except ConfigError as error:
                    assert f"{name} is off" in str(error)
                    break
                await store.close()
    finally:
        await connection.execute(f"ALTER SYSTEM RESET {name}")
        await connection.execute("SELECT pg_reload_conf()")
        await connection.close()


async def test_the_migrations_lead_to_the_tables(url: str) -> None:
    connection = await asyncpg.connect(url)
    found = await connection.fetch(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
    )
    await connection.close()
    there = {tuple(row) for row in found}
    assert {
        (table.name, column.name) for table in metadata.tables.values() for column in table.columns
    } <= there


async def test_nodes_that_get_the_same_key_at_once_agree_on_one_message(nodes: list[Store]) -> None:
    for turn in range(10):
        key = f"same-{turn}"
        arrivals = [message(key, idem_key=key, biz_key=key, jti=key, judge=says(to())) for _ in nodes]
        outcomes = await asyncio.gather(
            *(node.accept(one) for node, one in zip(nodes, arrivals, strict=True))
        )
        assert sorted(one.kind for one in outcomes) == ["accepted", "replayed", "replayed"]
        assert len({one.message.id for one in outcomes if one.message}) == 1
    assert (await nodes[0].counts()).messages == 10


async def test_nodes_never_judge_on_the_same_ground_at_once(nodes: list[Store]) -> None:
    """What is not there yet has no row to lock: the first one who takes it must be seen by the second."""
    needs = Needs(objects=frozenset({("voucher", "V-1")}))

    def take(ground: Ground, last: LastVersion | None) -> Verdict:
        found = ground.find("voucher", "V-1")
        count = int(found.data["count"]) if found else 0
        ground.put(BusinessObject("voucher", "V-1", "GW", data={"count": str(count + 1)}))
        return Verdict()

    arrivals = [message(f"m{number}", judge=take, needs=needs) for number in range(60)]
    await asyncio.gather(*(nodes[number % 3].accept(one) for number, one in enumerate(arrivals)))
    found = await nodes[0].find_object("voucher", "V-1")
    assert found is not None and found.data["count"] == "60"


async def test_a_line_has_one_head_however_many_nodes_add_to_it(nodes: list[Store]) -> None:
    arrivals = [message(f"m{number}", judge=says(to(line="L"), to("JS", "L"))) for number in range(60)]
    await asyncio.gather(*(nodes[number % 3].accept(one) for number, one in enumerate(arrivals)))
    done = []
    while claimed := [one for node in nodes for one in await node.claim("w", 10, 60.0)]:
        assert len(claimed) == len({one.receiver for one in claimed})
        await asyncio.gather(*(nodes[number].record(ended(one)) for number, one in enumerate(claimed)))
        done += claimed
    assert len(done) == 120
    rows = [await node.wait_settled(one.message_id, 5) for node, one in zip(nodes, arrivals, strict=False)]
    assert {row.state.value for row in rows if row} == {"delivered"}


async def test_the_last_two_outcomes_of_a_message_on_two_nodes_settle_it(nodes: list[Store]) -> None:
    for turn in range(15):
        message_id = await accept_id(
            nodes[0], message("a", judge=says(to(line=f"{turn}"), to("JS", f"{turn}")))
        )
        claimed = await nodes[0].claim("w", 2, 60.0)
        await asyncio.gather(*(node.record(ended(one)) for node, one in zip(nodes, claimed, strict=False)))
        row = await nodes[0].get_message(message_id)
        assert row is not None and row.state.value == "delivered"


async def test_nodes_claim_at_once_and_never_the_same(nodes: list[Store]) -> None:
    arrivals = [message(f"m{number}", judge=says(to(line=f"{number}"))) for number in range(90)]
    await asyncio.gather(*map(nodes[0].accept, arrivals))
    taken: list[int] = []
    while claimed := await asyncio.gather(*(node.claim("w", 10, 60.0) for node in nodes)):
        if not any(claimed):
            break
        taken += [one.delivery_id for part in claimed for one in part]
    assert len(taken) == len(set(taken)) == 90


async def test_another_node_hears_of_work_and_of_what_came_to_rest(nodes: list[Store]) -> None:
    heard = asyncio.Event()
    nodes[1].on_work(heard.set)
    await asyncio.sleep(0.1)  # until it listens
    message_id = await accept_id(nodes[0], message("a", judge=says(to())))
    await asyncio.wait_for(heard.wait(), 2)
    waiting = asyncio.create_task(nodes[2].wait_settled(message_id, 10))
    (claimed,) = await nodes[1].claim("w", 1, 60.0)
    await nodes[1].record(ended(claimed))
    row = await waiting
    assert row is not None and row.state.value == "delivered"


async def test_a_late_write_of_a_node_that_was_cut_off_is_refused(nodes: list[Store]) -> None:
    await accept_id(nodes[0], message("a", judge=says(to())))
    (late,) = await nodes[0].claim("w0", 1, -1.0)
    (again,) = await nodes[1].claim("w1", 1, 60.0)
    assert again.delivery_id == late.delivery_id and again.outcome_unknown
    assert await nodes[0].record(ended(late, DeliveryState.DEAD)) is False
    assert await nodes[1].record(ended(again)) is True


async def once_it_is_back(call: Callable[[], Awaitable[Result]]) -> Result:
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(StoreUnavailable), wait=wait_fixed(0.02), stop=stop_after_delay(20)
    ):
        with attempt:
            return await call()
    raise AssertionError


async def test_a_database_that_goes_away_and_comes_back_loses_nothing(
    own_server: PostgresServer, tmp_path: Path
) -> None:
    store = open_store(await clean_database(own_server), tmp_path, evidence=new_log())
    await store.open()
    kept = await accept_id(store, message("kept", judge=says(to(line="1"))))
    own_server.stop(signal.SIGINT)
    refused = message("while it is away", judge=says(to(line="2")))
    with pytest.raises(StoreUnavailable):
        await store.accept(refused)
    with pytest.raises(StoreUnavailable):
        await store.get_message(kept)
    with pytest.raises(StoreUnavailable):
        await store.claim("w", 1, 60.0)
    assert store.is_busy()
    own_server.start()
    assert (await once_it_is_back(lambda: store.accept(refused))).kind == "accepted"
    assert not store.is_busy()
    claimed = await once_it_is_back(lambda: store.claim("w", 5, 60.0))
    assert [one.message_id for one in claimed] == [kept, refused.message_id]
    assert [await once_it_is_back(lambda one=one: store.record(ended(one))) for one in claimed] == [
        True,
        True,
    ]  # type: ignore[misc]
    await store.close()


async def test_a_store_whose_database_is_away_does_not_open(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="away"):
        await open_store("postgresql://postgres@127.0.0.1:9/none", tmp_path).open()


@pytest.mark.parametrize("database", ["nowhere", "tests?sslmode=nonsense"])
async def test_a_url_that_leads_nowhere_is_a_finding(database: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="store_url"):
        await open_store(the_server().url(database), tmp_path).open()


async def test_a_batch_that_met_a_deadlock_is_run_again(url: str) -> None:
    links = [Link(url), Link(url)]
    both = asyncio.Barrier(2)
    runs = 0

    async def hold(first: str, second: str) -> None:
        async def work(connection: PostgresConnection) -> None:
            nonlocal runs
            runs += 1
            await connection.lock("test", [[first]])
            if runs <= 2:
                await both.wait()
            await connection.lock("test", [[second]])

        await links[first == "b"].transaction(work)

    await asyncio.gather(hold("a", "b"), hold("b", "a"))
    assert runs == 3
    for link in links:
        await link.close()


async def test_more_names_than_there_are_locks_do_not_look_like_a_database_that_is_away(url: str) -> None:
    link = Link(url)

    async def lock_many(connection: PostgresConnection) -> None:
        await connection.lock("test", ([str(number)] for number in range(100_000)))

    with pytest.raises(Broken, match="at once"):
        await link.transaction(lock_many)
    assert not link.is_away
    await link.close()


async def test_rows_lie_in_the_part_of_their_month(nodes: list[Store], url: str) -> None:
    await accept_id(nodes[0], message("a", judge=says(to())))
    await nodes[0].claim("w", 1, 60.0)
    month = Month.of(clock.now())
    connection = await asyncpg.connect(url)
    for table in ("message", "event", "content", "form", "attempt"):
        assert await connection.fetchval(f"SELECT count(*) FROM {table}_{month.name}") == 1, table
        assert await connection.fetchval(f"SELECT count(*) FROM {table}_rest") == 0, table
    assert await connection.fetchval("SELECT gateway_month()") == month.number
    await connection.close()


def test_months_are_those_of_shanghai() -> None:
    last = datetime(2026, 12, 31, 23, 59, 59, tzinfo=clock.SHANGHAI)
    assert (Month.of(last).name, Month.of(last + timedelta(seconds=1)).name) == ("2026_12", "2027_01")
    assert Month.of(last).first_id < clock.first_id(int(last.timestamp() * 1000)) < Month(84).first_id


async def test_a_month_is_dropped_whole_and_takes_nothing_of_another_along(
    nodes: list[Store], url: str
) -> None:
    now = Month.of(clock.now())
    later = Month(now.number + 1)
    old = message("old", judge=says(to()))
    young = message("young", judge=says(to("JS")), message_id=later.first_id[:-1] + "Z")  # a clock was ahead
    for arrival in (old, young):
        await accept_id(nodes[0], arrival)
    claimed = await nodes[0].claim("w", 2, 60.0)
    connection = await asyncpg.connect(url)
    try:
        for one in claimed:
            await nodes[0].record(ended(one))
        with pytest.raises(NotPurged):
            await nodes[0].end_purge(now)
        records = {row.id: record_digest(record) for row, record in await nodes[0].month_records(now, "", 9)}
        assert (await nodes[0].purge_batch(now, records)).purged == 1
        assert await nodes[0].end_purge(now) == 5
        gone = await nodes[0].get_message(old.message_id)
        assert gone is not None and gone.original_digest and await nodes[0].deliveries(gone.id) == []
        assert list(await nodes[0].events(old.message_id)) == []
        row = await nodes[0].get_message(young.message_id)
        assert row is not None and row.body == b"young"
        (delivery,) = await nodes[0].deliveries(young.message_id)
        assert delivery.rendered and len(await nodes[0].attempts(delivery.id)) == 1
        assert await connection.fetchval("SELECT to_regclass($1)", f"message_{now.name}") is None
        assert await connection.fetchval("SELECT count(*) FROM sender_key") == 2
    finally:
        for table in ("content", "form", "attempt"):
            await connection.execute(f"DELETE FROM {table}")
        await make_months(connection, clock.now())
        await connection.close()


async def test_a_message_that_turns_up_below_what_is_indexed_is_found_and_indexed(
    url: str, tmp_path: Path
) -> None:
    """Its number was given before that of another one, whose transaction ended first."""
    store = open_store(url, tmp_path, evidence=new_log())
    await store.open()
    connection = await asyncpg.connect(url)
    try:
        late = await accept_id(store, message("late", search="浦东养护"))
        await accept_id(store, message("early", search="浦西养护"))
        assert await store.index_words() == 2
        await connection.execute("DELETE FROM message_words WHERE id = $1", late)  # as if it came only now
        for left in (1, 0):
            found = await store.search(MessageFilter(text="养护"))
            assert [row.search for row in found] == ["浦西养护", "浦东养护"]
            assert await store.index_words() == left
    finally:
        await connection.close()
        await store.close()


async def test_a_node_that_was_cut_off_comes_late_and_changes_nothing(url: str, tmp_path: Path) -> None:
    """Its writes reach the database after its lease ran out and another node took the delivery over."""
    server = the_server()
    valve = Valve(server.port)
    await valve.start()
    cut_off = open_store(
        url.replace(f":{server.port}/", f":{valve.port}/"), tmp_path, evidence=new_log("GW-a")
    )
    other = open_store(url, tmp_path, evidence=new_log("GW-b"))
    for store in (cut_off, other):
        await store.open()
    message_id = await accept_id(cut_off, message("m", judge=says(to(line="L"))))
    await accept_id(cut_off, message("next", judge=says(to(line="L"))))
    (early,) = await cut_off.claim("early", 10, 1.0)
    valve.shut()
    outcome = asyncio.create_task(_record(cut_off, ended(early, DeliveryState.DEAD)))
    claimed = await _until(lambda: other.claim("late", 10, 60.0))
    (late,) = claimed
    assert late.delivery_id == early.delivery_id and late.outcome_unknown and late.token != early.token
    assert not outcome.done()
    valve.open()
    assert await outcome is False
    assert await other.record(ended(late))
    row = await other.wait_settled(message_id, 5)
    assert row is not None and row.state.value == "delivered"
    assert [one.state for one in await other.attempts(early.delivery_id)] == ["crashed", "done"]
    assert len(await other.claim("w", 10, 60.0)) == 1
    for store in (cut_off, other):
        await store.close()
    await valve.stop()


async def _record(store: Store, result: AttemptResult) -> bool:
    return await store.record(result)


async def _until(ask: Callable[[], Awaitable[list[Claimed]]]) -> list[Claimed]:
    for _ in range(300):
        if found := await ask():
            return found
        await asyncio.sleep(0.05)
    return []
