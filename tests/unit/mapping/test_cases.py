"""The golden cases beside the repository's mappings, and the runner that compares them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from gateway.errors import MessageError
from gateway.mapping import Mapping, load_mapping, load_mappings
from gateway.mapping.run import Case, check_case, find_cases, run_case, run_cases
from gateway.standard import Standard
from tests.unit.mapping.conftest import ACK, ROOT

STANDARD = Standard.load(ROOT / "schemas")
MAPPINGS = load_mappings(ROOT / "mappings", STANDARD)
CASES = [case for mapping in MAPPINGS for case in find_cases(mapping)]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_golden_case_comes_out_as_written(case: Case) -> None:
    assert check_case(case).difference == ""


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.mapping.direction == "in" and case.beside("output.json").is_file()],
    ids=lambda case: case.name,
)
def test_what_a_platform_sends_becomes_a_valid_message(case: Case) -> None:
    record = run_case(case.mapping, case.input)
    assert STANDARD.validate(case.mapping.number, record, on=date(2024, 12, 31)) == []


def test_every_mapping_has_a_case() -> None:
    assert [str(one) for one in MAPPINGS if not find_cases(one)] == []


@pytest.fixture
def mapping(tmp_path: Path, standard: Standard) -> Mapping:
    folder = tmp_path / "p"
    (folder / "cases" / "CommonAck.in").mkdir(parents=True)
    path = folder / "CommonAck.in.yaml"
    path.write_text(
        ACK
        + 'fields: {OriMsgNo: head/MsgNo, OriMsgId: platform/Id, Result: A | fixed(0), Duplicate: = "0"}\n',
        encoding="utf-8",
    )
    return load_mapping(path, standard)


def write(mapping: Mapping, **files: str) -> Case:
    folder = Path(mapping.file).parent / "cases" / "CommonAck.in"
    for ending, text in files.items():
        (folder / f"one.{ending.replace('_', '.')}").write_text(text, encoding="utf-8")
    return Case(mapping, folder / "one.input.json")


CONTEXT = json.dumps({"head": {"MsgNo": "1001"}, "platform": {"Id": 7}})
OUTPUT = json.dumps({"OriMsgNo": "1001", "OriMsgId": 7, "Result": "5", "Duplicate": "0"})


def test_a_case_runs_with_its_context(mapping: Mapping, tmp_path: Path, standard: Standard) -> None:
    case = write(mapping, input_json='{"A": 5}', context_json=CONTEXT, output_json=OUTPUT)
    assert run_case(mapping, case.input)["Result"] == "5"
    results = run_cases(tmp_path, standard)
    assert [(one.name, one.difference) for one in results] == [("p/CommonAck.in/one", "")]


def test_a_difference_is_told_by_place(mapping: Mapping) -> None:
    output = json.dumps({"OriMsgNo": "1001", "Result": "6", "Errors": {"Error": [{"Code": "x"}]}})
    case = write(mapping, input_json='{"A": 5}', context_json=CONTEXT, output_json=output)
    assert check_case(case).difference.splitlines() == [
        "  Result: expected '6', got '5'",
        "  Errors: expected {'Error': [{'Code': 'x'}]}, got nothing",
        "  OriMsgId: expected nothing, got '7'",
        "  Duplicate: expected nothing, got '0'",
    ]


def test_a_refusal_is_compared_with_what_is_written(mapping: Mapping) -> None:
    case = write(mapping, input_json='{"A": "x"}', error_yaml="- {code: mapping.not-a-number, source: A}\n")
    wrong = check_case(case).difference
    assert "a fault that was not expected: mapping.missing-value" in wrong
    case = write(mapping, input_json='{"A": "x"}', context_json=CONTEXT)
    assert check_case(case).difference == ""
    with pytest.raises(MessageError):
        run_case(mapping, case.input)
    case = write(mapping, error_yaml="- {code: mapping.not-a-number, source: B}\n")
    assert "did not come" in check_case(case).difference
    case = write(mapping, input_json='{"A": "1"}')
    assert "expected a refusal" in check_case(case).difference


def test_a_case_without_an_expectation_fails(mapping: Mapping) -> None:
    case = write(mapping, input_json='{"A": "1"}', context_json=CONTEXT)
    assert "there is no one.output.json" in check_case(case).difference
    case = write(mapping, input_json='{"A": "x"}')
    assert "refused: mapping.not-a-number at A" in check_case(case).difference
