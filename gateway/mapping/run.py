"""Golden cases: `cases/<Type>.<in|out>/NAME.input.*` beside the mappings of a profile, and what comes out.

`NAME.output.json` is the result's record, or `NAME.error.yaml` the faults: a list of {code, path, source}, of
which only what is written is compared. `NAME.context.json` may give {head, platform, origin}, and
`NAME.envelope.json` the envelope of an outgoing message. The input of `in` is in the platform's own bytes, that
of `out` the standard's record as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway import configfile
from gateway.errors import ConfigError, Fault, MessageError
from gateway.formats import formats, read_json
from gateway.mapping.check import World
from gateway.mapping.mapping import Context, Mapping, load_mappings
from gateway.mapping.trace import Trace
from gateway.message import Record

CASES = "cases"


@dataclass(frozen=True, slots=True)
class Case:
    mapping: Mapping
    input: Path

    @property
    def name(self) -> str:
        mapping = self.mapping
        return f"{mapping.profile}/{mapping.message}.{mapping.direction}/{self.stem}"

    @property
    def stem(self) -> str:
        return self.input.name.split(".input.")[0]

    def beside(self, ending: str) -> Path:
        return self.input.with_name(f"{self.stem}.{ending}")


@dataclass(frozen=True, slots=True)
class CaseResult:
    """`difference` is empty where what came out is what was expected."""

    name: str
    difference: str


def find_cases(mapping: Mapping) -> list[Case]:
    folder = Path(mapping.file).parent / CASES / f"{mapping.message}.{mapping.direction}"
    return [Case(mapping, path) for path in sorted(folder.glob("*.input.*"))]


def run_cases(folder: Path, world: World) -> list[CaseResult]:
    """Every case of every mapping in `folder`. ConfigError where a mapping does not load."""
    return [check_case(case) for mapping in load_mappings(folder, world) for case in find_cases(mapping)]


def run_case(mapping: Mapping, input: Path) -> Record:
    """The record that a mapping makes of one input file. MessageError as for a real message."""
    return _run(Case(mapping, input))[0]


def trace_case(mapping: Mapping, input: Path) -> Trace:
    """The same, slowly, with the origin of every value. MessageError only where the input cannot be read."""
    return mapping.trace(*read_case(Case(mapping, input)))


def update_case(case: Case) -> list[Path]:
    """Writes what comes out of a case beside its input, in place of what was expected: the files written
    and removed. Only for a person who has looked at the difference."""
    output, envelope, error = (case.beside(one) for one in ("output.json", "envelope.json", "error.yaml"))
    try:
        record, around = _run(case)
    except MessageError as refusal:
        made = {error: "".join(_fault_line(fault) for fault in refusal.faults)}
    else:
        made = {output: _as_json(record)} | ({envelope: _as_json(around)} if around else {})
    gone = [path for path in (output, envelope, error) if path.is_file() and path not in made]
    for path in gone:
        path.unlink()
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    return [*made, *gone]


def _as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _fault_line(fault: Fault) -> str:
    said = {"code": fault.code, "path": fault.path, "source": fault.source_path}
    return f"- {json.dumps({key: text for key, text in said.items() if text}, ensure_ascii=False)}\n"


def check_case(case: Case) -> CaseResult:
    """Runs a case and compares with what is written beside its input."""
    wanted_error = case.beside("error.yaml")
    try:
        record, envelope = _run(case)
    except MessageError as error:
        if not wanted_error.is_file():
            told = "\n".join(f"  refused: {_told(fault)}" for fault in error.faults)
            return CaseResult(case.name, told)
        return CaseResult(case.name, _compare_faults(wanted_error, error.faults))
    if wanted_error.is_file():
        return CaseResult(case.name, "  expected a refusal, got a record")
    output = case.beside("output.json")
    if not output.is_file():
        return CaseResult(case.name, f"  there is no {output.name} and no {wanted_error.name}")
    lines = list(_differences(texts_of(read_json(output.read_bytes())), record, ""))
    if case.beside("envelope.json").is_file():
        wanted = texts_of(read_json(case.beside("envelope.json").read_bytes()))
        lines += _differences(wanted, envelope, "(envelope)")
    return CaseResult(case.name, "\n".join(lines))


def read_case(case: Case) -> tuple[Record, Context]:
    """The input of a case with what the mapping may read beside it."""
    mapping, data = case.mapping, case.input.read_bytes()
    given = case.beside("context.json")
    context = read_json(given.read_bytes()) if given.is_file() else {}
    head = {str(key): str(value) for key, value in context.get("head", {}).items()}
    platform, origin = texts_of(context.get("platform", {})), texts_of(context.get("origin"))
    if mapping.direction == "out":
        return texts_of(read_json(data)), Context(head, platform, origin)
    parsed = formats.get(mapping.format).decode(data)
    mapping.check_envelope(parsed.envelope)
    return parsed.record, Context({**parsed.head, **head}, platform, origin)


def _run(case: Case) -> tuple[Record, dict[str, str]]:
    record, around = read_case(case)
    found = case.mapping.apply(record, around)
    return found, case.mapping.envelope(record, around) if case.mapping.direction == "out" else {}


def texts_of(value: Any) -> Any:
    """The JSON form's integers as the text that a record holds."""
    if isinstance(value, dict):
        return {name: texts_of(one) for name, one in value.items()}
    if isinstance(value, list):
        return [texts_of(one) for one in value]
    return str(value) if isinstance(value, int) else value


def _differences(wanted: Any, got: Any, path: str) -> Iterator[str]:
    """One line for each place where two records differ."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for name in dict.fromkeys((*wanted, *got)):
            place = f"{path}/{name}" if path else name
            yield from _differences(wanted.get(name), got.get(name), place)
    elif isinstance(wanted, list) and isinstance(got, list):
        for index in range(max(len(wanted), len(got))):
            left = wanted[index] if index < len(wanted) else None
            right = got[index] if index < len(got) else None
            yield from _differences(left, right, f"{path}[{index + 1}]")
    elif wanted != got:
        yield f"  {path}: expected {_shown(wanted)}, got {_shown(got)}"


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(value)[:200]


def _told(fault: Fault) -> str:
    return f"{fault.code} at {fault.place} (path {fault.path!r}): {fault.en}"


def _compare_faults(path: Path, faults: Sequence[Fault]) -> str:
    try:
        wanted = configfile.load_document(path).data
    except ConfigError as error:
        return f"  {error}"
    if not isinstance(wanted, list) or not all(isinstance(one, dict) for one in wanted):
        return f"  {path.name}: expected a list of {{code, path, source}}"
    open_ = list(faults)
    lines = []
    for one in wanted:
        found = next((fault for fault in open_ if _is_like(one, fault)), None)
        if found is None:
            lines.append(f"  expected the fault {one}, which did not come")
        else:
            open_.remove(found)
    return "\n".join([*lines, *(f"  a fault that was not expected: {_told(fault)}" for fault in open_)])


def _is_like(wanted: dict[str, Any], fault: Fault) -> bool:
    known = {"code": fault.code, "path": fault.path, "source": fault.source_path, "result": fault.result}
    return all(known.get(key) == str(value) for key, value in wanted.items())
