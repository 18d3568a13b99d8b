"""The lineage of a mapping, field by field: what the field comparison table (字段对照表) shows.

Made from the plan (which fields are read, of what kind) and from the file (what a person wrote there).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.mapping import expression as ex
from gateway.mapping import plan
from gateway.mapping.check import Checked, World
from gateway.mapping.lineage import unmarked
from gateway.mapping.model import FieldText, Formula
from gateway.mapping.schema import Element, Leaf, Shelf, from_standard


@dataclass(frozen=True, slots=True)
class Side:
    """A field of one schema: `length` in characters as `17` or `1..200`, `least` 0 where it is optional."""

    path: str
    zh: str = ""
    type: str = ""
    length: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One field of the target with all that its value is made of. `conversion`: as it is written in the
    file, "" for a plain copy; `each`, `when`: the expressions around it; `line` of the file."""

    target: Side
    sources: tuple[Side, ...]
    conversion: str = ""
    functions: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    when: str = ""
    each: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class Comparison:
    """`open_`: fields of the target that no field gives; `unused`: leaves of the source that are not read,
    each with whether the file ignores it on purpose."""

    title: str
    rows: tuple[Row, ...]
    open_: tuple[Side, ...]
    unused: tuple[tuple[Side, bool], ...]


def compare(checked: Checked, world: World, shelf: Shelf) -> Comparison:
    """Of a checked file with a plan. ValueError where it has none: there are findings to show instead."""
    if checked.plan is None:
        raise ValueError("the mapping has errors")
    text = checked.text
    standard = from_standard(world.model(checked.number))
    platform = shelf.get(text.schema) if text.schema else None
    source, target = (platform, standard) if text.direction == "in" else (standard, platform)
    known = dict(source.walk()) if source is not None else {}
    written = dict(_walk_texts(text.fields, ""))
    wanted = dict(target.walk()) if target is not None else {}
    codes = {path: one.codes for path, one in world.model(checked.number).walk() if one.codes}
    lets = {name: _text(formula) for name, formula in text.lets.items()}
    rows = tuple(
        _with_codes(_row(one, around, checked.plan, known, wanted, written, lets), codes, text.direction)
        for one, around in _walk_fields(checked.plan.fields, ())
    )
    given = {row.target.path for row in rows}
    used = {path for row in rows for path in _sources_of(row)}
    used |= {
        unmarked(path) for _, value in checked.plan.envelope for path in places(value, checked.plan.lets)
    }
    ignored = {name for name, _ in text.ignored}
    title = f"{text.message}.{text.direction} ({checked.number})"
    open_ = tuple(
        _side(path, one) for path, one in wanted.items() if one.leaf is not None and path not in given
    )
    unused = tuple(
        (_side(path, one), any(above in ignored for above in _and_above(path)))
        for path, one in known.items()
        if one.leaf is not None and path not in used
    )
    return Comparison(title, rows, open_, unused)


def _with_codes(row: Row, codes: Mapping[str, str], direction: str) -> Row:
    """With the standard's own code table of the field, beside those that the file names."""
    sides = (row.target,) if direction == "in" else row.sources
    found = [codes[side.path] for side in sides if side.path in codes]
    return replace(row, tables=tuple(dict.fromkeys((*row.tables, *found))))


def _sources_of(row: Row) -> Iterator[str]:
    for side in row.sources:
        yield side.path


def _and_above(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path.rpartition("/")[0]


def _walk_texts(entries: list[FieldText], above: str) -> Iterator[tuple[str, FieldText]]:
    for one in entries:
        path = f"{above}/{one.path}" if above else one.path
        yield path, one
        yield from _walk_texts(one.fields or [], path)


def _walk_fields(
    entries: tuple[plan.Field, ...], around: tuple[plan.Field, ...]
) -> Iterator[tuple[plan.Field, tuple[plan.Field, ...]]]:
    """Every field that gives a value, with the blocks around it."""
    for one in entries:
        if isinstance(one, plan.Leaf) or (isinstance(one, plan.Items) and one.value is not None):
            yield one, around
        else:
            yield from _walk_fields(one.fields, (*around, one))


def _row(
    one: plan.Field,
    around: tuple[plan.Field, ...],
    made: plan.Plan,
    known: Mapping[str, Element],
    wanted: Mapping[str, Element],
    written: Mapping[str, FieldText],
    lets: Mapping[str, str],
) -> Row:
    path = unmarked(one.path)
    text = written.get(path)
    value = one.source if isinstance(one, plan.Items) else one.value  # type: ignore[union-attr]
    assert value is not None
    used = tuple(dict.fromkeys(unmarked(place) for place in places(value, made.lets)))
    formulas = (
        [formula for formula in (text.each, text.value) if formula is not None] if text is not None else []
    )
    conversion = " → ".join(_text(formula) for formula in formulas)
    nodes = [formula.node for formula in formulas]
    names = tuple(dict.fromkeys(call.name for node in nodes for call in _calls(node)))
    tables = tuple(dict.fromkeys(table for node in nodes for table in _tables(node)))
    is_copy = len(nodes) == 1 and isinstance(nodes[0], ex.Path) and not any(ex.children(nodes[0]))
    lets_used = [f"{name} = {lets[name]}" for name in lets if name in _let_names(value)]
    blocks = [written[unmarked(block.path)] for block in around if unmarked(block.path) in written]
    conditions = [
        _text(block.when) for block in (*blocks, *([text] if text else [])) if block.when is not None
    ]
    each = [_text(block.each) for block in blocks if block.each is not None]
    return Row(
        _side(path, wanted.get(path)),
        tuple(_side(place, known.get(place)) for place in used),
        "" if is_copy and not lets_used else "; ".join((conversion, *lets_used)),
        names,
        tables,
        " and ".join(conditions),
        " / ".join(each),
        text.spot.document.mark(text.spot.place)[0] if text is not None else 0,
    )


def _text(formula: Formula | None) -> str:
    """An expression as a person wrote it."""
    if formula is None:
        return ""
    data: Any = formula.spot.document.data
    for part in formula.spot.place:
        data = data[part]
    return str(data)


def _calls(node: ex.Node) -> Iterator[ex.Call]:
    if isinstance(node, ex.Call):
        yield node
    for child in ex.children(node):
        yield from _calls(child)


def _tables(node: ex.Node) -> Iterator[str]:
    for call in _calls(node):
        if call.name == "code":
            given = [*call.arguments[1:2], *(value for name, value in call.named if name == "table")]
            yield from (one.value for one in given if isinstance(one, ex.Text))


def _let_names(node: plan.Expr) -> set[str]:
    return {one.name for one in _nodes(node) if isinstance(one, plan.Let)}


def _nodes(node: plan.Expr) -> Iterator[plan.Expr]:
    yield node
    for one in plan.inner(node):
        yield from _nodes(one)


def places(node: plan.Expr, lets: tuple[tuple[str, plan.Expr], ...]) -> Iterator[str]:
    """Every path of the source that a value may be made of, with marks, those of the value itself first."""
    match node:
        case plan.Let():
            yield from places(lets[node.index][1], lets)
        case plan.Step() | plan.Pick():
            yield plan.source(node)
            yield from _conditions(node.base, lets)
        case plan.Current() | plan.Part() | plan.Outside():
            if plan.source(node):
                yield plan.source(node)
        case _:
            for one in plan.inner(node):
                yield from places(one, lets)


def _conditions(node: plan.Expr, lets: tuple[tuple[str, plan.Expr], ...]) -> Iterator[str]:
    if isinstance(node, plan.Filter):
        yield from places(node.condition, lets)
    if isinstance(node, plan.Let):
        node = lets[node.index][1]
    for one in plan.inner(node):
        yield from _conditions(one, lets)


@dataclass(frozen=True, slots=True)
class Reads:
    """What a plan reads of its source, paths without indexes. `made_of`: path of the target → those that its value
    may be made of; `read`: these and what conditions, lists and the envelope ask for."""

    made_of: Mapping[str, tuple[str, ...]]
    read: frozenset[str]


def reads(made: plan.Plan) -> Reads:
    """Of the plan alone: the file on disk may be another one by now."""
    made_of: dict[str, tuple[str, ...]] = {}
    asked: list[plan.Expr | None] = [value for _, value in made.envelope]
    for one, around in _walk_fields(made.fields, ()):
        values = (one.source, one.value) if isinstance(one, plan.Items) else (one.value,)  # type: ignore[union-attr]
        found = [place for value in values if value is not None for place in places(value, made.lets)]
        made_of[unmarked(one.path)] = tuple(dict.fromkeys(unmarked(place) for place in found))
        asked.append(one.when)
        for block in around:
            asked += (block.when, getattr(block, "source", None), getattr(block, "base", None))
    read = {unmarked(place) for one in asked if one is not None for place in places(one, made.lets)}
    return Reads(made_of, frozenset(read.union(*made_of.values())))


# What a schema says of a field

_DATES = {
    "yyyyMMdd": "20240408",
    "yyyyMMddHHmmss": "20240408170000",
    "yyyyMMddHHmmssSSS": "20240408170000123",
}


def _side(path: str, element: Element | None) -> Side:
    if element is None:
        return Side(path)
    kind, length = describe(element.leaf) if element.leaf is not None else ("记录 record", "")
    if element.gbk_max:
        length = f"{length} (GBK ≤ {element.gbk_max})".strip()
    return Side(path, element.zh, kind, length, bool(element.least))


def describe(leaf: Leaf) -> tuple[str, str]:
    """(type, length) of a simple type as a field table writes them."""
    length = ""
    if leaf.max_length is not None:
        exact = leaf.min_length == leaf.max_length
        length = str(leaf.max_length) if exact else f"{leaf.min_length}..{leaf.max_length}"
    if leaf.values:
        return f"代码 {'|'.join(sorted(leaf.values))}"[:200], length
    if leaf.is_number:
        return "数字 number", length
    return _of_patterns(leaf) if leaf.patterns else ("文本 text", length)


def _of_patterns(leaf: Leaf) -> tuple[str, str]:
    tests = [re.compile(one) for one in leaf.patterns]

    def takes(sample: str) -> bool:
        return all(test.fullmatch(sample) for test in tests)

    for name, sample in _DATES.items():
        if takes(sample) and not any(map(takes, (sample[:-1], sample + "1", "A" * len(sample)))):
            return f"日期 {name}", str(len(name))
    if not takes("AB") and not takes("ab"):
        if any(map(takes, ("12345.67", "1.00", "-1.00", "1.000"))):
            return "金额 decimal", ""
        if any(map(takes, ("1", "12", "0"))):
            return "数字 number", ""
    return f"文本 {' & '.join(leaf.patterns)}"[:200], str(leaf.max_length or "")
