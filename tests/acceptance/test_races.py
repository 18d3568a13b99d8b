"""Applications that race for the last of a contract or of an invoice: exactly one wins.

Once all at one gateway, once dealt out over several gateway processes on one store; whole messages, real sockets.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from gateway.bench import endtoend
from gateway.client import PlatformClient, Refused
from gateway.message import Record
from gateway.payments.ground import BusinessObject, Contract, Ground
from gateway.standard import Standard
from gateway.store import open_store
from gateway.store.contract import LastVersion, Verdict
from tests.store.samples import accept_id, message

from .conftest import general_message
from .harness import ROOT, GatewayProcess, free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
RACERS, PROCESSES = 50, 3
SAMPLE = json.loads((ROOT / "schemas/standard/v1/samples/3001-PaymentApplication.json").read_text("utf-8"))
AMOUNT_FEN = 2_860_000_00  # what every racer asks for
# contract → how many racers it has room for
CONTRACTS = {"contract-1": 1, "contract-n": 1, "invoice-1": RACERS, "invoice-n": RACERS, "room-for-seven": 7}
JSON = "application/json"
STANDARD = Standard.load(ROOT / "schemas")


def racer(contract: str, number: int, invoice_no: str = "") -> Record:
    """An application over 2,860,000.00 on one invoice, its own unless named, at a payment node of its own."""
    serial = list(CONTRACTS).index(contract) * 100 + number
    first = SAMPLE["Invoices"]["Invoice"][0]
    invoice = {
        **first, "EInvoiceNo": invoice_no or f"243120000000{serial:08d}", "AmountWithoutTax": "2623853.21",
        "TaxAmount": "236146.79", "AmountWithTax": "2860000.00", "UsedAmount": "2860000.00",
        "FileSize": str(first["FileSize"]),
    }  # fmt: skip
    attachments = [{**one, "FileSize": str(one["FileSize"])} for one in SAMPLE["Attachments"]["Attachment"]]
    return {
        **SAMPLE,
        "PayAppNo": f"SQ-310000-20240618-{serial:05d}",
        "ContractNo": contract,
        "PeriodNo": str(number),
        "Invoices": {"Invoice": [invoice]},
        "Attachments": {"Attachment": attachments},
    }


async def seed(data_dir: Path) -> None:
    """A database with the contracts, and the accounts that the sample names."""

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        winner = SAMPLE["Payees"]["Payee"][0]["PayeeCode"]
        for no, room in CONTRACTS.items():
            ground.put(
                Contract(
                    no, "GGZY-JSGC", SAMPLE["UnifiedDealCode"], SAMPLE["BidSectionCode"],
                    (SAMPLE["TendererCode"],), (winner,), room * AMOUNT_FEN, "310000", "01",
                )
            )  # fmt: skip
        for payee in SAMPLE["Payees"]["Payee"]:
            key = f"{winner}|{payee['AcctNo']}|{payee['AcctBankNo']}"
            ground.put(BusinessObject("account", key, "GGZY-ZPT", winner, {"from": "20240101"}))
        return Verdict()

    store = open_store(f"sqlite:///{data_dir / 'gateway.db'}", data_dir)
    await store.open()
    await accept_id(store, message("seed", type="2003", sender="GGZY-JSGC", judge=judge))
    await store.close()


@dataclass(frozen=True, slots=True)
class Course:
    """The general platform at each of several gateway processes on one store."""

    folder: Path
    clients: list[PlatformClient]

    def books(self, contract: str) -> tuple[int, int, int]:
        """(applications, open on the contract, used of invoices) as the database has them."""
        connection = sqlite3.connect(self.folder / "var" / "gateway.db")
        try:
            row: tuple[int, int, int] = connection.execute(
                "SELECT count(*), (SELECT open_fen FROM contract WHERE no = :no),"
                " (SELECT coalesce(sum(used_fen), 0) FROM invoice_use WHERE live = 1 AND app_no IN"
                "   (SELECT no FROM application WHERE contract_no = :no))"
                " FROM application WHERE contract_no = :no",
                {"no": contract},
            ).fetchone()
            return row
        finally:
            connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def course(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Course]:
    folder = tmp_path_factory.mktemp("races")
    endtoend.prepare(ROOT, folder)
    nobody = {"GGZY-JSGC": f"http://127.0.0.1:{free_port()}/"}
    processes = [GatewayProcess(folder, nobody) for _ in range(PROCESSES)]
    assert (await processes[0].command("certs", "init"))[0] == 0
    await seed(folder / "var")
    try:
        for process in processes:
            await process.start()
        async with aiohttp.ClientSession() as session:
            certs = folder / "var" / "certs"
            clients = [endtoend.make_client("GGZY-ZPT", certs, one.url, session) for one in processes]
            yield Course(folder, clients)
    finally:
        for process in processes:
            await process.stop()


async def race(clients: list[PlatformClient], bodies: list[Record]) -> Counter[str]:
    """Sends all at once, dealt out over the gateways; the outcome's code → how often."""
    start = asyncio.Event()

    async def run(number: int, body: Record) -> str:
        key, payload = general_message(STANDARD, "3001", body)
        client = clients[number % len(clients)]
        await start.wait()
        try:
            await client.submit("3001", payload, idem_key=key, content_type=JSON)
        except Refused as refused:
            return " ".join(sorted({f"{error['rule']} {refused.result}" for error in refused.errors}))
        return "accepted"

    runs = [asyncio.create_task(run(number, body)) for number, body in enumerate(bodies)]
    await asyncio.sleep(0)
    start.set()
    return Counter(await asyncio.gather(*runs))


@pytest.mark.parametrize(("contract", "gateways"), [("contract-1", 1), ("contract-n", PROCESSES)])
async def test_of_fifty_that_race_for_the_last_of_a_contract_exactly_one_wins(
    course: Course, contract: str, gateways: int
) -> None:
    bodies = [racer(contract, number) for number in range(1, RACERS + 1)]
    outcomes = await race(course.clients[:gateways], bodies)
    assert outcomes == {"accepted": 1, "process.above-balance 30011": RACERS - 1}
    assert course.books(contract) == (1, AMOUNT_FEN, AMOUNT_FEN)


@pytest.mark.parametrize(("contract", "gateways"), [("invoice-1", 1), ("invoice-n", PROCESSES)])
async def test_of_fifty_that_race_for_the_last_of_an_invoice_exactly_one_wins(
    course: Course, contract: str, gateways: int
) -> None:
    shared = f"2531200000000000000{gateways}"
    bodies = [racer(contract, number, shared) for number in range(1, RACERS + 1)]
    outcomes = await race(course.clients[:gateways], bodies)
    assert outcomes == {"accepted": 1, "process.invoice-used-up 30005": RACERS - 1}
    assert course.books(contract) == (1, AMOUNT_FEN, AMOUNT_FEN)


async def test_as_many_win_as_the_contract_has_room_for(course: Course) -> None:
    bodies = [racer("room-for-seven", number) for number in range(1, 31)]
    outcomes = await race(course.clients, bodies)
    assert outcomes == {"accepted": 7, "process.above-balance 30011": 23}
    assert course.books("room-for-seven") == (7, 7 * AMOUNT_FEN, 7 * AMOUNT_FEN)


async def test_one_application_told_to_every_gateway_at_once_takes_effect_once(course: Course) -> None:
    key, payload = general_message(STANDARD, "3001", racer("invoice-1", 60))
    replies = await asyncio.gather(
        *(client.submit("3001", payload, idem_key=key, content_type=JSON) for client in course.clients)
    )
    assert len({reply.message_id for reply in replies}) == 1
    assert sum(not reply.replayed for reply in replies) == 1
    assert course.books("invoice-1") == (2, 2 * AMOUNT_FEN, 2 * AMOUNT_FEN)
