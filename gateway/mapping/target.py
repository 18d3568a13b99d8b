"""The left side of a mapping: target paths are looked up in the target's schema, merged into one tree, put
into the schema's order, and checked for what is missing, twice, or in the wrong shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from gateway.mapping import expression as ex
from gateway.mapping import plan
from gateway.mapping.binding import Scope, Scopes
from gateway.mapping.element import UNBOUNDED, Element
from gateway.mapping.kinds import TEXT, Kind, list_of
from gateway.mapping.lineage import Sources, unmarked
from gateway.mapping.model import FieldText, Formula, Spot, did_you_mean
from gateway.mapping.resolve import Resolver

_Hold = Callable[[plan.Expr | None, ex.Node], plan.Expr | None]


@dataclass(slots=True)
class _Entry:
    """A field with the steps of its path that are still ahead."""

    steps: tuple[str, ...]
    text: FieldText


@dataclass(slots=True)
class Around:
    """Where a level of the target stands: `path` with the marks of lineage; `spot` for its findings."""

    element: Element | None
    path: str
    scopes: Scopes
    spot: Spot
    is_written: bool = True  # whether the record is always there: not left out where it stays empty


class TargetBuilder:
    def __init__(self, resolver: Resolver, target: Element | None, direction: str):
        self.resolver = resolver
        self.target = target
        self.direction = direction
        self.sources = Sources()
        self.given: set[str] = set()  # the target's paths that a field gives
        self.judge = resolver.judge
        self.judge.direction = direction

    def build(self, fields: list[FieldText], spot: Spot) -> tuple[plan.Field, ...]:
        around = Around(self.target, "", (self.resolver.root,), spot)
        return self._level(self._entries(fields), around)

    def _find(self, spot: Spot, text: str, code: str) -> None:
        self.resolver.findings.append(spot.finding(text, code))

    def _entries(self, fields: list[FieldText]) -> list[_Entry]:
        found = []
        for one in fields:
            steps = _target_steps(one.path)
            if steps is None:
                self._find(
                    one.spot, f"expected a target path like A/B or A/@x, got {one.path!r}", "target-path"
                )
            else:
                found.append(_Entry(steps, one))
        return found

    def _level(self, entries: list[_Entry], around: Around) -> tuple[plan.Field, ...]:
        members: dict[str, list[_Entry]] = {}
        for entry in entries:
            members.setdefault(entry.steps[0], []).append(entry)
        found: dict[str, plan.Field | None] = {}
        for name, group in members.items():
            element = around.element.child(name) if around.element is not None else None
            if around.element is not None and element is None:
                self._unknown(name, group[0].text.spot, around.element)
            else:
                found[name] = self._member(name, group, element, around)
        self._check_required(set(members), around)
        made = {name: one for name, one in found.items() if one is not None}
        order = (
            [child.name for child in around.element.children] if around.element is not None else list(made)
        )
        return tuple(made[name] for name in order if name in made)

    def _unknown(self, name: str, spot: Spot, parent: Element) -> None:
        names = [child.name for child in parent.children]
        hint = did_you_mean(name, names)
        if not hint:
            paths = [path for path, one in self.target.walk() if one.name == name] if self.target else []
            hint = f"; there is {paths[0]}" if paths else f"; {parent.name} has {', '.join(names[:12])}"
        self._find(spot, f"the target has no field {name}{hint}", "unknown-target")

    def _check_required(self, names: set[str], around: Around) -> None:
        if around.element is None:
            return
        missing = [one for one in around.element.children if one.least and one.name not in names]
        for one in missing:
            path = unmarked(f"{around.path}/{one.name}" if around.path else one.name)
            title = f" ({one.zh})" if one.zh else ""
            self._find(
                around.spot, f"the target needs {path}{title}, but no field gives it", "missing-target"
            )

    def _member(
        self, name: str, group: list[_Entry], element: Element | None, around: Around
    ) -> plan.Field | None:
        own = [entry for entry in group if len(entry.steps) == 1]
        below = [replace(entry, steps=entry.steps[1:]) for entry in group if len(entry.steps) > 1]
        inside = replace(around, element=element, path=f"{around.path}/{name}" if around.path else name)
        self.given.add(unmarked(inside.path))
        inside.is_written = around.is_written and element is not None and bool(element.least)
        for entry in own[1:]:
            self._find(entry.text.spot, f"{unmarked(inside.path)} is given twice", "duplicate-target")
        first = own[0].text if own else None
        if first is None:
            inside.spot = group[0].text.spot
            return self._group(name, None, below, inside)
        inside.spot = first.spot
        if below and (
            first.each is not None
            or first.when is not None
            or (first.value is not None and first.fields is not None)
        ):
            self._find(
                below[0].text.spot, f"{unmarked(inside.path)} is given by a block already", "duplicate-target"
            )
            below = []
        when = self._condition(first.when, around.scopes)
        needed = element is not None and bool(element.least)
        if when is not None and needed and around.is_written:
            text = f"{unmarked(inside.path)} is needed always, but when: may leave it out"
            self._find(first.spot.of("when"), text, "conditional-required")
        if first.each is not None:
            return self._items(name, first, when, inside)
        if first.fields is not None:
            return self._group(name, first, [*self._entries(first.fields), *below], inside, when)
        if below:
            return self._text_with_attributes(name, first, below, inside)
        return self._leaf(name, first, when, inside)

    def _condition(self, formula: Formula | None, scopes: Scopes) -> plan.Expr | None:
        if formula is None:
            return None
        value = self.resolver.resolve(formula, scopes)
        return self._held(formula, value, self.resolver.condition)

    def _held(self, formula: Formula, value: plan.Expr | None, to: _Hold) -> plan.Expr | None:
        """The value as a place takes it; findings stand at the formula."""
        resolver = self.resolver
        before, resolver.formula = resolver.formula, formula
        try:
            return to(value, formula.node)
        finally:
            resolver.formula = before

    # Shapes of a target

    def _leaf(self, name: str, text: FieldText, when: plan.Expr | None, inside: Around) -> plan.Field | None:
        formula, element = text.value, inside.element
        if formula is None:
            return None
        value = self.resolver.resolve(formula, inside.scopes)
        if value is None:
            return None
        if element is not None and element.leaf is None:
            names = ", ".join(child.name for child in element.children[:6])
            self._find(
                text.spot, f"{unmarked(inside.path)} is a record; give its fields ({names} …)", "wrong-kind"
            )
            return None
        listed = element.is_list if element is not None else value.kind.is_list
        if value.kind.is_list and listed:
            value = self._held(formula, value, self.resolver.texts)
        else:
            value = self._held(formula, value, self.resolver.text)
        if value is None:
            return None
        self.judge.value(value, formula, element)
        if element is not None and element.least and inside.is_written and when is None:
            if not text.refuses_absent:
                self.judge.needed(value, formula, unmarked(inside.path))
        elif text.refuses_absent:
            self._find(text.spot.of("absent"), f"{unmarked(inside.path)} is not needed always", "wrong-value")
        self.sources.remember(inside.path, plan.source(value))
        return plan.Leaf(
            name,
            unmarked(inside.path),
            value,
            when,
            required=bool(element is not None and element.least),
            keep_empty=text.keep_empty,
            listed=listed,
            most=_most(element),
            sensitive=_is_sensitive(element, value),
        )

    def _text_with_attributes(
        self, name: str, text: FieldText, below: list[_Entry], inside: Around
    ) -> plan.Field | None:
        """A text and its attributes: "#text" and "@Name" in one record."""
        bare = replace(inside, element=_without_children(inside.element))
        content = self._leaf("#text", text, None, bare)
        attributes = self._level(below, replace(inside, element=_attributes_only(inside.element)))
        if content is None:
            return None
        assert isinstance(content, plan.Leaf)
        fields = (replace(content, required=False, listed=False), *attributes)
        return plan.Group(
            name, unmarked(inside.path), fields, required=content.required, listed=content.listed
        )

    def _group(
        self,
        name: str,
        text: FieldText | None,
        entries: list[_Entry],
        inside: Around,
        when: plan.Expr | None = None,
    ) -> plan.Field | None:
        base: plan.Expr | None = None
        scope = 0
        if text is not None and text.value is not None:
            base = self.resolver.resolve(text.value, inside.scopes)
            if base is None:
                return None
            if base.kind.name not in ("record", "any"):
                self._find(text.spot.of("from"), f"expected one record, got {base.kind}", "wrong-kind")
                return None
            scope = len(inside.scopes)
            inside = replace(inside, scopes=(*inside.scopes, Scope(base.kind, plan.source(base))))
        element = inside.element
        if element is not None and element.leaf is not None and not element.children:
            self._find(inside.spot, f"{unmarked(inside.path)} is a text; it has no fields", "wrong-kind")
            return None
        fields = self._level(entries, inside)
        value = base or _first_value(fields)
        self.sources.remember(inside.path, plan.source(value) if value is not None else "")
        return plan.Group(
            name,
            unmarked(inside.path),
            fields,
            when,
            base,
            scope,
            required=bool(element is not None and element.least),
            listed=bool(element is not None and element.is_list),
        )

    def _items(self, name: str, text: FieldText, when: plan.Expr | None, inside: Around) -> plan.Field | None:
        element = inside.element
        if element is not None and not element.is_list:
            inner = next((one.name for one in element.children if one.is_list), None)
            hint = f"; did you mean {unmarked(inside.path)}/{inner}?" if inner else ""
            self._find(
                text.spot,
                f"{unmarked(inside.path)} does not repeat, so it takes no each{hint}",
                "list-into-single",
            )
            return None
        assert text.each is not None
        source = self._source_items(text.each, inside.scopes)
        if source is None or source.kind.item is None:
            return None
        number = len(inside.scopes)
        item = self._scope(source, number)
        inside = replace(
            inside,
            scopes=(*inside.scopes, item),
            path=f"{inside.path}[#{number}]",
            is_written=True,
        )
        self.sources.remember(inside.path, item.path)
        made = plan.Items(
            name,
            unmarked(inside.path),
            source,
            number,
            when=when,
            most=_most(element),
            required=bool(element is not None and element.least),
        )
        if text.fields is not None:
            if text.value is not None:
                self._find(text.spot.of("from"), "each: takes fields: or from:, not both", "unknown-key")
            fields = self._level(self._entries(text.fields), inside)
            return replace(made, fields=fields)
        formula = text.value or replace(text.each, node=ex.Path(".", (), text.each.node.at))
        value = self._held(formula, self.resolver.resolve(formula, inside.scopes), self.resolver.text)
        if value is None:
            return None
        self.judge.value(value, formula, element)
        return replace(made, value=value, sensitive=_is_sensitive(element, value))

    def _source_items(self, formula: Formula, scopes: Scopes) -> plan.Expr | None:
        """What each walks over; one record is a list of one (`each: .`)."""
        value = self.resolver.resolve(formula, scopes)
        if value is not None and value.kind.name == "record":
            return plan.Convert(value, "list", list_of(value.kind))
        return self._held(formula, value, self.resolver.items)

    def _scope(self, value: plan.Expr, number: int) -> Scope:
        item = value.kind.item or TEXT
        if isinstance(value, plan.Zip):
            return Scope(item, plan.source(value), True, tuple(plan.source(one) for one in value.parts))
        path = plan.source(value)
        if plan.is_plain(value) and not _is_one(value):
            path += f"[#{number}]"
        return Scope(item, path, True)


def _is_one(value: plan.Expr) -> bool:
    return isinstance(value, plan.Convert) and value.value.kind.name == "record"


def _first_value(fields: tuple[plan.Field, ...]) -> plan.Expr | None:
    for one in fields:
        if isinstance(one, plan.Leaf) and plan.source(one.value):
            return one.value
        if isinstance(one, plan.Items):
            return one.source
        if isinstance(one, plan.Group) and (found := one.base or _first_value(one.fields)) is not None:
            return found
    return None


def _target_steps(path: str) -> tuple[str, ...] | None:
    try:
        node = ex.parse(path)
    except ex.ExpressionError:
        return None
    if not isinstance(node, ex.Path) or node.start or any(step.selector is not None for step in node.steps):
        return None
    return tuple(step.name for step in node.steps)


def _most(element: Element | None) -> int:
    return element.most if element is not None and 1 < element.most < UNBOUNDED else 0


def _is_sensitive(element: Element | None, value: plan.Expr) -> bool:
    source: Kind = value.kind
    return bool(element is not None and element.sensitive) or bool(
        source.element is not None and source.element.sensitive
    )


def _without_children(element: Element | None) -> Element | None:
    return replace(element, children=()) if element is not None else None


def _attributes_only(element: Element | None) -> Element | None:
    if element is None:
        return None
    return replace(element, children=tuple(one for one in element.children if one.name.startswith("@")))
