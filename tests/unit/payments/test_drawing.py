"""The page of the docs is what the tables say."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.cli.process import PAGE, render
from gateway.payments.faults import PARKED, REFUSALS
from gateway.payments.moves import ASKS
from gateway.payments.states import MOVES, STEP_OF_STATE
from gateway.standard.codes import CodeTables

ROOT = Path(__file__).parents[3]


def test_the_page_in_the_docs_is_current() -> None:
    assert (ROOT / PAGE).read_text(encoding="utf-8") == render(ROOT), "run `gateway process docs`"


def test_the_diagram_has_every_legal_move_and_no_other() -> None:
    drawn = set(re.findall(r"s(\d\d) --> s(\d\d)", render(ROOT)))
    assert drawn == {(state, target) for state, targets in MOVES.items() for target in targets}


def test_the_page_names_every_message_and_every_code() -> None:
    page = render(ROOT)
    assert all(f"| {number} |" in page for number in ASKS)
    assert all(f"`process.{code}`" in page for code in REFUSALS) and all(f"`{why}`" in page for why in PARKED)


def test_the_code_table_has_these_states_with_these_steps() -> None:
    rows = CodeTables.load(ROOT / "schemas" / "codes").get("status").rows
    assert {code: int(row.parent) for code, row in rows.items()} == STEP_OF_STATE
    assert rows.keys() == MOVES.keys()
