"""What waits for a person, at a terminal: listed with its attempts, resolved in bulk by filter, each act audited."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from gateway.cli import main
from gateway.message import DeliveryState
from gateway.payments.ground import Application, Contract, Ground, Needs
from gateway.standard import Standard
from gateway.store import Store, open_store
from gateway.store.contract import LastVersion, MessageFilter, StuckFilter, Verdict
from tests.store.samples import accept_id, claim_one, ended, message, new_log, says, to

from .partners import ROOT, certificates
from .running import running

GENERAL, CITY, SUB = "GGZY-ZPT", "CZ-ZFPT-310000", "GGZY-JSGC"
STANDARD = Standard.load(ROOT / "schemas")
NO = STANDARD.sample("4002")["PayAppNo"]


class Terminal:
    """`gateway …` on a store that a test fills; the gateway itself does not run."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.environ = {
            "GATEWAY_ROOT": str(ROOT),
            "GATEWAY_DATA_DIR": str(folder / "var"),
            "GATEWAY_CERTIFICATES": str(certificates()),
        }

    async def run(self, *words: str, status: int = 0) -> Any:
        """What the command's last line says; commands run a loop of their own, so in a thread of their own."""
        done = await asyncio.to_thread(CliRunner().invoke, main, [*words, "--json"], env=self.environ)
        assert done.exit_code == status, done.output
        return json.loads(done.output.splitlines()[-1]) if done.output.strip().endswith("}") else done.output

    def store(self) -> Store:
        data = self.folder / "var"
        return open_store(f"sqlite:///{data / 'gateway.db'}", data, evidence=new_log())


@pytest.fixture
async def terminal(tmp_path: Path) -> AsyncIterator[Terminal]:
    (tmp_path / "var").mkdir()
    yield Terminal(tmp_path)


async def die(
    store: Store, receiver: str, type_: str, code: str, state: DeliveryState = DeliveryState.DEAD, **more: Any
) -> int:
    body = STANDARD.build(type_, STANDARD.sample(type_)).decode()
    biz_key = STANDARD.business_key(type_, STANDARD.sample(type_))
    delivery = to(receiver, f"{receiver}{type_}{code}", delivery_key=f"{receiver}{type_}{code}")
    judge = more.pop("judge", says(delivery))
    changes = {"biz_key": biz_key, "sender": GENERAL, "biz_version": next(_versions), **more}
    await accept_id(store, message(body, type=type_, judge=judge, **changes))
    claimed = await claim_one(store)
    await store.record(ended(claimed, state, code, text="because"))
    return claimed.delivery_id


_versions = iter(range(1, 10**6))


async def test_dead_letters_are_listed_and_replayed_by_filter(terminal: Terminal) -> None:
    store = terminal.store()
    await store.open()
    first = await die(store, SUB, "1001", "receiver.30001")
    second = await die(store, CITY, "1001", "delivery.timeout")
    await store.close()
    listed = (await terminal.run("log", "dead"))["dead"]
    assert [(one["id"], one["code"], one["text"]) for one in listed] == [
        (first, "receiver.30001", "because"), (second, "delivery.timeout", "because"),
    ]  # fmt: skip
    assert [attempt["number"] for attempt in listed[0]["attempts"]] == [1]
    resolve = partial(
        terminal.run, "log", "resolve", "--action", "replay", "--reason", "mended", "--actor", "li"
    )
    dry = await resolve("--receiver", SUB, "--dry-run")
    assert (dry["matched"], dry["resolved"], dry["dry_run"]) == (1, 0, 1)
    assert [one["result"] for one in dry["deliveries"]] == ["would be ready"]
    assert len((await terminal.run("log", "dead"))["dead"]) == 2
    done = await resolve("--code", "receiver.30001")
    assert (done["matched"], done["resolved"], done["refused"]) == (1, 1, 0)
    assert [one["id"] for one in (await terminal.run("log", "dead"))["dead"]] == [second]
    await resolve(status=2)  # no filter is no filter
    store = terminal.store()
    await store.open()
    row = await store.delivery(first)
    assert row is not None and row.state is DeliveryState.READY
    (audit,) = [one.detail for one in await store.events(row.message_id) if one.stage == "resolved"]
    assert (audit["action"], audit["actor"], audit["reason"]) == ("replay", "li", "mended")
    bulk, act = await store.acts()
    assert (bulk.act, bulk.actor, bulk.reason, bulk.detail["resolved"]) == (
        "resolve replay",
        "li",
        "mended",
        1,
    )
    assert (act.act, act.actor, act.subject, act.reason) == ("replay", "li", row.message_id, "mended")
    await store.close()


def pushed(ground: Ground, last: LastVersion | None, version: int) -> Verdict:
    """The case of the sample's push, at 40."""
    ground.put(Contract("HT-1", SUB, "D", "S", ("T",), ("P",), 10**9, "310000", "01"))
    ground.put(
        Application(
            NO, "HT-1", "40", SUB, "T", ("P",), "310000", "01", "2026", 100, 100, treasury=CITY, voucher_no="V1",
            seqs={"4002": version},
        )
    )  # fmt: skip
    return Verdict(
        deliveries=(to(CITY, NO, delivery_key=f"push-{version}"),), application=NO, biz_version=version
    )


async def push(store: Store, state: DeliveryState, version: int) -> int:
    judge = partial(pushed, version=version)
    needs = Needs(applications=frozenset({NO}), contracts=frozenset({"HT-1"}))
    return await die(
        store, CITY, "4002", f"receiver.EVS700-{version}", state, judge=judge, needs=needs, biz_version=version
    )  # fmt: skip


async def test_a_push_that_is_given_up_is_told_and_its_case_goes_back(terminal: Terminal) -> None:
    store = terminal.store()
    await store.open()
    dead = await push(store, DeliveryState.DEAD, 1)
    await store.close()
    said = await terminal.run("replay", str(dead), "--action", "discard", "--reason", "they closed the year")
    assert said["state"] == "discarded"
    store = terminal.store()
    await store.open()
    application = await store.application(NO)
    assert application is not None and application.state == "44"
    (notice,) = await store.search(MessageFilter(type="8002"))
    told = STANDARD.read("8002", notice.body)
    assert (told["OriMsgNo"], told["ReceiptStatus"], told["BizVersion"]) == ("4002", "4", "1")
    assert told["Errors"]["Error"][0]["Text"] == "they closed the year"
    assert notice.place is not None and notice.place.log_id == "GW-operator"
    assert [one.receiver for one in await store.deliveries(notice.id)] == [GENERAL]
    assert [one.new_state for one in await store.trace(NO)] == ["44"]
    await store.close()


async def test_a_push_whose_outcome_is_unknown_is_given_up_only_by_who_is_sure(terminal: Terminal) -> None:
    store = terminal.store()
    await store.open()
    await push(store, DeliveryState.UNKNOWN, 1)
    words = ("log", "resolve", "--type", "4002", "--action", "discard", "--reason", "asked them by phone")
    said = await terminal.run(*words, status=1)
    assert said["refused"] == 1 and "outcome-unknown" in said["deliveries"][0]["result"]
    assert (await store.find_stuck(StuckFilter(state="unknown")))[0].receiver == CITY
    application = await store.application(NO)
    assert application is not None and application.state == "40"
    assert (await terminal.run(*words, "--yes-case"))["resolved"] == 1
    application = await store.application(NO)
    assert application is not None and application.state == "44"
    await store.close()


async def test_who_is_not_configured_and_waited_for_is_named(terminal: Terminal) -> None:
    store = terminal.store()
    await store.open()
    await accept_id(store, message("x", judge=says(to("GONE"), to(SUB))))
    await store.close()
    found = await terminal.run("platform", "list")
    assert found["not_configured"] == {"GONE": 1}
    with capture_logs() as logs:
        async with running(terminal.folder / "var"):
            named = [one for one in logs if one["event"].endswith("not configured")]
    assert [(one["receiver"], one["waiting"]) for one in named] == [("GONE", 1)]


async def test_receivers_are_paused_listed_and_resumed(terminal: Terminal) -> None:
    await terminal.run("platform", "pause", SUB, "--reason", "their weekend", "--actor", "li")
    rows = {one["id"]: one for one in (await terminal.run("platform", "list"))["platforms"]}
    assert (rows[SUB]["state"], rows[SUB]["why"]) == ("paused", "li: their weekend")
    assert rows[GENERAL]["state"] == "up"
    await terminal.run("platform", "pause", "--all", "--reason", "restored")
    assert (await terminal.run("platform", "list"))["all_paused"] == 1
    await terminal.run("platform", "resume", "--all", "--reason", "compared")
    await terminal.run("platform", "resume", SUB, "--reason", "monday")
    assert {one["state"] for one in (await terminal.run("platform", "list"))["platforms"]} == {"up"}
    acts = (await terminal.run("platform", "history"))["acts"]
    assert [(one["act"], one["subject"]) for one in acts] == [
        ("resume", SUB), ("resume", "*"), ("pause", "*"), ("pause", SUB),
    ]  # fmt: skip
    await terminal.run("platform", "pause", "NOBODY", "--reason", "x", status=1)


async def test_the_log_masks_what_the_standard_calls_sensitive(terminal: Terminal) -> None:
    record = STANDARD.sample("1004")
    body, key = STANDARD.build("1004", record).decode(), STANDARD.business_key("1004", record)
    assert record["AcctNo"] in key
    store = terminal.store()
    await store.open()
    sent = message(body, type="1004", biz_key=key, judge=says(to(CITY, key)))
    message_id = await accept_id(store, sent)
    claimed = await claim_one(store)
    text = f"account {record['AcctNo']} is unknown"
    headers = json.dumps({"sent": {"idempotency-key": key}, "answered": {"via": "1.1 a"}, "cut": True})
    await store.record(ended(claimed, DeliveryState.DEAD, "receiver.30012", text=text, headers=headers))
    await store.close()
    (attempt,) = (await terminal.run("log", "show", message_id))["deliveries"][0]["attempts"]
    assert attempt["headers"]["answered"] == {"via": "1.1 a"} and attempt["headers"]["cut"]
    told = await asyncio.to_thread(
        CliRunner().invoke, main, ["log", "show", message_id], env=terminal.environ
    )
    assert "< via: 1.1 a" in told.output and "headers were too long to be kept whole" in told.output
    for words in (("log", "search"), ("log", "show", message_id), ("log", "dead")):
        shown = json.dumps(await terminal.run(*words))
        assert record["AcctNo"] not in shown and "****" + record["AcctNo"][-4:] in shown, words


async def test_receipts_that_are_overdue_are_listed(terminal: Terminal) -> None:
    store = terminal.store()
    await store.open()
    body = STANDARD.build("4002", STANDARD.sample("4002")).decode()
    late = await accept_id(store, message(body, type="4002", biz_key=NO, judge=says(to(CITY, NO))))
    await store.record(ended(await claim_one(store), receipt_within_s=-1))
    assert (await terminal.run("log", "receipts", "--overdue"))["receipts"] == []
    await store.alarm_receipts()
    (row,) = (await terminal.run("log", "receipts", "--overdue"))["receipts"]
    assert (row["receiver"], row["type"], row["message"]) == (CITY, "4002", late) and row["alarmed_at"]
    await store.close()


async def test_a_found_message_is_told_with_its_whole_id(terminal: Terminal) -> None:
    store = terminal.store()
    await store.open()
    record = STANDARD.sample("1001")
    body, key = STANDARD.build("1001", record).decode(), STANDARD.business_key("1001", record)
    message_id = await accept_id(store, message(body, type="1001", biz_key=key, judge=says(to(CITY, key))))
    await store.close()
    environ = terminal.environ | {"COLUMNS": "80"}
    told = await asyncio.to_thread(CliRunner().invoke, main, ["log", "search"], env=environ)
    assert told.exit_code == 0, (told.output, told.exception)
    assert told.output.splitlines()[1].startswith(message_id)
