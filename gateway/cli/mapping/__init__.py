"""`gateway mapping …`: mapping files are checked here; the other commands of the group stand beside."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.cli.mapping import drafting, explaining, fuzzing, serving, trying
from gateway.cli.place import find_root, print_json
from gateway.errors import ConfigError, Finding
from gateway.mapping import load_mapping, load_mappings
from gateway.standard import Standard


@click.group()
def mapping() -> None:
    """Mapping files."""


def _load() -> Standard:
    return Standard.load(find_root() / "schemas")


@mapping.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check FILES (default: all) against both schemas; every finding with file:line:column."""
    standard, count = _load(), 0
    findings: list[Finding] = []
    try:
        if files:
            for file in files:
                count += 1
                try:
                    findings.extend(load_mapping(file, standard).findings)
                except ConfigError as error:
                    findings.extend(error.findings)
        else:
            count = len(list((find_root() / "mappings").glob("*/*.yaml")))
            findings.extend(load_mappings(find_root() / "mappings", standard).findings)
    except ConfigError as error:
        findings.extend(error.findings)
    for finding in sorted(findings):
        click.echo(str(finding))
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        print_json({"mappings": count, "errors": errors, "warnings": len(findings) - errors})
    else:
        click.echo(f"{count} mapping(s), {errors} error(s)")
    sys.exit(1 if errors else 0)


for _command in (
    trying.run,
    trying.test,
    explaining.explain,
    explaining.table,
    drafting.new,
    fuzzing.fuzz,
    serving.serve,
):
    mapping.add_command(_command)
