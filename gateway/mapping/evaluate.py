"""Expressions of a plan, evaluated one by one with the origin of every value.

Slow and talkative where the compiled function is fast and silent; what both share stands in `running` and
`values`. A value that cannot be mapped raises `Wrong` with the places that it came from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from gateway.mapping import plan
from gateway.mapping.kinds import ANY, Kind
from gateway.mapping.lineage import unmarked
from gateway.mapping.running import as_text, concat, mixed, only, pick, zipped
from gateway.mapping.seen import Here, Seen, Step, all_places, asking, placed
from gateway.mapping.values import MAX_STEPS, Wrong, items, leaf, number, record, walk


class Evaluator:
    def __init__(
        self,
        made: plan.Plan,
        message: Any,
        head: Mapping[str, str],
        platform: Mapping[str, Any],
        origin: Mapping[str, Any] | None,
    ):
        self.plan = made
        self.outside: dict[str, Mapping[str, Any]] = {
            "head": head,
            "platform": platform,
            "origin": origin or {},
        }
        self.scopes: list[Here] = [Here(Seen(record(message)))]
        self.keep = False  # whether empty text is a value, for the field under way
        self.loops = 0  # how many loops are around
        self._spent = 0
        self._levels: dict[int, int | None] = {}
        self._lets: dict[int, Seen | Wrong] = {}
        self._let_steps: dict[int, list[Step]] = {}
        self.steps: list[Step] = []  # the functions that were run, for whoever empties the list

    def spend(self, seen: Seen) -> None:
        """A loop inside a loop counts its items, so that no message takes for ever."""
        if not self.loops:
            return
        self._spent += len(seen.value)
        if self._spent > MAX_STEPS:
            wrong = Wrong("too-large", "列表相乘过多", f"lists inside lists make more than {MAX_STEPS} items")
            wrong.places = seen.used
            raise wrong

    def present(self, seen: Seen, kind: Kind) -> bool:
        if kind.name == "number" or (self.keep and kind.name in ("text", "any")):
            return seen.value is not None
        return bool(seen.value)

    @contextmanager
    def inside(self, item: Seen, kind: Kind, position: int = 0) -> Iterator[None]:
        if kind.name == "record":
            item = self._record(item, kind)
        if kind.parts:
            parts = [
                self._record(one, part) if part.name == "record" else one
                for one, part in zip(item.value, kind.parts, strict=True)
            ]
            item = Seen(tuple(parts), item.path, item.used)
        self.scopes.append(Here(item, position, self.loops))
        try:
            yield
        finally:
            self.scopes.pop()

    def _level(self, node: plan.Expr) -> int | None:
        """The innermost scope that a computed value depends on, if it is not the current one."""
        found = self._levels.get(id(node), -1)
        if found == -1:
            is_shared = isinstance(node, plan.COMPUTED) and plan.key(node) is not None
            found = self._levels[id(node)] = plan.deepest(node) if is_shared else None
        return found if found is not None and found < len(self.scopes) - 1 else None

    def _once(self, node: plan.Expr, here: Here) -> Seen:
        """A value that is the same for every item of the loops around: computed, and told, once."""
        key = (id(node), self.keep)
        found = here.known.get(key)
        if found is None:
            loops, self.loops = self.loops, here.loops
            try:
                found = self._value(node)
            except Wrong as wrong:
                found = wrong
            finally:
                self.loops = loops
            here.known[key] = found
        if isinstance(found, Wrong):
            raise found
        return found

    @contextmanager
    def looping(self) -> Iterator[None]:
        self.loops += 1
        try:
            yield
        finally:
            self.loops -= 1

    def value(self, node: plan.Expr) -> Seen:
        level = self._level(node)
        return self._value(node) if level is None else self._once(node, self.scopes[level])

    def _value(self, node: plan.Expr) -> Seen:
        match node:
            case plan.Constant():
                return Seen(node.value)
            case plan.Current():
                return self.scopes[node.scope].item
            case plan.Part():
                found: Seen = self.scopes[node.scope].item.value[node.index]
                return found
            case plan.Position():
                return Seen(Decimal(self.scopes[node.scope].position))
            case plan.Let():
                return self._let(node)
            case plan.Outside():
                return self._shaped(
                    self.outside[node.where].get(node.name), node.kind, f"{node.where}/{node.name}"
                )
            case plan.Step():
                with asking(unmarked(plan.source(node))):
                    return self._step(node)
            case plan.Pick():
                return self._pick(node)
            case plan.Filter():
                return self._filter(node)
            case plan.Zip():
                return self._zip(node)
            case plan.Count():
                listed = self.value(node.base)
                return Seen(Decimal(len(listed.value)), "", listed.used)
            case plan.Call():
                return self._call(node)
            case plan.Choose():
                return self._choose(node)
            case plan.Default():
                seen = self.value(node.value)
                return seen if self.present(seen, node.value.kind) else self.value(node.otherwise)
            case plan.Concat():
                return self._concat(node)
            case plan.Convert():
                return self._convert(node)
            case _:
                return Seen(self.test(node))

    def test(self, node: plan.Expr) -> bool:
        match node:
            case plan.Compare():
                return self._compare(node)
            case plan.Among():
                seen = self.value(node.value)
                return bool(seen.value) and seen.value in [self.value(one).value for one in node.options]
            case plan.Logic():
                if node.operator == "and":
                    return self.test(node.left) and self.test(node.right)
                return self.test(node.left) or self.test(node.right)
            case plan.Not():
                return not self.test(node.inner)
            case plan.Exists():
                seen = self.value(node.inner)
                if node.inner.kind.is_list:
                    return any(bool(one.value) for one in seen.value)
                return self.present(seen, node.inner.kind)
            case _:
                return bool(self.value(node).value)

    # Where values come from

    def _let(self, node: plan.Let) -> Seen:
        found = self._lets.get(node.index)
        if found is None:
            scopes, self.scopes = self.scopes, self.scopes[:1]
            keep, self.keep = self.keep, False
            loops, self.loops = self.loops, 0
            steps, self.steps = self.steps, []
            try:
                found = self.value(self.plan.lets[node.index][1])
            except Wrong as wrong:
                found = wrong  # the same for every field that reads it, so that it is told once
            finally:
                self.scopes, self.keep, self.loops = scopes, keep, loops
                self._let_steps[node.index], self.steps = self.steps, steps
            self._lets[node.index] = found
        self.steps += self._let_steps[node.index]
        if isinstance(found, Wrong):
            raise found
        return found

    def _shaped(self, raw: Any, kind: Kind, path: str) -> Seen:
        """A raw value, held to its kind."""
        with placed((path,)):
            if kind.name == "text":
                return Seen(leaf(raw), path, (path,))
            if kind.name == "record":
                return self._record(Seen(raw, path, (path,)), kind)
            if kind.item is None:
                return Seen(raw, path, (path,))
        return Seen(self._items(raw, kind.item, path), path, (path,))

    def _items(self, raw: Any, kind: Kind, path: str) -> list[Seen]:
        with placed((path,)):
            listed = items(raw)
        found = []
        for index, one in enumerate(listed, 1):
            place = f"{path}[{index}]"
            with placed((place,)):
                found.append(Seen(leaf(one) if kind.name == "text" else one, place, (place,)))
        return found

    def _record(self, seen: Seen, kind: Kind) -> Seen:
        if isinstance(seen.value, dict):
            return seen
        with placed((seen.path,) if seen.path else seen.used):
            raw = mixed(seen.value) if kind.element is not None and kind.element.leaf else seen.value
            return Seen(record(raw), seen.path, seen.used)

    def _step(self, node: plan.Step) -> Seen:
        base = self.value(node.base)
        if node.base.kind.item is not None:
            return self._flattened(node, base, node.base.kind.item)
        path = f"{base.path}/{node.name}" if base.path else node.name
        if node.base.kind.name == "any":
            with placed((base.path,)):
                return Seen(walk(base.value, node.name), path, (path,))
        return self._shaped(self._record(base, node.base.kind).value.get(node.name), node.kind, path)

    def _flattened(self, node: plan.Step, base: Seen, kind: Kind) -> Seen:
        made: list[Seen] = []
        item = node.kind.item or ANY
        repeated = item.element is not None and item.element.is_list
        self.spend(base)
        for one in base.value:
            path = f"{one.path}/{node.name}" if one.path else node.name
            if kind.name == "any":
                with placed((one.path,)):
                    made += [Seen(raw, path, (path,)) for raw in items(walk(one.value, node.name))]
                continue
            raw = self._record(one, kind).value.get(node.name)
            if repeated:
                made += self._items(raw, item, path)
            else:
                with placed((path,)):
                    made.append(Seen(leaf(raw) if item.name == "text" else raw, path, (path,)))
        return Seen(made, base.path, base.used)

    def _pick(self, node: plan.Pick) -> Seen:
        listed = self.value(node.base)
        with placed(listed.used):
            found: Seen | None = only(listed.value) if node.only else pick(listed.value, node.index)
        if found is None:
            found = Seen(None, "", listed.used)
        if node.kind.name == "record":
            return self._record(found, node.kind)
        if node.kind.item is not None:
            return Seen(found.value or [], found.path, found.used)
        return found

    def _filter(self, node: plan.Filter) -> Seen:
        listed = self.value(node.base)
        item = node.base.kind.item or ANY
        made = []
        self.spend(listed)
        for one in listed.value:
            with self.looping(), self.inside(one, item):
                if self.test(node.condition):
                    made.append(self.scopes[-1].item)
        return Seen(made, "", listed.used)

    def _zip(self, node: plan.Zip) -> Seen:
        parts = [self.value(one) for one in node.parts]
        used = all_places(parts)
        try:
            rows = zipped(*(one.value for one in parts))
        except Wrong as wrong:
            names = ", ".join(
                f"{unmarked(plan.source(one)) or '$' + str(index)} {len(part.value)}"
                for index, (one, part) in enumerate(zip(node.parts, parts, strict=True), 1)
            )
            wrong.zh, wrong.en = f"各列表项数不一致: {names}", f"the lists differ in length: {names}"
            wrong.found = names
            wrong.places = used
            raise
        return Seen([Seen(row, "", all_places(list(row))) for row in rows], "", used)

    # Functions and forms

    def _call(self, node: plan.Call) -> Seen:
        first = node.arguments[0]
        assert first is not None
        subject = self.value(first)
        if not self.present(subject, first.kind):
            absent: Any = {"boolean": False, "list": []}.get(node.kind.name)
            return Seen(absent, "", subject.used)
        seen = [subject]
        for argument, optional in zip(node.arguments[1:], node.optional[1:], strict=True):
            given = self.value(argument) if argument is not None else Seen(None)
            if argument is not None and not optional and not isinstance(argument, plan.Constant):
                self._check_given(given, argument)
            seen.append(given)
        raw = [
            [item.value for item in one.value]
            if argument is not None and argument.kind.is_list
            else one.value
            for one, argument in zip(seen, node.arguments, strict=True)
        ]
        used = all_places(seen)
        try:
            found = node.run(*raw)
        except Wrong as wrong:
            culprit = seen[wrong.argument].used if wrong.argument < len(seen) else ()
            wrong.places = wrong.places or culprit or used
            raise
        self.steps.append(Step(node.name, raw[0], found))
        if node.kind.is_list:
            return Seen([Seen(one, "", used) for one in found], "", used)
        return Seen(found, "", used)

    def _check_given(self, seen: Seen, node: plan.Expr) -> None:
        if self.present(seen, node.kind):
            return
        wrong = Wrong("missing-argument", "缺少换算所需的值", "a value that the conversion needs is absent")
        wrong.places = seen.used or (unmarked(plan.source(node)),)
        raise wrong

    def _choose(self, node: plan.Choose) -> Seen:
        if self.test(node.condition):
            return self.value(node.then)
        if node.otherwise is not None:
            return self.value(node.otherwise)
        return Seen([] if node.kind.is_list else {} if node.kind.name == "record" else None)

    def _concat(self, node: plan.Concat) -> Seen:
        seen = [self.value(one) for one in node.parts]
        used = all_places(seen)
        for one, part in zip(seen, node.parts, strict=True):
            if not self.present(one, part.kind) and not (isinstance(part, plan.Constant) and part.value):
                return Seen(None, "", used)
        with placed(used):
            return Seen(concat(*(one.value for one in seen)), "", used)

    def _convert(self, node: plan.Convert) -> Seen:
        seen, inner = self.value(node.value), node.value.kind
        match node.to:
            case "any":
                return seen
            case "text":
                with placed(seen.used):
                    return Seen(as_text(seen.value), seen.path, seen.used)
            case "number":
                with placed(seen.used):
                    found = number(seen.value) if self.present(seen, inner) else None
                return Seen(found, seen.path, seen.used)
            case "list" if inner.name == "record":
                return Seen([seen] if seen.value else [], seen.path, seen.used)
            case "list":
                return Seen(self._items(seen.value, ANY, seen.path), seen.path, seen.used)
            case "texts":
                self.spend(seen)
                return Seen([self._converted(one, as_text) for one in seen.value], seen.path, seen.used)
            case _:
                self.spend(seen)
                return Seen(
                    [self._converted(one, number) for one in seen.value if one.value], seen.path, seen.used
                )

    def _converted(self, seen: Seen, convert: Any) -> Seen:
        with placed(seen.used):
            return Seen(convert(seen.value), seen.path, seen.used)

    def _compare(self, node: plan.Compare) -> bool:
        left, right = self.value(node.left), self.value(node.right)
        for seen, one in ((left, node.left), (right, node.right)):
            if not isinstance(one, plan.Constant) and not self.present(seen, one.kind):
                return node.operator == "!="
        match node.operator:
            case "=":
                return bool(left.value == right.value)
            case "!=":
                return bool(left.value != right.value)
            case "<":
                return bool(left.value < right.value)
            case "<=":
                return bool(left.value <= right.value)
            case ">":
                return bool(left.value > right.value)
            case _:
                return bool(left.value >= right.value)
