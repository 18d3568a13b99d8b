"""Expressions → plan: names are looked up in the schema, kinds are held to what each place can take.

Everything that is wrong becomes a finding; an expression with a finding resolves to None and is passed over
in silence by what contains it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace

from gateway.mapping import expression as ex
from gateway.mapping import plan
from gateway.mapping.binding import Calls, Scope, Scopes
from gateway.mapping.element import Element
from gateway.mapping.functions import functions
from gateway.mapping.judge import Judge
from gateway.mapping.kinds import ANY, NUMBER, TEXT, Kind, list_of, of_element
from gateway.mapping.lineage import unmarked
from gateway.mapping.model import Formula, did_you_mean
from gateway.mapping.shapes import Shapes
from gateway.message import Head
from gateway.standard import CodeTables

OUTSIDE = ("head", "platform", "origin")
HEAD_NAMES = tuple(one.name for one in fields(Head))


class Resolver(Calls):
    """Of one file. `used`: the source paths that its expressions read."""

    def __init__(
        self,
        source: Element | None,
        origin: Element | None,
        tables: Mapping[str, Mapping[str, str]],
        codes: CodeTables,
    ):
        super().__init__(tables, codes)
        self.source = source
        self.origin = origin
        self.lets: dict[str, plan.Let] = {}
        self.let_values: dict[int, plan.Expr] = {}
        self.judge = Judge(Shapes(codes, self.let_values), self.findings)
        self.used: set[str] = set()
        self.used_lets: set[str] = set()
        self.root = Scope(Kind("record", source) if source is not None else ANY)

    def resolve(self, formula: Formula, scopes: Scopes) -> plan.Expr | None:
        before, self.formula = self.formula, formula
        try:
            return self.expression(formula.node, scopes)
        finally:
            self.formula = before

    def expression(self, node: ex.Node, scopes: Scopes) -> plan.Expr | None:
        match node:
            case ex.Text():
                return plan.Constant(node.value, TEXT)
            case ex.Number():
                return plan.Constant(node.value, NUMBER)
            case ex.Path():
                return self._path(node, scopes)
            case ex.Call():
                return self.call(node, scopes)
            case ex.Concat():
                return self.concat(list(node.parts), scopes)
            case ex.Compare():
                return self._compare(node, scopes)
            case ex.Among():
                return self._among(node, scopes)
            case ex.Logic():
                left = self.condition(self.expression(node.left, scopes), node.left)
                right = self.condition(self.expression(node.right, scopes), node.right)
                return plan.Logic(node.operator, left, right) if left and right else None
            case ex.Not():
                inner = self.condition(self.expression(node.inner, scopes), node.inner)
                return plan.Not(inner) if inner is not None else None
            case ex.Exists():
                inner = self.expression(node.inner, scopes)
                if inner is not None and self.formula is not None:
                    self.judge.always(inner, self.formula, node.at, "exists(…) is always true", "always-true")
                return plan.Exists(inner) if inner is not None else None

    # Comparisons

    def _compare(self, node: ex.Compare, scopes: Scopes) -> plan.Expr | None:
        left, right = self.expression(node.left, scopes), self.expression(node.right, scopes)
        if left is None or right is None:
            return None
        equality = node.operator in ("=", "!=")
        if equality and NUMBER not in (left.kind, right.kind):
            left, right = self.text(left, node.left), self.text(right, node.right)
        else:
            left, right = self.number(left, node.left), self.number(right, node.right)
        if left is None or right is None:
            return None
        assert self.formula is not None
        self.judge.compared(node.operator, left, right, self.formula, node.at)
        return plan.Compare(node.operator, left, right)

    def _among(self, node: ex.Among, scopes: Scopes) -> plan.Expr | None:
        value = self.text(self.expression(node.value, scopes), node.value)
        options = [self.text(self.expression(one, scopes), one) for one in node.options]
        found = tuple(one for one in options if one is not None)
        if value is None or len(found) < len(options):
            return None
        assert self.formula is not None
        self.judge.options(value, found, self.formula, node.options)
        return plan.Among(value, found)

    # Paths

    def _path(self, node: ex.Path, scopes: Scopes) -> plan.Expr | None:
        value, steps = self._start(node, scopes)
        for step in steps:
            if value is None:
                return None
            value = self._step(value, step, scopes)
        if value is not None:
            self.used.add(unmarked(plan.source(value)))
        return value

    def _start(self, node: ex.Path, scopes: Scopes) -> tuple[plan.Expr | None, tuple[ex.Step, ...]]:
        """What a path begins with, and the steps that are left."""
        top = len(scopes) - 1
        if node.start == "/":
            return plan.Current(0, self.root.item), self._prefixed(node.steps)
        if node.start.startswith("$"):
            return self._part(node, scopes), node.steps
        if node.start == "":
            first = node.steps[0]
            if first.name in self.lets:
                self.used_lets.add(first.name)
                let = self.lets[first.name]
                return let if first.selector is None else self._select(let, first, scopes), node.steps[1:]
            if first.name in OUTSIDE and len(node.steps) > 1 and first.selector is None:
                return self._outside(first.name, node.steps[1]), node.steps[2:]
        scope = scopes[top]
        if node.steps and scope.item.name == "zip":
            self.find(
                node, "the item of a zip has parts: $1, $2 …; write / for the message's root", "wrong-kind"
            )
            return None, ()
        steps = self._prefixed(node.steps) if top == 0 else node.steps
        return plan.Current(top, scope.item, scope.path), steps

    def _prefixed(self, steps: tuple[ex.Step, ...]) -> tuple[ex.Step, ...]:
        """A fragment's prefix goes before the first name that is read from the message."""
        prefix = self.formula.prefix if self.formula is not None else ""
        if not prefix or not steps:
            return steps
        first = steps[0]
        name = f"@{prefix}{first.name[1:]}" if first.name.startswith("@") else prefix + first.name
        return (replace(first, name=name), *steps[1:])

    def _part(self, node: ex.Path, scopes: Scopes) -> plan.Expr | None:
        index = int(node.start[1:]) - 1
        for number in range(len(scopes) - 1, -1, -1):
            kinds = scopes[number].item.parts
            if kinds:
                if 0 <= index < len(kinds):
                    return plan.Part(number, index, kinds[index], scopes[number].parts[index])
                self.find(node, f"the zip has $1 to ${len(kinds)}, got {node.start}", "unknown-name")
                return None
        self.find(node, f"{node.start} is part of a zip; there is none around", "unknown-name")
        return None

    def _outside(self, where: str, step: ex.Step) -> plan.Expr | None:
        if step.selector is not None:
            self.find(step, f"{where}/{step.name} does not repeat", "single-into-list")
            return None
        if where == "head":
            if step.name not in HEAD_NAMES:
                hint = did_you_mean(step.name, HEAD_NAMES) or f"; there are {', '.join(HEAD_NAMES)}"
                self.find(step, f"the head has no field {step.name}{hint}", "unknown-name")
                return None
            return plan.Outside(where, step.name, TEXT)
        if where == "origin" and self.origin is None:
            text = "name the type of the message that this one answers under origin:"
            self.find(
                step, f"origin/{step.name} is not checked; {text}", "unknown-origin", severity="warning"
            )
        if where == "origin" and self.origin is not None:
            child = self.origin.child(step.name)
            if child is None:
                self._unknown(step, self.origin, "the message of origin")
                return None
            return plan.Outside(where, step.name, of_element(child))
        return plan.Outside(where, step.name, ANY)

    def _step(self, base: plan.Expr, step: ex.Step, scopes: Scopes) -> plan.Expr | None:
        base = _with_attributes(base, step)
        kind = base.kind.item if base.kind.item is not None else base.kind
        if kind.name == "any":
            value: plan.Expr = plan.Step(base, step.name, list_of(ANY) if base.kind.is_list else ANY)
        elif kind.name == "record" and kind.element is not None:
            child = kind.element.child(step.name)
            if child is None:
                self._unknown(step, kind.element, plan.source(base) or "the message")
                return None
            below = of_element(child)
            if base.kind.is_list and not below.is_list:
                below = list_of(below)
            value = plan.Step(base, step.name, below)
        else:
            place = plan.source(base) or "this"
            self.find(
                step,
                f"expected a record before {step.name}, but {unmarked(place)} is {kind}",
                "wrong-kind",
            )
            return None
        return value if step.selector is None else self._select(value, step, scopes)

    def _select(self, value: plan.Expr, step: ex.Step, scopes: Scopes) -> plan.Expr | None:
        if value.kind.name == "any":
            value = plan.Convert(value, "list", list_of(ANY))
        if value.kind.item is None:
            self.find(step, f"{step.name} does not repeat; leave […] out", "single-into-list")
            return None
        if isinstance(step.selector, int):
            if step.selector < 1:
                self.find(step, f"items count from 1, got {step.selector}", "wrong-value")
                return None
            return plan.Pick(value, step.selector, False, value.kind.item)
        assert step.selector is not None
        inner = (*scopes, Scope(value.kind.item, plan.source(value)))
        condition = self.condition(self.expression(step.selector, inner), step.selector)
        return plan.Filter(value, condition, len(scopes), value.kind) if condition is not None else None

    def _unknown(self, step: ex.Step, element: Element, where: str) -> None:
        names = [child.name for child in element.children]
        hint = did_you_mean(step.name, names) or _elsewhere(step.name, self.source)
        if not hint and step.name in functions:
            hint = f"; the function is written X | {step.name}"
        elif not hint and element is self.source and step.name == element.name:
            hint = "; a path begins below the outermost element"
        self.find(step, f"{unmarked(where)} has no field {step.name}{hint}", "unknown-source")


def _with_attributes(base: plan.Expr, step: ex.Step) -> plan.Expr:
    """A text with attributes, taken as the record that it is, where one of these is asked for."""
    item = base.kind.item if base.kind.item is not None else base.kind
    element = item.element
    if item.name != "text" or element is None or not element.has_attributes or isinstance(base, plan.Convert):
        return base
    kind = Kind("record", element)
    return replace(base, kind=list_of(kind) if base.kind.is_list else kind)


def _elsewhere(name: str, root: Element | None) -> str:
    found = [path for path, element in root.walk() if element.name == name] if root is not None else []
    return f"; there is /{found[0]}" if found else ""
