"""`gateway mapping check`: every mapping against both schemas, and what is not covered."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.place import find_root, print_json
from gateway.errors import ConfigError, Finding
from gateway.mapping import Checked, check_file
from gateway.mapping.check import find_schemas
from gateway.mapping.mapping import mapping_files
from gateway.mapping.schema import Shelf
from gateway.reloading import missing_mappings
from gateway.settings import load_settings
from gateway.standard import Standard


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One line of JSON a finding, and one at the end.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check FILES (default: all, and that every configured type has one) against both schemas.

    Every finding comes with file:line:column and a stable code; how much of both sides is covered follows.
    """
    checked, findings = _check_files(files or tuple(mapping_files(find_root() / "mappings")))
    if not files:
        findings += _without_mapping(checked)
    for finding in sorted(findings):
        if as_json:
            print_json(dataclasses.asdict(finding))
        else:
            click.echo(f"{finding}{' (warning)' if finding.severity == 'warning' else ''}")
    errors = sum(finding.severity == "error" for finding in findings)
    if as_json:
        print_json({"mappings": len(checked), "errors": errors, "warnings": len(findings) - errors})
    else:
        for path, one in checked.items() if files else ():
            click.echo(f"{path.name}: source {_share(one.coverage)}, target {_share(one.target_coverage)}")
        click.echo(f"{len(checked)} mapping(s), {errors} error(s), {len(findings) - errors} warning(s)")
    sys.exit(1 if errors else 0)


def _check_files(files: Sequence[Path]) -> tuple[dict[Path, Checked], list[Finding]]:
    standard = Standard.load(find_root() / "schemas")
    shelves: dict[Path, Shelf] = {}
    checked: dict[Path, Checked] = {}
    for file in files:
        root = find_schemas(file)
        checked[file] = check_file(file, standard, shelves.setdefault(root, Shelf(root)))
    return checked, [finding for one in checked.values() for finding in one.findings]


def _without_mapping(checked: dict[Path, Checked]) -> list[Finding]:
    """Configured types that no mapping file is for; a broken file has findings of its own."""
    try:
        settings = load_settings(find_root())
    except ConfigError as error:
        return list(error.findings)
    known = {(path.parent.name, one.number, one.text.direction) for path, one in checked.items()}
    return missing_mappings(settings, known)


def _share(coverage: tuple[int, int]) -> str:
    covered, of = coverage
    return f"{covered} of {of} fields ({covered * 100 // of} %)" if of else "without a schema"
