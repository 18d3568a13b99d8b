"""Which rules between fields a record breaks, worked out anew from the rules' lines.

It takes the lines as data and shares no code with the gateway's own rules: where the two differ, one of
them is wrong. Only for records whose elements are right by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from gateway.selftest import digits
from gateway.selftest.material import DAY, Record, listed

Spot = tuple[str, Any]  # (path with indexes, value)


def broken(rules: list[dict[str, Any]], record: Record) -> set[tuple[str, str]]:
    """(id of the rule, path of its fault) of everything broken."""
    return {(rule["id"], path) for rule in rules for path in breaches(rule, record)}


def breaches(rule: dict[str, Any], record: Record) -> Iterator[str]:
    for place, scope in scopes(rule, record):
        if applies(rule, scope):
            for path in _JUDGES[rule["check"]](rule, scope):
                yield f"{place}/{path}" if place else path


def scopes(rule: dict[str, Any], record: Record) -> list[Spot]:
    each = rule.get("each", "")
    return spots(record, each) if each else [("", record)]


def applies(rule: dict[str, Any], scope: Record) -> bool:
    when, unless = rule.get("when", {}), rule.get("unless", {})
    return all(met(scope, *one) for one in when.items()) and not any(
        met(scope, *one) for one in unless.items()
    )


def met(scope: Record, path: str, wanted: Any) -> bool:
    texts = [str(value) for _, value in spots(scope, path)]
    return any(fits(text, one) for text in texts for one in listed(wanted))


def fits(text: str, wanted: str) -> bool:
    return text.startswith(wanted[:-1]) if wanted.endswith("*") else text == wanted


def spots(record: Any, path: str) -> list[Spot]:
    """Everything at a path, each item of a list by itself."""
    found: list[Spot] = [("", record)]
    for name in path.split("/"):
        following: list[Spot] = []
        for place, value in found:
            inner = value.get(name) if isinstance(value, dict) else None
            here = f"{place}/{name}" if place else name
            if isinstance(inner, list):
                following += [(f"{here}[{index}]", one) for index, one in enumerate(inner, 1)]
            elif inner is not None:
                following.append((here, inner))
        found = following
    return found


def others(rule: dict[str, Any], scope: Record) -> list[str]:
    if rule.get("with"):
        return [str(rule["with"])]
    return [value for path in listed(rule.get("of", [])) for _, value in spots(scope, path)]


def _total(values: list[str]) -> Decimal:
    return sum(map(Decimal, values), Decimal(0))


def _pairs(rule: dict[str, Any], scope: Record) -> Iterator[tuple[str, str, str]]:
    for place, value in spots(scope, rule["path"]):
        for other in others(rule, scope):
            yield place, value, other


def _amounts(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    mine = [value for _, value in spots(scope, rule["path"])]
    theirs = others(rule, scope)
    if not mine:
        return
    if rule["check"] == "sum-equals" and _total(mine) != _total(theirs):
        yield rule["path"]
    if rule["check"] == "sum-at-most" and theirs and _total(mine) > _total(theirs):
        yield rule["path"]


def _counts(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    mine = spots(scope, rule["path"])
    match rule["check"]:
        case "count-equals":
            count = len(others(rule, scope))
            yield from (place for place, value in mine if int(value) != count)
        case "count-at-most":
            yield from [rule["path"]] if len(mine) > int(rule["with"]) else []
        case "number-at-most":
            yield from (place for place, value, other in _pairs(rule, scope) if int(value) > int(other))


def _marks(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    count = sum(value in rule["values"] for _, value in spots(scope, rule["path"]))
    is_broken = count != 1 if rule["check"] == "marked-once" else count == 0
    if is_broken:
        yield rule["path"].rpartition("/")[0]


def _presence(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    mine = spots(scope, rule["path"])
    match rule["check"]:
        case "required-when":
            yield from [] if mine else [rule["path"]]
        case "forbidden-when":
            yield from (place for place, _ in mine)
        case "at-most-one":
            if any(spots(scope, path) for path in listed(rule["of"])):
                yield from (place for place, _ in mine)


def _values(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    is_wanted = rule["check"] == "value-in"
    for place, value in spots(scope, rule["path"]):
        if (value in rule["values"]) != is_wanted:
            yield place


def _texts(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    judge = _TEXTS[rule["check"]]
    low, high = rule.get("part", [None, None])
    for place, value, other in _pairs(rule, scope):
        if not judge(value[low:high], other):
            yield place


def _composed(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    parts = [spots(scope, path) for path in listed(rule["of"])]
    if all(parts):
        whole = "".join(part[0][1] for part in parts) + str(rule.get("with", ""))
        yield from (place for place, value in spots(scope, rule["path"]) if value != whole)


def _unique(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    fields = listed(rule["of"])
    seen = []
    for place, item in spots(scope, rule["path"]):
        key = [item.get(name) for name in fields]
        if any(part is not None for part in key):
            if key in seen:
                yield f"{place}/{fields[0]}"
            seen.append(key)


def _dates(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    for place, value, given in _pairs(rule, scope):
        other = f"{DAY:%Y%m%d}" if given == "today" else given
        length = min(len(value), len(other))
        mine, theirs = value[:length], other[:length]
        match rule["check"]:
            case "not-after":
                yield from [place] if mine > theirs else []
            case "not-before":
                yield from [place] if mine < theirs else []
            case "within-days":
                span = datetime.strptime(value, "%Y%m%d") - datetime.strptime(other, "%Y%m%d")
                yield from [place] if span > timedelta(rule["days"]) else []


def _qr(rule: dict[str, Any], scope: Record) -> Iterator[str]:
    names = ["", "kind", "code", "number", "amount", "day"]
    for place, value in spots(scope, rule["path"]):
        parts = value.split(",")
        if rule["check"] == "qr-text":
            before = ",".join(parts[:7]) + ","
            if len(parts) < 8 or parts[0] != "01" or parts[7] != digits.crc(before):
                yield place
        elif len(parts) >= 8 and parts[0] == "01":
            part = parts[names.index(rule["with"])]
            theirs = [one for path in listed(rule["of"]) for _, one in spots(scope, path)]
            if part and theirs and part not in theirs:
                yield place


_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda value, other: value == other,
    "differs": lambda value, other: value != other,
    "starts-with": lambda value, other: value.startswith(other),
    "matches": lambda value, other: re.fullmatch(other, value) is not None,
    "gbk-at-most": lambda value, other: len(value.encode("gbk", "ignore")) <= int(other),
}
_JUDGES: dict[str, Any] = {
    **dict.fromkeys(("sum-equals", "sum-at-most"), _amounts),
    **dict.fromkeys(("count-equals", "count-at-most", "number-at-most"), _counts),
    **dict.fromkeys(("marked-once", "includes-any"), _marks),
    **dict.fromkeys(("required-when", "forbidden-when", "at-most-one"), _presence),
    **dict.fromkeys(("value-in", "value-not-in"), _values),
    **dict.fromkeys(_TEXTS, _texts),
    **dict.fromkeys(("not-after", "not-before", "within-days"), _dates),
    **dict.fromkeys(("qr-text", "qr-part"), _qr),
    "composed": _composed,
    "unique": _unique,
}
