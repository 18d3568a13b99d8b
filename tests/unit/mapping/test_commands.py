"""`gateway mapping run|test|explain|table|fuzz` as a person calls them, on files of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.unit.mapping.conftest import ROOT

CONSTRUCTION = ROOT / "mappings" / "construction"
AWARD = CONSTRUCTION / "AwardResultSync.in.yaml"
CASE = CONSTRUCTION / "cases" / "AwardResultSync.in" / "price-in-wan-yuan.input.xml"


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["mapping", *map(str, arguments)])


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A mapping with two cases: one of them expects something else."""
    folder = tmp_path / "p"
    cases = folder / "cases" / "LogoutNotice.in"
    cases.mkdir(parents=True)
    path = folder / "LogoutNotice.in.yaml"
    path.write_text(
        "message: LogoutNotice\ndirection: in\nformat: json\nversion: 1\n"
        'fields: {UserId: u, SessionId: s, Action: a, ActionTime: t | datetime("yyyy-MM-dd HH:mm:ss")}\n',
        encoding="utf-8",
    )
    good = {"u": "U1", "s": "S1", "a": "1", "t": "2024-04-08 17:00:00"}
    (cases / "good.input.json").write_text(json.dumps(good), encoding="utf-8")
    (cases / "good.output.json").write_text(
        json.dumps({"UserId": "U1", "SessionId": "S2", "Action": "1", "ActionTime": "20240408170000"}),
        encoding="utf-8",
    )
    (cases / "late.input.json").write_text(json.dumps({**good, "t": "yesterday"}), encoding="utf-8")
    return path


def test_a_failing_case_shows_a_structural_difference_and_writes_nothing(own: Path) -> None:
    found = call("test", own, "--json")
    assert found.exit_code == 1
    assert json.loads(found.output.splitlines()[-1]) == {"cases": 2, "failed": 2}
    assert "  SessionId: expected 'S2', got 'S1'" in found.output
    assert "refused: mapping." in found.output
    assert not (own.parent / "cases" / "LogoutNotice.in" / "late.error.yaml").exists()


def test_goldens_are_written_only_when_asked(own: Path) -> None:
    found = call("test", own, "--update", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.output.splitlines()[-1]) == {"cases": 2, "failed": 0}
    folder = own.parent / "cases" / "LogoutNotice.in"
    assert json.loads((folder / "good.output.json").read_text(encoding="utf-8"))["SessionId"] == "S1"
    assert "source" in (folder / "late.error.yaml").read_text(encoding="utf-8")
    again = call("test", own, "--json")
    assert (again.exit_code, json.loads(again.output)) == (0, {"cases": 2, "failed": 0})


def test_a_case_that_turns_into_a_refusal_loses_its_old_output(own: Path) -> None:
    folder = own.parent / "cases" / "LogoutNotice.in"
    (folder / "late.output.json").write_text("{}", encoding="utf-8")
    found = call("test", own, "--update")
    assert f"removed {folder / 'late.output.json'}" in found.output
    assert call("test", own).exit_code == 0


def test_run_shows_the_record_and_with_trace_the_origins() -> None:
    plain = call("run", AWARD, CASE)
    assert json.loads(plain.output)["BidAmount"] == "11440000.00"
    traced = call("run", AWARD, CASE, "--trace")
    assert traced.exit_code == 0
    assert (
        "BidAmount = 11440000.00\n    ← BID_AMOUNT, PRICE_UNIT\n    amount: 1144 → 11440000.00"
        in traced.output
    )


def test_run_tells_faults_in_the_senders_words(own: Path) -> None:
    late = own.parent / "cases" / "LogoutNotice.in" / "late.input.json"
    for more in ((), ("--trace",)):
        found = call("run", own, late, *more)
        assert found.exit_code == 1
        assert "\nt: " in f"\n{found.output}"


def test_explain_shows_lineage_python_and_one_path() -> None:
    assert "BidAmount (中标金额" in call("explain", AWARD).output
    assert call("explain", AWARD, "--python").output.startswith("def apply(")
    found = call("explain", AWARD, "--path", "Bidders/Bidder[2]/Code")
    assert found.output == "WIN_BIDDER_CODE\n"
    assert "trim: " in call("explain", AWARD, CASE).output


def test_table_writes_three_forms(tmp_path: Path) -> None:
    assert call("table", AWARD).output.startswith("# AwardResultSync.in (2002)")
    found = call("table", AWARD, "--out", tmp_path)
    assert found.exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"AwardResultSync.in.{ending}" for ending in ("html", "md", "xlsx")
    ]


def test_fuzz_ends_with_its_figures_and_needs_to_know_what(own: Path) -> None:
    assert call("fuzz").exit_code == 2
    found = call("fuzz", AWARD, "--cases", "20", "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.output.splitlines()[-1]) == {"mappings": 1, "cases": 20, "failed": 0}


def test_a_mapping_with_errors_is_told_by_every_command(own: Path) -> None:
    own.write_text(own.read_text(encoding="utf-8").replace("UserId: u", "UserIt: u"), encoding="utf-8")
    for command in (["test", own], ["run", own, CASE], ["explain", own], ["table", own], ["fuzz", own]):
        found = call(*command)
        assert found.exit_code == 1, command
        assert "did you mean UserId?" in found.output, command
