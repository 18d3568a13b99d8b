"""`gateway evidence verify RECEIPT`: offline, with public keys alone."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from gateway.cli.place import print_json
from gateway.errors import GatewayError
from gateway.evidence import verify_receipt
from gateway.security import keys


@click.group()
def evidence() -> None:
    """Proof of what was taken over."""


@evidence.command()
@click.argument("receipt", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--certificate", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The gateway's receipt certificate (CERTS/GW/receipt.crt).",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def verify(receipt: Path, certificate: Path, as_json: bool) -> None:
    """Check a receipt: leaf, path, root and the checkpoint's signature."""
    try:
        known = keys.load_certificate(certificate.read_bytes())
    except ValueError as error:
        raise click.UsageError(f"{certificate}: {error}") from error
    try:
        verified = verify_receipt(orjson.loads(receipt.read_bytes()), known.verify_text, known.thumbprint)
    except (GatewayError, ValueError, KeyError) as error:
        click.echo(f"NOT valid: {error}", err=True)
        if as_json:
            print_json({"valid": False, "reason": str(error)})
        sys.exit(1)
    if as_json:
        print_json(
            {
                "valid": True,
                "message_id": verified.message_id,
                "log_id": verified.log_id,
                "index": verified.index,
            }
        )
    else:
        click.echo(f"valid: message {verified.message_id} is leaf {verified.index} of log {verified.log_id}")
