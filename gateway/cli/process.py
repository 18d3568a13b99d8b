"""`gateway process …`: the states of a payment application, and the working calendar."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from gateway import clock
from gateway.cli.place import find_root, print_json, settings_or_exit
from gateway.payments.drawing import draw
from gateway.standard.codes import CodeTables

PAGE = Path("docs") / "process.md"


@click.group()
def process() -> None:
    """The process of a payment application: its states, its calendar."""


def render(root: Path) -> str:
    """The page of the docs, as the tables say it now."""
    codes = CodeTables.load(root / "schemas" / "codes").get("status")
    return draw({code.code: (code.name_zh, code.name_en) for code in codes.rows.values()})


@process.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 if the page is stale.")
def docs(check: bool) -> None:
    """Draw docs/process.md from the tables."""
    root = find_root()
    page, path = render(root), root / PAGE
    if not check:
        path.write_text(page, encoding="utf-8")
        click.echo(f"wrote {PAGE}")
    elif not path.exists() or path.read_text(encoding="utf-8") != page:
        click.echo(f"{PAGE} is stale; run `gateway process docs`", err=True)
        sys.exit(1)


@process.command()
@click.argument("moment", default="", metavar="[yyyyMMdd[HHmmss]]")
@click.option("--division", "adm_div", default="310000", show_default=True, help="The paying division.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def calendar(moment: str, adm_div: str, as_json: bool) -> None:
    """What day something counts for, and until when it must be paid (default: now)."""
    try:
        at: datetime = clock.parse_t(moment) if moment else clock.now()
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="moment") from error
    dates = settings_or_exit().calendar
    counts = dates.business_day(at, adm_div)
    told = {
        "moment": clock.t14(at),
        "working_day": dates.is_working_day(at.date()),
        "counts_for": clock.d8(counts),
        "due": {
            term.name: clock.d8(dates.due(term.name, counts)) for term in dates.terms if term.since <= counts
        },
        "year_closed": dates.is_closed(counts.year, adm_div, at.date()),
        "known_until": clock.d8(dates.known_until),
    }
    if as_json:
        print_json(told)
        return
    for name, value in told.items():
        click.echo(f"{name:12} {value}")
