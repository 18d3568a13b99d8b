"""Which move each message of steps 3–7 asks of its application: one row a (type, condition).

`via` are the states that the message implies on the way; a fact (promise 5) that finds no legal walk is
stored and parked, anything else is refused with 30006.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.message import Record


@dataclass(frozen=True, slots=True)
class Ask:
    """A row of the table: where `when` holds in the body, the application goes to `target`."""

    when: Mapping[str, str]
    target: str
    via: frozenset[str] = frozenset()
    stay: frozenset[str] = frozenset()  # already here: nothing to move, the trace is still written
    money: str = ""  # approve | pay | refund | release
    node: str = ""


def _via(*states: str) -> frozenset[str]:
    return frozenset(states)


ASKS: dict[str, tuple[Ask, ...]] = {
    "4001": (
        Ask({"ReviewResult": "1"}, "30", stay=_via("30"), money="approve", node="招标人审核"),
        Ask({"ReviewResult": "2"}, "31", via=_via("30"), node="招标人审核"),
        Ask({"ReviewResult": "3"}, "99", via=_via("30", "31"), money="release", node="招标人审核"),
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
        Ask({"ReviewResult": "1"}, "50", via=_via("41", "42"), node="主管部门复审"),
        Ask({"ReviewResult": "2"}, "43", via=_via("41", "42"), node="主管部门审核"),
    ),
    "5001": (
        Ask({"PayResult": "1"}, "70", via=_via("60"), money="pay", node="资金支付"),
        Ask({"PayResult": "2"}, "72", via=_via("60"), node="资金支付"),
        Ask({"PayResult": "3"}, "71", via=_via("60"), money="pay", node="资金支付"),
    ),
    "5002": (Ask({}, "51", node="资金支付部门退回"),),
    "6003": (
        Ask({"NewStatus": "42"}, "42", via=_via("41"), stay=_via("42"), node="主管部门审核"),
        Ask({"NewStatus": "60"}, "60", stay=_via("60"), node="已发送银行"),
    ),
    "8002": (
        Ask({"OriMsgNo": "4002", "ReceiptStatus": "3"}, "41", stay=_via("41"), node="主管部门签收"),
        Ask({"OriMsgNo": "4002", "ReceiptStatus": "4"}, "44", stay=_via("44"), node="签收失败"),
        Ask({"OriMsgNo": "3004", "ReceiptStatus": "3"}, "90", money="release", node="撤回"),
    ),
}


def find_ask(number: str, body: Record) -> Ask | None:
    """The row of the table for a message; None where it asks no move of the application."""
    for ask in ASKS.get(number, ()):
        if all(body.get(field) == value for field, value in ask.when.items()):
            return ask
    return None
