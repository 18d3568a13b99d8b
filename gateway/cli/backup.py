"""`gateway backup` and `gateway restore`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import NoReturn

import click

from gateway.app import open_blobs
from gateway.cli.place import end_with_findings, ensure_certificates, print_json, run_async, settings_or_exit
from gateway.errors import ConfigError, GatewayError
from gateway.keeping.backup import Backup, make_backup, read_backup
from gateway.keeping.manifest import Certificates
from gateway.keeping.restore import restore_backup
from gateway.keyring import load_keyring
from gateway.security import keys

_TROUBLE = (GatewayError, OSError, ValueError)


@click.command()
@click.option(
    "--to", "into", required=True, type=click.Path(file_okay=False, path_type=Path),
    help="Folder that gets the backup, as a folder of its own.",
)  # fmt: skip
@click.option(
    "--no-attachments", is_flag=True, help="Leave attachments out, where their store keeps copies itself."
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def backup(into: Path, no_attachments: bool, as_json: bool) -> None:
    """Copy database and attachments while the gateway runs: one consistent state, signed and read back.

    Keys and configuration are not copied; keep them elsewhere. Ends with 1 where it could not be made.
    """
    settings = settings_or_exit()
    ensure_certificates(settings)
    started = time.monotonic()
    try:
        blobs = None if no_attachments else open_blobs(settings)
        receipt = load_keyring(settings).receipt
        made = run_async(make_backup(settings.store_url, blobs, into.resolve(), receipt))
    except ConfigError as error:
        end_with_findings(error)
    except _TROUBLE as error:
        _fail(error)
    _tell("backup", made)
    if as_json:
        print_json({**_figures(made), "wall_s": round(time.monotonic() - started, 2)})


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The receipt certificate that signed the backup; those in the configured folder if not given.",
)  # fmt: skip
@click.option("--check", is_flag=True, help="Only read the backup back; put nothing in place.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def restore(folder: Path, certificate: Path | None, check: bool, as_json: bool) -> None:
    """Put the backup in FOLDER into the configured, empty place: database and attachments.

    Delivery starts paused, for all receivers: `gateway platform resume --all` lets it go on, under the same
    delivery keys. Ends with 1 where the backup is not intact or the place is not empty.
    """
    settings = settings_or_exit()
    try:
        known = (
            Certificates([keys.load_certificate(certificate.read_bytes())])
            if certificate is not None
            else Certificates.in_folder(settings.certs_dir)
        )
        suffix = ""
        if check:
            found = read_backup(folder, known)
        else:
            work = restore_backup(folder, settings.store_url, settings.data_dir, open_blobs(settings), known)
            restored = run_async(work)
            found, suffix = restored.backup, restored.suffix
    except ConfigError as error:
        end_with_findings(error)
    except _TROUBLE as error:
        _fail(error)
    _tell("intact" if check else "restored", found)
    if not check:
        click.echo("delivery is paused for all receivers: gateway platform resume --all --reason …")
    if as_json:
        print_json(
            {**_figures(found), "restored": int(not check), "paused": int(not check), "log_suffix": suffix}
        )


def _fail(error: Exception) -> NoReturn:
    click.echo(str(error), err=True)
    sys.exit(1)


def _tell(word: str, made: Backup) -> None:
    heads = ", ".join(f"{head.log_id} {head.size}" for head in made.snapshot.heads) or "none"
    click.echo(
        f"{word}: {made.snapshot.rows.get('message', 0)} message(s), schema {made.snapshot.revision},"
        f" {made.size_bytes} bytes, evidence {heads}, {made.place}"
    )


def _figures(made: Backup) -> dict[str, object]:
    return {
        "place": str(made.place),
        "store": made.snapshot.store,
        "schema": made.snapshot.revision,
        "messages": made.snapshot.rows.get("message", 0),
        "deliveries": made.snapshot.rows.get("delivery", 0),
        "evidence_leaves": sum(head.size for head in made.snapshot.heads),
        "attachment_parts": max(made.attachments, 0),
        "bytes": made.size_bytes,
    }
