"""`gateway standard show|sample|diff|docs|validate` as a person calls them: last line, exit status, files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from lxml import etree

from gateway.cli import main
from gateway.standard import Standard

ROOT = Path(__file__).parents[2]
V1 = ROOT / "schemas" / "standard" / "v1"
REAL = ROOT.parent / "shared" / "data"


def call(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, ["standard", *words], catch_exceptions=False)
    assert result.exit_code == status, result.output
    return result.output


def told(*words: str, status: int = 0) -> Any:
    return json.loads(call(*words, "--json", status=status).splitlines()[-1])


def test_show_tells_of_a_type_by_number_or_name_and_of_a_code_table() -> None:
    assert call("show", "3004") == call("show", "PaymentApplicationWithdraw")
    assert "支付申请编号" in call("show", "3004") and "卢湾区" in call("show", "region")
    assert told("show", "3004")["key"] == "PayAppNo"
    assert {row["code"] for row in told("show", "price-unit")["rows"]} == {"0", "1"}
    schema = json.loads(call("show", "3004", "--json-schema"))
    assert schema["required"] == ["PayAppNo", "Reason"]
    assert "did you mean 3004" in call("show", "304", status=2)


def test_samples_are_as_many_as_asked_for_valid_and_repeat_by_their_seed() -> None:
    standard = Standard.load(ROOT / "schemas")
    made = told("sample", "3001", "--count", "5", "--seed", "a")
    assert (made["type"], made["seed"], len(made["samples"])) == ("3001", "a", 5)
    assert made == told("sample", "PaymentApplication", "--count", "5", "--seed", "a")
    assert made["samples"] != told("sample", "3001", "--count", "5", "--seed", "b")["samples"]
    for one in made["samples"]:
        standard.from_json("3001", one)
    text = call("sample", "3001", "--seed", "a")
    root = etree.fromstring(text)
    assert standard.decide(root) == [] and standard.read_element("3001", root)["PayAppNo"] in str(made)
    assert "name a message type" in call("sample", status=2)
    assert "unknown message type" in call("sample", "3999", status=2)


def test_a_chain_goes_from_the_subject_to_the_payment_result() -> None:
    (chain,) = told("sample", "--chain")["chains"]
    numbers = [one["type"] for one in chain]
    assert numbers[0] == "1001" and numbers.index("3001") < numbers.index("4002") < numbers.index("5001")
    assert [one["type"] for one in told("sample", "--chain", "2003")["chains"][0]][-1] == "2003"
    assert call("sample", "--chain").startswith("<!-- 1001 from GGZY-ZPT -->")


def test_diff_ends_with_1_where_something_is_no_longer_valid(tmp_path: Path) -> None:
    assert told("diff", "v1", str(V1)) == {"old": "v1", "new": str(V1), "changes": [], "compatible": True}
    other = tmp_path / "standard" / "v2"
    shutil.copytree(V1, other)
    path = other / "3004-PaymentApplicationWithdraw.xsd"
    path.write_text(path.read_text("utf-8").replace('type="Text500"', 'type="Text200"'), "utf-8")
    (change,) = told("diff", "v1", str(other), status=1)["changes"]
    assert (change["place"], change["kind"], change["breaks"]) == (
        "3004 Reason",
        "longest changed",
        "senders",
    )
    assert told("diff", str(other), "v1")["compatible"] is True
    assert "not compatible" in call("diff", "v1", str(other), status=1)
    for no_version in ("v9", "/", str(tmp_path), str(ROOT / "schemas" / "platforms" / "treasury")):
        assert "neither a version" in call("diff", "v1", no_version, status=2)


def test_docs_are_written_once_and_found_stale_after_a_change(tmp_path: Path) -> None:
    folder = str(tmp_path / "reference")
    first = told("docs", "--into", folder)
    assert first["files"] == len(first["stale"]) > 70
    assert told("docs", "--into", folder, "--check")["stale"] == []
    (tmp_path / "reference" / "rules.md").write_text("changed", "utf-8")
    (tmp_path / "reference" / "notes.txt").write_text("somebody's own", "utf-8")
    assert told("docs", "--into", folder, "--check", status=1)["stale"] == ["rules.md"]
    call("docs", "--into", folder)
    assert "stale" not in call("docs", "--into", folder, "--check").replace("0 stale", "")
    assert (tmp_path / "reference" / "notes.txt").read_text("utf-8") == "somebody's own"


@pytest.mark.parametrize(
    ("file", "faults"),
    [
        ("trading/project-1.xml", 4),
        ("trading/project-3.xml", 0),
        ("treasury/cfx-5101-gbk.xml", 13),
        ("invoices/einvoice-demo.xml", 0),
    ],
)
def test_a_real_document_is_judged_fault_by_fault(file: str, faults: int) -> None:
    if not REAL.is_dir():
        pytest.skip(f"the real messages are not on this machine ({REAL})")
    found = told("validate", str(REAL / file), status=int(faults > 0))
    assert len(found["faults"]) == faults and found["valid"] is (faults == 0) and found["schemas"]
    assert set(found) == {"file", "schemas", "faults", "valid"}
    lines = call("validate", str(REAL / file), status=int(faults > 0)).splitlines()
    assert lines[-1] == (f"{faults} fault(s)" if faults else "valid")
