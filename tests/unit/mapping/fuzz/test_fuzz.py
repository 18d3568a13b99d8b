"""Fuzzing: every mapping of the repository holds, and what does not hold is found, shrunk and named."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import clock
from gateway.errors import MessageError
from gateway.mapping import Context, Mapping, load_mapping, load_mappings
from gateway.mapping.check import check_text
from gateway.mapping.fuzz.ground import Ground
from gateway.mapping.fuzz.judge import judge
from gateway.mapping.fuzz.patterns import UnknownPattern, draw_match
from gateway.mapping.fuzz.run import Report, fuzz, fuzz_files, make_ground
from gateway.mapping.fuzz.shrink import shrink
from gateway.mapping.fuzz.words import draw_standard
from gateway.message import Record
from gateway.standard import Standard
from gateway.standard.explain import MAX_FAULTS
from tests.unit.mapping.conftest import ROOT

STANDARD = Standard.load(ROOT / "schemas")
MAPPINGS = list(load_mappings(ROOT / "mappings", STANDARD))
NAMES = [f"{one.profile}/{one.message}.{one.direction}" for one in MAPPINGS]
SUBJECT = ROOT / "mappings" / "construction" / "MarketSubjectSync.out.yaml"


@pytest.mark.parametrize("mapping", MAPPINGS, ids=NAMES)
def test_a_mapping_holds_for_a_hundred_made_up_messages(mapping: Mapping) -> None:
    report = fuzz(mapping, STANDARD, 100, seed=20261127)
    assert report.cases == 100
    assert sum(report.outcomes.values()) == 100
    assert [(one.failure, one.files) for one in report.found] == []
    assert report.outcomes["mapped"] >= 15, "too few messages reach the other side"


def test_the_same_seed_gives_the_same_cases() -> None:
    mapping = MAPPINGS[NAMES.index("construction/AwardResultSync.in")]
    first, second, other = (fuzz(mapping, STANDARD, 40, seed=seed) for seed in (7, 7, 8))
    assert first.outcomes == second.outcomes
    assert first.outcomes != other.outcomes


def faulty(change: tuple[str, str]) -> Mapping:
    """The mapping of market subjects with something in its text changed."""
    text = SUBJECT.read_text(encoding="utf-8")
    assert change[0] in text
    return Mapping(SUBJECT, check_text(text.replace(*change), SUBJECT, STANDARD))


def test_an_output_that_the_receiver_refuses_is_found_and_shrunk() -> None:
    mapping = faulty(('RegCapital | default("0.00") | fit(17)', 'RegCapital | default("0.00")'))
    report = fuzz(mapping, STANDARD, 600, seed=1)
    found = next(one for one in report.found if one.failure.field.endswith("REG_CAPITAL"))
    assert found.failure.kind == "invalid"
    kept = json.loads(found.files["input.json"])
    assert "RegCapital" in kept
    assert "Email" not in kept and "Address" not in kept, "what does not matter is left out"
    assert STANDARD.validate("1001", kept, on=Ground(mapping, STANDARD, "").on) == []
    assert set(found.files) == {"input.json", "context.json"}


class Wrong(Mapping):
    """A mapping whose generated function is not what its plan says."""

    def __init__(self, other: Mapping, function: Any):
        self.__dict__.update(other.__dict__)
        self.compiled = function


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (
            lambda mapping, counts: lambda message, *rest: mapping.compiled(message, *rest) | {"X": "1"},
            "disagreement",
        ),
        (lambda mapping, counts: lambda message, *rest: 1 / 0, "crash"),
        (
            lambda mapping, counts: (
                lambda message, *rest: (
                    mapping.compiled(message, *rest) | {"X": str(counts.append(1) or len(counts))}
                )
            ),
            "nondeterminism",
        ),
        (
            lambda mapping, counts: (
                lambda message, *rest: mapping.compiled({**message, "Y": message.setdefault("X", "1")}, *rest)
            ),
            "input-changed",
        ),
    ],
)
def test_a_function_that_does_something_else_is_found(function: Any, kind: str) -> None:
    right = MAPPINGS[NAMES.index("construction/LogoutNotice.out")]
    counts: list[int] = []
    report = fuzz(Wrong(right, function(right, counts)), STANDARD, 10, seed=1)
    assert report.failed > 0
    assert {one.failure.kind for one in report.found} == {kind}


def test_a_refusal_without_the_senders_path_is_found() -> None:
    mapping = MAPPINGS[NAMES.index("construction/TransactionVoid.in")]
    ground = make_ground(mapping, STANDARD)
    lost = Wrong(mapping, mapping.compiled)
    lost._sources = type(mapping._sources)()  # knows no place
    verdict = judge(make_ground(lost, STANDARD), {}, ground.contexts[0])
    assert verdict.failure is not None
    assert verdict.failure.kind == "unplaced"


def test_that_there_are_more_faults_than_are_named_has_no_place_and_needs_none() -> None:
    mapping = MAPPINGS[NAMES.index("treasury/ReconcileRequest.in")]
    ground = make_ground(mapping, STANDARD)
    line = {"Id": "易", "VoucherNo": "1", "XPayDate": "20240627", "XPayAmt": "0.00"}
    record = {**ground.good[0], "DetailList": {"Detail": [line] * (MAX_FAULTS + 20)}}
    context = ground.contexts[0]
    faults = STANDARD.validate(mapping.number, mapping.apply(record, context), on=clock.now().date())
    assert faults[-1].code == "standard.more-faults"
    assert judge(ground, record, context).failure is None


def test_a_found_case_is_a_golden_case_that_runs(tmp_path: Path) -> None:
    mapping = faulty(('RegCapital | default("0.00") | fit(17)', 'RegCapital | default("0.00")'))
    found = fuzz(mapping, STANDARD, 600, seed=1).found[0]
    given = json.loads(found.files["context.json"])
    record = mapping.apply(json.loads(found.files["input.json"]), Context(given["head"], given["platform"]))
    assert make_ground(mapping, STANDARD).platform_faults(record)


def test_incoming_cases_are_kept_as_the_platforms_bytes() -> None:
    mapping = MAPPINGS[NAMES.index("treasury/PaymentResult.in")]
    ground = make_ground(mapping, STANDARD)
    data = ground.write(ground.good[0])
    assert data.startswith(b'<?xml version="1.0" encoding="GBK"?>')
    with pytest.raises(MessageError):
        ground.write({**ground.good[0], "VoucherNo": "😀"})


def test_files_are_fuzzed_on_several_processes() -> None:
    files = [Path(one.file) for one in MAPPINGS[:3]]
    both = [list(fuzz_files(files, ROOT / "schemas", 10, 3, jobs)) for jobs in (1, 2)]
    shown: list[list[tuple[str, int, dict[str, int]]]] = [
        [(one.name, one.cases, dict(one.outcomes)) for one in reports] for reports in both
    ]
    assert shown[0] == shown[1]
    assert all(isinstance(one, Report) for one in both[1])


# The parts


PATTERNS = sorted(
    {
        pattern
        for path in (ROOT / "schemas").rglob("*.xsd")
        for pattern in re.findall(r'<xs:pattern value="([^"]+)"', path.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_text_made_from_a_pattern_is_taken_by_it(pattern: str) -> None:
    random = Random(pattern)
    plain = pattern.replace("&amp;", "&").replace("&lt;", "<")
    for _ in range(50):
        assert re.fullmatch(plain, draw_match(random, plain)), plain


@pytest.mark.parametrize("pattern", ["(a", "a)", "[", "[]", "a{x}", r"\p{L}", "^a", "*a", "\\"])
def test_a_pattern_that_is_not_understood_says_so(pattern: str) -> None:
    with pytest.raises(UnknownPattern):
        draw_match(Random(1), pattern)


@pytest.mark.parametrize("number", [one.number for one in STANDARD.catalogue])
def test_a_value_made_for_the_standard_is_one_that_it_takes(number: str) -> None:
    random, on = Random(number), make_ground(MAPPINGS[0], STANDARD).on
    record = STANDARD.sample(number)
    between = {one.line.id for one in STANDARD.rules(number).errors}
    for path, element in STANDARD.model(number).walk():
        if element.value is None or "/" in path or element.code_type or element.codes_separator:
            continue
        value = draw_standard(random, element, STANDARD.codes, on)
        told = [one for one in STANDARD.validate(number, {**record, path: value}, on=on) if one.path == path]
        own = [one for one in told if one.rule not in between]
        assert own == [], (path, value)


@settings(deadline=None, max_examples=200)
@given(
    record=st.dictionaries(
        st.sampled_from("abcdef"),
        st.one_of(st.text(max_size=30), st.lists(st.text(max_size=5), max_size=5)),
        max_size=6,
    ).filter(lambda one: "a" in one)
)
def test_shrinking_keeps_the_fault_and_nothing_else(record: Record) -> None:
    before = json.dumps(record, sort_keys=True)
    small = shrink(record, lambda one: "a" in one)
    assert set(small) == {"a"}
    assert json.dumps(record, sort_keys=True) == before


def test_a_long_list_is_shrunk_to_the_item_at_fault() -> None:
    record = {"L": [{"N": str(index), "M": "x"} for index in range(200)]}
    assert shrink(record, lambda one: any(item.get("N") == "150" for item in one.get("L", []))) == {
        "L": [{"N": "150"}]
    }


def test_a_mapping_without_a_schema_is_fuzzed_from_its_cases() -> None:
    mapping = load_mapping(ROOT / "mappings" / "treasury" / "CommonAck.in.yaml", STANDARD)
    ground = make_ground(mapping, STANDARD)
    assert ground.platform is None
    assert {path for path, _ in ground.source.walk()} >= set(ground.read_paths)
