"""Values while a mapping runs, and what goes wrong with them.

Text is `str`, a number an exact `Decimal`, a truth value `bool`, a list a `list`, a record a `dict`. Absent
is None or empty text; an absent list is empty. Nothing is rounded unless a mapping says so.
"""

from __future__ import annotations

import re
from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Any

from gateway.message import Record

MAX_TEXT = 2_000_000  # characters of one value that a mapping makes
MAX_ITEMS = 100_000
MAX_STEPS = 500_000  # items that loops inside loops may walk over, in one message
EXACT = Context(prec=120, traps=[Inexact, InvalidOperation, Overflow, Clamped])
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{1,20})?")
_FOUND_CHARS = 60


class Wrong(Exception):
    """A value that cannot be mapped. `argument`: which argument of the function is at fault, from 0;
    `places`: where it came from, `asked`: the path that met another shape than it asked for, both filled in
    by the tracer."""

    def __init__(
        self,
        code: str,
        zh: str,
        en: str,
        *,
        result: str = "10003",
        expected: str = "",
        found: str = "",
        argument: int = 0,
    ):
        super().__init__(en)
        self.code = f"mapping.{code}"
        self.zh = zh
        self.en = en
        self.result = result
        self.expected = expected[:400]
        self.found = found[:_FOUND_CHARS]
        self.argument = argument
        self.places: tuple[str, ...] = ()
        self.asked = ""


def leaf(value: Any) -> str | None:
    """The text of an element, with or without attributes. Wrong where there is no one text."""
    if value is None or value.__class__ is str:
        return value
    if value.__class__ is dict and ("#text" in value or all(name[:1] == "@" for name in value)):
        return leaf(value.get("#text"))
    if value.__class__ is list:
        raise Wrong(
            "several-values",
            f"应只有一个值，实有 {len(value)} 个",
            f"one value was expected, got {len(value)}",
            expected="1",
            found=str(len(value)),
        )
    raise Wrong(
        "not-a-text", f"应为文本，实为{_shape(value)[0]}", f"a text was expected, got {_shape(value)[1]}"
    )


def record(value: Any) -> Record:
    """A record, empty where absent. Wrong for text and lists."""
    if value.__class__ is dict:
        return value
    if not value:
        return {}
    if value.__class__ is list and len(value) > 1:
        raise Wrong(
            "several-values",
            f"应只有一项，实有 {len(value)} 项",
            f"one item was expected, got {len(value)}",
            expected="1",
            found=str(len(value)),
        )
    raise Wrong(
        "not-a-record", f"应含子元素，实为{_shape(value)[0]}", f"fields were expected, got {_shape(value)[1]}"
    )


def items(value: Any) -> list[Any]:
    """The items of a repeated element: none, one, or a list of them."""
    if value.__class__ is list:
        return value
    return [] if value is None else [value]


def _shape(value: Any) -> tuple[str, str]:
    if isinstance(value, dict):
        return "记录", f"a record ({', '.join(list(value)[:5])})"
    if isinstance(value, list):
        return "列表", f"a list of {len(value)}"
    return ("文本", "a text") if isinstance(value, str) else ("其他", type(value).__name__)


def walk(value: Any, name: str) -> Any:
    """One step into data that no schema describes: through lists, absent where there is nothing."""
    if value.__class__ is dict:
        return value.get(name)
    if value.__class__ is list:
        found = [one for item in value for one in items(walk(item, name))]
        return found or None
    if not value:
        return None
    raise Wrong(
        "not-a-record",
        f"应含子元素 {name}，实为{_shape(value)[0]}",
        f"a record with {name} was expected, got {_shape(value)[1]}",
        expected=name,
    )


def number(text: str) -> Decimal:
    """An exact decimal; Wrong for anything but digits with an optional sign and point."""
    if not _NUMBER.fullmatch(text):
        raise Wrong("not-a-number", "不是数字", "not a number", expected="0.00", found=text)
    return Decimal(text)


def is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def plain(value: Decimal) -> str:
    """Digits without an exponent, with the decimals that the value has."""
    return format(value, "f")


def check_length(length: int) -> None:
    """Before a text is made: Wrong where it would be too long."""
    if length > MAX_TEXT:
        raise Wrong("too-large", "结果过长", f"longer than {MAX_TEXT} characters", expected=str(MAX_TEXT))
