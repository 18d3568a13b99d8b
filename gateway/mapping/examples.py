"""A few texts that a pattern matches: the shortest, the longest within reason, and one of each branch.

For judging whether what one schema allows can be anything that another takes. Only the plain parts of
Python's patterns are understood; where there is more, there are no examples.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import islice
from re import _constants as ops  # the parser of `re` has no public name
from re import _parser as parser
from typing import Any

_MOST = 12
_REPEAT_MOST = 40
_UNBOUNDED = 1_000_000
_CATEGORIES = {ops.CATEGORY_DIGIT: "0", ops.CATEGORY_WORD: "a", ops.CATEGORY_SPACE: " "}


class _Unknown(Exception):
    """A part of a pattern that is not understood here."""


@lru_cache(maxsize=2048)
def examples(pattern: str) -> tuple[str, ...]:
    """Every one is a full match."""
    try:
        found = _sequence(parser.parse(pattern))
    except (_Unknown, re.error):
        return ()
    compiled = re.compile(pattern)
    return tuple(one for one in dict.fromkeys(found) if compiled.fullmatch(one))


def _sequence(parts: Any) -> list[str]:
    found = [""]
    for operator, argument in parts:
        made = _part(operator, argument)
        found = [left + right for left in found for right in made]
        if len(found) > _MOST:  # keep the ends: the shortest and the longest
            found = [*islice(found, _MOST - 1), max(found, key=len)]
    return found


def _part(operator: Any, argument: Any) -> list[str]:
    if operator is ops.LITERAL:
        return [chr(argument)]
    if operator is ops.NOT_LITERAL:
        return ["x" if argument != ord("x") else "y"]
    if operator is ops.ANY:
        return ["x"]
    if operator is ops.IN:
        return [_letter(argument)]
    if operator is ops.BRANCH:
        return [one for branch in argument[1] for one in _sequence(branch)]
    if operator is ops.SUBPATTERN:
        return _sequence(argument[-1])
    if operator in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        low, high, inner = argument
        once = _sequence(inner)
        counts = dict.fromkeys((low, min(max(low, 1), high), min(high, low + _REPEAT_MOST)))
        return [one * count for count in counts for one in once]
    if operator is ops.AT:
        return [""]
    raise _Unknown


def _letter(choices: Any) -> str:
    operator, argument = choices[0]
    if operator is ops.LITERAL:
        return chr(argument)
    if operator is ops.RANGE:
        return chr(argument[0])
    if operator is ops.CATEGORY and argument in _CATEGORIES:
        return _CATEGORIES[argument]
    if operator is ops.NEGATE:
        return "x"
    raise _Unknown


@lru_cache(maxsize=2048)
def longest(pattern: str) -> int | None:
    """How many characters a full match may have; None without a bound."""
    try:
        most = int(parser.parse(pattern).getwidth()[1])
    except re.error:
        return None
    return most if most < _UNBOUNDED else None


@lru_cache(maxsize=2048)
def is_ascii(pattern: str) -> bool:
    """Whether every full match is ASCII: the pattern names its characters, and all are."""
    try:
        return _is_ascii(parser.parse(pattern))
    except re.error:
        return False


def _is_ascii(parts: Any) -> bool:
    for operator, argument in parts:
        if operator is ops.LITERAL:
            good = argument < 128
        elif operator is ops.IN:
            good = all(
                (kind is ops.LITERAL and one < 128) or (kind is ops.RANGE and one[1] < 128)
                for kind, one in argument
            )
        elif operator is ops.BRANCH:
            good = all(map(_is_ascii, argument[1]))
        elif operator is ops.SUBPATTERN:
            good = _is_ascii(argument[-1])
        elif operator in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            good = _is_ascii(argument[2])
        else:
            good = operator is ops.AT
        if not good:
            return False
    return True
