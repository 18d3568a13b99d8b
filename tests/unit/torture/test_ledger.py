"""The books of the torture must see what is wrong: each fault is made here once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway import failpoints
from gateway.torture import faults
from gateway.torture.contents import Content, lines, versions
from gateway.torture.ledger import Ledger, Notice, Request


def request(content: Content) -> Request:
    return Request("R", content.key, content.line, content.version, content.mark)


@pytest.fixture
def three() -> list[Content]:
    return list(versions("S", next(lines("S", 0, 1, 7)), 3))


@pytest.fixture
def ledger(three: list[Content]) -> Ledger:
    """All three acknowledged."""
    made = Ledger()
    for number, content in enumerate(three):
        made.offered[content.mark] = content
        made.acknowledged[content.mark] = (content, f"M{number}")
    return made


def arrive(ledger: Ledger, *contents: Content) -> tuple[int, int, int]:
    for content in contents:
        ledger.append(request(content))
    return len(ledger.lost()), len(ledger.doubled()), len(ledger.out_of_order())


def test_all_in_order_is_well_and_so_is_the_same_again_under_its_key(
    ledger: Ledger, three: list[Content]
) -> None:
    first, second, third = three
    assert arrive(ledger, first, second, second, first, third, first) == (0, 0, 0)
    assert ledger.backlog == 0


def test_what_was_acknowledged_and_never_came_is_lost(ledger: Ledger, three: list[Content]) -> None:
    assert ledger.backlog == 3
    assert arrive(ledger, *three[:2]) == (1, 0, 0)
    assert ledger.lost() == [three[2].key]


def test_one_content_under_two_keys_is_doubled(ledger: Ledger, three: list[Content]) -> None:
    assert arrive(ledger, *three, replace(three[2], key="another"))[:2] == (0, 1)


def test_what_was_answered_503_has_not_arrived_and_keeps_its_key_all_the_same(
    ledger: Ledger, three: list[Content]
) -> None:
    first, second, third = three
    ledger.append(replace(request(first), taken=False))
    assert ledger.lost() == [one.key for one in three] and ledger.backlog == 3
    assert arrive(ledger, first, second, third) == (0, 0, 0)
    other = Ledger(offered=ledger.offered, acknowledged=ledger.acknowledged)
    other.append(replace(request(first), taken=False, key="another"))
    assert arrive(other, first, second, third) == (0, 1, 0)


def test_one_key_with_two_contents_is_doubled(ledger: Ledger, three: list[Content]) -> None:
    other = replace(three[2], mark="other")
    ledger.offered["other"] = other
    assert arrive(ledger, *three, other) == (0, 1, 0)


def test_what_nobody_sent_is_told(ledger: Ledger, three: list[Content]) -> None:
    assert arrive(ledger, *three, replace(three[2], mark="made up", key="k"))[1] == 1


def test_two_acknowledgements_of_one_message_are_told(ledger: Ledger, three: list[Content]) -> None:
    ledger.acknowledged[three[1].mark] = (three[1], "M0")
    assert arrive(ledger, *three) == (0, 1, 0)


def test_a_death_is_told_once_and_again_only_where_it_was_replayed(
    ledger: Ledger, three: list[Content]
) -> None:
    notice = Notice("R", three[1].line, three[1].version, "said")
    assert [ledger.append_notice(key, notice) for key in ("first", "first", "second")] == [True, False, True]
    assert arrive(ledger, *three) == (0, 1, 0)
    ledger.replays["M1", "another"] += 1
    assert len(ledger.doubled()) == 1
    ledger.replays["M1", "R"] += 1
    assert ledger.doubled() == []


@pytest.mark.parametrize(("order", "wrong"), [((0, 2, 1), 2), ((1, 0, 2), 2), ((0, 0, 1, 1, 2), 0)])
def test_order_counts_first_arrivals(
    ledger: Ledger, three: list[Content], order: tuple[int, ...], wrong: int
) -> None:
    assert arrive(ledger, *(three[place] for place in order))[2] == wrong


def test_the_driver_kills_at_every_place_that_there_is() -> None:
    # No platform of the torture has folders or queues: those places have tests of their own.
    assert set(faults.PLACES) == {
        place for place in failpoints.PLACES if not place.startswith(("drop.", "queue."))
    }


def test_lines_of_two_senders_are_never_the_same() -> None:
    codes = [code for place in range(4) for code, _ in zip(lines("S", place, 4, 3), range(50), strict=False)]
    assert len(codes) == len(set(codes)) == 200
