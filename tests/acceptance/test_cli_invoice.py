"""`gateway invoice inspect` as a clerk of the general platform uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.invoices.making import E_NO, Issuer, classic, e_invoice, entries, pack, seal

from .test_cli import gateway, last_json

KEYS = {
    "file", "kind", "size_bytes", "sm3", "invoice", "origin", "sources", "seal", "scan", "needs_person", "faults",
    "warnings",
}  # fmt: skip


@pytest.fixture
def e_file(tmp_path: Path) -> Path:
    path = tmp_path / "named-wrongly.pdf"
    path.write_bytes(e_invoice())
    return path


def test_a_sound_invoice_ends_with_one_line_of_json_and_status_0(copy: Path, e_file: Path) -> None:
    result = gateway(copy, "invoice", "inspect", str(e_file), "--json", "--number", E_NO, "--amount", "109")
    assert result.exit_code == 0 and len(result.stdout.splitlines()) == 1
    found = last_json(result)
    assert found.keys() == KEYS
    assert (found["kind"], found["invoice"]["EInvoiceNo"], found["faults"]) == ("e-invoice-xml", E_NO, [])
    assert found["seal"] == {"state": "not-sealed", "sign_verify": "3", "seals": []}
    assert [(one["source"], one["items"], one["words"]) for one in found["sources"]] == [
        ("e-invoice-xml", 1, "壹佰零玖圆整")
    ]


def test_what_was_keyed_otherwise_is_shown_and_ends_with_status_1(copy: Path, e_file: Path) -> None:
    keyed = e_file.with_name("keyed.json")
    keyed.write_text(json.dumps({"InvoiceKind": "32", "AmountWithTax": "109.00"}), "utf-8")
    result = gateway(copy, "invoice", "inspect", str(e_file), "--keyed", str(keyed), "--date", "20260101")
    assert result.exit_code == 1
    assert "fault: InvoiceKind" in result.output and "fault: IssueDate" in result.output
    assert "2 fault(s)" in result.output


def test_a_seal_is_trusted_by_a_root_that_is_named_or_configured(copy: Path, tmp_path: Path) -> None:
    issuer = Issuer()
    file, root = tmp_path / "a.ofd", copy / "config" / "tax.crt"
    file.write_bytes(pack(seal(entries(classic()), issuer)))
    root.write_bytes(issuer.root.pem)
    words = ("invoice", "inspect", str(file), "--json")
    unknown = last_json(gateway(copy, *words))
    assert unknown["seal"]["state"] == "intact-root-unknown"
    named = last_json(gateway(copy, *words, "--root", str(root)))
    assert (named["seal"]["state"], named["seal"]["sign_verify"]) == ("intact-trusted", "1")
    assert named["seal"]["seals"][0]["version"] == 4 and all(one["sealed"] for one in named["sources"])
    config = copy / "config" / "gateway.yaml"
    config.write_text(config.read_text("utf-8") + "\nseal_roots: [config/tax.crt]\n", "utf-8")
    assert last_json(gateway(copy, *words))["seal"]["state"] == "intact-trusted"


def test_a_root_that_is_no_certificate_is_a_wrong_call(copy: Path, e_file: Path) -> None:
    result = gateway(copy, "invoice", "inspect", str(e_file), "--root", str(e_file))
    assert result.exit_code == 2 and "--root" in result.output
    assert gateway(copy, "invoice", "inspect", str(e_file), "--keyed", str(e_file)).exit_code == 2


@pytest.mark.parametrize("value", ["5", "null", '{"a": 1}', "[]"])
def test_what_was_keyed_as_anything_but_text_is_a_wrong_call(copy: Path, e_file: Path, value: str) -> None:
    keyed = e_file.with_name("keyed.json")
    keyed.write_text(f'{{"InvoiceNo": {value}, "FileSize": 5}}', "utf-8")
    result = gateway(copy, "invoice", "inspect", str(e_file), "--keyed", str(keyed))
    assert result.exit_code == 2 and "InvoiceNo should be text" in result.output


def test_a_configured_root_that_is_not_there_is_a_finding(copy: Path, e_file: Path) -> None:
    config = copy / "config" / "gateway.yaml"
    config.write_text(config.read_text("utf-8") + "\nseal_roots: [config/none.crt]\n", "utf-8")
    for words in (("check",), ("invoice", "inspect", str(e_file))):
        result = gateway(copy, *words)
        assert result.exit_code == 1 and "seal_roots.0: config/none.crt" in result.output


def test_what_is_no_invoice_ends_with_status_1_and_asks_for_a_person(copy: Path, tmp_path: Path) -> None:
    file = tmp_path / "x.ofd"
    file.write_bytes(b"hello")
    result = gateway(copy, "invoice", "inspect", str(file))
    assert result.exit_code == 1 and "a person must look" in result.output
