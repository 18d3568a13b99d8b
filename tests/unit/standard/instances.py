"""Valid instances of any message type, made from the schema's tree alone: facets at and inside their bounds.

For round trips: what they say makes no sense (`gateway standard sample` makes sense), but every element,
length and letter that the schema allows turns up. Shares no code with the gateway's checks; the patterns
are read by Python's own parser of expressions.
"""

from __future__ import annotations

import random
import re
import re._constants as sre
import re._parser as sre_parser
from functools import cache
from typing import Any

from gateway.standard import Element
from gateway.standard.model import ValueType

LETTERS = (
    "abcXYZ019 -_./()（）、。，：；《》上海市公路养护工程合同支付申请增值税发票黄浦区"
    "&<>\"'\t\n\r\x85\u2028\u3000𠮷é€·①"
)
_MOST_REPEATS = 3  # of an open-ended part of a pattern, and of a list


def instance(root: Element, dice: random.Random) -> dict[str, Any]:
    """A record of the type that its schema accepts."""
    dense = dice.random()  # how many of the optional elements it has
    return {
        child.name: _many(child, dice) for child in root.children if child.minimum or dice.random() < dense
    }


def _many(element: Element, dice: random.Random) -> Any:
    if not element.repeats:
        return _one(element, dice)
    least = max(element.minimum, 1)
    return [
        _one(element, dice)
        for _ in range(dice.randint(least, max(least, min(element.maximum, _MOST_REPEATS))))
    ]


def _one(element: Element, dice: random.Random) -> Any:
    return instance(element, dice) if element.value is None else value(element.value, dice)


def value(kind: ValueType, dice: random.Random) -> str:
    """A text that the simple type takes."""
    if kind.integer:
        return _integer(kind, dice)
    if kind.enumeration:
        return dice.choice(kind.enumeration)
    if kind.patterns:
        return _fitting(kind, dice)
    most = kind.max_length if kind.max_length is not None else 40
    length = dice.choice((kind.min_length, min(kind.min_length + 1, most), min(most, 12), most))
    return "".join(dice.choice(LETTERS) for _ in range(length))


def _integer(kind: ValueType, dice: random.Random) -> str:
    low, high = kind.min_value or 0, kind.max_value or 10**9
    while True:
        text = str(dice.choice((low, low + 1, high, dice.randint(low, high))))
        if all(pattern.fullmatch(text) for pattern in kind.patterns):
            return text


def _fitting(kind: ValueType, dice: random.Random) -> str:
    first, *others = kind.patterns
    for _ in range(200):
        text = _grow(_parsed(first), dice)
        long_enough = (
            kind.min_length <= len(text) <= (kind.max_length if kind.max_length is not None else 10**6)
        )
        if long_enough and all(pattern.fullmatch(text) for pattern in others):
            return text
    raise AssertionError(f"no text found for {kind.name}: {kind.pattern_text}")


@cache
def _parsed(pattern: re.Pattern[str]) -> Any:
    return sre_parser.parse(pattern.pattern)


def _grow(parts: Any, dice: random.Random) -> str:
    return "".join(_PARTS[kind](said, dice) for kind, said in parts)


def _grow_set(said: Any, dice: random.Random) -> str:
    if said[0][0] is sre.NEGATE:
        refused = "".join(_of_set(said[1:]))
        return dice.choice([letter for letter in LETTERS if letter not in refused])
    return dice.choice(_of_set(said))


def _of_set(said: Any) -> list[str]:
    found: list[str] = []
    for kind, what in said:
        found += [chr(what)] if kind is sre.LITERAL else [chr(one) for one in range(what[0], what[1] + 1)]
    return found


def _grow_repeat(said: Any, dice: random.Random) -> str:
    least, most, inner = said
    most = min(most, least + _MOST_REPEATS) if most is sre.MAXREPEAT else most
    count = dice.choice((least, most, dice.randint(least, most)))
    return "".join(_grow(inner, dice) for _ in range(count))


_PARTS: dict[Any, Any] = {
    sre.LITERAL: lambda said, dice: chr(said),
    sre.NOT_LITERAL: lambda said, dice: dice.choice([one for one in LETTERS if ord(one) != said]),
    sre.IN: _grow_set,
    sre.BRANCH: lambda said, dice: _grow(dice.choice(said[1]), dice),
    sre.SUBPATTERN: lambda said, dice: _grow(said[3], dice),
    sre.MAX_REPEAT: _grow_repeat,
}
