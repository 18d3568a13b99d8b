"""`gateway mapping run` and `test`: one input, and the golden cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import orjson

from gateway.cli.mapping.loading import FILE, all_files, load, load_standard, show_faults, with_findings
from gateway.cli.place import print_json
from gateway.mapping import load_mapping
from gateway.mapping.explaining import origins
from gateway.mapping.run import Case, check_case, find_cases, run_case, trace_case, update_case


@click.command()
@click.argument("file", type=FILE)
@click.argument("input", type=FILE)
@click.option("--trace", is_flag=True, help="Show the origin of every value, and what each function made.")
@with_findings
def run(file: Path, input: Path, trace: bool) -> None:
    """Run the mapping FILE on INPUT and show the record that comes out.

    INPUT is the platform's own bytes for a mapping of direction in, the standard's record as JSON for one
    of direction out. NAME.context.json beside NAME.input.* gives what the mapping reads beside it.
    """
    mapping = load(file)
    if not trace:
        _show(run_case(mapping, input))
        return
    traced = trace_case(mapping, input)
    _show(traced.record)
    for origin in origins(traced):
        click.echo(str(origin))
    faults = [*traced.faults, *traced.gaps]
    show_faults(faults)
    sys.exit(1 if faults else 0)


def _show(record: object) -> None:
    click.echo(orjson.dumps(record, option=orjson.OPT_INDENT_2).decode())


@click.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--update", is_flag=True, help="Write what comes out in place of what was expected.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON: cases, failed.")
@with_findings
def test(files: tuple[Path, ...], update: bool, as_json: bool) -> None:
    """Run the golden cases beside the mapping FILES (default: all)."""
    standard = load_standard()
    count, failed = 0, 0
    for file in files or all_files():
        for case in find_cases(load_mapping(file, standard)):
            count += 1
            result = check_case(case)
            if result.difference:
                click.echo(f"{result.name}\n{result.difference}")
                failed += not (update and _update(case))
    if as_json:
        print_json({"cases": count, "failed": failed})
    else:
        click.echo(f"{count} case(s), {failed} failed")
    sys.exit(1 if failed else 0)


def _update(case: Case) -> bool:
    for path in update_case(case):
        click.echo(f"  {'wrote' if path.is_file() else 'removed'} {path}")
    return True
