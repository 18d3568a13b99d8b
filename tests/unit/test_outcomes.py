"""What an attempt comes to, before it is written down."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.message import DeliveryState
from gateway.outcomes import Outcomes, Verdict
from gateway.schedule import Schedule
from gateway.settings import load_settings
from gateway.standard import Standard
from gateway.store.contract import Claimed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def outcomes() -> Outcomes:
    settings = load_settings(ROOT, environ={})
    made = Outcomes(settings, Standard.load(ROOT / "schemas").catalogue, lambda claimed, code, text: None)
    made.schedule = Schedule(2, 2, 600, attempts=4, jitter=0)
    return made


def claimed(attempt: int, type_: str = "2002") -> Claimed:
    return Claimed(
        1, "M1", "GGZY-ZPT", type_, "GGZY-JSGC", "", "key", 1, attempt, "token", 0.0, b"<A/>", b"", False, 0, "B", 1, ""
    )  # fmt: skip


def ready(retry_after_s: float | None = None, *, unknown: bool = False) -> Verdict:
    return Verdict(
        DeliveryState.READY, "delivery.refused", "503", retry_after_s=retry_after_s, unknown=unknown
    )


def test_delays_grow_from_attempt_to_attempt(outcomes: Outcomes) -> None:
    delays = [outcomes.result(claimed(attempt), ready(), 1).retry_in_s for attempt in (1, 2, 3)]
    assert delays == [2, 4, 8]


def test_a_receiver_that_asks_for_time_is_given_it(outcomes: Outcomes) -> None:
    assert outcomes.result(claimed(1), ready(120), 1).retry_in_s == 120
    assert outcomes.result(claimed(3), ready(1), 1).retry_in_s == 8, "it may ask for more, never for less"


def test_the_last_attempt_is_dead_and_a_payment_in_doubt_waits_for_a_person(outcomes: Outcomes) -> None:
    assert outcomes.result(claimed(4), ready(120), 1).state is DeliveryState.DEAD
    assert outcomes.result(claimed(4, "4002"), ready(unknown=True), 1).state is DeliveryState.UNKNOWN
