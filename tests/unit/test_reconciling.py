"""A day between the general platform and a treasury: compared, stored, and told to both, once."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway import clock
from gateway.app import load_translator
from gateway.arrivals import ArrivalMaker
from gateway.message import Record
from gateway.reconciling import Reconciler
from gateway.routing import Routes
from gateway.settings import load_settings
from gateway.store import Store, open_store
from gateway.store.contract import MessageFilter
from tests.acceptance.harness import ROOT
from tests.store.samples import message, new_log

GENERAL, CITY = "GGZY-ZPT", "CZ-ZFPT-310000"
SETTINGS = load_settings(ROOT, environ={})
TRANSLATOR = load_translator(SETTINGS)
STANDARD = TRANSLATOR.standard
NOW = clock.now()
DAY = clock.d8(NOW)
LINE = {
    "PayAppNo": "SQ-310000-20240618-00042",
    "VoucherNo": "520126112700000001",
    "DetailId": "1",
    "XAgentBusinessNo": "B-1",
}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", tmp_path, evidence=new_log())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def reconciler(store: Store) -> Reconciler:
    routes = Routes.of(SETTINGS.routes, SETTINGS.platforms, SETTINGS.coverage)
    return Reconciler(store, ArrivalMaker(SETTINGS, store, TRANSLATOR, routes))


async def stored(store: Store, number: str, sender: str, record: Record, received_at: datetime = NOW) -> None:
    body = STANDARD.build(number, record)
    arrival = message(
        type=number, sender=sender, biz_key=STANDARD.business_key(number, record), given_version=False, biz_version=0,
        sender_time="", fingerprint=hashlib.sha256(body).hexdigest(), received_at=int(received_at.timestamp() * 1000),
    )  # fmt: skip
    arrival.body = body
    outcome = await store.accept(arrival)
    assert outcome.kind == "accepted", outcome


async def paid(
    store: Store, amount: str = "100.00", day: str = DAY, received_at: datetime = NOW, **changes: Any
) -> None:
    """A 5001 of the treasury."""
    record = {**STANDARD.sample("5001"), **LINE, "XPayDate": day, "XPayAmt": amount, **changes}
    await stored(store, "5001", CITY, record, received_at)


def told(no: str, *lines: tuple[str, str], day: str = DAY) -> Record:
    """A 7001: (amount, serial of the bank) of each line, all of `day`."""
    each = [{**LINE, "XPayDate": day, "XPayAmt": amount, "XAgentBusinessNo": bank} for amount, bank in lines]
    total = sum(float(amount) for amount, _ in lines)
    head = {
        "VoucherCheckNo": no,
        "AdmDivCode": "310000",
        "ChildPackNum": "1",
        "CurPackNo": "1",
        "BeginDate": day,
        "EndDate": day,
    }
    return {
        **head,
        "AllNum": str(len(lines)),
        "AllAmt": f"{total:.2f}",
        **({"Detail": {"Line": each}} if each else {}),
    }


async def replies(store: Store) -> dict[str, list[Record]]:
    """The 7002 of each receiver, oldest first."""
    found: dict[str, list[Record]] = {}
    for row in reversed(await store.search(MessageFilter(type="7002", limit=50))):
        (delivery,) = await store.deliveries(row.id)
        found.setdefault(delivery.receiver, []).append(STANDARD.read("7002", row.body))
        assert orjson.loads(row.head)["BizKey"] == "|".join(
            (found[delivery.receiver][-1]["VoucherCheckNo"], "1")
        )
    return found


async def test_a_day_that_agrees_is_told_to_both_once(store: Store, reconciler: Reconciler) -> None:
    await paid(store)
    await stored(store, "7001", GENERAL, told("Z-1", ("100.00", "B-1")))
    await stored(store, "7001", CITY, told("Z-1", ("100.00", "B-1")))
    for _ in range(3):
        row = await reconciler.reconcile_one(NOW.date(), CITY)
    assert (row.state, row.lines, row.matched, row.here_fen) == ("agreed", 1, 1, 10_000)
    assert (row.general_lines, row.general_fen, row.treasury_lines, row.treasury_fen) == (
        1,
        10_000,
        1,
        10_000,
    )
    said = await replies(store)
    assert {node: [one["XCheckResult"] for one in each] for node, each in said.items()} == {
        GENERAL: ["0"],
        CITY: ["0"],
    }


async def test_what_lies_behind_a_page_that_ends_early_is_compared_too(
    store: Store, reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough was looked at for one page, and none of it was of those days."""
    monkeypatch.setattr("gateway.reconciling._PAGE", 1)
    for name in ("_MOST_LOOKED_AT", "_FIRST_LOOK"):
        monkeypatch.setattr(f"gateway.store.searching.{name}", 1)
    await paid(store)
    for n in range(3):
        await paid(store, received_at=NOW - timedelta(days=100), XAgentBusinessNo=f"B-1{n}")
    await stored(store, "7001", GENERAL, told("Z-1", ("100.00", "B-1")))
    await stored(store, "7001", CITY, told("Z-1", ("100.00", "B-1")))
    await store.index_words()
    row = await reconciler.reconcile_one(NOW.date(), CITY)
    assert (row.state, row.lines, row.matched) == ("agreed", 1, 1)


async def test_each_difference_is_stored_and_told_to_both(store: Store, reconciler: Reconciler) -> None:
    """The general platform lacks one and has another amount; the treasury tells one that never came here."""
    await paid(store)
    await paid(store, XAgentBusinessNo="B-2")
    await stored(store, "7001", GENERAL, told("Z-1", ("90.00", "B-1")))
    await stored(store, "7001", CITY, told("C-1", ("100.00", "B-1"), ("100.00", "B-2"), ("7.00", "B-3")))
    row = await reconciler.reconcile_one(NOW.date(), CITY)
    assert (row.state, row.lines, row.matched) == ("different", 2, 0)
    assert (row.missing_here, row.missing_there, row.amount_differs, row.date_differs) == (1, 1, 1, 0)
    kept = await store.reconciled_differences(DAY, CITY)
    assert sorted((one.side, one.kind, one.bank_no) for one in kept) == [
        (CITY, "missing-here", "B-3"), (GENERAL, "amount", "B-1"), (GENERAL, "missing-there", "B-2"),
    ]  # fmt: skip
    for node, each in (await replies(store)).items():
        (one,) = each
        assert (one["XCheckResult"], one["XDiffNum"], len(one["Detail"]["Line"])) == ("1", "3", 3), node


async def test_what_is_mended_is_told_anew_as_the_next_version(store: Store, reconciler: Reconciler) -> None:
    await paid(store)
    for node in (GENERAL, CITY):
        await stored(store, "7001", node, told(node[:4], ("100.00", "B-1"), ("5.00", "B-2")))
    assert (await reconciler.reconcile_one(NOW.date(), CITY)).missing_here == 2
    await paid(store, "5.00", XAgentBusinessNo="B-2")
    assert (await reconciler.reconcile_one(NOW.date(), CITY)).state == "agreed"
    assert [[one["XCheckResult"] for one in each] for each in (await replies(store)).values()] == [
        ["1", "0"]
    ] * 2


async def test_a_line_of_another_day_is_a_difference_of_date(store: Store, reconciler: Reconciler) -> None:
    yesterday = clock.d8(NOW - timedelta(days=1))
    await paid(store, day=yesterday)
    for node in (GENERAL, CITY):
        await stored(store, "7001", node, told(node[:4], ("100.00", "B-1")))
    row = await reconciler.reconcile_one(NOW.date(), CITY)
    assert (row.lines, row.date_differs, row.missing_here, row.missing_there) == (0, 2, 0, 0)


async def test_a_side_that_has_not_told_its_lines_is_waited_for(store: Store, reconciler: Reconciler) -> None:
    await paid(store)
    await stored(store, "7001", CITY, told("C-1", ("100.00", "B-1")))
    row = await reconciler.reconcile_one(NOW.date(), CITY)
    assert (row.state, row.waiting, row.matched) == ("waiting", GENERAL, 0)
    assert list(await replies(store)) == [CITY]


async def test_a_day_is_looked_at_once_it_is_told_or_over(store: Store, reconciler: Reconciler) -> None:
    noon, night = (datetime(2026, 11, 27, hour, tzinfo=clock.SHANGHAI) for hour in (12, 20))
    await paid(store, day="20261127", received_at=noon)
    await reconciler.catch_up(noon, was_told=True)
    await reconciler.catch_up(night - timedelta(hours=1, minutes=1), was_told=True)
    assert await store.reconciliations() == []
    await reconciler.catch_up(night - timedelta(hours=1), was_told=False)
    (row,) = await store.reconciliations()
    assert (row.day, row.treasury, row.state, row.waiting) == (
        "20261127",
        CITY,
        "waiting",
        f"{GENERAL} {CITY}",
    )
    for node in (GENERAL, CITY):
        lines = told(node[:4], ("100.00", "B-1"), day="20261127")
        await stored(store, "7001", node, lines, received_at=night)
    await reconciler.catch_up(night, was_told=True)
    (row,) = await store.reconciliations()
    assert (row.state, row.matched) == ("agreed", 1)
