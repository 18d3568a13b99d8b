"""Refusals of the process as their sender reads them, and the alarm for what is parked; over real sockets."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner
from structlog.testing import capture_logs

from gateway.arrivals import Submission
from gateway.bench import material
from gateway.cli import main
from gateway.client import Refused
from gateway.errors import MessageError
from gateway.formats import formats
from gateway.message import Claims, Record
from gateway.parked import apply_parked
from gateway.payments.ground import Application, BusinessObject, Contract, Ground
from gateway.standard import Standard
from gateway.store.contract import LastVersion, MessageFilter, ResolveRefused, Verdict
from tests.store.samples import accept_id, message

from .conftest import general_message
from .partners import certificates
from .running import ROOT, Running, running

STANDARD = Standard.load(ROOT / "schemas")
SAMPLE = STANDARD.sample("3001")
CITY = "CZ-ZFPT-310000"


@pytest_asyncio.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Running]:
    async with running(tmp_path) as found:
        yield found


async def seed(gateway: Running, price_fen: int, accounts: int = 1) -> None:
    """The sample's contract, with so many of its two accounts registered."""
    payees = SAMPLE["Payees"]["Payee"]

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        ground.put(
            Contract(
                SAMPLE["ContractNo"], "GGZY-JSGC", SAMPLE["UnifiedDealCode"], SAMPLE["BidSectionCode"],
                (SAMPLE["TendererCode"],), (payees[0]["PayeeCode"],), price_fen, "310000", "01",
            )
        )  # fmt: skip
        for payee in payees[:accounts]:
            key = f"{payee['PayeeCode']}|{payee['AcctNo']}|{payee['AcctBankNo']}"
            ground.put(BusinessObject("account", key, "GGZY-ZPT", "", {"from": "20240101"}))
        return Verdict()

    await accept_id(gateway.store, message("seed", type="2003", judge=judge))


async def refused(gateway: Running, node: str, number: str, payload: bytes, key: str, media: str) -> Refused:
    with pytest.raises(Refused) as caught:
        await gateway.client(node).submit(number, payload, idem_key=key, content_type=media)
    return caught.value


async def apply(gateway: Running, record: Record) -> Refused:
    key, payload = general_message(STANDARD, "3001", record)
    return await refused(gateway, "GGZY-ZPT", "3001", payload, key, "application/json")


async def test_an_application_hears_of_its_fields_and_of_its_case_at_once_sorted_by_place(
    gateway: Running,
) -> None:
    await seed(gateway, 1_000_000_00)
    first, second = SAMPLE["Invoices"]["Invoice"]
    record = {
        **SAMPLE,
        "ProjectKind": "02",
        "InvoiceTotal": "1.00",
        "Invoices": {"Invoice": [first, {**second, "RedFlag": "1", "BuyerTaxNo": "91310000631189305E"}]},
    }
    error = await apply(gateway, record)
    *told, last = [(one["path"], one["rule"]) for one in error.errors]
    assert last[0] == "InvoiceTotal" and last[1] == "invoice-total"
    assert told == [
        ("ProjectKind", "process.not-the-contract"),
        ("AppAmount", "process.above-balance"),
        ("Payees/Payee[2]/AcctNo", "process.account-not-registered"),
        ("Invoices/Invoice[2]/BuyerTaxNo", "process.buyer-not-tenderer"),
        ("Invoices/Invoice[2]/RedFlag", "process.red-invoice"),
    ]
    assert await gateway.store.application(SAMPLE["PayAppNo"]) is None


async def test_a_field_that_is_wrong_elsewhere_does_not_hide_the_case(gateway: Running) -> None:
    await seed(gateway, 1_000_000_00)
    record = {name: value for name, value in SAMPLE.items() if name != "Applicant"}
    told = [(one["path"], one["rule"]) for one in (await apply(gateway, record)).errors]
    assert ("Applicant", "standard.missing-element") in told and (
        "AppAmount",
        "process.above-balance",
    ) in told


async def test_payees_that_do_not_add_up_and_an_application_above_its_invoices_are_refused(
    gateway: Running,
) -> None:
    await seed(gateway, 9_000_000_00)
    error = await apply(gateway, {**SAMPLE, "AppAmount": "2860000.01"})
    texts = {
        one["message"]["en"] for one in error.errors if (one["path"], one["result"]) == ("AppAmount", "30004")
    }
    assert any("payees" in text for text in texts) and any("invoices" in text for text in texts)


async def test_a_case_that_cannot_be_judged_is_told_by_its_fields_alone(gateway: Running) -> None:
    record = {name: value for name, value in SAMPLE.items() if name not in ("ContractNo", "Payees")}
    rules = {one["rule"] for one in (await apply(gateway, record)).errors}
    assert rules == {"standard.missing-element"}


async def test_a_sub_platform_reads_a_refusal_of_the_process_in_its_own_field_names(gateway: Running) -> None:
    payload = material.payloads(ROOT, 1)[1][0]
    key = formats.get("des").decode(payload).head["IdemKey"]
    error = await refused(gateway, "GGZY-JSGC", "2002", payload, key, "application/xml")
    (told,) = error.errors
    assert (told["rule"], error.result) == ("process.unknown-parent", "30003")
    assert told["path"].endswith("UNIFIED_DEAL_CODE") and told["path"] != "UnifiedDealCode"
    assert "同步" in told["message"]["zh"] and "synchronise" in told["message"]["en"]


async def test_a_fact_that_fits_no_case_is_kept_and_alarmed(gateway: Running) -> None:
    path = next((ROOT / "mappings/treasury/cases/PaymentResult.in").glob("*.input.xml"))
    payload = path.read_bytes()
    key = formats.get("mof-voucher").decode(payload).head["IdemKey"]
    claims = Claims(CITY, "GW", "5001", key, int(time.time()), "token", "application/xml")
    platform = gateway.settings.platforms[CITY]
    submission = Submission(platform, "5001", key, payload, claims, "thumbprint", "gm", "poll")
    with capture_logs() as logs:
        outcome = await gateway.gateway.intake.take(submission)
        again = await gateway.gateway.intake.take(submission)
    assert outcome.message is not None and outcome.message.note == "parked unknown-application"
    assert again.kind == "replayed"
    alarms = [line for line in logs if line["event"] == "parked"]
    assert [line["message"] for line in alarms] == [outcome.message.id]  # once, not again for a retry
    assert (await gateway.store.counts()).parked == 1 and (await gateway.store.counts()).messages == 1
    async with gateway.session.get(f"{gateway.url}/metrics") as response:
        assert "gateway_parked_messages 1.0" in await response.text()
    assert json.loads((await gateway.store.get_message(outcome.message.id)).head)["MsgNo"] == "5001"  # type: ignore[union-attr]


async def parked_payment(gateway: Running) -> tuple[str, Record]:
    """A payment that a treasury told of a case that nobody knows yet."""
    path = ROOT / "mappings/treasury/cases/PaymentResult.in/paid.input.xml"
    payload = path.read_bytes()
    key = formats.get("mof-voucher").decode(payload).head["IdemKey"]
    claims = Claims(CITY, "GW", "5001", key, int(time.time()), "token", "application/xml")
    platform = gateway.settings.platforms[CITY]
    submission = Submission(platform, "5001", key, payload, claims, "thumbprint", "gm", "poll")
    outcome = await gateway.gateway.intake.take(submission)
    assert outcome.message is not None
    return outcome.message.id, STANDARD.read("5001", outcome.message.body)


async def listed_as_parked(gateway: Running) -> list[str]:
    return [row.id for row in await gateway.store.search(MessageFilter(parked=True))]


async def test_a_parked_payment_is_applied_by_a_person_once_its_case_is_there(gateway: Running) -> None:
    parked, body = await parked_payment(gateway)
    assert await listed_as_parked(gateway) == [parked]
    arrivals = gateway.gateway.intake.arrivals
    with pytest.raises(MessageError, match="still does not fit: the application is not known"):
        await apply_parked(gateway.store, arrivals, parked, "li", "too early")
    assert await listed_as_parked(gateway) == [parked]
    fen = int(body["XPayAmt"].replace(".", ""))

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        ground.put(
            Contract("HT-1", "GGZY-JSGC", "D", "S", ("T",), ("W",), 9 * fen, "310000", "01", open_fen=fen)
        )
        ground.put(
            Application(
                body["PayAppNo"], "HT-1", "60", "GGZY-JSGC", "T", ("W",), "310000", "01", "2024", fen, fen, fen,
                treasury=CITY,
            )
        )  # fmt: skip
        return Verdict()

    await accept_id(gateway.store, message("case", type="3001", judge=judge))
    applied = await apply_parked(gateway.store, arrivals, parked, "li", "the case came late")
    case = await gateway.store.application(body["PayAppNo"])
    assert case is not None and (case.state, case.paid_fen, case.open_fen) == ("70", fen, 0)
    assert (applied.note, applied.biz_version, applied.origin_id) == (
        "",
        2,
        parked,
    ) and applied.place is not None
    receivers = [one.receiver for one in await gateway.store.deliveries(parked)]
    again = [one.receiver for one in await gateway.store.deliveries(applied.id)]
    assert (receivers, again) == (["GGZY-ZPT"], [])  # who has the first one is not given it again
    audit = [one.detail for one in await gateway.store.events(parked) if one.stage == "resolved"]
    assert audit == [
        {"action": "apply", "actor": "li", "reason": "the case came late", "was": "parked unknown-application",
         "told_again": applied.id}
    ]  # fmt: skip
    assert await listed_as_parked(gateway) == [] and (await gateway.store.counts()).parked == 0
    for message_id in (parked, applied.id):
        with pytest.raises(ResolveRefused, match="not parked"):
            await apply_parked(gateway.store, arrivals, message_id, "li", "once more")


async def test_a_parked_payment_is_closed_with_a_reason_at_the_command_line(gateway: Running) -> None:
    parked, _ = await parked_payment(gateway)
    places = {"DATA_DIR": gateway.settings.data_dir, "CERTIFICATES": certificates(), "ROOT": ROOT}
    runner = CliRunner(env={f"GATEWAY_{name}": str(path) for name, path in places.items()})

    def call(*words: str, status: int = 0) -> Any:
        result = runner.invoke(main, list(words), catch_exceptions=False)
        assert result.exit_code == status, result.output
        return json.loads(result.stdout.splitlines()[-1]) if "--json" in words else result.output

    def run() -> None:
        (row,) = call("log", "search", "--parked", "--json")["messages"]
        assert (row["id"], row["note"]) == (parked, "parked unknown-application")
        assert "still does not fit" in call("parked", parked, "--reason", "now?", status=1)
        told = call(
            "parked", parked, "--action", "close", "--reason", "paid by hand", "--actor", "li", "--json"
        )
        assert (told["message"], told["note"]) == (parked, "was parked unknown-application")
        assert call("log", "search", "--parked", "--json")["messages"] == []
        assert "is not parked" in call("parked", parked, "--action", "close", "--reason", "again", status=1)
        assert "no message" in call("parked", "nobody", "--reason", "x", status=1)

    await asyncio.to_thread(run)
    assert (await gateway.store.counts()).parked == 0


async def with_files(gateway: Running, number: str) -> Record:
    """The type's sample with invoices that the general platform has uploaded, and nothing else attached."""
    record = STANDARD.sample(number)
    record.pop("Attachments", None)
    for invoice in record["Invoices"]["Invoice"]:
        digest = await gateway.client("GGZY-ZPT").upload(
            invoice.get("EInvoiceNo", invoice.get("InvoiceNo", "")).encode()
        )
        invoice["Digest"] = digest.removeprefix("sm3:")
    return record


async def test_the_push_reaches_the_treasury_with_the_authority_of_the_table(
    gateway: Running, tmp_path: Path
) -> None:
    await seed(gateway, 9_000_000_00, accounts=2)
    push = await with_files(gateway, "4002")
    for name in ("AuthorityCode", "AuthorityName"):
        del push[name]
    client = gateway.client("GGZY-ZPT")
    application = await with_files(gateway, "3001")
    for number, record in (("3001", application), ("4001", STANDARD.sample("4001")), ("4002", push)):
        key, payload = general_message(STANDARD, number, record)
        reply = await client.submit(number, payload, idem_key=key, content_type="application/json")
    (delivery,) = await gateway.store.deliveries(reply.message_id)
    connection = sqlite3.connect(tmp_path / "gateway.db")
    (form,) = connection.execute("SELECT rendered FROM form WHERE delivery_id = ?", (delivery.id,)).fetchone()
    connection.close()
    sent = formats.get("mof-voucher").decode(form).record
    assert (delivery.receiver, sent["AuthorityCode"]) == (CITY, "11310000T03101035A")
    assert sent["AuthorityName"] == "上海市交通委员会"
    case = await gateway.store.application(SAMPLE["PayAppNo"])
    assert case is not None and case.state == "40"


async def test_a_push_that_names_another_authority_is_refused(gateway: Running) -> None:
    push = {**await with_files(gateway, "4002"), "AuthorityCode": "11310115T03101086F"}
    await seed(gateway, 9_000_000_00, accounts=2)
    client = gateway.client("GGZY-ZPT")
    for number, record in (("3001", await with_files(gateway, "3001")), ("4001", STANDARD.sample("4001"))):
        key, payload = general_message(STANDARD, number, record)
        await client.submit(number, payload, idem_key=key, content_type="application/json")
    key, payload = general_message(STANDARD, "4002", push)
    error = await refused(gateway, "GGZY-ZPT", "4002", payload, key, "application/json")
    (told,) = error.errors
    assert (told["path"], told["rule"]) == ("AuthorityCode", "process.not-the-authority")
    assert told["expected"] == "11310000T03101035A"
