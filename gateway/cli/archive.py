"""`gateway archive` and `gateway purge`: months go into signed files, and then out of the database."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from gateway import clock
from gateway.cli.opened import opened_store
from gateway.cli.place import end_with_findings, ensure_certificates, print_json, run_async, settings_or_exit
from gateway.errors import ConfigError, GatewayError
from gateway.keeping.archive import Archived, make_archive, verify_archive
from gateway.keeping.manifest import Certificates
from gateway.keeping.purge import Held, PurgedMonth, purge_month
from gateway.keyring import load_keyring
from gateway.settings import Settings
from gateway.store import Store
from gateway.store.months import Month


class MonthType(click.ParamType[Month]):
    name = "month"

    def convert(self, value: object, param: object, ctx: object) -> Month:
        if isinstance(value, Month):
            return value
        try:
            return Month.parse(str(value))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error


@click.command()
@click.option(
    "--month", type=MonthType(), help="yyyy-MM; if not given, every month that is over and in no archive."
)
@click.option(
    "--to", "into", type=click.Path(file_okay=False, path_type=Path), default=None,
    help="Folder for the archives; <data_dir>/archive if not given.",
)  # fmt: skip
@click.option(
    "--verify", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=None,
    help="Make nothing: read this archive back, whole, without the database.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def archive(month: Month | None, into: Path | None, folder: Path | None, as_json: bool) -> None:
    """Write a month's messages, with all that belongs to them, into a signed archive and read it back.

    Nothing leaves the database; `gateway purge` does that, later, and only with what an archive holds. Ends
    with 1 where an archive is not intact.
    """
    if folder is not None and (month is not None or into is not None):
        raise click.UsageError("--verify stands alone")
    settings = settings_or_exit()
    try:
        if folder is not None:
            made = [verify_archive(folder, Certificates.in_folder(settings.certs_dir))]
        else:
            ensure_certificates(settings)
            made = run_async(_archive(settings, month, (into or settings.data_dir / "archive").resolve()))
    except ConfigError as error:
        end_with_findings(error)
    except (GatewayError, OSError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    for one in made:
        click.echo(f"{one.month}  {one.messages} message(s)  {one.size_bytes} bytes  intact  {one.place}")
    if as_json:
        print_json(
            {
                "months": len(made),
                "messages": sum(one.messages for one in made),
                "bytes": sum(one.size_bytes for one in made),
                "place": " ".join(str(one.place) for one in made),
            }
        )


async def _archive(settings: Settings, month: Month | None, into: Path) -> list[Archived]:
    receipt = load_keyring(settings).receipt
    async with opened_store(settings) as store:
        months = [month] if month is not None else await _without_archive(store)
        return [await make_archive(store, one, into, receipt) for one in months]


async def _without_archive(store: Store) -> list[Month]:
    first, now = await store.oldest_month(), Month.of(clock.now())
    known = {row.month for row in await store.archives()}
    every = range(first.number, now.number) if first is not None else ()
    months = [Month(number) for number in every]
    return [one for one in months if str(one) not in known and await store.month_records(one, "", 1)]


@click.command()
@click.option(
    "--month", type=MonthType(), help="yyyy-MM; if not given, every archived month that is old enough."
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def purge(month: Month | None, as_json: bool) -> None:
    """Drop months from the database that `retention` no longer keeps and a verified archive holds.

    Keys, fingerprints and evidence stay for ever: a retry of a purged message gets its first reply again.
    A month with something open, parked or under way is held whole; then the command ends with 1.
    """
    settings = settings_or_exit()
    try:
        done, held = run_async(_purge(settings, month))
    except (GatewayError, OSError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    for one in done:
        click.echo(f"{one.month}  {one.messages} message(s) purged  {one.parts} part(s) of tables dropped")
    for text in held:
        click.echo(f"held: {text}", err=True)
    if as_json:
        figures = {"months": len(done), "purged": sum(one.messages for one in done)}
        print_json(
            {
                **figures,
                "parts_dropped": sum(one.parts for one in done),
                "held": len(held),
                "reasons": "; ".join(held),
            }
        )
    sys.exit(1 if held else 0)


async def _purge(settings: Settings, month: Month | None) -> tuple[list[PurgedMonth], list[str]]:
    keep, now = settings.gateway.retention.months, Month.of(clock.now())
    certificates = Certificates.in_folder(settings.certs_dir)
    done: list[PurgedMonth] = []
    held: list[str] = []
    async with opened_store(settings) as store:
        due = [
            Month.parse(text)
            for text in dict.fromkeys(row.month for row in await store.archives() if not row.purged_at)
        ]
        months = [month] if month is not None else [one for one in due if one.number + keep <= now.number]
        for one in months:
            try:
                done.append(
                    await purge_month(store, one, now=now, keep_months=keep, certificates=certificates)
                )
            except Held as error:
                held.append(str(error))
    return done, held
