"""Writes, for each message type, the straight-line Python functions of the hot path.

One pass over a record without a look at the schema: about 0.1 µs a value, where a walk over the tree of
elements costs five times as much. The names in the source come from the schemas and are quoted.
Each function gives up (`Misfit`) on a record of the wrong shape; `explain.py` then says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from gateway.message import NAMESPACE, Record
from gateway.standard import checks
from gateway.standard.model import Element, is_misjudged

CodeSets = tuple[frozenset[str], ...]
# By the name of the rule (m:check of a simple type): an expression over the value `v`.
_CHECKS: dict[str, str] = {
    "uscc": "is_uscc(v)",
    "unified-deal-code": "is_unified_deal_code(v)",
    "cnaps": "is_cnaps(v)",
    "date": "is_day(v)",
    "datetime": "is_moment(v)",
}


class Misfit(Exception):
    """The record has not the shape of its type."""


class Source:
    """A function `made` in the making: lines, fresh names, and the objects that it needs by name."""

    def __init__(self, head: str):
        self.depth = 1
        self._lines = [head]
        self._count = 0
        self._space: dict[str, Any] = {"Misfit": Misfit, **vars(checks)}

    def add(self, line: str) -> None:
        self._lines.append("    " * self.depth + line)

    def fresh(self, letter: str) -> str:
        self._count += 1
        return f"{letter}{self._count}"

    def constant(self, value: Any) -> str:
        """A name for an object that cannot be written as source."""
        name = self.fresh("k")
        self._space[name] = value
        return name

    def make(self, name: str) -> Callable[..., Any]:
        exec(compile("\n".join(self._lines), f"<{name}>", "exec"), self._space)
        return cast(Callable[..., Any], self._space["made"])


def make_parts(root: Element) -> Callable[[Record], list[str]]:
    """record → pieces of the body in threes: markup, value, markup."""
    source = Source("def made(r):")
    source.add(f"p = [{_opening(root)!r}, '', '']")
    _add_parts(source, root, "r")
    source.add(f"p += ({f'</{root.name}>'!r}, '', '')")
    source.add("return p")
    return source.make(f"parts of {root.name}")


def _opening(root: Element) -> str:
    return f'<{root.name} xmlns="{NAMESPACE}">'


def _add_parts(source: Source, element: Element, record: str) -> None:
    seen = source.fresh("n")
    source.add(f"{seen} = 0")
    for child in element.children:
        value = source.fresh("v")
        source.add(f"if ({value} := {record}.get({child.name!r})) is not None:")
        source.depth += 1
        source.add(f"{seen} += 1")
        if child.repeats:
            one = source.fresh("e")
            source.add(f"if type({value}) is not list: raise Misfit")
            source.add(f"for {one} in {value}:")
            source.depth += 1
            _add_one(source, child, one)
            source.depth -= 1
        else:
            _add_one(source, child, value)
        source.depth -= 1
    source.add(f"if {seen} != len({record}): raise Misfit")


def _add_one(source: Source, child: Element, value: str) -> None:
    if child.value is not None:
        source.add(f"p += ({f'<{child.name}>'!r}, {value}, {f'</{child.name}>'!r})")
        return
    source.add(f"if type({value}) is not dict: raise Misfit")
    plain = _plain_part(child, value)
    if plain:
        source.add(f"if {plain[0]}: p += {plain[1]}")
        source.add("else:")
        source.depth += 1
    source.add(f"p += ({f'<{child.name}>'!r}, '', '')")
    _add_parts(source, child, value)
    source.add(f"p += ({f'</{child.name}>'!r}, '', '')")
    source.depth -= bool(plain)


def _plain_part(element: Element, value: str) -> tuple[str, str] | None:
    """(when, pieces) of an element that repeats with leaves, where it holds all that it must and no more: long lists
    look so, and asking for one value after the other takes three times as long."""
    must = [child.name for child in element.children if child.minimum]
    if not element.repeats or not must or any(one.value is None or one.repeats for one in element.children):
        return None
    pieces: list[str] = []
    for name in must:
        pieces += (repr(f"<{name}>"), f"{value}[{name!r}]", repr(f"</{name}>"))
    pieces[0], pieces[-1] = repr(f"<{element.name}><{must[0]}>"), repr(f"</{must[-1]}></{element.name}>")
    when = " and ".join([f"len({value}) == {len(must)}", *(f"{name!r} in {value}" for name in must)])
    return when, f"({', '.join(pieces)})"


def make_test(root: Element) -> tuple[Callable[[Record, CodeSets], bool], tuple[str, ...]]:
    """(record, valid codes) → do the values hold what XSD cannot say? Only of a record that XSD passed.

    The second is the tables whose valid codes the first is given, in that order.
    """
    tables: list[str] = []
    source = Source("def made(r, c):")
    source.add("pass")
    _add_test(source, root, "r", tables)
    source.add("return True")
    return source.make(f"test of {root.name}"), tuple(tables)


def _add_test(source: Source, element: Element, record: str, tables: list[str]) -> None:
    for child in element.children:
        tests = _tests(source, child, record, tables)
        if not tests and not any(map(_has_tests, child.children)):
            continue
        source.add(f"if (v := {record}.get({child.name!r})) is not None:")
        source.depth += 1
        if child.repeats:
            source.add(f"for {(one := source.fresh('e'))} in v:")
            source.depth += 1
            source.add(f"v = {one}")
        for test in tests:
            source.add(f"if not ({test}): return False")
        if child.value is None:
            inner = source.fresh("s")
            source.add(f"{inner} = v")
            _add_test(source, child, inner, tables)
        source.depth -= 2 if child.repeats else 1


def _has_tests(element: Element) -> bool:
    return bool(_tests(Source(""), element, "", [])) or any(map(_has_tests, element.children))


def _tests(source: Source, element: Element, record: str, tables: list[str]) -> list[str]:
    """Of a leaf: expressions over its value `v` that must be true."""
    if element.value is None:
        return []
    found = [
        f"{source.constant(pattern)}.fullmatch(v)"
        for pattern in element.value.patterns
        if is_misjudged(pattern.pattern)
    ]
    if element.value.integer:
        found.append("v.isdecimal()")
    if element.gbk_max:
        found.append(f"fits_gbk(v, {element.gbk_max})")
    if element.codes and not element.codes_open:
        if element.codes not in tables:
            tables.append(element.codes)
        codes = f"c[{tables.index(element.codes)}]"
        several = element.codes_separator
        found.append(f"{codes}.issuperset(v.split({several!r}))" if several else f"v in {codes}")
    check = element.value.check
    if check:
        found.append(_check_test(check, record, element.code_type))
    return found


def _check_test(check: str, record: str, code_type: str) -> str:
    kind = f"{record}.get({code_type!r})"
    if check == "party-code":
        return f"({kind} or '97') != '97' or is_uscc(v)" if code_type else "is_party(v)"
    if check == "id-card":
        return f"{kind} != '01' or is_id_card(v)" if code_type else "is_id_card(v)"
    return _CHECKS[check]


def make_from_json(root: Element) -> Callable[[Any], Record]:
    """The JSON form → a new record in the schema's order; Misfit where it is not in that form."""
    source = Source("def made(r):")
    source.add("if type(r) is not dict: raise Misfit")
    made = _add_from_json(source, root, "r")
    source.add(f"return {made}")
    return source.make(f"from JSON of {root.name}")


def _add_from_json(source: Source, element: Element, record: str) -> str:
    made = source.fresh("o")
    source.add(f"{made} = {{}}")
    for child in element.children:
        value = source.fresh("v")
        source.add(f"if ({value} := {record}.get({child.name!r})) is not None:")
        source.depth += 1
        if child.repeats:
            one, found = source.fresh("e"), source.fresh("l")
            source.add(f"if type({value}) is not list: raise Misfit")
            source.add(f"{found} = []")
            source.add(f"for {one} in {value}:")
            source.depth += 1
            source.add(f"{found}.append({_add_one_from_json(source, child, one)})")
            source.depth -= 1
            source.add(f"{made}[{child.name!r}] = {found}")
        else:
            source.add(f"{made}[{child.name!r}] = {_add_one_from_json(source, child, value)}")
        source.depth -= 1
    source.add(f"if len({made}) != len({record}): raise Misfit")
    return made


def _add_one_from_json(source: Source, child: Element, value: str) -> str:
    kind = "dict" if child.value is None else "int" if child.value.integer else "str"
    source.add(f"if type({value}) is not {kind}: raise Misfit")
    if child.value is None:
        return _add_from_json(source, child, value)
    return f"str({value})" if child.value.integer else value


def make_to_json(root: Element) -> Callable[[Record], dict[str, Any]]:
    """A valid record → its JSON form. What holds no counter is shared with the record, not copied."""
    source = Source("def made(r):")
    source.add(f"return {_add_to_json(source, root, 'r')}")
    return source.make(f"to JSON of {root.name}")


def _add_to_json(source: Source, element: Element, record: str) -> str:
    if not _has_integer(element):
        return record
    made = source.fresh("o")
    source.add(f"{made} = dict({record})")
    for child in element.children:
        if not _has_integer(child):
            continue
        value = source.fresh("v")
        source.add(f"if ({value} := {record}.get({child.name!r})) is not None:")
        source.depth += 1
        if child.repeats:
            one, found = source.fresh("e"), source.fresh("l")
            source.add(f"{found} = []")
            source.add(f"for {one} in {value}:")
            source.depth += 1
            source.add(f"{found}.append({_add_one_to_json(source, child, one)})")
            source.depth -= 1
            source.add(f"{made}[{child.name!r}] = {found}")
        else:
            source.add(f"{made}[{child.name!r}] = {_add_one_to_json(source, child, value)}")
        source.depth -= 1
    return made


def _add_one_to_json(source: Source, child: Element, value: str) -> str:
    return f"int({value})" if child.value is not None else _add_to_json(source, child, value)


def _has_integer(element: Element) -> bool:
    if element.value is not None:
        return element.value.integer
    return any(map(_has_integer, element.children))
