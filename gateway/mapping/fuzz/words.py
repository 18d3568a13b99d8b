"""Values for a leaf of a schema: usual ones, and those at the edges of what it takes.

`draw_value` of a platform's leaf knows its facets; `draw_standard` of the standard's element knows code tables and
check digits too, so that a message is not refused for its first number already.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import lru_cache
from random import Random

from gateway.mapping.fuzz.patterns import UnknownPattern, draw_match
from gateway.mapping.schema import Element, Leaf
from gateway.standard import CodeTables
from gateway.standard import model as standard_model
from gateway.standard.checks import is_cnaps, is_id_card, is_unified_deal_code, is_uscc

_ASCII = "abcXYZ0189 -_.,:;/()"
_HAN = "上海市公共资源交易中心工程款支付申请养护"
_MARKUP = "&<>\"'"
_OUTSIDE_GBK = "😀𠮷㐂ë한"
_EDGES = " 　;|,，；%=\t"
_DIGITS = "0123456789"
_LONGEST = 3000  # of a text without a bound


def draw_value(random: Random, element: Element, *, gbk_only: bool) -> str:
    """A text that the leaf takes."""
    assert element.leaf is not None
    return _of_leaf(random, element.leaf, gbk_only=gbk_only or bool(element.gbk_max), gbk_max=element.gbk_max)


def _of_leaf(random: Random, leaf: Leaf, *, gbk_only: bool, gbk_max: int) -> str:
    if leaf.values:
        return random.choice(sorted(leaf.values))
    if leaf.patterns:
        return _of_patterns(random, leaf)
    if leaf.is_number:
        return random.choice(("0", "1", "7", str(random.randint(0, 10**9))))
    return _text(random, leaf.min_length, leaf.max_length, gbk_only=gbk_only, gbk_max=gbk_max)


def _of_patterns(random: Random, leaf: Leaf) -> str:
    """The first pattern makes the text, the others and the lengths judge it."""
    found = ""
    for _ in range(60):
        for pattern in reversed(leaf.patterns):
            try:
                found = draw_match(random, pattern)
            except UnknownPattern:
                continue
            if takes(leaf, found):
                return found
    return found


def takes(leaf: Leaf, text: str) -> bool:
    """Whether a text keeps the facets."""
    if leaf.values and text not in leaf.values:
        return False
    if len(text) < leaf.min_length or (leaf.max_length is not None and len(text) > leaf.max_length):
        return False
    if leaf.is_number and not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        return False
    return all(_compiled(one).fullmatch(text) for one in leaf.patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _text(random: Random, least: int, most: int | None, *, gbk_only: bool, gbk_max: int) -> str:
    longest = most if most is not None else random.choice((20, 20, 20, _LONGEST))
    shortest = min(max(least, 1), longest)
    length = random.choice((shortest, longest, random.randint(shortest, max(shortest, min(longest, 24)))))
    letters = random.choice((_ASCII, _HAN, _ASCII + _HAN, _DIGITS, _ASCII + _MARKUP, _HAN + _EDGES))
    if not gbk_only and random.random() < 0.15:
        letters += _OUTSIDE_GBK
    text = "".join(random.choices(letters, k=length))
    if gbk_max:
        text = text.encode("gbk", "ignore")[:gbk_max].decode("gbk", "ignore")
    if not text.strip() and random.random() < 0.9:  # blank texts are a case too, but seldom
        text = "A" + text[1:]
    return text


# The standard's own values


def draw_standard(random: Random, element: standard_model.Element, codes: CodeTables, on: date) -> str:
    """A text that the standard takes for the element, its code table and check digits included."""
    value = element.value
    assert value is not None
    leaf = Leaf(
        "integer" if value.integer else "string",
        value.min_length,
        value.max_length,
        tuple(pattern.pattern for pattern in value.patterns),
        frozenset(value.enumeration),
    )
    if element.codes and not element.codes_separator:
        fitting = [one for one in sorted(codes.get(element.codes).valid_on(on)) if takes(leaf, one)]
        if fitting:
            return random.choice(fitting)
    if value.check in _POOLS:
        return random.choice(_pool(value.check))
    if value.check == "datetime":
        moment = _moment(random)
        return moment if takes(leaf, moment) else f"{moment}{random.randint(0, 999):03d}"
    found = _of_leaf(random, leaf, gbk_only=False, gbk_max=element.gbk_max)
    if value.integer and not (value.min_value or 0) <= int(found) <= (value.max_value or int(found)):
        return str(random.choice((value.max_value, value.min_value or 1)))
    return found


_BODY = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def _uscc(random: Random) -> str:
    body = "".join(random.choices(_DIGITS, k=8))
    head = f"9131{''.join(random.choices(_DIGITS, k=4))}{body}"
    return _completed(head, _BODY, 2, is_uscc)


def _deal_code(random: Random) -> str:
    head = f"A03-{random.choice(_pool('uscc'))}-{_day(random)}-{random.randint(0, 999999):06d}-"
    return _completed(head, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ*", 1, is_unified_deal_code)


def _cnaps(random: Random) -> str:
    return _completed("".join(random.choices(_DIGITS, k=11)), _DIGITS, 1, is_cnaps)


def _id_card(random: Random) -> str:
    return _completed(f"310115{_day(random)}{random.randint(0, 999):03d}", "0123456789X", 1, is_id_card)


def _completed(head: str, letters: str, count: int, test: Callable[[str], bool]) -> str:
    """The head with the check characters that the test asks for; there is one."""
    tails = letters if count == 1 else [first + second for first in letters for second in letters]
    return next(head + tail for tail in tails if test(head + tail))


def _day(random: Random) -> str:
    """Mostly one that is past already."""
    last = date(2035, 12, 31) if random.random() < 0.1 else date(2024, 12, 31)
    return date.fromordinal(random.randint(date(2000, 1, 1).toordinal(), last.toordinal())).strftime("%Y%m%d")


def _moment(random: Random) -> str:
    return f"{_day(random)}{random.randint(0, 23):02d}{random.randint(0, 59):02d}{random.randint(0, 59):02d}"


_POOLS: dict[str, Callable[[Random], str]] = {
    "uscc": _uscc,
    "party-code": _uscc,
    "unified-deal-code": _deal_code,
    "cnaps": _cnaps,
    "id-card": _id_card,
    "date": _day,
}


@lru_cache(maxsize=16)
def _pool(check: str) -> tuple[str, ...]:
    random = Random(f"pool of {check}")
    return tuple(_POOLS[check](random) for _ in range(40))
