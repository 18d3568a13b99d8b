"""`gateway certs …`: development keys, and what is registered."""

from __future__ import annotations

import click

from gateway.cli.place import end_with_findings, ensure_certificates, print_json, settings_or_exit
from gateway.clock import now
from gateway.errors import ConfigError
from gateway.keyring import load_keyring


@click.group()
def certs() -> None:
    """Keys and certificates."""


@certs.command()
def init() -> None:
    """Make development keys (RSA, EC, SM2) and certificates under the data folder; keeps what is there."""
    settings = settings_or_exit()
    ensure_certificates(settings)
    click.echo(f"keys and certificates: {settings.certs_dir}")


@certs.command("list")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def list_(as_json: bool) -> None:
    """Whose certificates are registered, and until when they are valid."""
    settings = settings_or_exit()
    try:
        keyring = load_keyring(settings)
    except ConfigError as error:
        end_with_findings(error)
    rows = []
    for platform, certificate in keyring.trust.registered():
        days = (certificate.not_after - now()).days
        rows.append(
            {
                "platform": platform,
                "kind": certificate.kind,
                "subject": certificate.subject,
                "thumbprint": certificate.thumbprint,
                "not_after": certificate.not_after.isoformat(),
                "days_left": days,
            }
        )
        if not as_json:
            click.echo(f"{platform:16} {certificate.kind:8} {certificate.thumbprint}  {days} days left")
    click.echo(f"folder: {settings.certs_dir}") if not as_json else print_json({"certificates": rows})
