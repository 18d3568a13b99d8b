"""The command line as an operator and an integrator use it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main

from .harness import ROOT


def gateway(root: Path, *words: str) -> Result:
    environ = {"GATEWAY_ROOT": str(root), "GATEWAY_DATA_DIR": str(root / "var")}
    return CliRunner().invoke(main, list(words), env=environ, catch_exceptions=False)


def last_json(result: Result) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return found


def test_check_finds_nothing_in_the_repository(copy: Path) -> None:
    result = gateway(copy, "check", "--json")
    assert result.exit_code == 0, result.output
    assert last_json(result) == {"errors": 0, "warnings": 0, "platforms": 5}


def test_check_lists_all_findings_of_config_and_mappings_with_their_place(copy: Path) -> None:
    config = copy / "config" / "routes.yaml"
    config.write_text(
        config.read_text("utf-8").replace("[subs, treasuries]", "[subs, tresuries]", 1), "utf-8"
    )
    mapping = copy / "mappings" / "construction" / "AwardResultSync.in.yaml"
    mapping.write_text(mapping.read_text("utf-8").replace("NoticeName:  ", "NoticeNmae:  ", 1), "utf-8")
    result = gateway(copy, "check")
    assert result.exit_code == 1
    assert "routes.yaml:" in result.output and "did you mean treasuries" in result.output
    for one in (result, gateway(copy, "mapping", "check")):
        assert one.exit_code == 1
        assert "AwardResultSync.in.yaml:" in one.output and "NoticeNmae" in one.output


def test_check_fails_where_a_configured_type_has_no_mapping(copy: Path) -> None:
    (copy / "mappings" / "construction" / "ContractSync.in.yaml").unlink()
    result = gateway(copy, "check")
    assert result.exit_code == 1 and "type 2003 has no mapping" in result.output


def test_the_gateway_refuses_to_start_on_findings(copy: Path) -> None:
    (copy / "mappings" / "treasury" / "PaymentResult.in.yaml").write_text("fields: [", "utf-8")
    result = gateway(copy, "serve")
    assert result.exit_code == 1
    assert "PaymentResult.in.yaml:" in result.output and "does not start" in result.output


def test_plain_http_is_for_loopback_only(copy: Path) -> None:
    config = copy / "config" / "gateway.yaml"
    config.write_text(config.read_text("utf-8").replace("host: 127.0.0.1", "host: 0.0.0.0"), "utf-8")
    result = gateway(copy, "serve")
    assert result.exit_code == 1 and "loopback" in result.output


def test_every_golden_case_comes_out(copy: Path) -> None:
    result = gateway(copy, "mapping", "test", "--json")
    said = last_json(result)
    assert result.exit_code == 0, result.output
    assert said["failed"] == 0 and said["cases"] >= 56


def test_a_mapping_is_run_on_a_file(copy: Path) -> None:
    folder = copy / "mappings" / "construction"
    source = folder / "cases" / "AwardResultSync.in" / "price-in-wan-yuan.input.xml"
    result = gateway(copy, "mapping", "run", str(folder / "AwardResultSync.in.yaml"), str(source))
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["BidAmount"] == "11440000.00"


def test_the_standard_is_listed_and_validates_a_file(copy: Path, tmp_path: Path) -> None:
    types = last_json(gateway(copy, "standard", "list", "--json"))["types"]
    assert {"3001", "4002", "5001"} <= {row["number"] for row in types}
    sample = ROOT / "schemas/standard/v1/samples/3001-PaymentApplication.json"
    assert gateway(copy, "standard", "validate", str(sample), "--type", "3001").exit_code == 0
    broken = json.loads(sample.read_text("utf-8"))
    del broken["AppAmount"]
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(broken), "utf-8")
    result = gateway(copy, "standard", "validate", str(path), "--type", "3001", "--json")
    assert result.exit_code == 1
    (fault,) = last_json(result)["faults"]
    assert (fault["path"], fault["rule"]) == ("AppAmount", "standard.missing-element")
    assert fault["message"]["zh"] and fault["mend"]["en"] and (fault["line"], fault["column"]) == (1, 1)


def test_the_rules_are_listed_in_words_with_how_to_mend(copy: Path) -> None:
    rows = last_json(gateway(copy, "standard", "rules", "--json"))["rules"]
    assert {"invoice-total", "credit-code", "code-of-day", "gbk-bytes"} <= {row["id"] for row in rows}
    assert all(row["zh"] and row["en"] and row["mend_zh"] and row["mend_en"] for row in rows)
    assert all(row["path"] and row["condition"] for row in rows)
    (row,) = [row for row in rows if row["id"] == "code-of-day"]
    assert row["types"] == "*" and "RegionCode (region)" in row["path"]


def test_the_self_test_ends_in_its_figures(copy: Path) -> None:
    result = gateway(copy, "standard", "selftest", "--type", "4003", "--messages", "20", "--json")
    assert result.exit_code == 0, result.output
    figures = last_json(result)
    assert list(figures) == ["types", "samples", "mutations", "caught", "missed", "wrong_place"]
    assert figures["caught"] == figures["mutations"] > 100
    assert (figures["types"], figures["missed"], figures["wrong_place"]) == (1, 0, 0)


def test_the_refusal_bench_ends_in_its_figures(copy: Path) -> None:
    figures = last_json(gateway(copy, "bench", "--only", "refusal", "--json"))
    assert list(figures) == ["refusal_cpu_ms_p50", "refusal_cpu_ms_p99"]
    assert 0 < figures["refusal_cpu_ms_p50"] <= figures["refusal_cpu_ms_p99"]


def test_keys_are_made_once_and_listed(copy: Path) -> None:
    assert gateway(copy, "certs", "init").exit_code == 0
    key = copy / "var" / "certs" / "GGZY-ZPT" / "sign.key"
    before = key.read_bytes()
    assert (key.stat().st_mode & 0o777) == 0o600
    gateway(copy, "certs", "init")
    assert key.read_bytes() == before
    listed = last_json(gateway(copy, "certs", "list", "--json"))["certificates"]
    assert {row["platform"] for row in listed} == {
        "GGZY-ZPT", "GGZY-JSGC", "GGZY-ZFCG", "CZ-ZFPT-310000", "CZ-ZFPT-310115",
    }  # fmt: skip
    assert all(row["days_left"] > 300 for row in listed)


def test_an_empty_log_is_searched(copy: Path) -> None:
    assert last_json(gateway(copy, "log", "search", "SQ-1", "--json")) == {"messages": []}
    assert gateway(copy, "log", "show", "nothing").exit_code == 1


def test_evidence_of_nonsense_is_told_and_not_a_crash(copy: Path, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b'[{"format": "ggzy-gateway evidence v1"}]')
    assert gateway(copy, "certs", "init").exit_code == 0
    certificate = copy / "var" / "certs" / "GW" / "receipt.crt"
    result = gateway(copy, "evidence", "verify", str(junk), "--certificate", str(certificate), "--json")
    assert (result.exit_code, last_json(result)["valid"]) == (1, False)
    result = gateway(copy, "evidence", "verify", str(junk), "--certificate", str(junk))
    assert result.exit_code == 2
    assert "junk: " in result.output


def test_a_data_folder_that_cannot_be_written_is_a_finding(copy: Path) -> None:
    (copy / "var").write_text("a file where the folder should be")
    result = gateway(copy, "certs", "init")
    assert result.exit_code == 1
    assert "data_dir: cannot write" in result.output


@pytest.mark.parametrize("text", ["\udcff\udcfe", "%", "_", "'", "\\", "\x1b[31m", "x" * 5000, "*", "--"])
def test_the_log_is_searched_for_odd_words_without_a_fault(copy: Path, text: str) -> None:
    assert last_json(gateway(copy, "log", "search", "--json", "--", text)) == {"messages": []}
    assert gateway(copy, "log", "show", "--", text).exit_code == 1


@pytest.mark.parametrize("delivery", ["0", "9" * 30])
def test_a_number_that_no_delivery_can_have_is_a_wrong_call(copy: Path, delivery: str) -> None:
    assert gateway(copy, "replay", delivery, "--reason", "x").exit_code == 2
