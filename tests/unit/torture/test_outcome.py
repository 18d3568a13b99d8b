"""What a run of the torture calls wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from gateway.torture.run import MANY_CUTS, Outcome


def outcome(**changes: object) -> Outcome:
    values: dict[str, object] = {
        "store": "postgres", "nodes": 3, "accepted": 9, "delivered": 9, "stuck": 0, "lost": [], "doubled": [],
        "out_of_order": [], "other": [], **changes,
    }  # fmt: skip
    return Outcome(**values)  # type: ignore[arg-type]


def test_a_run_in_which_all_arrived_is_right() -> None:
    assert outcome().wrong() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lost": ["a"]}, "lost a"),
        ({"doubled": ["b"]}, "doubled b"),
        ({"out_of_order": ["c"]}, "out of order c"),
        ({"other": ["ended short"]}, "ended short"),
        ({"stuck": 2}, "2 deliveries are stuck"),
    ],
)
def test_each_kind_of_fault_is_told(changes: dict[str, object], said: str) -> None:
    assert outcome(**changes).wrong() == [said]


def test_nodes_that_are_cut_off_often_must_have_come_too_late_once() -> None:
    few, many = Counter({"cut-off": MANY_CUTS - 1}), Counter({"cut-off": MANY_CUTS})
    assert outcome(faults=few).wrong() == []
    assert outcome(faults=many, late_writes=1).wrong() == []
    [said] = outcome(faults=many).wrong()
    assert "no write came too late" in said
