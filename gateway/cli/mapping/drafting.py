"""`gateway mapping new`: from a field table in a spreadsheet to a schema and a draft mapping."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.mapping.loading import FILE, load_standard, with_findings
from gateway.cli.place import print_json
from gateway.formats import formats

if TYPE_CHECKING:
    from gateway.mapping.draft.make import Made


@click.command()
@click.option("--from", "source", type=FILE, required=True, help="The workbook, .xlsx.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder.")
@click.option("--profile", default="draft", show_default=True, help="The folder of the platform's mappings.")
@click.option("--message", default="", help="The message type; proposed where it is not given.")
@click.option("--table", default="", help="Only this table: its number, its name or its sheet.")
@click.option("--format", "form", type=click.Choice(tuple(formats)), default="xml", show_default=True)
@click.option("--root", default="", help="The outermost element; the table's English name by default.")
@click.option("--force", is_flag=True, help="Write over files that stand there and differ.")
@click.option(
    "--json", "as_json", is_flag=True,
    help="End with one line of JSON: sheets, field_tables, schemas_compiled, fields, unrecognised (sheets with"
    " content in which no field table was found).",
)  # fmt: skip
@with_findings
def new(source: Path, out: Path, as_json: bool, **wish: str | bool) -> None:
    """Make a source schema and a draft mapping of every field table in a workbook.

    Columns are told by their headings and their synonyms. Every proposal carries its confidence; what a person
    must decide stands in OUT/decisions.md and as DECIDE in the drafts.
    """
    from gateway.mapping.draft.make import Wish, make  # a spreadsheet's reader takes its time to load

    made = make(source, out, Wish(**wish), load_standard())  # type: ignore[arg-type]
    _show(made, out)
    tables = made.book.tables
    if as_json:
        print_json(
            {
                "sheets": made.book.sheets,
                "field_tables": len(tables),
                "schemas_compiled": len(made.schemas),
                "fields": sum(len(one.fields) for one in tables),
                "unrecognised": len(made.book.unrecognised),
            }
        )
    sys.exit(1 if made.broken or not tables else 0)


def _show(made: Made, out: Path) -> None:
    for path, draft in made.drafts:
        errors = sum(one.severity == "error" for one in draft.findings)
        click.echo(
            f"{path}: {draft.table.label} as {draft.kind.kind.name} (confidence {draft.kind.confidence:.2f});"
            f" {len(draft.decisions)} decision(s), {errors} error(s) of the checker left"
        )
    for table, reason in made.broken:
        click.echo(f"{table.label}: the schema does not compile: {reason}", err=True)
    click.echo(
        f"{len(made.schemas)} schema(s), {len(made.drafts)} draft(s), {len(made.passed_over)} table(s) without"
        f" a draft; see {out / 'decisions.md'}"
    )
