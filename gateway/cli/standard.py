"""`gateway standard …`: the data standard's message types, and is a file valid?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.cli import forms, reference
from gateway.cli.place import find_root, print_json
from gateway.standard import Standard
from gateway.standard.listing import list_types, validate_file


@click.group()
def standard() -> None:
    """The data standard."""


for _command in (*reference.COMMANDS, forms.form):
    standard.add_command(_command)


def _load() -> Standard:
    return Standard.load(find_root() / "schemas")


@standard.command("list")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def list_(as_json: bool) -> None:
    """Every message type."""
    rows = list_types(_load())
    if as_json:
        print_json({"types": rows})
        return
    for row in rows:
        click.echo(f"{row['number']}  {row['name']:28} {row['title_zh']}  {row['title_en']}")


@standard.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--type", "number", default="", help="Message type; told from the file where it says so.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def validate(file: Path, number: str, as_json: bool) -> None:
    """Check FILE (JSON or XML of the standard) and name every fault at once."""
    faults = validate_file(_load(), file.read_bytes(), number)
    if as_json:
        shown = [
            {"code": fault.code, "path": fault.path, "result": fault.result, "zh": fault.zh, "en": fault.en}
            for fault in faults
        ]
        print_json({"file": str(file), "faults": shown, "valid": not faults})
    else:
        for fault in faults:
            click.echo(f"{fault.place}: {fault.zh} / {fault.en} [{fault.code}, {fault.result}]")
        click.echo(f"{len(faults)} fault(s)" if faults else "valid")
    sys.exit(1 if faults else 0)
