"""Cases in a row: a seed gives the same ones again. One found case a kind of failure, shrunk and ready to be kept."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from gateway.errors import MessageError
from gateway.mapping.fuzz.ground import Ground
from gateway.mapping.fuzz.instances import hostile
from gateway.mapping.fuzz.judge import Failure, judge
from gateway.mapping.fuzz.shrink import shrink
from gateway.mapping.mapping import Context, Mapping, load_mapping
from gateway.mapping.model import read_mapping
from gateway.message import Record
from gateway.standard import Standard

_HOSTILE_EVERY = 5
_TRIES = 8  # at a valid record, before a good one is taken
_MAX_FOUND = 10


@dataclass(frozen=True, slots=True)
class Found:
    """A failing case, shrunk. `files`: ending → text, as a golden case beside the mapping would have them."""

    name: str
    failure: Failure
    is_hostile: bool
    files: dict[str, bytes]


@dataclass(slots=True)
class Report:
    name: str
    cases: int = 0
    failed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)


def fuzz(mapping: Mapping, standard: Standard, cases: int, seed: int) -> Report:
    """Runs so many cases. The same seed gives the same cases."""
    ground = make_ground(mapping, standard)
    name = f"{mapping.profile}/{mapping.message}.{mapping.direction}"
    report, random = Report(name), Random(f"{seed} {name}")
    source = _Source(ground, random)
    seen: set[tuple[str, str]] = set()
    for number in range(cases):
        is_hostile = number % _HOSTILE_EVERY == _HOSTILE_EVERY - 1
        record = hostile(random, _good(ground, random)) if is_hostile else source.next()
        context = random.choice(ground.contexts)
        verdict = judge(ground, record, context, is_hostile=is_hostile)
        report.cases += 1
        report.outcomes[f"{'hostile ' if is_hostile else ''}{verdict.outcome}"] += 1
        if verdict.failure is not None:
            report.failed += 1
            if verdict.failure.key not in seen and len(report.found) < _MAX_FOUND:
                seen.add(verdict.failure.key)
                report.found.append(_found(ground, record, context, verdict.failure, is_hostile, number))
    return report


def fuzz_files(files: Sequence[Path], schemas: Path, cases: int, seed: int, jobs: int) -> Iterator[Report]:
    """Every file in its turn, on so many processes. ConfigError where one does not load."""
    tasks = [(file, schemas, cases, seed) for file in files]
    if jobs < 2 or len(tasks) < 2:
        yield from map(_fuzz_file, tasks)
        return
    with ProcessPoolExecutor(min(jobs, len(tasks))) as pool:
        yield from pool.map(_fuzz_file, tasks)


def _fuzz_file(task: tuple[Path, Path, int, int]) -> Report:
    file, schemas, cases, seed = task
    standard = _standard(schemas)
    return fuzz(load_mapping(file, standard), standard, cases, seed)


@lru_cache(maxsize=1)
def _standard(schemas: Path) -> Standard:
    return Standard.load(schemas)


def make_ground(mapping: Mapping, standard: Standard) -> Ground:
    text, _ = read_mapping(Path(mapping.file))
    return Ground(mapping, standard, text.schema, text.origin)


def _good(ground: Ground, random: Random) -> Record:
    return random.choice(ground.good) if ground.good else ground.maker.fresh(random)


class _Source:
    """Valid records, whatever it takes: made anew, or good ones with changes."""

    def __init__(self, ground: Ground, random: Random):
        self.ground = ground
        self.random = random
        self._anew = [1, 1]  # made anew: how often that was tried, how often it gave a valid record

    def next(self) -> Record:
        for _ in range(_TRIES):
            made = self._fresh() if self._is_worth_it() else self._changed()
            if made is not None:
                return made
        return _good(self.ground, self.random)

    def _is_worth_it(self) -> bool:
        tried, valid = self._anew
        share = 0.35 if valid * 8 >= tried or not self.ground.good else 0.01
        return self.random.random() < share

    def _fresh(self) -> Record | None:
        made = self.ground.maker.fresh(self.random)
        is_valid = self.ground.is_valid_source(made)
        self._anew[0] += 1
        self._anew[1] += is_valid
        return made if is_valid else None

    def _changed(self) -> Record | None:
        made = self.ground.maker.changed(self.random, _good(self.ground, self.random))
        return made if self.ground.is_valid_source(made) else None


def _found(
    ground: Ground, record: Record, context: Context, failure: Failure, is_hostile: bool, number: int
) -> Found:
    def fails(smaller: Record) -> bool:
        if not is_hostile and not ground.is_valid_source(smaller):
            return False
        again = judge(ground, smaller, context, is_hostile=is_hostile).failure
        return again is not None and again.key == failure.key

    small = shrink(record, fails)
    last = judge(ground, small, context, is_hostile=is_hostile).failure or failure
    return Found(f"fuzz-{failure.kind}-{number}", last, is_hostile, dict(_files(ground, small, context)))


def _files(ground: Ground, record: Record, context: Context) -> Iterator[tuple[str, bytes]]:
    if not ground.is_in:
        yield "input.json", _json(record)
    else:
        try:
            ending = "json" if ground.mapping.format.endswith("json") else "xml"
            yield f"input.{ending}", ground.write(record)
        except (MessageError, TypeError, ValueError):
            yield "record.json", _json(record)  # a record that no bytes of the format give
    kept = {"head": dict(context.head), "platform": dict(context.platform), "origin": context.origin}
    yield "context.json", _json({key: value for key, value in kept.items() if value})


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "surrogatepass")
