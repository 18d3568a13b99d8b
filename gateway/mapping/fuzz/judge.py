"""What every case must keep, and how a case that does not is named."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from gateway.errors import Fault, MessageError
from gateway.formats import formats
from gateway.mapping.fuzz.ground import Ground
from gateway.mapping.mapping import Context
from gateway.mapping.running import Gap
from gateway.mapping.trace import Trace, trace_envelope
from gateway.mapping.values import Wrong
from gateway.message import HEAD_FIELDS, Head, Record
from gateway.standard.faults import MORE

_INDEX = re.compile(r"\[\d+\]")
OUTSIDE = ("head", "platform", "origin")


@dataclass(frozen=True, slots=True)
class Failure:
    """`kind`: crash, disagreement, nondeterminism, input-changed, invalid, unplaced. `field`: of the target
    where the fault lies, or of the source."""

    kind: str
    field: str
    detail: str

    @property
    def key(self) -> tuple[str, str]:
        return self.kind, _INDEX.sub("", self.field)


@dataclass(frozen=True, slots=True)
class Verdict:
    """`outcome`: mapped, or refused with the sender's paths."""

    outcome: str
    failure: Failure | None = None


def judge(ground: Ground, record: Record, context: Context, *, is_hostile: bool = False) -> Verdict:
    """Runs a case. Any exception that is no refusal is a failure, never passed on: that is what is looked for."""
    try:
        return _judge(ground, record, context, is_hostile=is_hostile)
    except MessageError as error:
        return _refused(ground, error.faults)
    except Exception as error:  # noqa: BLE001 a crash of any kind is the finding
        return _failed("crash", _where(error), f"{type(error).__name__}: {error}"[:300])


def _where(error: BaseException) -> str:
    trail = error.__traceback__
    while trail is not None and trail.tb_next is not None:
        trail = trail.tb_next
    return (
        "" if trail is None else f"{trail.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trail.tb_lineno}"
    )


def _failed(kind: str, field: str, detail: str) -> Verdict:
    return Verdict("failed", Failure(kind, field, detail))


def _judge(ground: Ground, record: Record, context: Context, *, is_hostile: bool) -> Verdict:
    mapping, before = ground.mapping, _bytes(record)
    found = _run(ground, record, context)
    again = _run(ground, record, context)
    if found != again:
        return _failed("nondeterminism", "", "two runs of one message differ")
    traced = mapping.trace(record, context)
    if _bytes(record) != before:
        return _failed("input-changed", "", "the mapping changed its input")
    disagreement = _disagreement(found, traced, ground.is_in)
    if disagreement:
        return _failed("disagreement", "", disagreement)
    refused = [*traced.faults, *(traced.gaps if traced.faults or not ground.is_in else ())]
    if refused:
        return _refused(ground, refused)
    result = traced.record
    return (
        _judge_in(ground, result) if ground.is_in else _judge_out(ground, record, result, context, is_hostile)
    )


def _bytes(record: Record) -> bytes:
    return orjson.dumps(record, option=orjson.OPT_SORT_KEYS)


def _run(ground: Ground, record: Record, context: Context) -> Record | None:
    """What the generated function makes; None where it leaves the message to the evaluator."""
    try:
        return ground.mapping.compiled(record, context.head, context.platform, context.origin)
    except (Wrong, Gap):
        return None


def _disagreement(found: Record | None, traced: Trace, is_in: bool) -> str:
    if found is None:
        return ""  # the evaluator then makes the result or tells the faults, whichever it is
    if traced.faults or (not is_in and traced.gaps):
        return (
            f"the generated function takes what the evaluator refuses: {[*traced.faults, *traced.gaps][0].en}"
        )
    return "" if found == traced.record else _first_difference(found, traced.record, "")


def _first_difference(left: object, right: object, path: str) -> str:
    if isinstance(left, dict) and isinstance(right, dict):
        for name in (*left, *right):
            if left.get(name) != right.get(name):
                return _first_difference(left.get(name), right.get(name), f"{path}/{name}")
    return f"{path}: the function gives {str(left)[:80]!r}, the evaluator {str(right)[:80]!r}"


def _judge_in(ground: Ground, result: Record) -> Verdict:
    """Valid under the standard, or refused by it at a place that the mapping turns into the sender's own."""
    try:
        ground.standard.check(ground.mapping.number, result, on=ground.on)
    except MessageError as error:
        return _refused(
            ground, [fault.in_words_of(ground.mapping.source_of(fault.path)) for fault in error.faults]
        )
    return Verdict("mapped")


def _judge_out(ground: Ground, record: Record, result: Record, context: Context, is_hostile: bool) -> Verdict:
    mapping = ground.mapping
    envelope = mapping.envelope(record, context)
    around = trace_envelope(mapping.plan, record, context.head, context.platform, context.origin)
    if around.record != envelope:
        return _failed("disagreement", "(envelope)", _first_difference(envelope, around.record, ""))
    head = Head(**{name: context.head.get(name, "") for name in HEAD_FIELDS})
    try:
        formats.get(mapping.format).encode(result, head, envelope, mapping.root)
    except MessageError as error:
        return _refused(ground, [_in_source_words(ground, fault) for fault in error.faults])
    wrong = [] if is_hostile else ground.platform_faults(result)
    if not wrong:
        return Verdict("mapped")
    return _failed("invalid", wrong[0].partition(":")[0], "; ".join(wrong[:3])[:400])


def _in_source_words(ground: Ground, fault: Fault) -> Fault:
    return fault.in_words_of(ground.mapping.source_of(fault.path))


def _refused(ground: Ground, faults: Iterable[Fault]) -> Verdict:
    """A refusal is good where every fault names a place of the source; that there are more than are named
    has none."""
    for fault in faults:
        if fault.code == MORE:
            continue
        place = _INDEX.sub("", fault.source_path if ground.is_in else fault.source_path or fault.path)
        if not place:
            return _failed("unplaced", fault.path, f"{fault.code}: {fault.en}")
        if place.partition("/")[0] not in OUTSIDE and not _is_known(ground, place):
            return _failed(
                "unplaced", fault.path, f"{fault.code} at {place}, which the source has not: {fault.en}"
            )
    return Verdict("refused")


def _is_known(ground: Ground, place: str) -> bool:
    return place in ground.known_places or any(f"{place}/" in f"{one}/" for one in ground.known_places)
