"""Statements for PostgreSQL: compiled for asyncpg, and made one statement over arrays where they are for many rows.

`INSERT … VALUES ($1, $2)` becomes `INSERT … SELECT … FROM unnest($1, $2)`, and an update with parameters an
update from such rows: one round and one plan a batch, whatever its size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Float, Insert, LargeBinary, Text, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY, asyncpg, insert
from sqlalchemy.sql import visitors
from sqlalchemy.sql.elements import BindParameter, ClauseElement
from sqlalchemy.types import TypeEngine

from gateway.store.statements import Statement

_DIALECT = asyncpg.dialect()  # type: ignore[no-untyped-call]
_PLAIN = (BigInteger, Float, LargeBinary)


class Form:
    """SQL with `$1 …`, and the names of its parameters in that order. `is_insert`: a plain one, that must
    find every key free. `arrays`: the parameters that hold a value for each row."""

    __slots__ = ("_fixed", "arrays", "is_insert", "names", "sql")

    def __init__(self, clause: ClauseElement, arrays: Sequence[str] = (), *, is_insert: bool = False):
        compiled: Any = clause.compile(dialect=_DIALECT)
        self.sql = str(compiled)
        self.names: tuple[str, ...] = tuple(compiled.positiontup or ())
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self.is_insert = is_insert
        self.arrays = arrays

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        known = {**self._fixed, **given} if self._fixed else given
        return [known[name] for name in self.names]


def form_of(statement: Statement) -> Form:
    """The statement for one set of parameters."""
    found = statement.postgres_forms.get("one")
    if found is None:
        found = statement.postgres_forms["one"] = Form(statement.postgresql)
    return found


def form_for_many(statement: Statement) -> Form:
    """The statement for many rows: its parameters are arrays."""
    found = statement.postgres_forms.get("many")
    if found is None:
        found = statement.postgres_forms["many"] = _made_for_many(statement)
    return found


def columns_of(statement: Statement, form: Form, rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """The arrays for `form`, of rows whose values stand in the order of `statement.names`."""
    places = {name: place for place, name in reversed(list(enumerate(statement.names)))}
    return {name: [row[places[name]] for row in rows] for name in form.arrays}


def _made_for_many(statement: Statement) -> Form:
    clause: Any = statement.postgresql
    types = _parameter_types(clause)
    arrays = [_array(name, type_) for name, type_ in types.items()]
    each = (
        func.unnest(*arrays)
        .table_valued(*(column(name, type_) for name, type_ in types.items()), name="each_row")
        .render_derived()
    )
    if isinstance(clause, Insert):
        conflict = clause._post_values_clause
        made: Any = insert(clause.table).from_select(list(types), select(*(each.c[name] for name in types)))
        made = made.on_conflict_do_nothing() if conflict is None else made
        if conflict is not None:
            made._post_values_clause = conflict
        return Form(made, tuple(types), is_insert=conflict is None)

    def replace(element: Any, **_: Any) -> Any:
        if isinstance(element, BindParameter) and element.key in types:
            return each.c[element.key]
        return None

    return Form(visitors.replacement_traverse(clause, {}, replace), tuple(types))


def _parameter_types(clause: Any) -> dict[str, TypeEngine[Any]]:
    """The type of each parameter that has no value of its own, as the compiler finds it, in its order."""
    compiled = clause.compile(dialect=_DIALECT)
    return {
        name: _plain(compiled.binds[name].type)
        for name in compiled.positiontup
        if compiled.params[name] is None
    }


def _plain(type_: TypeEngine[Any]) -> TypeEngine[Any]:
    """The type without a collation, for arrays."""
    return next((kind() for kind in _PLAIN if isinstance(type_, kind)), Text())


def _array(name: str, type_: TypeEngine[Any]) -> BindParameter[Any]:
    return BindParameter(name, type_=ARRAY(type_))
