"""The index of words: what is found before a message is in it and afterwards is the same, on both databases."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.message import DeliveryState
from gateway.payments.ground import Application, Contract, Ground, Needs
from gateway.standard import Standard
from gateway.store import Store, sqlite_words
from gateway.store.contract import Arrival, LastVersion, MessageFilter, StoreUnavailable, Verdict
from gateway.store.sqlite_words import SqliteWords
from gateway.wordkeeper import WordKeeper
from tests.store.conftest import OpenStore
from tests.store.samples import accept_id, ended, message, says, to

ROOT = Path(__file__).parent.parent.parent
TEXTS = (
    "沪建 HT-2026-000123 上海市政养护工程有限公司 91310000MA1K00001X",
    "沪建 HT-2026-000124 浦东新区公路养护 ＡＢＣ Road",
    "上海公路 it's a 100% \\ road",
    "沪 罕见桥隧 91310000MA1K00001X",
)


async def fill(store: Store) -> list[str]:
    """Four messages: of S1 to A, of S2 to A and B, an application's, and one that names its payee alone."""

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        ground.put(Contract("HT-9", "SUB", "JY-7", "", ("T",), ("W",), 900, "310000", "01"))
        ground.put(
            Application(
                "SQ-1", "HT-9", "20", "SUB", "T", ("91310000MA1K00009P",), "310000", "01", "2026", 100, 0
            )
        )
        return Verdict(deliveries=(to("A", "l3"),), application="SQ-1")

    shapes: list[dict[str, Any]] = [
        {"sender": "S1", "type": "3001", "judge": says(to("A", "l1")), "amount_fen": 100_00},
        {"sender": "S2", "type": "3001", "judge": says(to("A", "l2"), to("B", "l2")), "amount_fen": 123_456_78},
        {
            "sender": "S2", "type": "4002", "judge": judge, "amount_fen": 0,
            "needs": Needs(applications=frozenset({"SQ-1"}), contracts=frozenset({"HT-9"})),
        },
        {"sender": "S1", "type": "4002", "judge": says()},
    ]  # fmt: skip
    ids = []
    for n, (text, shape) in enumerate(zip(TEXTS, shapes, strict=True)):
        arrival = message(text, search=text, idem_key=f"idem-{n}", received_at=1_000_000 * n, **shape)
        ids.append(await accept_id(store, arrival))
    return ids


ASKED: tuple[tuple[dict[str, Any], list[int]], ...] = (
    ({"text": "养护"}, [1, 0]),
    ({"text": "公路"}, [2, 1]),
    ({"text": "路公"}, []),
    ({"text": "沪"}, [3, 1, 0]),
    ({"text": "市政养护工程"}, [0]),
    ({"text": "养护公路"}, []),
    ({"text": "罕见桥隧"}, [3]),
    ({"text": "鲲鹏"}, []),
    ({"text": "养护 abc"}, [1]),  # what is wide is found by what is narrow, in small letters
    ({"text": "ROAD"}, [2, 1]),
    ({"text": "roa"}, []),  # too short for a beginning
    ({"text": "HT"}, [1, 0]),
    ({"text": "HT 养护"}, [1, 0]),
    ({"text": "oad"}, []),
    ({"text": "HT-2026-0001"}, [1, 0]),
    ({"text": "HT-2026-000123"}, [0]),
    ({"text": "91310000MA1K0000"}, [3, 0]),
    ({"text": "it's a 100% \\"}, [2]),
    ({"text": "100_"}, []),
    ({"text": "养护", "sender": "S2"}, [1]),
    ({"text": "养护", "sender": "S2", "type": "4002"}, []),
    ({"text": "养护", "receiver": "B"}, [1]),
    ({"text": "养护", "since": 1_000_000}, [1]),
    ({"text": "养护", "until": 1_000_000}, [0]),
    ({"text": "养护", "state": "stuck"}, [1]),
    ({"text": "养护", "state": "accepted"}, [0]),
    ({"text": "罕见", "state": "delivered"}, [3]),
    ({"text": "养护", "code": "receiver.30001"}, [1]),
    ({"receiver": "B"}, [1]),
    ({"receiver": "B", "type": "4002"}, []),
    ({"receiver": "A", "type": "3001"}, [1, 0]),
    ({"receiver": "nobody"}, []),
    ({"contract": "HT-9"}, [2]),
    ({"contract": "HT-2026-000124"}, [1]),
    ({"deal": "JY-7"}, [2]),
    ({"deal": "JY-8"}, []),
    ({"company": "91310000MA1K00001X"}, [3, 0]),
    ({"company": "91310000MA1K00009P"}, [2]),
    ({"company": "91310000MA1K00009P", "type": "3001"}, []),
    ({"key": "idem-2"}, [2]),
    ({"key": "idem-9"}, []),
    ({"key": "idem-2", "type": "3001"}, []),
    ({"least_fen": 100_00}, [1, 0]),
    ({"least_fen": 100_01}, [1]),
    ({"most_fen": 123_456_77}, [2, 0]),
    ({"least_fen": 123_456_78, "most_fen": 123_456_78}, [1]),
    ({"least_fen": 123_000_00, "most_fen": 123_999_99, "sender": "S1"}, []),
    ({"text": "养护", "most_fen": 100_00}, [0]),
    ({"text": "--"}, []),
)  # fmt: skip


async def test_every_filter_finds_the_same_before_and_after_indexing(store: Store) -> None:
    ids = await fill(store)
    (dead,) = [one for one in await store.claim("w", 10, 60.0) if one.receiver == "B"]
    await store.record(ended(dead, DeliveryState.DEAD, "receiver.30001"))

    async def found(**wanted: Any) -> list[int]:
        return [ids.index(row.id) for row in await store.search(MessageFilter(**wanted))]

    for left in (4, 0):
        for wanted, expected in ASKED:
            assert (wanted, await found(**wanted)) == (wanted, expected)
        assert [await found(id=one) for one in ids] == [[0], [1], [2], [3]]
        assert await found(id=ids[0], text="罕见") == []
        assert await store.index_words() == left


@pytest.mark.parametrize("indexed", [0, 3, 7])
async def test_pages_follow_each_other_whatever_is_indexed(
    store: Store, monkeypatch: pytest.MonkeyPatch, indexed: int
) -> None:
    """And where enough was looked at for one page, the next one goes on there."""
    monkeypatch.setattr("gateway.store.searching._MOST_LOOKED_AT", 3)
    monkeypatch.setattr("gateway.store.searching._FIRST_LOOK", 1)
    ids = []
    for n in range(7):
        ids.append(await accept_id(store, message(search="公路养护" if n % 3 else "公路 路养 养护")))
        if n + 1 == indexed:
            await store.index_words()
    seen: list[str] = []
    pages, before = 0, ""
    while True:
        page = await store.search_page(MessageFilter(text="公路养护", before=before, limit=1))
        seen += [row.id for row in page.rows]
        pages, before = pages + 1, page.older
        if not before:
            break
    assert [ids.index(one) for one in seen] == [5, 4, 2, 1] and pages >= 4
    assert (await store.search_page(MessageFilter(text="公路", before="unknown"))).rows == ()


async def test_what_was_received_right_beside_a_time_fills_no_page_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Accepted in another order than received, too."""
    monkeypatch.setattr("gateway.store.searching._MOST_LOOKED_AT", 100)  # less than a first look

    def of_time(at: int) -> Arrival:
        return message(search="养护", sender="S1", received_at=1_000_000 + at)

    ids = {}
    for at in (90, 91, 100, 205, 101, 102, 206, 199):
        ids[await accept_id(store, of_time(at))] = at
    await asyncio.gather(*(accept_id(store, of_time(at)) for at in range(300, 440)))
    await store.index_words()
    wanted = MessageFilter(sender="S1", since=1_000_100, until=1_000_200, limit=2)
    page = await store.search_page(wanted)
    assert [ids[row.id] for row in page.rows] == [199, 102]
    page = await store.search_page(replace(wanted, before=page.older))
    assert [ids[row.id] for row in page.rows] == [101, 100] and page.older == ""


async def test_what_was_received_out_of_order_far_from_a_time_is_of_it(store: Store) -> None:
    """Alone within ten minutes of the time's ends is what has the other number."""
    ids = [await accept_id(store, message(received_at=at)) for at in (2_600_001, 2_599_999)]
    assert [row.id for row in await store.search(MessageFilter(since=2_000_000))] == ids[::-1]
    assert [row.id for row in await store.search(MessageFilter(until=3_200_000))] == ids[::-1]
    assert list(await store.search(MessageFilter(since=2_600_002))) == []
    assert list(await store.search(MessageFilter(until=2_599_999))) == []


def test_what_is_sensitive_is_never_among_the_words() -> None:
    """Of every type's sample: no value of an element that the schemas call sensitive is in the text."""
    standard, told = Standard.load(ROOT / "schemas"), 0
    for kind in standard.catalogue:
        record, sensitive = standard.sample(kind.number), standard.sensitive(kind.number)
        key = standard.business_key(kind.number, record)
        text = standard.search_text(kind.number, record, key)
        for value in _values(record, sensitive):
            told += 1
            assert value not in text, (kind.number, value)
    assert told > 10


def _values(record: Any, sensitive: Any) -> list[str]:
    found: list[str] = []
    for name, value in record.items() if isinstance(record, dict) else ():
        if name in sensitive and isinstance(value, str) and len(value) > 4:
            found.append(value)
        for below in value if isinstance(value, list) else (value,):
            found += _values(below, sensitive)
    return found


async def test_the_index_of_another_log_is_made_anew(
    make_store: OpenStore, sqlite_only: None, tmp_path: Path
) -> None:
    """As after a restore: other messages have the same numbers."""
    store = make_store()
    await store.open()
    await accept_id(store, message(search="浦东"))
    await store.close()
    shutil.copy(tmp_path / "gateway.db", tmp_path / "kept.db")
    await store.open()
    await accept_id(store, message(search="浦西"))
    await store.index_words()
    await store.close()
    shutil.copy(tmp_path / "kept.db", tmp_path / "gateway.db")
    for side in ("-wal", "-shm"):
        (tmp_path / f"gateway.db{side}").unlink(missing_ok=True)
    await store.open()
    other = await accept_id(store, message(search="闵行"))
    assert await store.index_words() == 2
    assert [row.id for row in await store.search(MessageFilter(text="闵行"))] == [other]
    assert await store.search(MessageFilter(text="浦西")) == []
    await store.close()


async def test_a_worker_of_before_indexes_in_a_file_of_its_own(
    store: Store, sqlite_only: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Until it is replaced; then its file is gone."""
    before = SqliteWords(tmp_path / "gateway.db")
    before.path = tmp_path / "gateway-words.db"
    await accept_id(store, message(search="浦东养护"))
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_words, "terms_of", lambda *_: {"before"})
        patched.setattr(sqlite_words, "_ENDING_BEFORE", "earlier")
        assert await before.follow() == 1
        assert before.path.exists()
    assert await store.index_words() == 1
    await accept_id(store, message(search="浦西养护"))
    with monkeypatch.context() as patched:
        patched.setattr(sqlite_words, "terms_of", lambda *_: {"before"})
        assert await before.follow() == 1
    assert await store.index_words() == 1
    assert len(await store.search(MessageFilter(text="养护"))) == 2
    await before.close()
    assert _files(tmp_path, "gateway-words.db*") == []


async def test_an_index_that_cannot_be_opened_leaves_no_file_open(tmp_path: Path) -> None:
    """It is tried again every two seconds, for as long as the gateway runs."""
    words = SqliteWords(tmp_path / "gateway.db")  # there is no such log
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await words.follow()
    assert [name for name in _open_files() if name.startswith(str(words.path))] == []
    await words.close()


def _open_files() -> list[str]:
    """A file that was closed meanwhile is none."""
    found = []
    for one in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(one.readlink()))
    return found


def _files(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


async def test_parts_of_the_index_go_with_their_messages(
    store: Store, sqlite_only: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sqlite_words, "PART", 2)
    for n in range(5):
        await accept_id(store, message(f"{n}", search="养护"))
    await store.index_words()
    assert len(await store.search(MessageFilter(text="养护"))) == 5
    with sqlite3.connect(tmp_path / "gateway.db") as raw:
        raw.execute("DELETE FROM message WHERE seq < 4")
    raw.close()
    await accept_id(store, message("last", search="养护"))
    await store.index_words()
    assert len(await store.search(MessageFilter(text="养护"))) == 3
    with sqlite3.connect(tmp_path / "gateway-words-2.db") as raw:
        names = {
            name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL%'")
        }
    raw.close()
    assert names == {"words_2", "words_3"}


async def test_the_keeper_takes_its_time_between_full_batches_only(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.wordkeeper.BATCH", 2)
    keeper = WordKeeper(store, look_every_s=2.0)
    await keeper.look()
    assert keeper.every_s == 2.0
    for n in range(2):
        await accept_id(store, message(f"{n}", search="养护"))
    await keeper.look()
    assert keeper.every_s < 2.0 and await store.index_words() == 0
    await keeper.look()
    assert keeper.every_s == 2.0
