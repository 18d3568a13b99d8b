"""The shape of what a sender's head says: every field by the standard's own type and code table.

A head reaches the receivers with the message, and its version orders what is stored; so a head that the
schema would refuse is refused here, whatever envelope it came in. Fields that an envelope does not have
are absent, but the standard's own envelope has them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import lru_cache

from gateway.errors import Fault, MessageError
from gateway.standard import CodeTables, Standard
from gateway.standard.explain import explain
from gateway.standard.faults import shown
from gateway.standard.generate import CodeSets, make_test
from gateway.standard.model import ValueType

# Never inside a field that passes: so joined fields match the joined shapes one by one, or not at all.
_BETWEEN = "\n"
_TEXT = "[^\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"


class HeadShape:
    """Made once from the standard; any thread may use it."""

    def __init__(self, standard: Standard):
        self._standard = standard
        self._model = standard.head_model
        self._shapes = {child.name: _shape_of(child.value) for child in self._model.children if child.value}
        self._joined = lru_cache(maxsize=64)(self._join)
        self._test, self._tables = make_test(self._model)
        self._valid: tuple[date | None, CodeTables, CodeSets] = (None, standard.codes, ())

    def check(self, said: Mapping[str, str], on: date, *, whole: bool) -> None:
        """MessageError with every fault, by `Head/…`, of what the envelope says; `whole`: of a head that
        must have every field."""
        complete = not whole or len(said) == len(self._shapes)
        if not (complete and self._is_sound(said, on)):
            self._refuse(said, on, whole)

    def compare(self, number: str, said: Mapping[str, str], expected: Mapping[str, str]) -> None:
        """MessageError with every field that the head of a message says otherwise than expected. A business key
        can hold an account number: of such a one the fault shows no more than a fault of the element would."""
        faults = []
        for name, value in expected.items():
            found = said.get(name, value)
            if found == value:
                continue
            hidden = self._standard.catalogue.sensitive_in_key(number, value) if name == "BizKey" else {}
            wanted = value
            for part, kind in hidden.items():
                wanted = wanted.replace(part, shown(part, kind))
            faults.append(
                Fault(
                    "standard.head",
                    f"Head/{name}",
                    f"报文头 {name} 与报文内容或签名不符",
                    f"{name} of the head differs from the body or from what was signed",
                    "20004" if name == "BodyDigest" else "10003",
                    expected=wanted,
                    found=shown(found, "personal" if hidden else ""),
                )
            )
        if faults:
            raise MessageError(faults)

    def _join(self, names: tuple[str, ...]) -> re.Pattern[str]:
        return re.compile(_BETWEEN.join(self._shapes[name] for name in names))

    def _is_sound(self, said: Mapping[str, str], on: date) -> bool:
        """A no only asks the explanation, which has the last word."""
        if not self._joined(tuple(said)).fullmatch(_BETWEEN.join(said.values())):
            return False
        codes = self._standard.codes
        day, known, valid = self._valid
        if day != on or known is not codes:
            valid = tuple(codes.get(table).valid_on(on) for table in self._tables)
            self._valid = (on, codes, valid)
        return self._test(dict(said), valid)

    def _refuse(self, said: Mapping[str, str], on: date, whole: bool) -> None:
        model = self._model
        if not whole:
            model = replace(model, children=tuple(one for one in model.children if one.name in said))
        found = explain(model, dict(said), self._standard.values, on).faults
        if found:
            raise MessageError([replace(fault, path=f"Head/{fault.path}") for fault in found])


def _shape_of(value: ValueType) -> str:
    if value.patterns:
        first, *others = (one.pattern for one in value.patterns)
        all_hold = "".join(f"(?=(?:{other})(?:{_BETWEEN}|\\Z))" for other in others)
        # A counter's bound is a number, which no pattern holds: nine digits are surely below it.
        bound = "(?![0-9]{10})" if value.integer else ""
        return f"{all_hold}{bound}(?:{first})"
    most = "" if value.max_length is None else value.max_length
    return f"{_TEXT}{{{max(value.min_length, 1)},{most}}}"
