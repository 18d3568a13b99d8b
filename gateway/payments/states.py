"""The states of a payment application and its legal moves: one table (DECISIONS.md 8).

    10 草稿 → 20 已提交 → 30 招标人审核中 → 40 已推送 → 41 主管部门签收 → 42 主管部门审核中
    → 50 资金支付部门审核中 → 60 已发送银行 → 70 支付成功, with returns, failures and refunds beside.

The code consults this table, the docs draw it, the tests enumerate it.
"""

from __future__ import annotations

from collections import deque

MOVES: dict[str, frozenset[str]] = {
    "10": frozenset({"20", "99"}),
    "20": frozenset({"30", "90"}),
    "30": frozenset({"31", "40", "90", "99"}),
    "31": frozenset({"20", "90", "99"}),
    "40": frozenset({"41", "44", "90"}),
    "41": frozenset({"42", "90"}),
    "42": frozenset({"43", "50", "90"}),
    "43": frozenset({"20", "30", "90", "99"}),
    "44": frozenset({"30", "40", "90"}),
    "50": frozenset({"51", "60"}),
    "51": frozenset({"42"}),
    "60": frozenset({"70", "71", "72"}),
    "70": frozenset({"80", "81"}),
    "71": frozenset({"51", "80", "81"}),
    "72": frozenset({"51"}),
    "80": frozenset(),
    "81": frozenset({"80", "81"}),
    "90": frozenset(),
    "99": frozenset(),
}
ENDED = frozenset({"90", "99"})
PAID = frozenset({"70", "71", "80", "81"})
AT_TREASURY = frozenset({"40", "41", "42"})  # pushed and not yet approved: withdrawal asks the treasury
STEP_OF_STATE: dict[str, int] = {
    **dict.fromkeys(("10", "20"), 3),
    **dict.fromkeys(("30", "31"), 4),
    **dict.fromkeys(("40", "41", "42", "43", "44"), 5),
    **dict.fromkeys(("50", "51", "60", "72"), 6),
    **dict.fromkeys(("70", "71", "80", "81"), 7),
    **dict.fromkeys(("90", "99"), 7),
}


def find_path(state: str, target: str, via: frozenset[str] = frozenset()) -> tuple[str, ...] | None:
    """The shortest legal walk from `state` to `target`, stepping only on `via` between; None if none.

    Systems report what matters and skip what is implied (a payment without a "sent to bank"); `via`
    names the states that a message of this kind implies. A walk has at least one step.
    """
    queue: deque[tuple[str, ...]] = deque([(state,)])
    seen: set[str] = set()
    while queue:
        walk = queue.popleft()
        for following in sorted(MOVES[walk[-1]]):
            if following == target:
                return (*walk[1:], following)
            if following in via and following not in seen:
                seen.add(following)
                queue.append((*walk, following))
    return None
