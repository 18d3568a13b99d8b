"""One try of a mapping's text on a sample: findings at their places, the result, the origin of every value.

Pure: nothing is read but fragments and schemas, nothing is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import clock
from gateway.errors import ConfigError, Fault, Finding, MessageError
from gateway.formats import formats, read_json
from gateway.mapping.check import check_text
from gateway.mapping.explaining import origins
from gateway.mapping.mapping import Context, Mapping
from gateway.mapping.run import texts_of
from gateway.mapping.schema import Shelf
from gateway.message import Record
from gateway.standard import Standard

MAX_TEXT_CHARS = 200_000
MAX_SAMPLE_CHARS = 2_000_000


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a person typed. `context`: JSON with head, platform, origin, or empty."""

    file: Path
    text: str
    sample: str
    context: str = ""


def attempt(given: Attempt, world: Standard, shelf: Shelf) -> dict[str, Any]:
    """`findings` of the text, `faults` of the sample (what the standard refuses too), `result`, `origins` (target, value, sources, steps),
    `coverage` (used or ignored source fields, and all). Never raises for what was typed."""
    if len(given.text) > MAX_TEXT_CHARS or len(given.sample) > MAX_SAMPLE_CHARS:
        finding = Finding(str(given.file), 1, 1, "(file)", "too long for the playground", "mapping.too-large")
        return _answer([finding])
    checked = check_text(given.text, given.file, world, shelf)
    if checked.plan is None:
        return _answer(checked.findings)
    try:
        mapping = Mapping(given.file, checked)
        record, around = _read(mapping, given)
    except MessageError as error:
        return _answer(checked.findings, faults=error.faults)
    except ConfigError as error:
        return _answer([*checked.findings, *error.findings])
    traced = mapping.trace(record, around)
    made = [
        {"target": one.target, "value": one.value, "sources": one.sources, "steps": one.steps}
        for one in origins(traced)
    ]
    faults = [*traced.faults, *traced.gaps]
    if not faults and mapping.direction == "in":
        told = world.validate(mapping.number, traced.record, on=clock.now().date())
        faults = [fault.in_words_of(mapping.source_of(fault.path)) for fault in told]
    return _answer(
        checked.findings, faults=faults, result=traced.record, made=made, coverage=checked.coverage
    )


def _read(mapping: Mapping, given: Attempt) -> tuple[Record, Context]:
    around = read_json(given.context.encode()) if given.context.strip() else {}
    if not isinstance(around, dict):
        raise MessageError.of(
            "mapping.context", "上下文应为对象", "the context is a JSON object", result="10001"
        )
    head, platform = (
        part if isinstance(part, dict) else {} for part in (around.get("head"), around.get("platform"))
    )
    head = {str(key): str(value) for key, value in head.items()}
    origin = texts_of(around.get("origin"))
    data = given.sample.encode("utf-8", "replace")
    if mapping.direction == "out":
        record = texts_of(read_json(data))
        if not isinstance(record, dict):
            raise MessageError.of(
                "mapping.sample", "样例应为对象", "the sample is a JSON object", result="10001"
            )
        return record, Context(head, texts_of(platform), origin)
    parsed = formats.get(mapping.format).decode(_as_declared(given.sample, data))
    mapping.check_envelope(parsed.envelope)
    return parsed.record, Context({**parsed.head, **head}, texts_of(platform), origin)


def _as_declared(text: str, data: bytes) -> bytes:
    """The bytes in the encoding that the XML declares: in the page everything is Unicode."""
    declaration = text[:200].partition("?>")[0].lower()
    if text.lstrip().startswith("<?xml") and (
        "gbk" in declaration or "gb18030" in declaration or "gb2312" in declaration
    ):
        return text.encode("gb18030", "replace")
    return data


def _answer(
    findings: list[Finding],
    *,
    faults: Sequence[Fault] = (),
    result: Record | None = None,
    made: list[dict[str, Any]] | None = None,
    coverage: tuple[int, int] = (0, 0),
) -> dict[str, Any]:
    return {
        "findings": [
            {
                "line": one.line, "column": one.column, "field": one.field, "text": one.text, "code": one.code,
                "severity": one.severity,
            }
            for one in sorted(findings)
        ],
        "faults": [{"place": one.place, "path": one.path, "zh": one.zh, "en": one.en, "code": one.code} for one in faults],
        "result": result,
        "origins": made or [],
        "coverage": coverage,
    }  # fmt: skip
