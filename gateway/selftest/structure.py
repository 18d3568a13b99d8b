"""Mutations that break one element: its presence, shape, length, pattern, code, check digit, bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from gateway.selftest import digits
from gateway.selftest.material import GONE, Material, Place, Record, everything, path_of
from gateway.selftest.schemas import Leaf, Node

RARE = "\U00020bb7"  # 𠮷, which GBK has not
_MOST_COPIED = (
    1000  # a list of ten thousand rows is not overfilled: it says nothing that a shorter one does not
)


@dataclass(frozen=True, slots=True)
class Mutation:
    """Edits of a valid record, and what must be told of it: the rule's id and the path of the fault.

    `touches`: the paths that must not be touched by another mutation of the same message.
    """

    what: str
    edits: tuple[tuple[Place, Any], ...]
    rule: str
    path: str
    touches: tuple[str, ...] = ()
    is_warning: bool = False

    @classmethod
    def at(
        cls, what: str, place: Place, value: Any, rule: str, path: str = "", *, warns: bool = False
    ) -> Mutation:
        return cls(what, ((place, value),), rule, path or path_of(place), (path_of(place),), warns)


def mutations(material: Material, root: Node, record: Record) -> Iterator[Mutation]:
    """Every way to break one element of a record that is valid."""
    yield from _container(root, record, ())
    for place, node, value in everything(root, record):
        if node.leaf is None:
            yield from _container(node, value, place)
            yield Mutation.at("shape", place, "x", "standard.wrong-shape")
        else:
            holder: Any = record
            for part in place[:-1]:
                holder = holder[part]
            yield from _leaf(material, node, node.leaf, place, value, holder)
        if node.most > 1 and place[-1] == 0:
            yield from _list(node, place[:-1], value)


def _container(node: Node, value: Record, place: Place) -> Iterator[Mutation]:
    yield Mutation.at("unknown element", (*place, "Extra"), "1", "standard.unexpected-element")
    for child in node.children:
        if child.least and child.name in value:
            yield Mutation.at("missing", (*place, child.name), GONE, "standard.missing-element")


def _list(node: Node, place: Place, value: Any) -> Iterator[Mutation]:
    if node.least:
        yield Mutation.at("empty list", place, [], "standard.missing-element")
    if node.most <= _MOST_COPIED:
        yield Mutation.at("too many", place, [value] * (node.most + 1), "standard.too-many")
    yield Mutation.at("shape", place, {}, "standard.wrong-shape")


def _leaf(
    material: Material, node: Node, leaf: Leaf, place: Place, value: str, holder: Record
) -> Iterator[Mutation]:
    yield Mutation.at("shape", place, {"#text": value}, "standard.wrong-shape")
    yield Mutation.at("character", place, value[:1] + "\x01" + value[1:], "standard.bad-character")
    if node.most == 1:
        yield Mutation.at("twice", place, [value, value], "standard.too-many")
    yield from _lengths(leaf, place, value)
    yield from _patterns(leaf, place, value)
    yield from _codes(material, node, leaf, place, value)
    yield from _digits(material, node, leaf, place, value, holder)
    yield from _bytes(material, node, leaf, place, value)


def _lengths(leaf: Leaf, place: Place, value: str) -> Iterator[Mutation]:
    if leaf.shortest or (leaf.patterns and not leaf.fits("")):
        yield Mutation.at("empty", place, "", "standard.empty")
    if leaf.longest is not None:
        for more in (1, leaf.longest):
            longer = "长" * (leaf.longest + more) if not leaf.patterns else "A" * (leaf.longest + more)
            yield Mutation.at("too long", place, longer, "standard.too-long")
    if leaf.shortest > 1:
        yield Mutation.at("too short", place, value[: leaf.shortest - 1], "standard.too-short")
    if leaf.highest is not None and leaf.fits(str(leaf.highest + 1)):
        yield Mutation.at("out of range", place, str(leaf.highest + 1), "standard.out-of-range")


def _patterns(leaf: Leaf, place: Place, value: str) -> Iterator[Mutation]:
    """Near misses of the pattern: a letter changed, added, dropped, doubled."""
    if not leaf.patterns:
        return
    tries = [
        "~" + value[1:], value[:-1] + "|", value + "|", " " + value, value * 2, value[:-1], value.lower() + "é",
        "0" + value, value + ".0", "一" + value[1:],
    ]  # fmt: skip
    for text in dict.fromkeys(tries):
        if not text or leaf.fits(text) or len(text) < leaf.shortest:
            continue
        if leaf.longest is None or len(text) <= leaf.longest:
            yield Mutation.at("pattern", place, text, _pattern_rule(leaf, text))


def _pattern_rule(leaf: Leaf, text: str) -> str:
    """What a broken pattern is called: a date and a number are told as such."""
    if leaf.mark in ("date", "datetime"):
        return "standard.not-a-date"
    if leaf.integer and not re.fullmatch("[+-]?[0-9]+", text):
        return "standard.not-a-number"
    if not leaf.integer and leaf.numeric and not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        return "standard.not-a-number"
    return "standard.wrong-pattern"


def _codes(material: Material, node: Node, leaf: Leaf, place: Place, value: str) -> Iterator[Mutation]:
    if not node.codes or node.is_open:
        return
    table = material.tables[node.codes]
    tries = [*("".join(letter for _ in value) for letter in "9876543210ZQX"), "GG-NOBODY", "99998", "310999"]
    unknown = [code for code in tries if code not in table and leaf.takes(code)][:3]
    if node.separator:
        unknown = [f"{value}{node.separator}{code}" for code in ("98", "97") if code not in table]
    for code in unknown:
        yield Mutation.at("code", place, code, _value_rule(material, "codes", "in-table"))
    gone = [code for code, is_valid in table.items() if not is_valid and leaf.takes(code)][:2]
    for code in gone:
        yield Mutation.at("code of another day", place, code, _value_rule(material, "codes", "valid-on-day"))


def _value_rule(material: Material, mark: str, check: str, kind: str | None = None) -> str:
    """The id of the line that speaks of such a value; "" where there is none, which nothing can match."""
    for line in material.value_rules:
        kinds = line.get("kinds", [])
        if line["on"] == mark and line["check"] == check and (kind in kinds if kinds else kind is None):
            return str(line["id"])
    return ""


def _digits(
    material: Material, node: Node, leaf: Leaf, place: Place, value: str, holder: Record
) -> Iterator[Mutation]:
    kind = holder.get(node.kind_of, "") if node.kind_of else None
    for text, check in _wrong_digits(leaf.mark, value, kind):
        rule = _value_rule(material, leaf.mark, check, kind)
        made = Mutation.at("check digit" if "calendar" not in check else "day", place, text, rule)
        # What kind of code it is decides whether its digits are looked at.
        sibling = path_of((*place[:-1], node.kind_of)) if node.kind_of else made.path
        yield replace(made, touches=(*made.touches, sibling))


def _wrong_digits(mark: str, value: str, kind: str | None) -> Iterator[tuple[str, str]]:
    """(a value that is wrong in its digits alone, the check that it fails)."""
    match mark:
        case "uscc" | "party-code" if len(value) == 18 and (mark == "uscc" or kind in ("97", "")):
            yield value[:-1] + digits.other(value[-1], digits.CREDIT), "credit-code"
            body = value[:16] + digits.other(value[16], "0123456789")
            yield body + digits.credit_check(body), "organ-code"
        case "party-code" if kind is None and len(value) == 18:
            yield value[:-1] + digits.other(value[-1], digits.CREDIT), "party-code"
            yield value[:3] + digits.other(value[3], "0123456789") + value[4:], "party-code"
        case "id-card" if kind == "01":
            yield value[:-1] + digits.other(value[-1], "0123456789X"), "identity-number"
            yield value[:5] + digits.other(value[5], "0123456789") + value[6:], "identity-number"
        case "unified-deal-code":
            yield from _wrong_deals(value)
        case "cnaps":
            yield value[:-1] + digits.other(value[-1], "0123456789"), "bank-number"
            yield value[:4] + digits.other(value[4], "0123456789") + value[5:], "bank-number"
        case "date":
            yield "20240230", "calendar-day"
            yield "20230229", "calendar-day"
        case "datetime":
            yield f"20240431{value[8:]}", "calendar-moment"


def _wrong_deals(value: str) -> Iterator[tuple[str, str]]:
    kind, platform, day, serial, check = value.split("-")
    yield value[:-1] + digits.other(check, digits.DEAL), "deal-code"
    yield value[:32] + digits.other(value[32], "0123456789") + value[33:], "deal-code"
    wrong = platform[:-1] + digits.other(platform[-1], digits.CREDIT)
    yield digits.deal_code(kind, wrong, day, serial), "deal-platform"
    yield digits.deal_code(kind, platform, "20240230", serial), "deal-day"


def _bytes(material: Material, node: Node, leaf: Leaf, place: Place, value: str) -> Iterator[Mutation]:
    room = leaf.longest or 0
    if node.gbk and not leaf.patterns:
        rare = value[: room - 1] + RARE
        if len(rare[:-1].encode("gbk")) <= node.gbk:
            yield Mutation.at("outside GBK", place, rare, _value_rule(material, "gbk", "in-gbk"))
        longer = "汉" * (node.gbk // 2 + 1)
        if len(longer) <= room:
            yield Mutation.at("bytes", place, longer, _value_rule(material, "gbk", "gbk-bytes"))
    if node.gbk_warn:
        rule = _value_rule(material, "gbk-warn", "gbk-narrow")
        yield Mutation.at("narrow bytes", place, value + "汉" * (node.gbk_warn // 2), rule, warns=True)
