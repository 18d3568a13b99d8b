"""`gateway standard form FILE`: a platform's own document against the platform's own schema."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.cli.place import find_root, print_json
from gateway.standard.platformforms import judge_form


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def form(file: Path, as_json: bool) -> None:
    """Check FILE (DES, MOF, CFX, 数电票, e-invoice, a procurement form) and name every fault, with its line.

    What it is is told from its content. Ends with 0 if nothing is wrong with it, else with 1.
    """
    judged = judge_form((find_root() / "schemas" / "platforms").resolve(), file.read_bytes())
    if as_json:
        names = ("line", "path", "code", "result", "zh", "en", "expected", "found")
        faults = [{name: getattr(fault, name) for name in names} for fault in judged.faults]
        print_json({"file": str(file), "schemas": judged.kinds, "faults": faults, "valid": not faults})
    else:
        for kind in judged.kinds:
            click.echo(f"schemas/platforms/{kind}")
        for fault in judged.faults:
            found = f": {fault.found}" if fault.found else ""
            click.echo(f"{file}:{fault.line}: {fault.path}: {fault.zh} / {fault.en}{found} [{fault.code}]")
        click.echo(f"{len(judged.faults)} fault(s)" if judged.faults else "valid")
    sys.exit(1 if judged.faults else 0)
