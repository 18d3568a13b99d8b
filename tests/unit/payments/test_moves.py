"""Every state against every message: what moves, what stays, what is refused, what is parked."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.message import Record
from gateway.payments.moves import ASKS
from gateway.payments.states import MOVES, find_path

from .conftest import (
    FACTS,
    Desk,
    application,
    authority,
    paid,
    push,
    refund,
    returned,
    review,
    status,
    taken,
    withdrawal,
)

# DECISIONS.md 8, as it stands there.
DECIDED = """10→20,99 · 20→30,90 · 30→31,40,90,99 · 31→20,90,99 · 40→41,44,90 · 41→42,90 · 42→43,50,90 ·
43→20,30,90,99 · 44→30,40,90 · 50→51,60 · 51→42 · 60→70,71,72 · 72→51 · 71→51,80,81 · 70→80,81 · 81→80,81"""

MESSAGES: dict[str, tuple[str, Record] | tuple[str, Record, str]] = {
    "3001 opened": ("3001", application()),
    "3001 corrected": ("3001", application(OperType="2")),
    "3004": withdrawal(),
    "4001 pass": review("1"),
    "4001 return": review("2"),
    "4001 refuse": review("3"),
    "4002": push("V2"),
    "8002 taken over": taken("3"),
    "8002 not taken": taken("4"),
    "8002 withdrawn": taken("3", of="3004"),
    "4003 first pass": authority("1", "11"),
    "4003 pass": authority("1", "12"),
    "4003 return": authority("2", "12"),
    "6003 to 42": status("42", "1"),
    "6003 to 60": status("60", "1"),
    "5001 paid": paid("60000.00", "1"),
    "5001 failed": paid("0.00", "2"),
    "5001 in part": paid("20000.00", "3"),
    "5002": returned(),
    "5003 all": refund("-60000.00"),
    "5003 part": refund("-10000.00"),
}
# A state: moved there. =: accepted, stays. ?: stays, and the treasury is asked. -: refused. P: stored, parked.
TABLE = """
                | 10| 20| 30| 31| 40| 41| 42| 43| 44| 50| 51| 60| 70| 71| 72| 80| 81| 90| 99
3001 opened     | 20|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -
3001 corrected  |  -|  -|  -| 20|  -|  -|  -| 20|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -
3004            |  -| 90| 90| 90|  ?|  ?|  ?| 90| 90|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -
4001 pass       |  -| 30|  =|  -|  -|  -|  -| 30| 30|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -
4001 return     |  -| 31| 31|  -|  -|  -|  -| 31| 31|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -
4001 refuse     |  -| 99| 99| 99|  -|  -|  -| 99| 99|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -
4002            |  -|  -| 40|  -|  -|  -|  -|  -| 40|  -|  -|  -|  -|  -|  -|  -|  -|  -|  -
8002 taken over |  P|  P|  P|  P| 41|  =|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P
8002 not taken  |  P|  P|  P|  P| 44|  P|  P|  P|  =|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P
8002 withdrawn  |  P|  P|  P|  P| 90| 90| 90|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P
4003 first pass |  -|  -|  -|  -| 42| 42|  =|  -|  -|  -| 42|  -|  -|  -|  -|  -|  -|  -|  -
4003 pass       |  -|  -|  -|  -| 50| 50| 50|  -|  -|  -| 50|  -|  -|  -|  -|  -|  -|  -|  -
4003 return     |  -|  -|  -|  -| 43| 43| 43|  -|  -|  -| 43|  -|  -|  -|  -|  -|  -|  -|  -
6003 to 42      |  -|  P|  P|  P| 42| 42|  =|  P|  P|  P| 42|  P|  P|  P|  P|  P|  P|  P|  P
6003 to 60      |  -|  P|  P|  P|  P|  P|  P|  P|  P| 60|  P|  =|  P|  P|  P|  P|  P|  P|  P
5001 paid       |  P|  P|  P|  P|  P|  P|  P|  P|  P| 70|  P| 70|  P|  P|  P|  P|  P|  P|  P
5001 failed     |  P|  P|  P|  P|  P|  P|  P|  P|  P| 72|  P| 72|  P|  P|  =|  P|  P|  P|  P
5001 in part    |  P|  P|  P|  P|  P|  P|  P|  P|  P| 71|  P| 71|  P|  =|  P|  P|  P|  P|  P
5002            |  P|  P|  P|  P|  P|  P|  P|  P|  P| 51|  P|  P|  P| 51| 51|  P|  P|  P|  P
5003 all        |  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P| 80| 80|  P|  P| 80|  P|  P
5003 part       |  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P|  P| 81| 81|  P|  P|  =|  P|  P
"""
FULL = 60_000_00
MONEY = {  # paid, open, refunded
    "70": (FULL, 0, 0),
    "71": (20_000_00, 40_000_00, 0),
    "80": (FULL, 0, FULL),
    "81": (FULL, 0, 10_000_00),
    "90": (0, 0, 0),
    "99": (0, 0, 0),
}


def cells() -> list[tuple[str, str, str]]:
    heads, *lines = [line.split("|") for line in TABLE.strip("\n").splitlines()]
    states = [state.strip() for state in heads[1:]]
    return [
        (line[0].strip(), state, cell.strip())
        for line in lines
        for state, cell in zip(states, line[1:], strict=True)
    ]


def in_state(state: str, *, asked: bool = False) -> Desk:
    """A case of 60,000.00 that stands in this state, approved and pushed once; 10: nobody knows of it."""
    desk = Desk()
    if state == "10":
        return desk
    desk.walk(("3001", application()))
    known = desk.ground.application("SQ-1")
    contract = desk.ground.contract("HT-1")
    assert known is not None and contract is not None
    paid_fen, open_fen, refunded_fen = MONEY.get(state, (0, FULL, 0))
    desk.ground.load(
        [
            replace(
                known, state=state, approved_fen=FULL, review_result="1", voucher_no="V1", seqs={"4002": 1},
                paid_fen=paid_fen, open_fen=open_fen, refunded_fen=refunded_fen,
                withdrawal="asked" if asked else "",
            ),
            replace(contract, open_fen=open_fen, paid_fen=paid_fen - refunded_fen),
        ]
    )  # fmt: skip
    return desk


def outcome(name: str, state: str) -> str:
    number, body, *sender = MESSAGES[name]
    if name == "5003 all":
        left = (MONEY[state][0] - MONEY[state][2]) // 100 if state in MONEY else 0
        body = {**body, "RefundAmt": f"-{left or 1}.00"}
    desk = in_state(state, asked=name == "8002 withdrawn")
    steps = len(desk.ground.trace)
    before = desk.ground.application("SQ-1"), desk.ground.contract("HT-1")
    finding = desk.judge(number, body, *sender)
    if finding.faults or finding.parked:
        assert (desk.ground.application("SQ-1"), desk.ground.contract("HT-1")) == before
        assert not (finding.faults and number in FACTS), "a fact is never refused"
        assert all(not step.applied for step in desk.ground.trace[steps:])
        return "-" if finding.faults else "P"
    if finding.pushed_treasury:
        return "?"
    return desk.state() if desk.state() != state else "="


@pytest.mark.parametrize(("name", "state", "cell"), cells())
def test_a_message_in_a_state_has_one_outcome(name: str, state: str, cell: str) -> None:
    assert outcome(name, state) == cell


def test_every_message_and_every_state_is_in_the_table() -> None:
    assert {(name, state) for name, state, _ in cells()} == {
        (name, state) for name in MESSAGES for state in MOVES
    }
    told = {name.split()[0] for name in MESSAGES}
    assert told == set(ASKS)


def test_the_legal_moves_are_the_decided_ones() -> None:
    decided = {
        line.split("→")[0].strip(): frozenset(line.split("→")[1].strip().split(","))
        for line in DECIDED.replace("\n", " ").split("·")
    }
    assert {state: targets for state, targets in MOVES.items() if targets} == decided


def test_every_legal_pair_is_moved_by_a_message_and_no_other_is() -> None:
    moved = set()
    for name, state, cell in cells():
        if cell.isdigit():
            number = MESSAGES[name][0]
            walks = [walk for ask in ASKS[number] if ask.target == cell and (walk := ask.path_from(state))]
            assert walks, (name, state, cell)
            walk = (state, *walks[0])
            moved |= set(itertools.pairwise(walk))
    legal = {(state, target) for state, targets in MOVES.items() for target in targets}
    # A draft that is thrown away at the general platform was never told to anybody.
    assert moved == legal - {("10", "99"), ("81", "81")}


def test_nothing_leads_from_money_paid_to_withdrawn_or_void() -> None:
    ended = {(state, cell) for _, state, cell in cells() if cell in ("90", "99")}
    assert {state for state, _ in ended} == {"20", "30", "31", "40", "41", "42", "43", "44"}
    for state in ("50", "51", "60", "70", "71", "72", "80", "81"):
        assert find_path(state, "90") is None and find_path(state, "99") is None


@pytest.mark.parametrize("state", ["20", "30", "31", "41", "42", "43", "44"])
@pytest.mark.parametrize("message", [withdrawal(), review("3"), ("3001", application(OperType="2"))])
def test_once_anything_is_paid_nothing_ends_or_reopens_the_case(
    state: str, message: tuple[str, Record]
) -> None:
    desk = in_state(state)
    known = desk.ground.application("SQ-1")
    assert known is not None
    desk.ground.load([replace(known, paid_fen=1, open_fen=FULL - 1)])
    number, body = message
    finding = desk.judge(number, body, oper_type=body.get("OperType", "1"))
    assert finding.faults and desk.state() == state
    if find_path(state, "90" if number == "3004" else "99" if number == "4001" else "20"):
        assert "process.already-paid" in {fault.code for fault in finding.faults}


def render() -> str:
    """The table as it is: for whoever changes a rule, to compare and paste."""
    lines = [f"{'':16}|" + "|".join(f"{state:>3}" for state in MOVES)]
    for name in MESSAGES:
        lines.append(f"{name:16}|" + "|".join(f"{outcome(name, state):>3}" for state in MOVES))
    return "\n".join(lines)
