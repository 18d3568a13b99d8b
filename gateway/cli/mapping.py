"""`gateway mapping …`: check, run and test mapping files."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from gateway.cli.mapping_check import check
from gateway.cli.mapping_docs import functions, schema
from gateway.cli.place import find_root, print_json
from gateway.errors import ConfigError, MessageError
from gateway.mapping import load_mapping
from gateway.standard import Standard


@click.group()
def mapping() -> None:
    """Mapping files."""


def _load() -> Standard:
    return Standard.load(find_root() / "schemas")


for _command in (check, schema, functions):
    mapping.add_command(_command)


@mapping.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("input", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def run(file: Path, input: Path) -> None:
    """Run the mapping FILE on INPUT and show the record that comes out."""
    from gateway.mapping.run import run_case

    try:
        record = run_case(load_mapping(file, _load()), input)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except MessageError as error:
        for fault in error.faults:
            click.echo(f"{fault.place}: {fault.zh} / {fault.en} [{fault.code}]", err=True)
        sys.exit(1)
    click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())


@mapping.command()
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def test(as_json: bool) -> None:
    """Run the golden cases beside every mapping."""
    from gateway.mapping.run import run_cases

    results = run_cases(find_root() / "mappings", _load())
    failed = [result for result in results if result.difference]
    for result in failed:
        click.echo(f"{result.name}\n{result.difference}")
    if as_json:
        print_json({"cases": len(results), "failed": len(failed)})
    else:
        click.echo(f"{len(results)} case(s), {len(failed)} failed")
    sys.exit(1 if failed else 0)
