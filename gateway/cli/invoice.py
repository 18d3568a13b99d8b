"""`gateway invoice inspect FILE`: what a file of an invoice is, says, and whether its seal holds."""

from __future__ import annotations

import sys
from datetime import UTC
from pathlib import Path
from typing import Any

import click
import orjson

from gateway import clock
from gateway.cli.place import end_with_findings, find_root, print_json
from gateway.errors import ConfigError, Fault, Finding
from gateway.invoices import Inspection, Seal, inspect_invoice
from gateway.invoices.fields import COMPARED
from gateway.invoices.limits import LIMITS
from gateway.message import Record
from gateway.security import keys
from gateway.security.certificate import Certificate
from gateway.settings import Settings, load_settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# option → field of message 3002
_KEYED = {
    "kind": "InvoiceKind",
    "code": "InvoiceCode",
    "number": "InvoiceNo",
    "date": "IssueDate",
    "seller": "SellerTaxNo",
    "buyer": "BuyerTaxNo",
    "amount": "AmountWithTax",
}
_TEXTS = (*COMPARED, "Digest", "ScanFlag", "FileType")


@click.group()
def invoice() -> None:
    """Files of invoices."""


@invoice.command()
@click.argument("file", type=_FILE)
@click.option(
    "--root",
    "roots",
    multiple=True,
    type=_FILE,
    help="A certificate whose seals are trusted, beside `seal_roots` of gateway.yaml.",
)
@click.option(
    "--keyed", type=_FILE, help="What was keyed: JSON of a message 3002's body, or of one invoice of a 3001."
)
@click.option("--kind", help="Keyed kind of invoice (31, 32, 10 …).")
@click.option("--number", help="Keyed number: 20 digits of a 数电票, or 8.")
@click.option("--code", help="Keyed invoice code of a classic invoice.")
@click.option("--date", help="Keyed date of issue, yyyyMMdd.")
@click.option("--seller", help="Keyed tax number of the seller.")
@click.option("--buyer", help="Keyed tax number of the buyer.")
@click.option("--amount", help="Keyed total with tax, 元.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def inspect(
    file: Path, roots: tuple[Path, ...], keyed: Path | None, as_json: bool, **said: str | None
) -> None:
    """Read FILE (OFD, PDF, XML, JPEG, PNG), check it, verify its seal; exit 1 if anything is wrong with it."""
    # Not read_bytes alone: a file of any size may be named here.
    with file.open("rb") as opened:
        data = opened.read(LIMITS.file_bytes + 1)
    found = inspect_invoice(
        data, clock.now().astimezone(UTC), roots=_load_roots(roots), keyed=_keyed_record(keyed, said)
    )
    if as_json:
        print_json(as_record(file, found))
    else:
        _show(found)
    sys.exit(1 if found.faults else 0)


def as_record(file: Path, found: Inspection) -> dict[str, Any]:
    """The one object of --json."""
    return {
        "file": str(file),
        "kind": found.kind,
        "size_bytes": found.size_bytes,
        "sm3": found.digest,
        "invoice": found.invoice,
        "origin": dict(found.origin),
        "sources": [
            {
                "source": reading.source,
                "place": reading.place,
                "sealed": reading.place.partition("#")[0] in found.covered,
                "fields": [name for name in reading.record if name != "Items"],
                "items": len(reading.record.get("Items", {}).get("Item", [])),
                "words": reading.words,
            }
            for reading in found.readings
        ],
        "seal": {
            "state": found.seal_state,
            "sign_verify": found.sign_verify,
            "seals": [_seal(one) for one in found.seals],
        },
        "scan": found.is_scan,
        "needs_person": found.needs_person,
        "faults": [_fault(one) for one in found.faults],
        "warnings": [_fault(one) for one in found.warnings],
    }


def _seal(seal: Seal) -> dict[str, Any]:
    return {
        "state": seal.state,
        "place": seal.place,
        "broken_at": list(seal.places),
        "zh": seal.why[0],
        "en": seal.why[1],
        "version": seal.version,
        "name": seal.name,
        "signer": seal.signer,
        "issuer": seal.issuer,
        "signed_at": seal.signed_at.isoformat() if seal.signed_at else "",
        "covers": len(seal.covers),
    }


def _fault(fault: Fault) -> dict[str, str]:
    names = ("code", "place", "zh", "en", "expected", "found", "result")
    return {name: getattr(fault, name) for name in names}


def load_seal_roots(settings: Settings) -> list[Certificate]:
    """The certificates that `seal_roots` names; ConfigError with every one that cannot be read."""
    roots: list[Certificate] = []
    findings: list[Finding] = []
    for index, path in enumerate(settings.gateway.seal_roots):
        try:
            roots.append(keys.load_certificate(settings.at(path).read_bytes()))
        except (ValueError, OSError) as error:
            text = f"{path} is no certificate that can be read: {error}"
            findings.append(
                Finding("config/gateway.yaml", 0, 0, f"seal_roots.{index}", text, "config.seal-root")
            )
    if findings:
        raise ConfigError(findings)
    return roots


def _load_roots(named: tuple[Path, ...]) -> list[Certificate]:
    """The configured roots and the named ones; a named one that cannot be read is a wrong call (status 2)."""
    try:
        roots = load_seal_roots(load_settings(find_root()))
    except ConfigError as error:
        end_with_findings(error)
    try:
        return roots + [keys.load_certificate(path.read_bytes()) for path in named]
    except ValueError as error:
        raise click.BadParameter(f"no certificate that can be read: {error}", param_hint="--root") from error


def _keyed_record(path: Path | None, said: dict[str, str | None]) -> Record | None:
    record: Record = {}
    if path is not None:
        try:
            record = orjson.loads(path.read_bytes())
        except orjson.JSONDecodeError as error:
            raise click.BadParameter(f"{path} is not JSON: {error}", param_hint="--keyed") from error
        if not isinstance(record, dict):
            raise click.BadParameter(f"{path} holds no JSON object", param_hint="--keyed")
        wrong = [name for name in _TEXTS if not isinstance(record.get(name, ""), str)]
        if wrong:
            raise click.BadParameter(f"{', '.join(wrong)} should be text", param_hint="--keyed")
    record |= {_KEYED[option]: value for option, value in said.items() if value is not None}
    if len(record.get("InvoiceNo", "")) == 20:
        record["EInvoiceNo"] = record.pop("InvoiceNo")
    return record or None


def _show(found: Inspection) -> None:
    click.echo(f"{found.kind}, {found.size_bytes} bytes, SM3 {found.digest}")
    for name, value in found.invoice.items():
        shown = f"{len(value['Item'])} line(s)" if name == "Items" else value
        click.echo(f"  {name:18} {shown}  ← {found.origin[name]}")
    click.echo(f"seal: {found.seal_state}")
    for label, several in (("fault", found.faults), ("warning", found.warnings)):
        for one in several:
            more = f" (expected {one.expected}, found {one.found})" if one.expected or one.found else ""
            click.echo(f"{label}: {one.place}: {one.zh} / {one.en}{more} [{one.code}]")
    if found.needs_person:
        click.echo("a person must look at this file")
    click.echo(f"{len(found.faults)} fault(s), {len(found.warnings)} warning(s)")
