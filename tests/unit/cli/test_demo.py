"""What a demo came to is right only where every figure is: anything else ends it with 1."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.cli.demo import Figures
from gateway.message import DeliveryState
from gateway.sandbox.stage import StoryResult
from gateway.store.contract import Counts

RIGHT = Figures(
    StoryResult(steps_completed=7, cases=21, refused_as_expected=16),
    Counts(messages=283, deliveries={DeliveryState.DONE: 238}),
    effects_duplicated=0, effects_lost=0, resends=0, wall_s=5.0,
)  # fmt: skip


def with_delivery(state: DeliveryState) -> Figures:
    return replace(RIGHT, counts=replace(RIGHT.counts, deliveries={DeliveryState.DONE: 237, state: 1}))


WRONG = {
    "a step that did not complete": replace(RIGHT, story=replace(RIGHT.story, steps_completed=6)),
    "a case that failed": replace(RIGHT, story=replace(RIGHT.story, failures=["paid to the end: no 5001"])),
    "an effect twice": replace(RIGHT, effects_duplicated=1),
    "an effect lost": replace(RIGHT, effects_lost=1),
    **{
        f"a delivery that is {state}": with_delivery(state)
        for state in (
            DeliveryState.WAITING, DeliveryState.READY, DeliveryState.LEASED, DeliveryState.DEAD, DeliveryState.UNKNOWN,
        )
    },
}  # fmt: skip


def test_figures_without_a_fault_are_right_however_often_something_was_sent_again() -> None:
    assert RIGHT.is_right
    assert replace(RIGHT, resends=3).is_right


@pytest.mark.parametrize("figures", WRONG.values(), ids=WRONG.keys())
def test_each_single_wrong_figure_makes_the_whole_wrong(figures: Figures) -> None:
    assert not figures.is_right


def test_what_an_earlier_run_left_stuck_is_not_laid_to_this_one() -> None:
    assert replace(with_delivery(DeliveryState.DEAD), stuck_before=1).is_right
