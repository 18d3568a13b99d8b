"""`gateway mapping explain` and `table`: where every value comes from."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway.cli.mapping.loading import FILE, load, load_comparison, show_faults, with_findings
from gateway.mapping.explaining import describe, origins
from gateway.mapping.run import trace_case


@click.command()
@click.argument("file", type=FILE)
@click.argument("input", type=FILE, required=False)
@click.option("--python", "as_python", is_flag=True, help="Show the function that the mapping becomes.")
@click.option("--path", default="", help="Only the origin of this place of the target, as a fault names it.")
@with_findings
def explain(file: Path, input: Path | None, as_python: bool, path: str) -> None:
    """Lineage of the mapping FILE; with INPUT that of every value of one message."""
    if as_python:
        click.echo(load(file).python)
    elif path:
        click.echo(load(file).source_of(path) or f"{path} comes from no field of the source")
    elif input is None:
        for line in describe(load_comparison(file)):
            click.echo(line)
    else:
        traced = trace_case(load(file), input)
        for origin in origins(traced):
            click.echo(str(origin))
        show_faults([*traced.faults, *traced.gaps])
        sys.exit(1 if traced.faults or traced.gaps else 0)


@click.command()
@click.argument("file", type=FILE)
@click.option(
    "--format", "form", type=click.Choice(("md", "html", "xlsx")), default="md", help="On standard output."
)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Write all three forms there.")
@with_findings
def table(file: Path, form: str, out: Path | None) -> None:
    """The field comparison table 字段对照表 of the mapping FILE: Markdown, HTML or XLSX."""
    from gateway.mapping.comparison_forms import FORMS  # a spreadsheet's writer takes its time to load

    made = load_comparison(file)
    if out is None:
        click.echo(FORMS[form](made), nl=False)
        return
    out.mkdir(parents=True, exist_ok=True)
    for ending, write in FORMS.items():
        target = out / f"{file.name.removesuffix('.yaml')}.{ending}"
        target.write_bytes(write(made))
        click.echo(str(target))
