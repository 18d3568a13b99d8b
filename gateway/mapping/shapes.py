"""What texts an expression can have, as far as schemas, code tables and functions tell.

A shape is an upper bound: `values` all that are possible, where that is known; `most` and `most_gbk` the
longest in characters and in bytes of GBK, where there is one; `samples` a few texts of which at least one
must fit wherever the value goes. `optional`: it may be absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from gateway.mapping import plan, texts
from gateway.mapping.dates import example
from gateway.mapping.element import UNBOUNDED, Element, Leaf
from gateway.mapping.lineage import unmarked
from gateway.standard import CodeTables

_MOST_VALUES = 2000
_BASES: Mapping[str, tuple[str, ...]] = {
    "date": ("2024-01-31",),
    "dateTime": ("2024-01-31T09:00:00", "2024-01-31T09:00:00+08:00"),
    "time": ("09:00:00",),
    "boolean": ("true", "false", "1", "0"),
    "gYear": ("2024",),
    "float": ("1.5E3", "1"),
    "double": ("1.5E3", "1"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    values: frozenset[str] | None = None
    most: int | None = None
    most_gbk: int | None = None
    samples: tuple[str, ...] = ()
    optional: bool = True
    is_ascii: bool = False
    known: bool = False  # whether a schema or a function says anything at all
    title: str = ""  # what a finding calls it

    @property
    def longest_gbk(self) -> int | None:
        """Two bytes a character where nothing better is known."""
        wide = None if self.most is None else self.most if self.is_ascii else 2 * self.most
        return _least(self.most_gbk, wide)


UNKNOWN = Shape()


def of_values(values: frozenset[str], *, optional: bool) -> Shape:
    return Shape(
        values,
        max(map(len, values), default=0),
        max((len(one.encode("gbk", "replace")) for one in values), default=0),
        optional=optional,
        known=True,
    )


class Shapes:
    """Shapes of one file's expressions. `always`: paths that a condition around is known to hold for."""

    def __init__(self, codes: CodeTables, lets: Mapping[int, plan.Expr]):
        self.codes = codes
        self.lets = lets

    def of(self, node: plan.Expr) -> Shape:
        match node:
            case plan.Constant():
                text = node.value if isinstance(node.value, str) else format(node.value, "f")
                return of_values(frozenset((text,)), optional=not text)
            case plan.Let() if node.index in self.lets:
                return self.of(self.lets[node.index])
            case plan.Position() | plan.Count():
                return Shape(most=6, optional=False, is_ascii=True)
            case plan.Outside() if node.where == "head":
                return Shape(is_ascii=True)
            case plan.Choose() | plan.Default():
                return self._either(node)
            case plan.Concat():
                return self._joined([self.of(one) for one in node.parts])
            case plan.Convert() if node.to in ("text", "number"):
                return self.of(node.value)
            case plan.Call():
                return self._call(node)
            case plan.Filter():
                return replace(self.of(node.base), optional=True)
            case plan.Pick():
                return replace(self.of(node.base), optional=True)
            case _:
                return self._element(node)

    def lack(self, node: plan.Expr) -> str:
        """Why a value may be absent, where schema or expression say so; "" where nothing is known."""
        match node:
            case plan.Choose():
                if node.otherwise is None:
                    return "if(…) without a third argument gives nothing"
                return self.lack(node.then) or self.lack(node.otherwise)
            case plan.Default():
                return self.lack(node.value) and self.lack(node.otherwise)
            case plan.Convert():
                return self.lack(node.value)
            case plan.Call():
                return self.lack(node.arguments[0]) if node.arguments and node.arguments[0] else ""
            case plan.Concat():
                return next(filter(None, map(self.lack, node.parts)), "")
            case plan.Let() if node.index in self.lets:
                return self.lack(self.lets[node.index])
            case plan.Step() | plan.Outside() if not node.kind.is_list:
                return self._missing(node)
            case _:
                return ""

    def _missing(self, node: plan.Step | plan.Outside) -> str:
        place: plan.Expr = node
        while isinstance(place, plan.Step | plan.Outside):
            element = place.kind.element
            if place.kind.is_list or element is None:
                return ""
            if not element.least:
                return f"{unmarked(plan.source(place))} is optional"
            if isinstance(place, plan.Outside):
                return ""
            place = place.base
        return ""

    def _element(self, node: plan.Expr) -> Shape:
        element = node.kind.element
        if element is None or element.leaf is None:
            return UNKNOWN
        optional = _is_optional(node)
        return replace(self.of_element(element), optional=optional or not _holds_text(element))

    def of_element(self, element: Element) -> Shape:
        leaf = element.leaf or Leaf()
        title = f"{element.name} ({element.zh})" if element.zh else element.name
        values = leaf.values or self._codes(element)
        if values:
            return replace(of_values(values, optional=False), title=title)
        samples = _BASES.get(leaf.base, leaf.samples)
        most = leaf.longest
        if most is None and samples and leaf.base in _BASES:
            most = None if leaf.base in ("float", "double", "dateTime") else max(map(len, samples))
        return Shape(None, most, element.gbk_max or None, samples, False, leaf.is_ascii, True, title)

    def _codes(self, element: Element) -> frozenset[str]:
        """The values of a closed code table that the standard names for an element."""
        if not element.codes or element.codes not in self.codes:
            return frozenset()
        rows = self.codes.get(element.codes).rows
        return frozenset(rows) if len(rows) <= _MOST_VALUES else frozenset()

    def _either(self, node: plan.Choose | plan.Default) -> Shape:
        if isinstance(node, plan.Choose):
            left, right = self.of(node.then), self.of(node.otherwise) if node.otherwise else None
            optional = left.optional or right is None or right.optional
        else:
            left, right = self.of(node.value), self.of(node.otherwise)
            optional = left.optional and right.optional
        return replace(left if right is None else _union(left, right), optional=optional)

    def _joined(self, parts: list[Shape]) -> Shape:
        known = all(one.most is not None for one in parts)
        return Shape(
            most=sum(one.most or 0 for one in parts) if known else None,
            most_gbk=sum(one.longest_gbk or 0 for one in parts) if known else None,
            optional=any(one.optional for one in parts),
            is_ascii=all(one.is_ascii or _are_ascii(one.values) for one in parts),
            known=all(one.known for one in parts),
        )

    def _call(self, node: plan.Call) -> Shape:
        first = node.arguments[0]
        inner = self.of(first) if first is not None else UNKNOWN
        rule = _RULES.get(node.name)
        if node.name == "code":
            return self._coded(node, inner)
        if node.name == "join" and first is not None:
            return _together(first, inner, node.constants["separator"])
        return rule(inner, node.constants) if rule is not None else Shape(optional=inner.optional)

    def _coded(self, node: plan.Call, inner: Shape) -> Shape:
        rows: Mapping[str, str] = node.constants["rows"]
        keys = rows.keys() & inner.values if inner.values is not None else rows.keys()
        made = of_values(frozenset(rows[key] for key in keys), optional=inner.optional)
        otherwise = node.arguments[1] if len(node.arguments) > 1 else None
        if otherwise is None or (inner.values is not None and inner.values <= rows.keys()):
            return replace(made, title=f"code table {node.constants['table']}")
        return replace(_union(made, self.of(otherwise)), optional=inner.optional)


def _together(listed: plan.Expr, item: Shape, separator: str) -> Shape:
    """The items of a list as one text: as long as what they were cut from, or as many as there may be."""
    while isinstance(listed, plan.Filter | plan.Convert):
        listed = listed.base if isinstance(listed, plan.Filter) else listed.value
    if isinstance(listed, plan.Call) and len(separator) <= len(listed.constants["separator"]):
        return replace(item, is_ascii=item.is_ascii and separator.isascii())
    element = listed.kind.element
    count = element.most if element is not None and element.most < UNBOUNDED else None
    most = None if item.most is None or count is None else count * item.most + (count - 1) * len(separator)
    is_ascii = item.is_ascii and separator.isascii()
    return Shape(most=most, optional=item.optional, is_ascii=is_ascii, known=item.known)


def _union(left: Shape, right: Shape) -> Shape:
    values = left.values | right.values if left.values is not None and right.values is not None else None
    both = left.most is not None and right.most is not None
    return Shape(
        values,
        max(left.most or 0, right.most or 0) if both else None,
        max(left.longest_gbk or 0, right.longest_gbk or 0) if both else None,
        is_ascii=left.is_ascii and right.is_ascii,
        known=left.known and right.known,
        title=left.title or right.title,
    )


def _are_ascii(values: frozenset[str] | None) -> bool:
    return values is not None and all(map(str.isascii, values))


def _is_optional(node: plan.Expr) -> bool:
    """Whether the place may be missing: an element on the way to it may."""
    while isinstance(node, plan.Step):
        element = node.kind.element
        if element is None or not element.least:
            return True
        node = node.base
    return not isinstance(node, plan.Current | plan.Part)


def _holds_text(element: Element) -> bool:
    """Whether the schema refuses the empty text, which counts as absent."""
    leaf = element.leaf
    if leaf is None:
        return False
    return leaf.min_length > 0 or bool(leaf.values - {""}) or leaf.base != "string" or leaf.refuses_empty


def _cut(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    most, codec = constants["most"], constants["encoding"].lower()
    if codec == "characters":
        return replace(inner, values=None, most=_least(inner.most, most), samples=(), known=True)
    characters = _least(inner.most, most)
    gbk = most if codec in ("gbk", "gb18030") else None
    return replace(
        inner, values=None, most=characters, most_gbk=_least(inner.most_gbk, gbk), samples=(), known=True
    )


def _least(left: int | None, right: int | None) -> int | None:
    return min((one for one in (left, right) if one is not None), default=None)


def _mapped(change: Callable[[str], str]) -> Callable[[Shape, Mapping[str, Any]], Shape]:
    def rule(inner: Shape, constants: Mapping[str, Any]) -> Shape:
        values = frozenset(map(change, inner.values)) if inner.values is not None else None
        return replace(inner, values=values, samples=tuple(map(change, inner.samples)))

    return rule


def _part(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    start, length = constants["start"] - 1, constants["length"]
    most = None if inner.most is None else max(0, inner.most - start)
    samples = tuple(one[start:][:length] for one in inner.samples)
    return replace(
        inner,
        values=None,
        most=_least(most, length),
        most_gbk=None,
        samples=samples,
        known=inner.known or length is not None,
        title="",
    )


def _replaced(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    old, new = constants["old"], constants["new"]
    most = inner.most
    if most is not None and len(new) > len(old):
        most = most // len(old) * len(new) + most % len(old)
    grows = len(new) > len(old) or not new.isascii()
    return replace(
        _mapped(lambda text: text.replace(old, new))(inner, constants),
        most=most,
        most_gbk=None if grows else inner.most_gbk,
        is_ascii=inner.is_ascii and new.isascii(),
        title="" if grows else inner.title,
    )


def _digits(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    return replace(inner, values=None, samples=(), optional=True, is_ascii=True)


def _split(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    """Any of the parts."""
    return replace(inner, values=None, samples=(), optional=True)


def _padded(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    most = None if inner.most is None else max(inner.most, constants["width"])
    is_ascii = inner.is_ascii and constants["with"].isascii()
    return replace(inner, values=None, most=most, most_gbk=None, samples=(), is_ascii=is_ascii, title="")


def _dated(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    text = example(constants["to"])
    return Shape(None, len(text), None, (text,), inner.optional, text.isascii(), True)


def _decimals(places: int) -> tuple[str, ...]:
    """Numbers of every width, and one below zero."""
    fraction = "." + "0" * places if places else ""
    return (*(f"{'1' * width}{fraction}" for width in range(1, 19)), f"-1{fraction}", f"0{fraction}")


def _fixed(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    return Shape(samples=_decimals(constants["places"]), optional=inner.optional)


def _amount(inner: Shape, constants: Mapping[str, Any]) -> Shape:
    return Shape(samples=_decimals(2), optional=inner.optional)


_RULES: Mapping[str, Callable[[Shape, Mapping[str, Any]], Shape]] = {
    "cut": _cut,
    "fit": _cut,
    "upper": _mapped(texts.upper),
    "lower": _mapped(texts.lower),
    "replace": _replaced,
    "digits": _digits,
    "split": _split,
    "trim": _mapped(str.strip),
    "substring": _part,
    "pad": _padded,
    "date": _dated,
    "datetime": _dated,
    "fixed": _fixed,
    "round": _fixed,
    "amount": _amount,
}
