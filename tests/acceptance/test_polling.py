"""Polling a voucher store: what was read is settled or read again, whatever goes wrong in between."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from functools import cache
from pathlib import Path

import pytest

from gateway import clock
from gateway.app import load_translator
from gateway.arrivals import Submission
from gateway.errors import DeliveryError, MessageError
from gateway.formats import join
from gateway.message import GATEWAY_NODE
from gateway.polling import Poller
from gateway.sandbox import vouchers
from gateway.sandbox.ledger import ACKNOWLEDGED
from gateway.sandbox.treasury import FAILED
from gateway.sandbox.vouchers import Outgoing
from gateway.settings import PollSettings
from gateway.store import Store, open_store
from gateway.store.contract import Outcome, StoreUnavailable
from gateway.translate import Translator
from gateway.turns import Turn
from tests.postgres import clean_database, the_server

from .conftest import House
from .partners import identity, partner, settings, trust

NODE, TYPE = "CZ-ZFPT-310000", "9502"
APP_NO = "SQ-310000-20261124-00001"
OTHER = "9503"
FULL = MessageError.busy("receiver.backlog")
BUSY = MessageError.of("store.busy", "忙", "busy", result="90002")


@cache
def translator() -> Translator:
    return load_translator(settings())


def office_return(no: str, serial: str = "1", reason: str = "用款计划不足") -> Outgoing:
    record = {
        **vouchers.head("310000", TYPE, no),
        "PayAppNo": APP_NO,
        "OriginalVoucherNo": "ZF20261124000001",
        "ReturnSerial": serial,
        "ReturnReason": reason,
        "ReturnTime": clock.t14(),
    }
    return vouchers.make(TYPE, record, f"{APP_NO}|{serial}")


class Shelf:
    """A voucher store as its clients see it: new, read and not yet signed in, settled."""

    def __init__(self, *waiting: bytes):
        self.waiting = list(waiting)
        self.read_out: list[bytes] = []
        self.asked: list[str] = []
        self.confirmed: list[str] = []
        self.failed: dict[str, str] = {}
        self.broken = 0  # confirmations that get lost
        self.most = 100

    async def read(self, vt_code: str, *, again: bool = False) -> bytes | None:
        self.asked.append(vt_code)
        if vt_code != TYPE:
            return None
        if not again:
            self.read_out += self.waiting[: self.most]
            given, self.waiting = self.waiting[: self.most], self.waiting[self.most :]
        else:
            given = self.read_out[: self.most]
        return partner(NODE).seal(join(given), f"batch-{clock.new_id()}", msg_type=TYPE) if given else None

    async def confirm(self, vt_code: str, nos: Sequence[str]) -> None:
        if self.broken:
            self.broken -= 1
            raise DeliveryError("delivery.timeout", "no answer", unknown=True)
        self._settle(nos)
        self.confirmed += nos

    async def confirm_fail(self, vt_code: str, nos: Sequence[str], messages: Sequence[str]) -> None:
        if not all(nos):
            raise DeliveryError("receiver.EVS100", "no such voucher", permanent=True)
        self._settle(nos)
        self.failed.update(zip(nos, messages, strict=True))

    def _settle(self, nos: Sequence[str]) -> None:
        self.read_out = [one for one in self.read_out if not any(f'"{no}"'.encode() in one for no in nos)]


class Till:
    """Takes vouchers over; `faults` says what happens to a voucher number, once each time it is named."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.faults: dict[str, list[Exception]] = {}

    async def take(self, submission: Submission) -> Outcome:
        number = next(no for no in ("V1", "V2", "V3", "V4") if f'"{no}"'.encode() in submission.payload)
        if self.faults.get(number):
            raise self.faults[number].pop()
        self.taken.append(number)
        return Outcome("accepted")


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'x.db'}", tmp_path)
    await opened.open()
    yield opened
    await opened.close()


def poller(
    folder: Path,
    store: Store,
    shelf: Shelf,
    till: Till,
    node: str = "n1",
    lasts_s: float = 10.0,
    types: Sequence[str] = (TYPE,),
) -> Poller:
    other = partner(NODE)
    return Poller(
        settings(), other.platform, PollSettings(every_s=0.01, types=list(types)), shelf, other.suite,
        identity(GATEWAY_NODE, "sm2"), trust(), translator(), store, till.take,
        Turn(store, f"poll {NODE}", node, folder, lasts_s=lasts_s),
    )  # fmt: skip


async def test_what_was_read_before_a_crash_is_settled_whole_however_much_it_is(
    tmp_path: Path, store: Store
) -> None:
    shelf, till = Shelf(), Till()
    shelf.read_out = [office_return(no).mof for no in ("V1", "V2", "V3")]
    shelf.most = 2
    one = poller(tmp_path, store, shelf, till)
    for _ in range(3):
        await one._round()
    assert shelf.confirmed == ["V1", "V2", "V3"]


async def test_a_confirmation_that_got_lost_is_given_again(tmp_path: Path, store: Store) -> None:
    shelf, till = Shelf(office_return("V1").mof), Till()
    shelf.broken = 1
    one = poller(tmp_path, store, shelf, till)
    await one._round()
    assert shelf.confirmed == []
    await one._round()
    assert shelf.confirmed == ["V1"] and till.taken == ["V1", "V1"]


@pytest.mark.parametrize("fault", [RuntimeError("our own fault"), OSError("disk")])
async def test_a_voucher_that_we_cannot_take_holds_up_no_other_and_is_read_again(
    tmp_path: Path, store: Store, fault: Exception
) -> None:
    shelf, till = Shelf(*(office_return(no).mof for no in ("V1", "V2", "V3"))), Till()
    till.faults["V2"] = [fault, fault]
    one = poller(tmp_path, store, shelf, till)
    await one._round()
    assert shelf.confirmed == ["V1", "V3"] and shelf.failed == {}
    shelf.waiting.append(office_return("V4").mof)
    await one._round()
    assert shelf.confirmed == ["V1", "V3", "V4"]  # what is new does not wait for it either
    await one._round()
    assert shelf.confirmed[3:] == ["V2"] and shelf.read_out == []


async def test_a_busy_gateway_leaves_the_voucher_for_later(tmp_path: Path, store: Store) -> None:
    shelf, till = Shelf(office_return("V1").mof), Till()
    till.faults["V1"] = [BUSY]
    one = poller(tmp_path, store, shelf, till)
    assert await one._round() == 0
    assert (shelf.confirmed, shelf.failed) == ([], {})
    await one._round()
    assert shelf.confirmed == ["V1"]


@pytest.mark.parametrize("fault", [BUSY, StoreUnavailable("the database is away")])
async def test_what_is_held_for_a_moment_is_passed_by_nothing_of_its_batch_or_round(
    tmp_path: Path, store: Store, fault: Exception
) -> None:
    shelf, till = Shelf(*(office_return(no).mof for no in ("V1", "V2", "V3"))), Till()
    till.faults["V2"] = [fault, fault]
    one = poller(tmp_path, store, shelf, till, types=[TYPE, OTHER])
    assert await one._round() == 0
    assert shelf.confirmed == ["V1"] and till.taken == ["V1"] and OTHER not in shelf.asked
    shelf.waiting.append(office_return("V4").mof)
    await one._round()
    assert till.taken == ["V1"] and shelf.waiting and OTHER not in shelf.asked, "nor by what is new"
    for _ in range(3):
        await one._round()
    assert till.taken == ["V1", "V2", "V3", "V4"] and shelf.failed == {}


async def test_a_receiver_that_has_enough_holds_its_type_and_no_other(tmp_path: Path, store: Store) -> None:
    shelf, till = Shelf(*(office_return(no).mof for no in ("V1", "V2", "V3"))), Till()
    till.faults["V2"] = [FULL, FULL]
    one = poller(tmp_path, store, shelf, till, types=[TYPE, OTHER])
    await one._round()
    assert shelf.confirmed == till.taken == ["V1"] and OTHER in shelf.asked
    shelf.waiting.append(office_return("V4").mof)
    for _ in range(4):
        await one._round()
    assert till.taken == ["V1", "V2", "V3", "V4"] and shelf.failed == {}


async def test_a_confirmation_that_gets_lost_lets_nothing_pass_what_is_held(
    tmp_path: Path, store: Store
) -> None:
    shelf, till = Shelf(*(office_return(no).mof for no in ("V1", "V2"))), Till()
    till.faults["V2"] = [BUSY]
    shelf.broken = 1
    one = poller(tmp_path, store, shelf, till, types=[TYPE, OTHER])
    assert await one._round() == 0
    assert OTHER not in shelf.asked and till.taken == ["V1"]


async def test_what_was_left_is_read_to_its_end_before_what_is_new(tmp_path: Path, store: Store) -> None:
    shelf, till = Shelf(office_return("V4").mof), Till()
    shelf.read_out = [office_return(no).mof for no in ("V1", "V2", "V3")]
    shelf.most = 2
    one = poller(tmp_path, store, shelf, till)
    for _ in range(3):
        await one._round()
    assert till.taken == ["V1", "V2", "V3", "V4"]


async def test_a_voucher_that_cannot_be_read_is_refused_by_its_number(tmp_path: Path, store: Store) -> None:
    broken = office_return("V1").mof.replace(b"<Voucher>", b"<Voucher>!")
    nameless = office_return("V3").mof.replace(b'VoucherNo="V3"', b'VoucherNo=""')
    shelf, till = Shelf(broken, nameless, office_return("V2").mof), Till()
    one = poller(tmp_path, store, shelf, till)
    await one._round()
    assert shelf.confirmed == ["V2"]
    assert list(shelf.failed) == ["V1"] and "Base64" in shelf.failed["V1"]
    assert len(await store.refusals()) == 2  # of the nameless one nobody can be told, so a person must look
    await one._round()
    assert one._again == {TYPE}


async def test_two_words_about_one_thing_in_one_second_are_both_taken(house: House) -> None:
    """A voucher has no time stamp of its own: the order in which they come is their order."""
    treasury = house.sandbox.treasuries["310000"]
    words = [office_return(f"9502{number:08d}", reason=f"理由{number}") for number in range(2)]
    for voucher in words:
        treasury.enqueue(voucher)
    for voucher in words:
        key = f"{TYPE}|{voucher.no}"
        entry = await treasury.ledger.wait_for(
            lambda entry, key=key: entry.key == key and entry.kind in (ACKNOWLEDGED, FAILED),  # type: ignore[misc]
            20,
        )
        assert entry.kind == ACKNOWLEDGED, entry.answer
    row = await house.gateway.store.find_message(NODE, "5002", f"{APP_NO}|1")
    assert row is not None and row.biz_version == 2


_HOLDS_THE_TURN = """
import asyncio, sys
from pathlib import Path
from gateway.store import open_store
from gateway.turns import Turn

async def main(url, name, folder):
    store = open_store(url, Path.cwd())
    await store.open()
    turn = Turn(store, name, "n0", Path(folder), lasts_s=0.6)
    assert await turn.hold()
    print("ours", flush=True)
    while await turn.hold():
        await asyncio.sleep(0.05)

asyncio.run(main(*sys.argv[1:]))
"""


@contextlib.asynccontextmanager
async def polling(one: Poller) -> AsyncIterator[None]:
    task = asyncio.create_task(one.run())
    try:
        yield
    finally:
        one.stop()
        await task


async def until_taken(till: Till, *numbers: str) -> None:
    async with asyncio.timeout(10):
        while till.taken != list(numbers):  # noqa: ASYNC110 - what is looked at is a list, as the poller fills it
            await asyncio.sleep(0.02)


async def test_one_node_polls_a_store_at_a_time_and_another_takes_over_from_one_that_was_killed(
    tmp_path: Path,
) -> None:
    url = await clean_database(the_server())
    stores = [open_store(url, tmp_path) for _ in range(2)]
    for one in stores:
        await one.open()
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _HOLDS_THE_TURN,
        url,
        f"poll {NODE}",
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    assert killed.stdout is not None
    await killed.stdout.readuntil(b"ours\n")
    shelf, tills = Shelf(office_return("V1").mof), (Till(), Till())
    shelf.read_out = [office_return("V2").mof]  # by the one that will be killed, and not confirmed
    one, other = [
        poller(tmp_path, store, shelf, till, node, 0.6)
        for store, till, node in zip(stores, tills, ("n1", "n2"), strict=True)
    ]
    async with polling(one):
        await asyncio.sleep(1.5)  # longer than a turn lasts: it is held again and again
        assert shelf.waiting and not tills[0].taken
        killed.kill()
        await killed.wait()
        await until_taken(tills[0], "V2", "V1")  # what was left first
        async with polling(other):
            shelf.waiting.append(office_return("V3").mof)
            await until_taken(tills[0], "V2", "V1", "V3")
            one.stop()
            shelf.waiting.append(office_return("V4").mof)
            await until_taken(tills[1], "V4")
    assert tills[0].taken == ["V2", "V1", "V3"] and shelf.confirmed == ["V2", "V1", "V3", "V4"]
    for store in stores:
        await store.close()
