"""A mapping run slowly: the same result as the compiled function, with the origin of every value, and every
fault where the compiled function stops at the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Fault
from gateway.mapping import plan
from gateway.mapping.evaluate import Evaluator
from gateway.mapping.kinds import ANY
from gateway.mapping.lineage import unmarked
from gateway.mapping.seen import Places, Seen, Step
from gateway.mapping.values import Wrong
from gateway.message import Record

MAX_FAULTS = 200


@dataclass(slots=True)
class Trace:
    """`origins`: target path → the source paths that its value was made of; `steps`: the functions that
    made it. `gaps`: required places that stay empty, which for an incoming message the standard's own validation names as well."""

    record: Record = field(default_factory=dict)
    origins: dict[str, Places] = field(default_factory=dict)
    steps: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    gaps: list[Fault] = field(default_factory=list)


def trace(
    made: plan.Plan,
    message: Any,
    head: Mapping[str, str],
    platform: Mapping[str, Any],
    origin: Mapping[str, Any] | None,
) -> Trace:
    """Runs a whole plan. Never raises for what a message holds."""
    result = Trace()
    try:
        tracer = _Tracer(made, Evaluator(made, message, head, platform, origin), result)
    except Wrong as wrong:
        result.faults.append(_fault(made.direction, wrong, "", False))
        return result
    tracer.fields(made.fields, result.record, "")
    return result


def trace_envelope(
    made: plan.Plan,
    message: Any,
    head: Mapping[str, str],
    platform: Mapping[str, Any],
    origin: Mapping[str, Any] | None,
) -> Trace:
    fields = tuple(plan.Leaf(name, name, value) for name, value in made.envelope)
    return trace(plan.Plan(made.direction, made.lets, fields, ()), message, head, platform, origin)


class _Tracer:
    def __init__(self, made: plan.Plan, evaluator: Evaluator, result: Trace):
        self.plan = made
        self.at = evaluator
        self.result = result
        self._told: list[Wrong] = []

    def fields(
        self, fields: tuple[plan.Field, ...], target: Record, path: str, *, is_written: bool = True
    ) -> None:
        """`is_written` False: the record is left out where it stays empty, and then lacks nothing."""
        silent: list[tuple[plan.Field, str]] = []
        for one in fields:
            place = path if one.name == "#text" else f"{path}/{one.name}" if path else one.name
            before = len(self.result.faults) + len(self.result.gaps)
            try:
                self._field(one, target, place)
            except Wrong as wrong:
                self._tell(wrong, place, getattr(one, "sensitive", False))
                continue
            if len(self.result.faults) + len(self.result.gaps) == before:
                silent.append((one, place))
        if is_written or target:
            for one, place in silent:
                if one.required and one.name not in target:
                    self._gap(one, place)

    def _field(self, one: plan.Field, target: Record, path: str) -> None:
        if one.when is not None and not self.at.test(one.when):
            return
        match one:
            case plan.Leaf():
                self.at.keep = one.keep_empty
                try:
                    self._leaf(one, target, path)
                finally:
                    self.at.keep = False
            case plan.Group():
                self._group(one, target, path)
            case plan.Items():
                self._items(one, target, path)

    def _leaf(self, one: plan.Leaf, target: Record, path: str) -> None:
        self.at.steps = []
        seen = self.at.value(one.value)
        if one.value.kind.is_list:
            found = [item for item in seen.value if item.value]
            self._check_most(len(found), one.most, path, seen)
            if found:
                target[one.name] = [item.value for item in found]
                for index, item in enumerate(found, 1):
                    self._note(f"{path}[{index}]", item)
        elif self.at.present(seen, one.value.kind):
            target[one.name] = [seen.value] if one.listed else seen.value
            self._note(path, seen)

    def _group(self, one: plan.Group, target: Record, path: str) -> None:
        made: Record = {}
        if one.base is None:
            self.fields(one.fields, made, path, is_written=False)
        else:
            base = self.at.value(one.base)
            if base.value:
                with self.at.inside(base, one.base.kind):
                    self.fields(one.fields, made, path, is_written=False)
        if made:
            target[one.name] = [made] if one.listed else made

    def _items(self, one: plan.Items, target: Record, path: str) -> None:
        source = self.at.value(one.source)
        kind = one.source.kind.item or ANY
        made: list[Any] = []
        if one.value is None:  # one item for each: too many are refused before any is made
            self._check_most(len(source.value), one.most, path, source)
        self.at.spend(source)
        for index, item in enumerate(source.value, 1):
            if len(self.result.faults) >= MAX_FAULTS:
                break  # enough is told; a message that is wrong throughout costs no more time
            place = f"{path}[{len(made) + 1}]"
            try:
                with self.at.looping(), self.at.inside(item, kind, index):
                    self._item(one, made, place)
            except Wrong as wrong:
                self._tell(wrong, place, one.sensitive)
        self._check_most(len(made), one.most, path, source)
        if made:
            target[one.name] = made

    def _item(self, one: plan.Items, made: list[Any], place: str) -> None:
        if one.value is None:
            record: Record = {}
            made.append(record)
            self.fields(one.fields, record, place)
            return
        self.at.steps = []
        seen = self.at.value(one.value)
        if self.at.present(seen, one.value.kind):
            made.append(seen.value)
            self._note(place, seen)

    def _note(self, path: str, seen: Seen) -> None:
        self.result.origins[path] = seen.used
        self.result.steps[path] = tuple(self.at.steps)

    def _check_most(self, count: int, most: int, path: str, seen: Seen) -> None:
        if most and count > most:
            wrong = Wrong(
                "too-many",
                f"最多 {most} 项，实有 {count} 项",
                f"at most {most} items, got {count}",
                expected=str(most),
                found=str(count),
            )
            wrong.places = seen.used
            raise wrong

    # Faults

    def _tell(self, wrong: Wrong, path: str, sensitive: bool) -> None:
        if len(self.result.faults) < MAX_FAULTS and not any(one is wrong for one in self._told):
            self._told.append(wrong)
            self.result.faults.append(_fault(self.plan.direction, wrong, path, sensitive))

    def _gap(self, one: plan.Field, path: str) -> None:
        if len(self.result.gaps) >= MAX_FAULTS:
            return
        wrong = Wrong("missing-value", "缺少必填项", "a required value is absent", result="10003")
        place = _first_source(one)
        if place:
            wrong.places = (self._indexed(place),)
        self.result.gaps.append(_fault(self.plan.direction, wrong, path, False))

    def _indexed(self, marked: str) -> str:
        for number, here in enumerate(self.at.scopes):
            marked = marked.replace(f"[#{number}]", f"[{here.position}]")
        return unmarked(marked)


def _first_source(one: plan.Field) -> str:
    match one:
        case plan.Leaf():
            return plan.source(one.value)
        case plan.Items():
            return plan.source(one.source)
        case plan.Group():
            if one.base is not None:
                return plan.source(one.base)
            return next((found for inner in one.fields if (found := _first_source(inner))), "")


def _fault(direction: str, wrong: Wrong, path: str, sensitive: bool) -> Fault:
    """In: `path` in the standard's words, `source_path` in the sender's. Out: the standard is what is read."""
    place = wrong.places[0] if wrong.places else ""
    if wrong.asked:
        wrong = _with_trail(wrong, place)
    found = "***" if sensitive and wrong.found else wrong.found
    if direction == "in":
        return Fault(
            wrong.code, path, wrong.zh, wrong.en, wrong.result, place, expected=wrong.expected, found=found
        )
    zh, en = f"{wrong.zh}（接收方字段 {path}）", f"{wrong.en} (the receiver's field {path})"
    return Fault(wrong.code, place, zh, en, wrong.result, expected=wrong.expected, found=found)


def _with_trail(wrong: Wrong, place: str) -> Wrong:
    """What was asked for, where it went wrong, what was there."""
    zh = f"读取 {wrong.asked} 时，{place or '报文'} 处{wrong.zh}"
    en = f"asked for {wrong.asked}: at {place or 'the message'} {wrong.en}"
    told = Wrong(wrong.code.removeprefix("mapping."), zh, en, result=wrong.result)
    told.expected, told.found, told.places = wrong.expected or wrong.asked, wrong.found, wrong.places
    return told
