"""The draft of a mapping: sure proposals as lines, all else as a decision that a person must take.

A line that does not pass the checker is no line but a decision, with the checker's words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import Finding
from gateway.mapping.check import World, check_text
from gateway.mapping.draft.matches import SURE, Match, Target, TypeMatch, targets_of, unmatched
from gateway.mapping.draft.notation import DATE, Notation
from gateway.mapping.draft.rows import FieldRow, FieldTable
from gateway.mapping.draft.schema import element_name
from gateway.mapping.schema import Shelf

_NAME = re.compile(r"[^\W\d][\w\-]*(\.[\w\-]+)*")
_KEYWORDS = frozenset(("and", "or", "not", "in", "exists"))
_UNIT = re.compile("单位|UNIT$")
_WIDTH = 44


@dataclass(slots=True)
class Draft:
    """`text`: the file; `findings`: what the checker still says of it; `decisions`: what a person must take."""

    table: FieldTable
    kind: TypeMatch
    text: str
    decisions: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class _Line:
    target: Target
    match: Match | None
    expression: str = ""
    doubt: str = ""  # why it is a decision


def draft_mapping(
    table: FieldTable, ranked: list[TypeMatch], place: Path, schema: str, form: str, book: str, world: World
) -> Draft:
    """`place`: where the file will stand; its schema must be there already. `schema`: its path."""
    best = ranked[0]
    lines = list(_lines(best, world))
    shelf = Shelf(_schemas_of(place))

    def written() -> str:
        return _write(table, ranked, lines, schema, form, book)

    for _ in range(len(lines)):  # each round at least one line becomes a decision
        wrong = {
            _target_of(one.field): one.text
            for one in check_text(written(), place, world, shelf).findings
            if one.severity == "error" and one.code not in ("mapping.missing-target", "mapping.missing-key")
        }
        doubtful = [one for one in lines if one.expression and not one.doubt and one.target.path in wrong]
        if not doubtful:
            break
        for one in doubtful:
            one.doubt = wrong[one.target.path]
    checked = check_text(written(), place, world, shelf)
    draft = Draft(table, best, written(), findings=checked.findings)
    draft.decisions = [*_decisions(lines), *_unused(table, best)]
    return draft


def _schemas_of(place: Path) -> Path:
    return place.parents[2] / "schemas"


def _target_of(label: str) -> str:
    """`fields.X` and `X` are the field X."""
    return label.removeprefix("fields.")


def _lines(best: TypeMatch, world: World) -> Iterator[_Line]:
    by_path = {one.target.path: one for one in best.matches}
    units = [
        one
        for one in {match.source.name: match.source for match in best.matches}.values()
        if _UNIT.search(one.zh)
    ]
    for target in targets_of(world.model(best.kind.number)):
        match = by_path.get(target.path)
        if match is None:
            if target.required:
                yield _Line(target, None, doubt=_without(target))
            continue
        expression, doubt = expression_for(target, match.source)
        if match.confidence < SURE:
            doubt = f"maybe (confidence {match.confidence:.2f}: {', '.join(match.reasons)})"
        elif not doubt and target.element.value is not None and target.element.value.numeric and units:
            match = Match(
                match.target,
                match.source,
                match.confidence,
                (*match.reasons, f"in which unit? see {units[0].name}"),
            )
        yield _Line(target, match, expression, doubt)


def _without(target: Target) -> str:
    if target.listed:
        return "required, and inside a list: give its block each:, and its fields"
    return "required, and no field of the table fits"


def expression_for(target: Target, source: FieldRow) -> tuple[str, str]:
    """(expression, doubt): how a value gets the target's form. A doubt where only a person can say."""
    name, value, notation = _quoted(source.name), target.element.value, source.notation
    assert value is not None
    if value.check in ("date", "datetime"):
        return _dated(name, value.check == "datetime", notation)
    if value.numeric and not value.integer:
        places = next(
            (found for found in (re.search(r"\\\.\[0-9\]\{(\d)\}", value.pattern_text),) if found), None
        )
        return (f"{name} | fixed({places[1]})" if places else name), ""
    most = value.max_length
    if target.element.gbk_max:
        return f'{name} | fit({target.element.gbk_max}, encoding:"GBK")', ""
    if most is not None and notation.kind != DATE and (notation.most is None or notation.most > most):
        return f"{name} | fit({most})", ""
    return name, ""


def _dated(name: str, with_time: bool, notation: Notation) -> tuple[str, str]:
    form, wanted = notation.form, "yyyyMMddHHmmss" if with_time else "yyyyMMdd"
    if form in ("", wanted):
        return name, ""
    if not with_time and form.startswith("yyyyMMdd"):
        return f"{name} | substring(1, 8)", ""
    if "H" in form:
        to = "" if with_time else ', to:"yyyyMMdd"'
        return f'{name} | datetime("{form}"{to})', ""
    if with_time:
        return name, f"the source has a day ({form}), the standard wants a time: which?"
    return f'{name} | date("{form}")', ""


def _quoted(name: str) -> str:
    plain = element_name(name)
    return plain if _NAME.fullmatch(plain) and plain not in _KEYWORDS else f"`{plain}`"


# The text


def _write(
    table: FieldTable, ranked: list[TypeMatch], lines: list[_Line], schema: str, form: str, book: str
) -> str:
    best = ranked[0]
    others = ", ".join(f"{one.kind.name} {one.confidence:.2f}" for one in ranked[1:3]) or "none"
    parts = [
        f"# A draft, made from {book}, sheet {table.sheet}, row {table.row}: {table.label} {table.title}",
        f"# The message type is a proposal: {best.kind.name} {best.confidence:.2f} (others: {others}).",
        "# Behind each field: how sure it is, from 0 to 1, and what that rests on. DECIDE: a person must.",
        f"message: {best.kind.name}",
        "direction: in",
        f"format: {form}",
        f"schema: {_yaml(schema)}",
        "version: 1",
        "",
        "fields:",
        *(_line(one) for one in lines),
    ]
    rest = unmatched(table.fields, best.matches)
    if rest:
        parts += ["", "# DECIDE: not used so far; map them, or list them under ignored:"]
        parts += [f"#   {one.name}  ({_flat(one.zh)})" for one in rest]
    return "\n".join(parts) + "\n"


def _line(one: _Line) -> str:
    label = _flat(one.target.element.label)
    needed = "required" if one.target.required else "optional"
    if one.match is None:
        return f"  # DECIDE {one.target.path} ({label}, {needed}): {_flat(one.doubt)}"
    said = f"{one.target.path}: {_yaml(one.expression)}"
    why = f"{one.match.confidence:.2f} {', '.join(one.match.reasons)}; {label} ← {_flat(one.match.source.zh)}"
    if one.doubt:
        return f"  # DECIDE {needed}: {_flat(one.doubt)}\n  # {said:<{_WIDTH}} # {why}"
    return f"  {said:<{_WIDTH}} # {why}"


def _flat(text: str) -> str:
    return " ".join(text.split())


def _yaml(text: str) -> str:
    plain = re.fullmatch(r"[^\W\d][^:#'\"]*(\(.*\))?", text) and ": " not in text and " #" not in text
    return text if plain else "'" + text.replace("'", "''") + "'"


def _decisions(lines: list[_Line]) -> Iterator[str]:
    for one in lines:
        if one.match is None:
            yield f"{one.target.path} ({one.target.element.label}): {one.doubt}"
        elif one.doubt:
            yield f"{one.target.path} ({one.target.element.label}) from {one.match.source.name}: {one.doubt}"


def _unused(table: FieldTable, best: TypeMatch) -> Iterator[str]:
    for one in unmatched(table.fields, best.matches):
        yield f"{one.name} ({one.zh}) is not used: map it, or list it under ignored:"
