"""reconcile, backup, restore, archive, purge as an operator calls them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.clock import now
from gateway.evidence import EvidenceLog
from gateway.message import GATEWAY_NODE
from gateway.sandbox.place import PUDONG
from gateway.security import keys
from gateway.store import open_store
from gateway.store.migrations import HEAD
from gateway.store.months import Month
from tests.store.samples import new_log
from tests.store.test_keeping import MARCH, delivered, old_message
from tests.unit import test_reconciling as days

from .harness import ROOT


@pytest.fixture
def place(tmp_path: Path, certs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GATEWAY_ROOT", str(ROOT))
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("GATEWAY_CERTIFICATES", str(certs))
    monkeypatch.delenv("GATEWAY_STORE_URL", raising=False)
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words), catch_exceptions=False)


def figures(*words: str, status: int = 0) -> dict[str, Any]:
    """The last line of a command that must end so."""
    result = call(*words, "--json")
    assert result.exit_code == status, result.output
    found: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return found


def fill(place: Path, certs: Path, count: int = 2) -> None:
    async def work() -> None:
        receipt = keys.load_identity_from(GATEWAY_NODE, certs / GATEWAY_NODE / "receipt")
        log = EvidenceLog("GW-1", receipt.sign_text, receipt.sign_cert.thumbprint)
        store = open_store(f"sqlite:///{place / 'var' / 'gateway.db'}", place / "var", evidence=log)
        await store.open()
        for number in range(count):
            await delivered(store, f"content {number}")
        await store.accept(old_message("refused by nobody"))
        await store.close()

    asyncio.run(work())


def test_a_day_on_which_nobody_told_anything_waits(place: Path) -> None:
    found = figures("reconcile", "--date", "2026-11-27", status=1)
    assert (found["date"], found["treasuries"], found["waiting"], found["lines"]) == ("20261127", 2, 2, 0)
    assert found["differences"] == []
    assert call("reconcile", "--date", "tomorrow").exit_code == 2
    text = call("reconcile", "--date", "20261127").output
    assert "waiting for 7001 of: GGZY-ZPT CZ-ZFPT-310000" in text


def carry(place: Path, bank_no_of_city: str, amount_of_general: str) -> None:
    """A payment of 100.00 today that the gateway carried, and what each side told of the day; nothing was paid by
    the other treasury."""
    pudong = {"AdmDivCode": "310115"}

    async def work() -> None:
        store = open_store(f"sqlite:///{place / 'var' / 'gateway.db'}", place / "var", evidence=new_log())
        await store.open()
        await days.paid(store)
        await days.stored(store, "7001", days.GENERAL, days.told("Z-1", (amount_of_general, "B-1")))
        await days.stored(store, "7001", days.CITY, days.told("C-1", ("100.00", bank_no_of_city)))
        await days.stored(store, "7001", days.GENERAL, {**days.told("Z-2"), **pudong})
        await days.stored(store, "7001", PUDONG, {**days.told("P-1"), **pudong})
        await store.close()

    asyncio.run(work())


def test_a_day_that_agrees_ends_with_0(place: Path) -> None:
    carry(place, "B-1", "100.00")
    found = figures("reconcile", "--date", days.DAY)
    assert (found["treasuries"], found["agreed"], found["lines"], found["matched"]) == (2, 2, 1, 1)
    assert found["here_amount"] == found["general_amount"] == found["treasury_amount"] == "100.00"
    assert found["differences"] == []


def test_a_day_that_differs_ends_with_1_and_each_difference(place: Path) -> None:
    carry(place, "B-2", "90.00")
    found = figures("reconcile", "--date", days.DAY, status=1)
    assert (found["different"], found["agreed"], found["waiting"]) == (1, 1, 0)
    line = {
        "treasury": days.CITY,
        "app_no": days.LINE["PayAppNo"],
        "voucher_no": days.LINE["VoucherNo"],
        "detail_id": "1",
    }
    here = {"here_date": days.DAY, "here_amount": "100.00"}
    no_here, no_there = dict.fromkeys(here, ""), {"there_date": "", "there_amount": ""}
    assert sorted(found["differences"], key=lambda one: one["kind"]) == [
        {
            **line, **here, "side": days.GENERAL, "kind": "amount", "bank_no": "B-1",
            "there_date": days.DAY, "there_amount": "90.00",
        },
        {
            **line, **no_here, "side": days.CITY, "kind": "missing-here", "bank_no": "B-2",
            "there_date": days.DAY, "there_amount": "100.00",
        },
        {**line, **here, **no_there, "side": days.CITY, "kind": "missing-there", "bank_no": "B-1"},
    ]  # fmt: skip
    text = call("reconcile", "--date", days.DAY)
    assert text.exit_code == 1
    assert (
        f"amount        {days.LINE['PayAppNo']} {days.LINE['VoucherNo']} 1  gateway {days.DAY} 100.00  there {days.DAY} 90.00"
        in text.output
    )


def test_months_are_archived_then_purged_and_a_backup_of_the_rest_is_restored(
    place: Path, certs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(place, certs)
    last = str(Month(Month.of(now()).number - 1))
    assert "kept until" in figures("purge", "--month", last, status=1)["reasons"]
    assert "in no archive" in figures("purge", "--month", str(MARCH), status=1)["reasons"]
    made = figures("archive")
    assert (made["months"], made["messages"]) == (1, 3) and made["bytes"] > 0
    assert figures("archive")["months"] == 0
    assert figures("archive", "--verify", made["place"])["messages"] == 3
    lines = Path(made["place"]) / "messages.jsonl.gz"
    backed = figures("backup", "--to", str(place / "backups"))
    assert (backed["messages"], backed["store"], backed["schema"]) == (3, "sqlite", HEAD)
    assert figures("restore", backed["place"], "--check")["restored"] == 0
    assert call("restore", backed["place"]).exit_code == 1
    monkeypatch.setenv("GATEWAY_DATA_DIR", str(place / "new"))
    restored = figures("restore", backed["place"])
    assert (restored["restored"], restored["paused"], restored["messages"]) == (1, 1, 3)
    assert restored["log_suffix"].startswith("-20")
    done = figures("purge")
    assert (done["months"], done["purged"], done["held"]) == (1, 3, 0)
    assert figures("purge")["months"] == 0
    lines.write_bytes(lines.read_bytes()[:-3])
    assert call("archive", "--verify", made["place"]).exit_code == 1
    assert call("archive", "--verify", made["place"], "--month", "2023-03").exit_code == 2


@pytest.mark.parametrize("name", ["reconcile", "backup", "restore", "archive", "purge"])
def test_each_command_says_what_it_does(name: str) -> None:
    shown = call(name, "--help")
    assert shown.exit_code == 0 and "--json" in shown.output
    assert "with 1 where" in " ".join(shown.output.split()) or name == "purge"


def test_a_month_that_is_none_is_a_wrong_call(place: Path) -> None:
    assert call("archive", "--month", "2025-13").exit_code == 2
    assert call("purge", "--month", "march").exit_code == 2
