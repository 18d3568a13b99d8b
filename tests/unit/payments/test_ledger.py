"""Whatever is sent in whatever order, the money of a contract stays right."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.message import Record
from gateway.payments.process import READS, can_judge
from gateway.payments.states import ENDED, MOVES
from gateway.standard import Standard

from .conftest import (
    FACTS,
    Desk,
    Message,
    application,
    authority,
    invoice,
    paid,
    payees,
    push,
    refund,
    returned,
    review,
    status,
    taken,
    withdrawal,
)
from .test_drawing import ROOT

NUMBERS = ("SQ-1", "SQ-2", "SQ-3")
AMOUNTS = st.sampled_from(["0.01", "20000.00", "40000.00", "60000.00", "100000.00"])
SMALL = st.integers(1, 3)
PRICE_FEN = 100_000_00


@st.composite
def messages(draw: st.DrawFn) -> tuple[str, Record, str, str]:
    """(type, body, sender, OperType) about one of three applications on one contract and few invoices."""
    no, amount, n = draw(st.sampled_from(NUMBERS)), draw(AMOUNTS), draw(SMALL)
    line = draw(st.sampled_from([f"{no}{n}", str(n)]))  # its own, or one that is told for others too
    shared = {"Invoice": [invoice(f"2631000000000000000{n}", "100000.00", amount)]}
    kinds: list[Message] = [
        ("3001", application(no, amount, str(draw(SMALL)), Invoices=shared)),
        ("3001", application(no, amount, str(n), Invoices=shared, OperType="2")),
        withdrawal(),
        review(draw(st.sampled_from("123")), amount, str(n)),
        push(f"V{no}{n}", amount, Payees=payees(amount), Invoices=shared),
        taken(draw(st.sampled_from("34")), draw(st.sampled_from(["4002", "3004"])), str(n)),
        authority(draw(st.sampled_from("12")), draw(st.sampled_from(["11", "12"])), f"V{no}{n}"),
        status(draw(st.sampled_from(["42", "60"])), str(n), f"V{no}{n}"),
        paid(amount, draw(st.sampled_from("13")), line),
        paid("0.00", "2", line),
        returned(f"V{no}{n}"),
        refund(f"-{amount}", f"R{line}"),
    ]
    number, body, *sender = draw(st.sampled_from(kinds))
    body = {**body, "PayAppNo": no, **({"BizKey": no} if number == "8002" else {})}
    return number, body, sender[0] if sender else "GGZY-ZPT", body.get("OperType", "1")


def check(desk: Desk) -> None:
    contract = desk.ground.contract("HT-1")
    assert contract is not None
    known = [one for no in NUMBERS if (one := desk.ground.application(no)) is not None]
    assert contract.open_fen == sum(one.open_fen for one in known)
    assert contract.paid_fen == sum(one.paid_fen - one.refunded_fen for one in known)
    assert 0 <= contract.open_fen + contract.paid_fen <= contract.price_fen
    for one in known:
        assert (
            one.open_fen >= 0 and 0 <= one.refunded_fen <= one.paid_fen <= one.approved_fen + one.refunded_fen
        )
        assert one.approved_fen <= one.app_fen
        assert one.state not in ENDED or (one.open_fen == one.paid_fen == 0)
        assert bool(desk.ground.uses_by(one.no)) == (one.state not in ENDED)
    for n in range(1, 4):
        uses = desk.ground.uses_of(f"2631000000000000000{n}")
        assert sum(use.used_fen for use in uses) <= 100_000_00
    nodes = [one.node_key for one in known if one.open_fen]
    assert len(nodes) == len(set(nodes))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(messages(), min_size=5, max_size=40))
def test_the_books_balance_after_every_message(sent: list[tuple[str, Record, str, str]]) -> None:
    desk = Desk(PRICE_FEN)
    for number, body, sender, oper_type in sent:
        finding = desk.judge(number, body, sender, oper_type=oper_type)
        assert not (number in FACTS and finding.faults)
        check(desk)
    for step in desk.ground.trace:
        assert step.applied or step.old_state == step.new_state


HAPPY: list[Message] = [
    ("3001", application(Invoices={"Invoice": [invoice("26310000000000000001", "100000.00", "60000.00")]})),
    review(),
    push(Invoices={"Invoice": [invoice("26310000000000000001", "100000.00", "60000.00")]}),
    taken(),
    authority(),
    paid("20000.00", "1", "1"),
    paid("40000.00", "1", "2"),
    refund("-10000.00"),
]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, len(HAPPY)), messages()), max_size=15))
def test_the_books_balance_with_anything_thrown_into_a_case_that_goes_well(
    thrown: list[tuple[int, tuple[str, Record, str, str]]],
) -> None:
    desk = Desk(PRICE_FEN)
    for place in range(len(HAPPY) + 1):
        for at, (number, body, sender, oper_type) in thrown:
            if at == place:
                desk.judge(number, body, sender, oper_type=oper_type)
                check(desk)
        if place < len(HAPPY):
            desk.judge(*HAPPY[place])
            check(desk)
    known = desk.ground.application("SQ-1")
    assert known is None or known.state in MOVES


STANDARD = Standard.load(ROOT / "schemas")


def leaves(number: str) -> list[str]:
    return [child.name for child in STANDARD.model(number).children]


@pytest.mark.parametrize(("number", "name"), [(number, name) for number in READS for name in leaves(number)])
def test_the_rules_read_nothing_of_a_body_but_what_they_say(number: str, name: str) -> None:
    """What they do not name may be missing or misshapen when they run beside the faults of the fields."""
    body: dict[str, Any] = dict(STANDARD.sample(number))
    assert set(READS[number]) <= set(leaves(number))
    if not can_judge(number, [name]):
        return
    for broken in ({key: value for key, value in body.items() if key != name}, {**body, name: ["?"]}):
        desk = Desk()
        assert desk.judge(number, broken) is not None
