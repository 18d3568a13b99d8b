"""`gateway check`: everything that is wrong with config, mappings, schemas and keys, at once."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway import app, clock
from gateway.cli.invoice import load_seal_roots
from gateway.cli.place import ensure_certificates, find_root, print_json
from gateway.errors import ConfigError, Finding
from gateway.keyring import load_keyring
from gateway.logins import load_logins
from gateway.mapping import load_mappings
from gateway.settings import Settings, load_settings
from gateway.standard import Standard


@click.command()
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def check(as_json: bool) -> None:
    """List every finding with file, line and column; exit 1 if there is an error."""
    findings: list[Finding] = []
    settings: Settings | None = None
    root = find_root()
    try:
        settings = load_settings(root)
    except ConfigError as error:
        findings.extend([*error.findings, *_without_settings(root)])
    if settings is not None:
        ensure_certificates(settings)
        findings.extend(_calendar(settings))
        try:
            findings.extend(app.load_translator(settings).mappings.findings)
        except ConfigError as error:
            findings.extend(error.findings)
        for load in (load_keyring, load_logins, load_seal_roots):
            try:
                load(settings)
            except ConfigError as error:
                findings.extend(error.findings)
    for finding in sorted(findings):
        click.echo(str(finding))
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        platforms = len(settings.platforms) if settings else 0
        print_json({"errors": errors, "warnings": len(findings) - errors, "platforms": platforms})
    elif not findings:
        click.echo("nothing to find fault with")
    sys.exit(1 if errors else 0)


def _without_settings(root: Path) -> Sequence[Finding]:
    """What can be told of schemas and mappings while the configuration is broken."""
    try:
        return load_mappings(root / "mappings", Standard.load(root / "schemas")).findings
    except ConfigError as error:
        return error.findings


def _calendar(settings: Settings) -> list[Finding]:
    """A warning from the day on which the working calendar ends."""
    last = settings.calendar.known_until
    if clock.now().date() <= last:
        return []
    text = f"no day of rest is known after {last}; enter the announcement of the new year"
    return [Finding("config/calendar.yaml", 0, 0, "known_until", text, "config.calendar-ends", "warning")]
