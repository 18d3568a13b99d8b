"""The standard as it is, and a way to check a mapping that a test writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.mapping import Checked, Context, Mapping, check_text
from gateway.standard import Standard

HERE = Path(__file__).parent
ROOT = HERE.parent.parent.parent
FOLDER = HERE / "broken" / "text"  # never made: it gives texts a profile, and the schemas beside
ACK = """\
message: CommonAck
direction: in
format: json
version: 1
"""
ACK_FIELDS = """\
  OriMsgNo:  = "1001"
  OriMsgId:  = "0123456789abcdef"
  Result:    = "00000"
  Duplicate: = "0"
"""

Checking = Callable[[str, str], Checked]


@pytest.fixture(scope="session")
def standard() -> Standard:
    return Standard.load(ROOT / "schemas")


@pytest.fixture(scope="session")
def check(standard: Standard) -> Checking:
    """(text, file name) → what checking found."""
    return lambda text, name: check_text(text, FOLDER / name, standard)


Loading = Callable[..., Mapping]


@pytest.fixture(scope="session")
def load(check: Checking) -> Loading:
    """A loaded mapping of a text; a test fails with the findings where there are errors."""

    def make(text: str, name: str = "CommonAck.in.yaml") -> Mapping:
        return Mapping(FOLDER / name, check(text, name))

    return make


Evaluating = Callable[..., Any]


@pytest.fixture(scope="session")
def evaluate(load: Loading) -> Evaluating:
    """An expression on a schema-less record: the text that it gives, None where it is absent."""
    made: dict[tuple[str, str], Mapping] = {}

    def run(expression: str, record: dict[str, Any], *, before: str = "", **context: Any) -> Any:
        quoted = expression.replace("'", "''")
        if (expression, before) not in made:
            text = f"{ACK}{before}fields:\n{ACK_FIELDS}  AddWord: '{quoted}'\n"
            made[expression, before] = load(text)
        mapping = made[expression, before]
        found = mapping.apply(record, Context(**context))
        assert mapping.trace(record, Context(**context)).record == found
        return found.get("AddWord")

    return run
