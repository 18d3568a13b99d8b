"""Calls: a function's arguments are bound to its parameters and held to their kinds; the forms that the
compiler knows itself (default, if, zip, first …) become nodes of their own."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from gateway.mapping import expression as ex
from gateway.mapping import plan
from gateway.mapping.coerce import Coercer
from gateway.mapping.functions import Function, Param, functions
from gateway.mapping.kinds import NUMBER, TEXT, Kind, list_of
from gateway.mapping.model import did_you_mean
from gateway.standard import CodeTables


@dataclass(frozen=True, slots=True)
class Scope:
    """What relative names read: an item of `each` (counted), of a condition, or a block's `from`.
    `parts`: source paths of a zip's parts."""

    item: Kind
    path: str = ""
    counted: bool = False
    parts: tuple[str, ...] = ()


Scopes = tuple[Scope, ...]


class Calls(Coercer):
    def __init__(self, tables: Mapping[str, Mapping[str, str]], codes: CodeTables):
        super().__init__()
        self.tables = tables
        self.codes = codes
        self.used_tables: set[str] = set()
        self._row_sets: dict[tuple[str, bool, str], Mapping[str, str]] = {}
        self._runs: dict[Any, tuple[Callable[..., Any], Callable[[str], str] | None]] = {}

    @abstractmethod
    def expression(self, node: ex.Node, scopes: Scopes) -> plan.Expr | None: ...

    def call(self, node: ex.Call, scopes: Scopes) -> plan.Expr | None:
        if node.name not in functions:
            known = ", ".join(functions)
            hint = did_you_mean(node.name, functions) or f"; there are {known}"
            self.find(node, f"unknown function {node.name}{hint}", "unknown-function")
            return None
        function = functions.get(node.name)
        bound = self._bind(function, node)
        if bound is None:
            return None
        form = getattr(self, f"_form_{node.name}", None) if function.make is None else None
        if form is not None:
            return form(bound, node, scopes)  # type: ignore[no-any-return]
        return self._call(function, bound, node, scopes)

    def _bind(self, function: Function, node: ex.Call) -> dict[str, list[ex.Node]] | None:
        """Parameter → its arguments (more than one only for the last of a variadic function)."""
        names = [param.name for param in function.params]
        bound: dict[str, list[ex.Node]] = {}
        before = self._errors()
        for index, argument in enumerate(node.arguments):
            if index >= len(names) and not function.variadic:
                self.find(argument, f"{function.name} takes {len(names)} argument(s) at most", "argument")
                break
            bound.setdefault(names[min(index, len(names) - 1)], []).append(argument)
        for name, argument in node.named:
            if name not in names:
                hint = did_you_mean(name, names) or f"; there are {', '.join(names) or 'none'}"
                self.find(argument, f"{function.name} has no argument {name}{hint}", "argument")
            elif name in bound:
                self.find(argument, f"{name} of {function.name} is given twice", "argument")
            else:
                bound[name] = [argument]
        for param in function.params:
            if param.is_required and param.name not in bound:
                self.find(node, f"{function.name} needs {param.name}", "argument")
        return bound if self._errors() == before else None

    def _call(
        self, function: Function, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes
    ) -> plan.Expr | None:
        before = self._errors()
        constants: dict[str, Any] = {}
        arguments: list[plan.Expr | None] = []
        optional: list[bool] = []
        for param in function.params:
            given = bound.get(param.name)
            if param.constant:
                constants[param.name] = self._constant(function, param, given[0]) if given else param.default
                continue
            optional.append(param.may_be_absent)
            if given is None:
                arguments.append(None)
            else:
                value = self.expression(given[0], scopes)
                arguments.append(self.as_kind(value, param.kind, given[0]))
                if arguments[-1] is None:
                    return None
                if param.refuses_zero and isinstance(value, plan.Constant) and not Decimal(str(value.value)):
                    self.find(given[0], f"{param.name} of {function.name} must not be 0", "argument")
        if self._errors() > before:
            return None
        if function.name == "code":
            rows = self._rows(constants, node)
            if rows is None:
                return None
            constants = {"rows": rows, "table": constants["table"]}
        run, inline = self._made(function, constants)
        call = plan.Call(
            function.name, tuple(arguments), tuple(optional), run, function.result, inline, function.is_total,
            constants,
        )  # fmt: skip
        if function.name == "code" and self.formula is not None:
            self.judge.coded(call, self.formula, node.at, constants["table"] in self.tables)
        return call

    def _made(
        self, function: Function, constants: dict[str, Any]
    ) -> tuple[Callable[..., Any], Callable[[str], str] | None]:
        """What runs; the same object for the same constants, so that equal calls are known to be equal."""
        key = (function.name, *((name, _hashable(value)) for name, value in sorted(constants.items())))
        if key not in self._runs:
            assert function.make is not None
            inline = partial(function.inline, **constants) if function.inline is not None else None
            self._runs[key] = (function.make(**constants), inline)
        return self._runs[key]

    def _constant(self, function: Function, param: Param, node: ex.Node) -> Any:
        name = f"{param.name} of {function.name}"
        if param.kind == NUMBER:
            if isinstance(node, ex.Number) and node.value == int(node.value):
                if param.low <= node.value <= param.high:
                    return int(node.value)
                self.find(node, f"{name} is from {param.low} to {param.high}, got {node.value}", "argument")
            else:
                self.find(node, f"{name} is a whole number, written here", "argument")
            return None
        if param.kind != TEXT:  # a switch
            if isinstance(node, ex.Path) and str(node) in ("true", "false"):
                return str(node) == "true"
            self.find(node, f"{name} is true or false", "argument")
            return None
        if not isinstance(node, ex.Text):
            self.find(node, f"{name} is a text in double quotes, written here", "argument")
            return None
        if param.choices and node.value.lower() not in [one.lower() for one in param.choices]:
            hint = (
                did_you_mean(node.value, param.choices)
                or f"; one of {', '.join(filter(None, param.choices))}"
            )
            self.find(node, f"{name}: unknown {node.value!r}{hint}", "argument")
        elif param.check is not None:
            try:
                param.check(node.value)
            except ValueError as error:
                self.find(node, f"{name}: {error}", "argument")
        return node.value

    def _rows(self, constants: Mapping[str, Any], node: ex.Call) -> Mapping[str, str] | None:
        table, reverse, column = constants["table"], constants["reverse"], constants["to"]
        if table in self.tables:
            self.used_tables.add(table)
            if column:
                self.find(node, f"{table} is a table of this file: it has no column {column}", "argument")
            pairs = list(self.tables[table].items())
        elif table in self.codes:
            column = column or ("name_zh" if reverse else "code")
            rows = self.codes.get(table).rows
            pairs = [(key, value) for key, row in rows.items() if (value := getattr(row, column))]
        else:
            known = [*self.tables, *self.codes]
            hint = did_you_mean(table, known) or f"; there are {', '.join(known[:40])}"
            self.find(node, f"unknown code table {table}{hint}", "unknown-table")
            return None
        made = self._row_sets.get((table, reverse, column))
        if made is not None:
            return made
        found: dict[str, str] = {}
        if not reverse:
            found.update(pairs)
            return self._row_sets.setdefault((table, reverse, column), found)
        for key, value in pairs:
            if value in found:
                text = f"{table} cannot be reversed: {value} stands for {found[value]} and {key}"
                self.find(node, text, "ambiguous-reverse")
                return None
            found[value] = key
        return self._row_sets.setdefault((table, reverse, column), found)

    # Forms

    def _form_default(
        self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes
    ) -> plan.Expr | None:
        (left,), (right,) = bound["value"], bound["otherwise"]
        pair = self.alike(self.expression(left, scopes), self.expression(right, scopes), left, right)
        if pair is not None and self.formula is not None:
            self.judge.always(pair[0], self.formula, node.at, "default(…) is never used", "dead-default")
        return plan.Default(*pair, pair[0].kind) if pair is not None else None

    def _form_if(self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes) -> plan.Expr | None:
        asked = bound["condition"][0]
        condition = self.condition(self.expression(asked, scopes), asked)
        then_node = bound["then"][0]
        then = self.expression(then_node, scopes)
        if "otherwise" not in bound:
            if condition is None or then is None:
                return None
            return plan.Choose(condition, then, None, then.kind)
        other_node = bound["otherwise"][0]
        pair = self.alike(then, self.expression(other_node, scopes), then_node, other_node)
        if condition is None or pair is None:
            return None
        return plan.Choose(condition, *pair, pair[0].kind)

    def _form_concat(
        self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes
    ) -> plan.Expr | None:
        return self.concat(bound["text"], scopes)

    def concat(self, nodes: list[ex.Node], scopes: Scopes) -> plan.Expr | None:
        parts = [self.text(self.expression(one, scopes), one) for one in nodes]
        found = tuple(one for one in parts if one is not None)
        return plan.Concat(found) if len(found) == len(parts) else None

    def _form_first(self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes) -> plan.Expr | None:
        return self._one_of(bound["list"][0], scopes, only=False)

    def _form_only(self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes) -> plan.Expr | None:
        return self._one_of(bound["list"][0], scopes, only=True)

    def _one_of(self, node: ex.Node, scopes: Scopes, *, only: bool) -> plan.Expr | None:
        value = self.items(self.expression(node, scopes), node)
        if value is None or value.kind.item is None:
            return None
        if value.kind.item.name == "zip":
            self.find(node, "one of a zip has no parts; use zip in each", "wrong-kind")
            return None
        return plan.Pick(value, 1, only, value.kind.item)

    def _form_count(self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes) -> plan.Expr | None:
        value = self.items(self.expression(bound["list"][0], scopes), bound["list"][0])
        return plan.Count(value) if value is not None else None

    def _form_zip(self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes) -> plan.Expr | None:
        parts = [self.items(self.expression(one, scopes), one) for one in bound["list"]]
        found = tuple(one for one in parts if one is not None)
        if len(found) < len(parts):
            return None
        kinds = tuple(one.kind.item for one in found if one.kind.item is not None)
        return plan.Zip(found, list_of(Kind("zip", parts=kinds)))

    def _form_position(
        self, bound: dict[str, list[ex.Node]], node: ex.Call, scopes: Scopes
    ) -> plan.Expr | None:
        for number in range(len(scopes) - 1, -1, -1):
            if scopes[number].counted:
                return plan.Position(number)
        self.find(node, "position() counts the items of each; there is none around", "wrong-place")
        return None


def _hashable(value: Any) -> Any:
    return id(value) if isinstance(value, Mapping) else value  # kept by the one who made it
