"""The plan of a mapping: what a checked file means, typed and with every name resolved.

The compiler writes it as a Python function, the tracer walks it; both must come to the same result. `scope`
numbers the record that a node reads from: 0 is the message, then one for each `each` or condition around.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeAlias

from gateway.mapping.kinds import BOOLEAN, NUMBER, TEXT, Kind


@dataclass(frozen=True, slots=True)
class Constant:
    value: str | Decimal
    kind: Kind


@dataclass(frozen=True, slots=True)
class Current:
    """The item of a scope; of scope 0 the whole message. `path`: where it comes from, see `source`."""

    scope: int
    kind: Kind
    path: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """`$1` of the zip that a scope walks over; `index` from 0."""

    scope: int
    index: int
    kind: Kind
    path: str = ""


@dataclass(frozen=True, slots=True)
class Position:
    scope: int
    kind: Kind = NUMBER


@dataclass(frozen=True, slots=True)
class Outside:
    """A name of the head, the platform's settings, or the message that this one answers."""

    where: str  # head, platform, origin
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Let:
    name: str
    index: int
    kind: Kind
    path: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One name below a record, or below each record of a list."""

    base: Expr
    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Pick:
    """One item of a list, from 1. `only`: refused where there are others."""

    base: Expr
    index: int
    only: bool
    kind: Kind


@dataclass(frozen=True, slots=True)
class Filter:
    base: Expr
    condition: Expr
    scope: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class Zip:
    parts: tuple[Expr, ...]
    kind: Kind


@dataclass(frozen=True, slots=True)
class Count:
    base: Expr
    kind: Kind = NUMBER


@dataclass(frozen=True, slots=True)
class Call:
    """`run` takes the values of `arguments` (None: not given). Where the first is absent the call is not
    made: the result is absent (of a condition: false). Where another is absent, that is a fault, unless
    `optional` says no."""

    name: str
    arguments: tuple[Expr | None, ...]
    optional: tuple[bool, ...]
    run: Callable[..., Any]
    kind: Kind
    inline: Callable[[str], str] | None = None  # `run` on one variable as a Python expression
    is_total: bool = False  # never refuses a value
    constants: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Choose:
    condition: Expr
    then: Expr
    otherwise: Expr | None
    kind: Kind


@dataclass(frozen=True, slots=True)
class Default:
    value: Expr
    otherwise: Expr
    kind: Kind


@dataclass(frozen=True, slots=True)
class Concat:
    parts: tuple[Expr, ...]
    kind: Kind = TEXT


@dataclass(frozen=True, slots=True)
class Convert:
    """Text to number, number to text, anything to one text or to a list, each item of a list."""

    value: Expr
    to: str  # text, number, list, texts, numbers, any
    kind: Kind


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str  # =, !=, <, <=, >, >=
    left: Expr
    right: Expr
    kind: Kind = BOOLEAN


@dataclass(frozen=True, slots=True)
class Among:
    value: Expr
    options: tuple[Expr, ...]
    kind: Kind = BOOLEAN


@dataclass(frozen=True, slots=True)
class Logic:
    operator: str  # and, or
    left: Expr
    right: Expr
    kind: Kind = BOOLEAN


@dataclass(frozen=True, slots=True)
class Not:
    inner: Expr
    kind: Kind = BOOLEAN


@dataclass(frozen=True, slots=True)
class Exists:
    inner: Expr
    kind: Kind = BOOLEAN


Expr: TypeAlias = (
    Constant | Current | Part | Position | Outside | Let | Step | Pick | Filter | Zip | Count | Call | Choose
    | Default | Concat | Convert | Compare | Among | Logic | Not | Exists
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Leaf:
    """A text of the result. `path`: where it goes; `required`: absent is a gap; `listed`: the schema lets
    it repeat, so it is written as a list; `value` is then a list of texts."""

    name: str
    path: str
    value: Expr
    when: Expr | None = None
    required: bool = False
    keep_empty: bool = False
    listed: bool = False
    most: int = 0  # how many a list may have; 0: as many as there are
    sensitive: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """A record of the result, left out where it stays empty. `base` moves the current item (scope
    `scope`) there; without it the fields read from around."""

    name: str
    path: str
    fields: tuple[Field, ...]
    when: Expr | None = None
    base: Expr | None = None
    scope: int = 0
    required: bool = False
    listed: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A repeated element: one for each item of `source`, in scope `scope`. Either `fields` or `value`."""

    name: str
    path: str
    source: Expr
    scope: int
    fields: tuple[Field, ...] = ()
    value: Expr | None = None
    when: Expr | None = None
    required: bool = False
    most: int = 0
    sensitive: bool = False


Field: TypeAlias = Leaf | Group | Items


@dataclass(frozen=True, slots=True)
class Plan:
    """`lets` and `envelope` are (name, expression); constants of an incoming envelope are `expected`."""

    direction: str
    lets: tuple[tuple[str, Expr], ...]
    fields: tuple[Field, ...]
    envelope: tuple[tuple[str, Expr], ...]
    expected: tuple[tuple[str, str], ...] = ()


def inner(node: Expr) -> tuple[Expr, ...]:
    """The expressions that a node is made of, those that its value comes from first."""
    match node:
        case Step() | Pick() | Count():
            return (node.base,)
        case Filter():
            return (node.base, node.condition)
        case Zip() | Concat():
            return node.parts
        case Call():
            return tuple(one for one in node.arguments if one is not None)
        case Choose():
            return tuple(one for one in (node.then, node.otherwise, node.condition) if one is not None)
        case Default():
            return (node.value, node.otherwise)
        case Convert():
            return (node.value,)
        case Compare() | Logic():
            return (node.left, node.right)
        case Among():
            return (node.value, *node.options)
        case Not() | Exists():
            return (node.inner,)
        case _:
            return ()


def key(node: Expr) -> Any:
    """Equal for two expressions that always have the same value; None where that is not known: an
    expression with a filter, which has a scope of its own."""
    if isinstance(node, Filter):
        return None
    below = tuple(map(key, inner(node)))
    if None in below:
        return None
    own = tuple(getattr(node, name) for name in _OWN.get(type(node), ()))
    if isinstance(node, Call):
        own = (id(node.run), tuple(one is None for one in node.arguments), node.optional)
    return (type(node), _shape(node.kind), own, below)


COMPUTED = (Call, Choose, Concat, Convert, Count, Default, Pick, Step, Zip)  # worth computing once
_OWN: dict[type, tuple[str, ...]] = {
    Constant: ("value",),
    Current: ("scope",),
    Part: ("scope", "index"),
    Position: ("scope",),
    Outside: ("where", "name"),
    Let: ("index",),
    Step: ("name",),
    Pick: ("index", "only"),
    Choose: (),
    Convert: ("to",),
    Compare: ("operator",),
    Logic: ("operator",),
}


def _shape(kind: Kind) -> tuple[str, ...]:
    return (kind.name,) if kind.item is None else (kind.name, *_shape(kind.item))


def deepest(node: Expr) -> int:
    """The innermost scope that an expression reads from."""
    own = node.scope if isinstance(node, Current | Part | Position) else 0
    return max((own, *map(deepest, inner(node))))


def can_fail(node: Expr) -> bool:
    """Whether some value of the message is refused by this expression."""
    match node:
        case Call():
            own = not node.is_total
        case Convert():
            own = node.to in ("number", "numbers", "text", "texts")
        case Pick():
            own = node.only
        case Zip():
            own = True
        case _:
            own = False
    return own or any(map(can_fail, inner(node)))


def is_certain(node: Expr) -> bool:
    """Whether the value is there, whatever the message."""
    match node:
        case Constant():
            return node.value != ""
        case Choose():
            return node.otherwise is not None and is_certain(node.then) and is_certain(node.otherwise)
        case Default():
            return is_certain(node.otherwise)
        case Count() | Position():
            return True
        case Convert():
            return node.to in ("text", "number") and is_certain(node.value)
        case Concat():
            return all(map(is_certain, node.parts))
        case _:
            return False


def source(node: Expr) -> str:
    """The sender's path that a value comes from first of all; "" for a constant. `[#2]` stands for the
    index of the item of scope 2."""
    match node:
        case Current() | Part() | Let():
            return node.path
        case Outside():
            return f"{node.where}/{node.name}"
        case Step():
            above = source(node.base)
            return f"{above}/{node.name}" if above else node.name
        case _:
            return next((found for one in inner(node) if (found := source(one))), "")


def is_plain(node: Expr) -> bool:
    """Whether the items of this list are those of the message, in their order."""
    match node:
        case Step():
            return not node.base.kind.is_list and is_plain(node.base)
        case Convert():
            return is_plain(node.value)
        case Current() | Outside():
            return True
        case _:
            return False
