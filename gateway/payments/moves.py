"""Which move each message of steps 3–7 asks of its application: one row a (type, condition).

`via` are the states that the message implies on the way; a fact (promise 5) that finds no legal walk is
stored and parked, anything else is refused with 30006. Beside the body's own fields a condition may ask for
what the rules find out: OperType of the head, AtTreasury (pushed and not approved there: 1, else 0), Whole
(with this line everything approved is paid, or everything paid came back: 1, else 0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.payments.states import AT_TREASURY, MOVES, find_path


@dataclass(frozen=True, slots=True)
class Ask:
    """A row of the table: where `when` holds, the application goes to `target`."""

    when: Mapping[str, str]
    target: str
    via: frozenset[str] = frozenset()
    stay: frozenset[str] = frozenset()  # already here: nothing to move, money and trace are still written
    money: str = ""  # approve | pay | refund | release
    node: str = ""
    only: frozenset[str] = frozenset()  # from these states alone, though the table of states allows others

    def path_from(self, state: str) -> tuple[str, ...] | None:
        """The walk that the message makes from `state`: () where it stays, None where it may not."""
        if state in self.stay:
            return ()
        return None if self.only and state not in self.only else find_path(state, self.target, self.via)

    def sources(self) -> tuple[str, ...]:
        """Every state in which the message is allowed."""
        return tuple(state for state in MOVES if self.path_from(state) is not None)


def _via(*states: str) -> frozenset[str]:
    return frozenset(states)


_OURS = _via("20", "30", "31", "43", "44")  # before a push, or back from one

ASKS: dict[str, tuple[Ask, ...]] = {
    "3001": (
        Ask({"OperType": "1"}, "20", only=_via("10"), node="提交申请"),  # one that nobody knows yet
        Ask({"OperType": "2"}, "20", only=_via("31", "43"), node="更正后重新提交"),
    ),
    "3004": (
        Ask({"AtTreasury": "1"}, "", stay=AT_TREASURY, node="申请撤回"),  # 8002 then ends it
        Ask({"AtTreasury": "0"}, "90", only=_OURS, money="release", node="撤回"),
    ),
    "4001": (
        Ask({"ReviewResult": "1"}, "30", stay=_via("30"), money="approve", node="招标人审核"),
        Ask({"ReviewResult": "2"}, "31", via=_via("30"), node="招标人审核"),
        Ask(
            {"ReviewResult": "3"},
            "99",
            via=_via("30", "31"),
            only=_OURS,
            money="release",
            node="招标人审核",
        ),
    ),
    "4002": (Ask({}, "40", node="推送支付平台"),),
    "4003": (
        Ask(
            {"ReviewResult": "1", "ReviewNode": "11"},
            "42",
            via=_via("41"),
            stay=_via("42"),
            node="主管部门初审",
        ),
        Ask({"ReviewResult": "1"}, "50", via=_via("41", "42"), money="approve", node="主管部门复审"),
        Ask({"ReviewResult": "2"}, "43", via=_via("41", "42"), node="主管部门审核"),
    ),
    "5001": (
        Ask({"PayResult": "1", "Whole": "1"}, "70", via=_via("60"), money="pay", node="资金支付"),
        # One of several payees: the case stays where it is until the last line is paid.
        Ask({"PayResult": "1"}, "60", stay=_via("60", "71", "72"), money="pay", node="资金支付"),
        Ask({"PayResult": "2"}, "72", via=_via("60"), stay=_via("72"), node="资金支付"),
        Ask({"PayResult": "3"}, "71", via=_via("60"), stay=_via("71"), money="pay", node="资金支付"),
    ),
    "5002": (Ask({}, "51", node="资金支付部门退回"),),
    "5003": (
        Ask({"Whole": "1"}, "80", money="refund", node="退款"),
        Ask({"Whole": "0"}, "81", money="refund", node="退款"),
    ),
    "6003": (
        Ask({"NewStatus": "42"}, "42", via=_via("41"), stay=_via("42"), node="主管部门审核"),
        Ask({"NewStatus": "60"}, "60", stay=_via("60"), node="已发送银行"),
    ),
    "8002": (
        Ask({"OriMsgNo": "4002", "ReceiptStatus": "3"}, "41", stay=_via("41"), node="主管部门签收"),
        Ask({"OriMsgNo": "4002", "ReceiptStatus": "4"}, "44", stay=_via("44"), node="签收失败"),
        Ask(
            {"OriMsgNo": "3004", "ReceiptStatus": "3"},
            "90",
            only=AT_TREASURY,
            money="release",
            node="撤回",
        ),
    ),
}


def find_ask(number: str, facts: Mapping[str, Any]) -> Ask | None:
    """The row of the table for a message; None where it asks no move of the application."""
    for ask in ASKS.get(number, ()):
        if all(facts.get(field) == value for field, value in ask.when.items()):
            return ask
    return None
