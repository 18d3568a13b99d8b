"""The process as a page of the docs: drawn from the tables that the rules consult, from nothing else.

`draw` gives Markdown with a Mermaid diagram of the states, the rows of `ASKS`, and the words of `faults`.
`gateway process docs` writes it; a test holds the page in the repository current.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gateway.payments.faults import PARKED, REFUSALS, Words
from gateway.payments.moves import ASKS, Ask
from gateway.payments.states import MOVES, STEP_OF_STATE

_HEAD = """# The process of a payment application

This page is drawn by `gateway process docs` from the tables that the rules consult (`gateway/payments/states.py`,
`moves.py`, `faults.py`) and from `schemas/codes/status.csv`. Do not edit it.
本页由上述数据表生成，请勿手工修改。

A move that is not in the table is refused with 30006. What the treasury reports as done (5001, 5002, 5003) is never
refused for the state: it is stored, parked and alarmed. Receipts (8002) and status messages (6003) that come late or
out of order are stored and not applied. Nothing is withdrawn or voided once anything is paid.
"""
_ENDS = tuple(state for state, targets in MOVES.items() if not targets)
_MONEY = {
    "": "",
    "approve": "审定金额 / amount approved",
    "pay": "已付 / paid",
    "refund": "退款 / refunded",
    "release": "释放余额 / balance released",
}


def draw(names: Mapping[str, tuple[str, str]]) -> str:
    """The whole page. `names`: state → its Chinese and English name."""
    return "\n".join(
        [
            _HEAD,
            "## States and legal moves",
            "",
            *_diagram(names),
            "",
            *_table(("state", "状态", "meaning", "step", "may go to"), _states(names)),
            "",
            "## Which message moves what",
            "",
            "States in brackets are those that the message implies on the way.",
            "",
            *_table(("message", "when", "from", "to", "money", "环节"), _asks()),
            "",
            "## Refusals",
            "",
            *_table(("code", "result", "说明", "meaning"), _words("process.", REFUSALS)),
            "",
            "## Stored and not applied",
            "",
            "The message's note is `parked` and the reason; `gateway_parked_messages` counts them, `gateway parked` applies or closes one.",
            "",
            *_table(("reason", "", "说明", "meaning"), _words("", PARKED)),
            "",
        ]
    )


def _diagram(names: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state in MOVES:
        yield f'    state "{state} {names[state][0]}" as s{state}'
    yield "    [*] --> s10"
    for state, targets in MOVES.items():
        for target in sorted(targets):
            told = ", ".join(sorted(set(_movers(state, target))))
            yield f"    s{state} --> s{target}" + (f" : {told}" if told else "")
    for state in _ENDS:
        yield f"    s{state} --> [*]"
    yield "```"


def _movers(state: str, target: str) -> Iterator[str]:
    """The types whose messages make this very step."""
    for number, asks in ASKS.items():
        if any(ask.target == target and ask.path_from(state) == (target,) for ask in asks):
            yield number


def _states(names: Mapping[str, tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    for state, targets in MOVES.items():
        zh, en = names[state]
        yield state, zh, en, str(STEP_OF_STATE[state]), ", ".join(sorted(targets)) or "–"


def _asks() -> Iterator[tuple[str, ...]]:
    for number, asks in ASKS.items():
        for ask in asks:
            when = ", ".join(f"{name} = {value}" for name, value in ask.when.items())
            yield (
                number,
                when or "always",
                ", ".join(_sources(ask)),
                _target(ask),
                _MONEY[ask.money],
                ask.node,
            )


def _sources(ask: Ask) -> Iterator[str]:
    for state in MOVES:
        path = ask.path_from(state)
        if path is not None:
            between = "→".join(path[:-1])
            yield f"{state} ({between})" if between else state


def _target(ask: Ask) -> str:
    stays = ", ".join(state for state in sorted(ask.stay) if state != ask.target)
    if not ask.target:
        return "stays; the treasury is asked"
    return f"{ask.target}; {stays}: stays" if stays else ask.target


def _words(prefix: str, rows: Mapping[str, Words]) -> Iterator[tuple[str, ...]]:
    for code, row in rows.items():
        yield f"`{prefix}{code}`", row.result, row.zh, row.en


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '∣') for cell in row)} |"
