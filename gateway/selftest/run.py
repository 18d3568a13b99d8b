"""Asks the validator about every mutation, and counts what it caught, missed or put in the wrong place.

caught       refused, and the fault has the right rule and path, and nothing else is told that is not so
missed       accepted, or refused without that rule
wrong_place  the rule is told, but elsewhere; or a fault is told where nothing is wrong
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import MessageError
from gateway.selftest import oracle
from gateway.selftest.breaks import Breaker
from gateway.selftest.material import DAY, Material, Record, copied, edited, everything
from gateway.selftest.repair import Repairer, fill
from gateway.selftest.schemas import Node
from gateway.selftest.structure import Mutation, mutations
from gateway.standard import Standard

Told = set[tuple[str, str]]
_INDEX = re.compile(r"\[\d+\]")
_TOLD_MISSES = 50


@dataclass(slots=True)
class Tally:
    types: int = 0
    samples: int = 0
    mutations: int = 0
    caught: int = 0
    missed: int = 0
    wrong_place: int = 0
    by_kind: Counter[str] = field(default_factory=Counter)
    messages: int = 0  # of several faults each
    notes: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, int]:
        names = ("types", "samples", "mutations", "caught", "missed", "wrong_place")
        return {name: getattr(self, name) for name in names}

    def judge(self, number: str, wanted: Mutation, told: Told, extras: Told) -> None:
        self.mutations += 1
        self.by_kind[wanted.what.split()[0] if wanted.what.startswith("rule") else wanted.what] += 1
        if (wanted.rule, wanted.path) in told and not extras:
            self.caught += 1
            return
        if any(rule == wanted.rule for rule, _ in told) or (wanted.rule, wanted.path) in told:
            self.wrong_place += 1
        else:
            self.missed += 1
        self.note(f"{number} {wanted.what}: {wanted.rule} at {wanted.path}; told {sorted(told)[:4]}")

    def note(self, text: str) -> None:
        if len(self.notes) < _TOLD_MISSES:
            self.notes.append(text)


@dataclass(slots=True)
class Kind:
    """One message type: records that are valid, of them some for each rule, and every mutation of them."""

    number: str
    bases: list[Record]
    kept: list[Record]
    found: list[tuple[Record, Mutation]]


def run(
    root: Path, standard: Standard, *, messages: int = 1000, seed: int = 1, only: Sequence[str] = ()
) -> Tally:
    """The whole of it. `root` is the folder `schemas`; `only` these types."""
    material = Material.load(root)
    kinds, tally = prepare(material, standard, only)
    judge_all(material, standard, kinds, tally, messages=messages, seed=seed)
    return tally


def prepare(material: Material, standard: Standard, only: Sequence[str] = ()) -> tuple[list[Kind], Tally]:
    """What there is to try. The tally has the samples, and a miss for each rule without instances."""
    tally = Tally()
    kinds = [_kind(material, number, standard, tally) for number in only or material.types]
    tally.types = len(kinds)
    return kinds, tally


def judge_all(
    material: Material,
    standard: Standard,
    kinds: list[Kind],
    tally: Tally,
    *,
    messages: int,
    seed: int,
    share: float = 1.0,
) -> None:
    """`share`: of the mutations of structure a part, drawn by `seed`; those of rules are all tried."""
    chance = random.Random(seed)
    for kind in kinds:
        for record, mutation in kind.found:
            if share >= 1 or mutation.what.startswith("rule") or chance.random() < share:
                told = told_of(
                    standard, kind.number, edited(record, list(mutation.edits)), mutation.is_warning
                )
                tally.judge(kind.number, mutation, told, told - {(mutation.rule, mutation.path)})
    able = [kind for kind in kinds if len(kind.found) > 1]
    for index in range(messages):
        _several(material, standard, able[index % len(able)], chance, tally)


def _kind(material: Material, number: str, standard: Standard, tally: Tally) -> Kind:
    root = material.types[number][1]
    bases = [material.samples[number], *_fuller(material, number)]
    found = list(_of_structure(material, root, bases))
    breaker = Breaker(material, number, bases)
    keeping = {rule["id"]: breaker.keeping(rule) for rule in breaker.rules}
    kept = [record for record in keeping.values() if record is not None]
    breaker.bases = [*bases, *kept]
    for rule in breaker.rules:
        broken = list(breaker.breaking(rule))
        found += broken
        if keeping[rule["id"]] is None or not broken:
            tally.missed += 1
            tally.mutations += 1
            which = "breaks it alone" if keeping[rule["id"]] is not None else "keeps it"
            tally.note(f"{number} {rule['id']}: no instance that {which}")
    for record in [*bases, *kept]:
        tally.samples += 1
        told = told_of(standard, number, record)
        if told:
            tally.wrong_place += 1
            tally.note(f"{number} a valid message is refused: {sorted(told)[:4]}")
    return Kind(number, bases, kept, found)


def _of_structure(material: Material, root: Node, bases: list[Record]) -> Iterator[tuple[Record, Mutation]]:
    """Of the richest record every mutation, of the others those of elements that it lacks."""
    seen: set[tuple[str, str]] = set()
    for base in sorted(bases, key=lambda one: -sum(1 for _ in everything(root, one))):
        for mutation in mutations(material, root, base):
            key = (mutation.what + str(mutation.edits[0][1])[:200], mutation.path)
            if key not in seen:
                seen.add(key)
                yield base, mutation


def _fuller(material: Material, number: str) -> list[Record]:
    """The sample with every optional element that the rules let stand; and one each for the others."""
    root, rules = material.types[number][1], material.rules_of(number)
    repairer = Repairer(material, root, rules)
    full = copied(material.samples[number])
    alone = []
    for path, node in root.walk():
        tried = copied(full)
        if node.least or not _holder_stands(tried, path) or oracle.spots(tried, path):
            continue
        if not fill(material, root, tried, "", path):
            continue
        if not oracle.broken(rules, tried):
            full = tried
        elif repairer.repaired(tried, {path}):
            alone.append(tried)
    return [full, *alone]


def _holder_stands(record: Record, path: str) -> bool:
    holder = path.rpartition("/")[0]
    return not holder or bool(oracle.spots(record, holder))


def told_of(standard: Standard, number: str, record: Record, is_warning: bool = False) -> Told:
    """(rule, path) of every fault that the refusal names; of a message that only warns, of its advice."""
    if is_warning:
        return {(fault.rule_id, fault.path) for fault in standard.advise(number, record, on=DAY)}
    try:
        standard.check(number, record, on=DAY)
    except MessageError as error:
        return {(fault.rule_id, fault.path) for fault in error.faults}
    return set()


def _several(material: Material, standard: Standard, kind: Kind, chance: random.Random, tally: Tally) -> None:
    """One message with two to five faults at places that have nothing to do with each other."""
    base, _ = chance.choice(kind.found)
    several = [mutation for record, mutation in kind.found if record is base and not mutation.is_warning]
    chosen = _apart(chance.sample(several, min(len(several), 40)), chance.randint(2, 5))
    if len(chosen) < 2:
        base, chosen = kind.bases[0], _apart(_shuffled(kind, chance), 2)
    edits = [edit for mutation in chosen for edit in mutation.edits]
    record = edited(base, edits)
    told = told_of(standard, kind.number, record)
    wanted = {(mutation.rule, mutation.path) for mutation in chosen}
    extras = {one for one in told - wanted if not _is_so(material, kind.number, record, one)}
    tally.messages += 1
    for mutation in chosen:
        tally.judge(kind.number, mutation, told, extras)


def _shuffled(kind: Kind, chance: random.Random) -> list[Mutation]:
    found = [
        mutation for record, mutation in kind.found if record is kind.bases[0] and not mutation.is_warning
    ]
    return chance.sample(found, len(found))


def _apart(several: Iterable[Mutation], most: int) -> list[Mutation]:
    chosen: list[Mutation] = []
    taken: list[str] = []
    for mutation in several:
        places = [_INDEX.sub("", place) for place in mutation.touches]
        if not any(_meet(place, other) for place in places for other in taken):
            chosen.append(mutation)
            taken += places
            if len(chosen) == most:
                break
    return chosen


def _meet(place: str, other: str) -> bool:
    return place == other or place.startswith(f"{other}/") or other.startswith(f"{place}/")


def _is_so(material: Material, number: str, record: Record, one: tuple[str, str]) -> bool:
    """Is a rule that nobody set out to break broken all the same, by two changes together?"""
    rules: Sequence[dict[str, object]] = [rule for rule in material.rules_of(number) if rule["id"] == one[0]]
    try:
        return one in oracle.broken(list(rules), record)
    except (ArithmeticError, ValueError, TypeError, AttributeError):
        return False  # its operands are broken themselves: the validator should have kept silent
