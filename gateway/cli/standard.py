"""`gateway standard …`: the data standard's message types, and is a file valid?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway import refusals
from gateway.cli import reference
from gateway.cli.place import find_root, print_json
from gateway.selftest.run import run as run_selftest
from gateway.standard import Standard
from gateway.standard.listing import list_types, validate_file
from gateway.translate import placed


@click.group()
def standard() -> None:
    """The data standard."""


for _command in reference.COMMANDS:
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
@click.option("--type", "numbers", multiple=True, help="Only these message types.")
@click.option(
    "--messages", default=1000, type=click.IntRange(0, 100_000), help="With two to five faults each."
)
@click.option("--seed", default=1, help="Which faults stand together.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def selftest(numbers: tuple[str, ...], messages: int, seed: int, as_json: bool) -> None:
    """Break every message type in every way and see that each fault is named at its place."""
    loaded = _load()
    unknown = [number for number in numbers if number not in loaded.catalogue]
    if unknown:
        raise click.UsageError(f"unknown message type: {', '.join(unknown)}")
    only = [loaded.catalogue.get(number).number for number in numbers]
    tally = run_selftest(find_root() / "schemas", loaded, messages=messages, seed=seed, only=only)
    for note in tally.notes:
        click.echo(note)
    for kind, count in sorted(tally.by_kind.items()):
        click.echo(f"{kind:22} {count:6}")
    click.echo(f"{'messages of several':22} {tally.messages:6}")
    figures = tally.figures()
    if as_json:
        print_json(figures)
    else:
        click.echo(", ".join(f"{name} {count}" for name, count in figures.items()))
    sys.exit(1 if tally.missed or tally.wrong_place else 0)


@standard.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--type", "number", default="", help="Message type; told from the file where it says so.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def validate(file: Path, number: str, as_json: bool) -> None:
    """Check FILE and name every fault at once, as a refusal does: a message of the standard in JSON or XML, or a
    platform's own document (DES, MOF, CFX, invoice), told from its content.

    Ends with 0 if nothing is wrong with it, else with 1.
    """
    data = file.read_bytes()
    judged = validate_file(_load(), data, number)
    faults = placed(judged.faults, data)
    if as_json:
        shown = [refusals.members(fault) for fault in faults]
        print_json({"file": str(file), "schemas": judged.kinds, "faults": shown, "valid": not faults})
    else:
        for kind in judged.kinds:
            click.echo(f"schemas/{kind}")
        for fault in faults:
            click.echo(refusals.line(fault))
        click.echo(f"{len(faults)} fault(s)" if faults else "valid")
    sys.exit(1 if faults else 0)
