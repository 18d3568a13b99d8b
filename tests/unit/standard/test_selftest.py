"""The short form of `gateway standard selftest`, and that a validator which fails is seen to fail."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from gateway import refusals
from gateway.errors import Fault, MessageError
from gateway.selftest import digits, oracle
from gateway.selftest.material import DAY, Material, edited
from gateway.selftest.run import Kind, Tally, judge_all, prepare, run
from gateway.standard import Standard, checks
from tests.unit.standard.material import NUMBERS, SCHEMAS, V1, load


@cache
def prepared() -> tuple[Material, list[Kind], Tally]:
    material = Material.load(SCHEMAS)
    return (material, *prepare(material, load()))


def test_every_fault_of_a_share_of_all_mutations_is_named_at_its_place(standard: Standard) -> None:
    material, kinds, tally = prepared()
    judge_all(material, standard, kinds, tally, messages=68, seed=20240701, share=0.05)
    assert tally.notes == []
    assert (tally.missed, tally.wrong_place) == (0, 0)
    assert tally.caught == tally.mutations > 1000
    assert tally.types == len(NUMBERS) >= 30
    assert tally.samples > 200 and tally.messages == 68


def test_every_rule_has_generated_instances_that_keep_it_and_that_break_it(standard: Standard) -> None:
    """The refusal has the rule's own words; explanation and hot path say the same of each instance."""
    lines = {line.id: line for line in standard.book.lines}
    broken = set()
    for kind in prepared()[1]:
        for record in (*kind.bases, *kind.kept):
            assert standard.validate(kind.number, record, on=DAY) == []
            assert standard.check(kind.number, record, on=DAY)
        for base, mutation in kind.found:
            if mutation.rule not in lines or mutation.is_warning:
                continue
            record, line = edited(base, list(mutation.edits)), lines[mutation.rule]
            (fault,) = standard.validate(kind.number, record, on=DAY)
            assert (fault.rule, fault.path) == (line.id, mutation.path)
            assert (fault.zh, fault.en, fault.result) == (line.zh, line.en, line.result)
            assert fault.mend_zh and fault.mend_en
            with pytest.raises(MessageError) as caught:
                standard.check(kind.number, record, on=DAY)
            assert caught.value.faults == (fault,)
            broken.add(line.id)
    assert broken == {line.id for line in standard.book.lines if line.severity == "error"}


def test_no_refusal_shows_what_is_sensitive(standard: Standard) -> None:
    """Whatever is broken, no name, number or account of the message stands in the text of its refusal."""
    chance = random.Random(7)
    for kind in prepared()[1]:
        secret = standard.sensitive(kind.number)
        for base, mutation in chance.sample(kind.found, min(60, len(kind.found))):
            record = edited(base, list(mutation.edits))
            hidden = {
                value
                for message in (base, record)
                for place, value in texts(message)
                if place in secret and len(value) > 5
            }
            said = refusals.text(
                MessageError(standard.validate(kind.number, record, on=DAY) or [NOTHING]), 100_000
            )
            assert not any(value in said for value in hidden), (mutation, said)


NOTHING = Fault("none", "", "", "")


def texts(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    for name, inner in value.items() if isinstance(value, dict) else []:
        yield from texts(inner, f"{place}/{name}".lstrip("/"))
    for inner in value if isinstance(value, list) else []:
        yield from texts(inner, place)


def changed(tmp_path: Path, old: str, new: str) -> Standard:
    """A validator whose rules were tampered with, while the mutator reads the right ones."""
    shutil.copytree(SCHEMAS, tmp_path / "schemas")
    path = tmp_path / "schemas" / "standard" / "v1" / "rules.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return Standard.load(tmp_path / "schemas")


def test_a_rule_that_the_validator_lost_is_counted_as_missed(tmp_path: Path) -> None:
    line = next(
        one for one in (V1 / "rules.yaml").read_text("utf-8").splitlines() if "id: return-reason" in one
    )
    lost = changed(tmp_path, line, "")
    tally = run(SCHEMAS, lost, messages=0, only=["4003"])
    assert tally.missed >= 1 and tally.wrong_place == 0
    assert any("return-reason" in note for note in tally.notes)


def test_a_rule_told_at_another_place_is_counted_as_in_the_wrong_place(tmp_path: Path) -> None:
    moved = changed(tmp_path, "path: EffectTime, of: ValidTo", "path: ValidTo, of: EffectTime")
    tally = run(SCHEMAS, moved, messages=0, only=["9002"])
    assert tally.wrong_place >= 1


def test_a_fault_told_where_nothing_is_wrong_is_counted(tmp_path: Path) -> None:
    strict = changed(
        tmp_path,
        "  # Steps 4 and 5",
        "  - {id: odd, types: '9001', check: starts-with, path: Time, with: '3', zh: x, en: x}\n  # Steps 4 and 5",
    )
    tally = run(SCHEMAS, strict, messages=0, only=["9001"])
    assert tally.wrong_place >= 1


def test_a_check_digit_that_is_no_longer_looked_at_is_counted_as_missed(tmp_path: Path) -> None:
    blind = changed(tmp_path, "on: cnaps, check: bank-number", "on: cnaps, check: in-gbk")
    with pytest.raises(RuntimeError, match="nothing explains it"):
        run(SCHEMAS, blind, messages=0, only=["1004"])


@pytest.mark.parametrize("number", NUMBERS)
def test_the_oracle_and_the_validator_agree_on_the_samples(number: str) -> None:
    material = Material.load(SCHEMAS)
    assert oracle.broken(material.rules_of(number), material.samples[number]) == set()


def test_the_mutators_check_digits_are_those_of_known_codes() -> None:
    for code in ("91110108690017781B", "914403001922038216", "91310000132260250X"):
        assert digits.credit_code(code[:16]) == code
    assert digits.deal_code("A03", "12310000425010220N", "20210325", "000123").endswith("-Y")
    assert digits.crc("01,10,050001700111,99999951,300.00,20201010,14754822929856772523,") == "E400"
    assert digits.is_identity("11010519491231002X") and digits.bank_check("10229000291") == "6"


def test_two_implementations_of_the_digits_agree() -> None:
    for seed in ("1231000042501022", "91310115T0310102", "9144030019220382", "11310000T0310103"):
        code = digits.credit_code(seed)
        assert checks.is_uscc(code) and checks.has_organ_check(code) and checks.has_credit_check(code)
        for place in range(18):
            wrong = code[:place] + digits.other(code[place], digits.CREDIT) + code[place + 1 :]
            assert checks.is_uscc(wrong) == digits.is_credit(wrong) == False  # noqa: E712 - both, and false


def test_the_mutator_knows_every_type_that_the_catalogue_has() -> None:
    assert set(Material.load(SCHEMAS).types) == {kind.number for kind in load().catalogue}
