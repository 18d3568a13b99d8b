"""The hot path's question: may there be a fault of meaning (code tables, check digits, GBK lengths)?

One generated function a type answers with a bare yes or no; only on yes does the explainer walk. It may
say yes to a good message, never no to a bad one: a test holds it to the explainer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from gateway.message import Record
from gateway.standard import checks
from gateway.standard.codes import CodeTables
from gateway.standard.model import Element

Screen = Callable[[Record, Mapping[str, frozenset[str]]], bool]
_CACHE = 8192
_TESTS: dict[str, Callable[[str], bool]] = {
    "uscc": lru_cache(_CACHE)(checks.is_uscc),
    "unified-deal-code": lru_cache(_CACHE)(checks.is_unified_deal_code),
    "cnaps": lru_cache(_CACHE)(checks.is_cnaps),
    "date": lru_cache(_CACHE)(checks.is_moment),
    "datetime": lru_cache(_CACHE)(checks.is_moment),
    "party-code": lru_cache(_CACHE)(checks.is_uscc),
}


class LegalCodes:
    """code table → the codes that are legal on a day; made once a day."""

    def __init__(self, codes: CodeTables):
        self._codes = codes
        self._day: date | None = None
        self._legal: Mapping[str, frozenset[str]] = {}

    def on(self, day: date) -> Mapping[str, frozenset[str]]:
        if day != self._day:
            self._legal = {
                name: frozenset(code for code in table.rows if table.is_valid(code, day))
                for name in self._codes
                for table in (self._codes.get(name),)
            }
            self._day = day
        return self._legal


def compile_screen(root: Element) -> Screen:
    lines = ["def suspect(r, codes):"]
    known: dict[str, frozenset[str]] = {}
    _children(root, "r", lines, " ", iter(range(1_000_000)), known)
    lines.append(" return False")
    space: dict[str, Any] = {"long": _is_too_long, **known}
    space.update({f"t_{name.replace('-', '_')}": test for name, test in _TESTS.items()})
    exec(compile("\n".join(lines), f"<screen {root.name}>", "exec"), space)
    return space["suspect"]  # type: ignore[no-any-return]


def _is_too_long(text: str, most: int) -> bool:
    if text.isascii():
        return len(text) > most
    length = checks.gbk_length(text)
    return length is None or length > most


def _children(
    element: Element, source: str, lines: list[str], pad: str, names: Any, known: dict[str, frozenset[str]]
) -> None:
    """Names that the schema does not know are suspect at every level: the builder leaves them out."""
    legal = f"K{len(known)}"
    known[legal] = frozenset(child.name for child in element.children)
    lines.append(f"{pad}if not {legal}.issuperset({source}): return True")
    for child in element.children:
        value = f"v{next(names)}"
        block = [f"{pad}{value} = {source}.get({child.name!r})", f"{pad}if {value} is not None:"]
        inner = pad + " "
        if child.is_list:
            block.append(f"{inner}if not isinstance({value}, list): return True")
            block.append(f"{inner}for i{value} in {value}:")
            value, inner = f"i{value}", inner + " "
        if child.children:
            block.append(f"{inner}if not isinstance({value}, dict): return True")
            _children(child, value, block, inner, names, known)
            asked = True
        else:
            asked = _leaf(child, value, block, inner)
        if asked:
            lines.extend(block)


def _leaf(element: Element, value: str, lines: list[str], pad: str) -> bool:
    asked = False
    if element.codes and not element.open_codes:
        legal = f"codes[{element.codes!r}]"
        if element.separator:
            lines.append(f"{pad}if not {legal}.issuperset({value}.split({element.separator!r})): return True")
        else:
            lines.append(f"{pad}if {value} not in {legal}: return True")
        asked = True
    check = element.simple.check if element.simple else ""
    if check in _TESTS:
        lines.append(f"{pad}if not t_{check.replace('-', '_')}({value}): return True")
        asked = True
    elif check:
        lines.append(f"{pad}return True")  # seldom and not cheap: the explainer looks
        asked = True
    if element.gbk_max:
        lines.append(f"{pad}if long({value}, {element.gbk_max}): return True")
        asked = True
    return asked
