"""`gateway mapping fuzz`: messages that nobody thought of."""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

import click

from gateway.cli.mapping.loading import FILE, all_files, with_findings
from gateway.cli.place import find_root, print_json
from gateway.mapping.fuzz.run import Found, Report, fuzz_files
from gateway.mapping.run import CASES


@click.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--all", "everything", is_flag=True, help="Every mapping of the repository.")
@click.option(
    "--cases", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="A mapping."
)
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same cases.")
@click.option("--jobs", type=click.IntRange(1, 64), default=os.cpu_count() or 1, help="Processes.")
@click.option("--keep", is_flag=True, help="Write found cases beside the mapping's golden cases.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON: mappings, cases, failed.")
@with_findings
def fuzz(
    files: tuple[Path, ...], everything: bool, cases: int, seed: int, jobs: int, keep: bool, as_json: bool
) -> None:
    """Send made-up valid messages, and hostile ones, through the mapping FILES.

    A result must be valid for the receiver, or be refused at the sender's own path; the generated function and
    the evaluator must agree; nothing may crash. What fails is shrunk and printed as a golden case.
    """
    if not files and not everything:
        raise click.UsageError("name mapping files, or --all")
    total, failed, count = 0, 0, 0
    for report in fuzz_files(files or all_files(), find_root() / "schemas", cases, seed, jobs):
        _show(report)
        folder = find_root() / "mappings"
        for found in report.found:
            _show_found(found, folder / _folder_of(report.name) if keep else None)
        count, total, failed = count + 1, total + report.cases, failed + report.failed
    if as_json:
        print_json({"mappings": count, "cases": total, "failed": failed})
    else:
        click.echo(f"{count} mapping(s), {total} case(s), {failed} failed")
    sys.exit(1 if failed else 0)


def _folder_of(name: str) -> str:
    profile, _, rest = name.partition("/")
    return f"{profile}/{CASES}/{rest}"


def _show(report: Report) -> None:
    outcomes: Counter[str] = report.outcomes
    said = ", ".join(f"{count} {name}" for name, count in sorted(outcomes.items()))
    click.echo(f"{report.name}: {report.cases} case(s), {said}")


def _show_found(found: Found, folder: Path | None) -> None:
    failure = found.failure
    click.echo(
        f"  {failure.kind}{' (hostile)' if found.is_hostile else ''} at {failure.field}: {failure.detail}"
    )
    for ending, data in found.files.items():
        name = f"{found.name}.{ending}"
        if folder is None:
            click.echo(f"  --- {name}")
            click.echo(_text(data))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
            click.echo(f"  wrote {folder / name}")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")
