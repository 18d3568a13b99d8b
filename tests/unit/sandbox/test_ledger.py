"""A ledger tells what really happened: duplicates, resends, losses; it survives a restart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.sandbox.ledger import ACKNOWLEDGED, APPLIED, REFUSED, REQUEST, Ledger, count_effects


def arrive(ledger: Ledger, key: str, digest: str, *, applied: bool = True, biz_key: str = "B1") -> None:
    ledger.append(REQUEST, "5004", key, digest=digest, biz_key=biz_key)
    if applied:
        ledger.append(APPLIED, "5004", key, digest=digest, biz_key=biz_key, answer="ok")


def test_a_resend_under_the_same_key_is_no_duplicate(tmp_path: Path) -> None:
    ledger = Ledger("A", tmp_path / "l.jsonl")
    arrive(ledger, "k1", "d1")
    arrive(ledger, "k1", "d1", applied=False)
    found = count_effects([ledger])
    assert (found.duplicated, found.resends, found.applied) == (0, 1, 1)


def test_the_same_content_applied_under_two_keys_is_a_duplicate(tmp_path: Path) -> None:
    ledger = Ledger("A", tmp_path / "l.jsonl")
    arrive(ledger, "k1", "d1")
    arrive(ledger, "k2", "d1")
    assert count_effects([ledger]).duplicated == 1


def test_the_same_content_asked_under_two_keys_is_a_duplicate_even_if_the_platform_noticed(
    tmp_path: Path,
) -> None:
    ledger = Ledger("A", tmp_path / "l.jsonl")
    arrive(ledger, "k1", "d1")
    arrive(ledger, "k2", "d1", applied=False)
    assert count_effects([ledger]).duplicated == 1


def test_an_effect_twice_under_one_key_is_a_duplicate(tmp_path: Path) -> None:
    ledger = Ledger("A", tmp_path / "l.jsonl")
    arrive(ledger, "k1", "d1")
    ledger.append(APPLIED, "5004", "k1", digest="d1", biz_key="B1")
    assert count_effects([ledger]).duplicated == 1


def test_what_was_taken_over_and_never_arrived_is_lost(tmp_path: Path) -> None:
    sender, receiver = Ledger("A", tmp_path / "a"), Ledger("B", tmp_path / "b")
    sender.append(ACKNOWLEDGED, "5004", "s1", biz_key="B1", to=["B", "elsewhere"])
    sender.append(ACKNOWLEDGED, "5004", "s2", biz_key="B2", to=["B"])
    assert count_effects([sender, receiver]).pending == (("B", "5004", "B1"), ("B", "5004", "B2"))
    arrive(receiver, "k1", "d1", biz_key="B1")
    receiver.append(REFUSED, "5004", "k2", digest="d2", biz_key="B2")
    assert count_effects([sender, receiver]).lost == 0


def test_two_sendings_of_one_business_key_need_two_arrivals(tmp_path: Path) -> None:
    sender, receiver = Ledger("A", tmp_path / "a"), Ledger("B", tmp_path / "b")
    sender.append(ACKNOWLEDGED, "3001", "s1", biz_key="SQ-1", to=["B"])
    sender.append(ACKNOWLEDGED, "3001", "s1", biz_key="SQ-1", to=["B"])  # the same, acknowledged again
    sender.append(ACKNOWLEDGED, "3001", "s2", biz_key="SQ-1", to=["B"])
    receiver.append(APPLIED, "3001", "k1", digest="d1", biz_key="SQ-1")
    assert count_effects([sender, receiver]).lost == 1
    receiver.append(APPLIED, "3001", "k2", digest="d2", biz_key="SQ-1")
    assert count_effects([sender, receiver]).lost == 0


def test_a_restart_goes_on_with_what_the_file_holds(tmp_path: Path) -> None:
    first = Ledger("A", tmp_path / "l.jsonl")
    arrive(first, "k1", "d1")
    first.append(ACKNOWLEDGED, "3001", "s1", body={"PayAppNo": "SQ-1"}, to=["B"])
    entries = list(first.entries)
    first.close()
    second = Ledger("A", tmp_path / "l.jsonl")
    assert second.entries == entries
    effect = second.effect("k1")
    assert effect is not None and effect.answer == "ok"


def test_half_a_line_after_a_crash_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    first = Ledger("A", path)
    arrive(first, "k1", "d1")
    first.close()
    with path.open("ab") as file:
        file.write(b'{"at":"2026')
    second = Ledger("A", path)
    arrive(second, "k2", "d2")
    second.close()
    assert [entry.key for entry in Ledger("A", path).entries] == ["k1", "k1", "k2", "k2"]


async def test_whoever_waits_is_woken_by_the_entry_itself(tmp_path: Path) -> None:
    ledger = Ledger("A", tmp_path / "l.jsonl")
    waiting = asyncio.create_task(ledger.wait_for(lambda entry: entry.key == "k2", 5))
    await asyncio.sleep(0)
    arrive(ledger, "k1", "d1")
    assert not waiting.done()
    arrive(ledger, "k2", "d2")
    assert (await waiting).kind == REQUEST
    assert (await ledger.wait_for(lambda entry: entry.key == "k1", 0.01)).key == "k1"
    with pytest.raises(TimeoutError):
        await ledger.wait_for(lambda entry: entry.key == "k3", 0.01)
