"""Plan → one Python function a mapping, of the kind a careful person would write by hand.

The source is made from the typed plan alone: names of variables are counted, texts of the file appear only
as literals written by `repr`. A field of a record is loaded once, at the start of the scope that it belongs
to. The function does not explain faults: at the first it stops (`Wrong`, `Gap`), and the tracer tells all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gateway.mapping import plan
from gateway.mapping.formulas import Formulas
from gateway.mapping.lines import Frame
from gateway.message import Record

Apply = Callable[[Any, Any, Any, Any], Record]


def compile_plan(made: plan.Plan, name: str) -> tuple[Apply, str]:
    """The function (message, head, platform, origin) → record, and its source."""
    return _Writer(made).function(name)


def compile_envelope(made: plan.Plan, name: str) -> tuple[Apply, str]:
    """The same for the envelope's fields."""
    fields = tuple(plan.Leaf(field, field, value) for field, value in made.envelope)
    return _Writer(plan.Plan(made.direction, made.lets, fields, ())).function(name)


class _Writer(Formulas):
    def __init__(self, made: plan.Plan):
        super().__init__()
        self.plan = made
        self._in_group = False  # whether the record under way is left out where it stays empty

    def function(self, name: str) -> tuple[Apply, str]:
        top = self._frames[0]
        self._line("result = {}")
        lets: list[list[str]] = []
        for index, (_, value) in enumerate(self.plan.lets):
            self._below_lets[index] = []
            lets += [[], self._below_lets[index]]
            with self._into(lets[-2], 1):
                self._lets[index] = self._atom(value)
        for one in self.plan.fields:
            self._field(one, "result")
        head = [
            f"def {name}(message, head, platform, origin):",
            "    if message.__class__ is not dict: message = record(message)",
        ]
        if self._is_counting:
            head.append("    spent = 0")
        source = "\n".join(
            [*head, *top.pre, *(line for part in lets for line in part), *top.body, "    return result", ""]
        )
        space: dict[str, Any] = dict(self.constants)
        exec(compile(source, f"<mapping {name}>", "exec"), space)
        function: Apply = space[name]
        return function, source

    def _field(self, one: plan.Field, target: str) -> None:
        if one.when is None:
            self._given(one, target)
            return
        with self._under(f"if {self._test(one.when)}:"):
            self._given(one, target)
        self._otherwise_gap(one)

    def _given(self, one: plan.Field, target: str) -> None:
        match one:
            case plan.Leaf():
                self._keep = one.keep_empty
                self._leaf(one, target)
                self._keep = False
            case plan.Group():
                self._group(one, target)
            case plan.Items():
                self._items(one, target)

    def _write(self, one: plan.Field, target: str, value: str, test: str) -> None:
        key = f"{target}[{one.name!r}]"
        if not test or test == "True":
            self._line(f"{key} = {value}")
            return
        self._line(f"if {test}: {key} = {value}")
        self._otherwise_gap(one)

    def _otherwise_gap(self, one: plan.Field) -> None:
        if one.required and self.plan.direction == "out" and not self._in_group:
            self._line("else: raise GAP")

    def _leaf(self, one: plan.Leaf, target: str) -> None:
        value = self._atom(one.value)
        if one.value.kind.is_list:
            found = self._name("v")
            self._line(f"{found} = [x for x in {value} if x]")
            self._too_many(found, one.most)
            self._write(one, target, found, found)
            return
        constant = isinstance(one.value, plan.Constant) and (one.value.value or one.keep_empty)
        test = "" if constant else self._present(value, one.value)
        self._write(one, target, f"[{value}]" if one.listed else value, test)

    def _group(self, one: plan.Group, target: str) -> None:
        inner = self._name("o")
        self._line(f"{inner} = {{}}")
        around, self._in_group = self._in_group, True
        if one.base is None:
            for field in one.fields:
                self._field(field, inner)
        else:
            base = self._atom(one.base)
            with self._under(f"if {base}:"):
                frame = Frame(base, self._indent)
                with self._inside(frame):
                    for field in one.fields:
                        self._field(field, inner)
                self._out += frame.pre + frame.body
        needed = [field.name for field in one.fields if field.required]
        if needed and self.plan.direction == "out":
            tests = " and ".join(f"{name!r} in {inner}" for name in needed)
            self._line(f"if {inner} and not ({tests}): raise GAP")
        self._in_group = around
        self._write(one, target, f"[{inner}]" if one.listed else inner, inner)

    def _items(self, one: plan.Items, target: str) -> None:
        listed, made = self._atom(one.source), self._name("t")
        if one.value is None:  # one item for each: too many are refused before any is made
            self._too_many(listed, one.most)
        self._line(f"{made} = []")
        with self._loop(one.source, listed):
            if one.value is not None:
                value = self._atom(one.value)
                self._line(f"if {self._present(value, one.value)}: {made}.append({value})")
            else:
                inner = self._name("o")
                self._line(f"{inner} = {{}}")
                around, self._in_group = self._in_group, False
                for field in one.fields:
                    self._field(field, inner)
                self._in_group = around
                self._line(f"{made}.append({inner})")
        if one.value is not None:
            self._too_many(made, one.most)
        self._write(one, target, made, made)

    def _too_many(self, listed: str, most: int) -> None:
        if most:
            self._line(f"if len({listed}) > {most}: raise GAP")
