"""`gateway reconcile --date D`: both sides' lines of a day against what the gateway carried."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import date, datetime

import click

from gateway import clock
from gateway.app import load_translator
from gateway.arrivals import ArrivalMaker
from gateway.cli.opened import opened_store
from gateway.cli.place import end_with_findings, ensure_certificates, print_json, run_async, settings_or_exit
from gateway.errors import ConfigError, GatewayError
from gateway.keyring import load_keyring, make_evidence
from gateway.payments.case import yuan
from gateway.reconciling import Reconciler
from gateway.routing import Routes
from gateway.settings import Settings
from gateway.store.contract import ReconciledDifference, Reconciliation
from gateway.store.keepingrows import AGREED

_COUNTS = (
    "lines",
    "matched",
    "missing_here",
    "missing_there",
    "amount_differs",
    "date_differs",
    "totals_differ",
)
_Told = Sequence[tuple[Reconciliation, Sequence[ReconciledDifference]]]


class _Day(click.ParamType[date]):
    name = "date"

    def convert(self, value: object, param: object, ctx: object) -> date:
        if isinstance(value, date):
            return value
        for form in ("%Y-%m-%d", "%Y%m%d"):
            try:
                return datetime.strptime(str(value), form).date()
            except ValueError:
                continue
        raise click.BadParameter(f"expected a day as 2026-11-27 or 20261127, got {str(value)[:30]!r}")


@click.command()
@click.option(
    "--date", "day", type=_Day(), default=None, help="The day of payment, yyyy-MM-dd; today if not given."
)
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def reconcile(day: date | None, as_json: bool) -> None:
    """Compare what the general platform and each treasury told of a day (7001) with what the gateway carried.

    Stores the outcome and sends each side its 7002; a day that is reconciled again alike is told once. Ends
    with 0 where all agree, with 1 where something differs or a side has not told its lines yet.
    """
    day = day or clock.now().date()
    settings = settings_or_exit()
    ensure_certificates(settings)
    try:
        told = run_async(_reconcile(settings, day))
    except ConfigError as error:
        end_with_findings(error)
    except GatewayError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    for row, differences in told:
        _print(row, differences)
    if as_json:
        print_json(_figures(clock.d8(day), told))
    sys.exit(0 if all(row.state == AGREED for row, _ in told) else 1)


async def _reconcile(settings: Settings, day: date) -> _Told:
    translator = load_translator(settings)
    async with opened_store(settings, make_evidence(settings, load_keyring(settings), "operator")) as store:
        routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
        reconciler = Reconciler(store, ArrivalMaker(settings, store, translator, routes))
        rows = await reconciler.reconcile(day)
        return [(row, await store.reconciled_differences(row.day, row.treasury)) for row in rows]


def _print(row: Reconciliation, differences: Sequence[ReconciledDifference]) -> None:
    counts = "  ".join(f"{name} {getattr(row, name)}" for name in _COUNTS)
    click.echo(f"{row.day}  {row.treasury}  {row.state}  {counts}")
    click.echo(
        f"  sums: gateway {yuan(row.here_fen)}  general {yuan(row.general_fen)} ({row.general_lines})"
        f"  treasury {yuan(row.treasury_fen)} ({row.treasury_lines})"
    )
    if row.waiting:
        click.echo(f"  waiting for 7001 of: {row.waiting}")
    for one in differences:
        here = f"{one.here_day} {yuan(one.here_fen)}" if one.here_day else "–"
        there = f"{one.there_day} {yuan(one.there_fen)}" if one.there_day else "–"
        click.echo(
            f"  {one.side:16} {one.kind:13} {one.app_no} {one.voucher_no} {one.detail_id}"
            f"  gateway {here}  there {there}"
        )


def _figures(day: str, told: _Told) -> dict[str, object]:
    rows = [row for row, _ in told]
    states = {state: sum(row.state == state for row in rows) for state in ("agreed", "different", "waiting")}
    counts = {name: sum(getattr(row, name) for row in rows) for name in _COUNTS}
    sums = {
        f"{name}_amount": yuan(sum(getattr(row, f"{name}_fen") for row in rows))
        for name in ("here", "general", "treasury")
    }
    differences = [_difference(row.treasury, one) for row, each in told for one in each]
    return {"date": day, "treasuries": len(rows), **states, **counts, **sums, "differences": differences}


def _difference(treasury: str, one: ReconciledDifference) -> dict[str, str]:
    """As it is printed; day and amount are "" where that side has no such line."""
    return {
        "treasury": treasury, "side": one.side, "kind": one.kind, "app_no": one.app_no,
        "voucher_no": one.voucher_no, "detail_id": one.detail_id, "bank_no": one.bank_no,
        "here_date": one.here_day, "here_amount": yuan(one.here_fen) if one.here_day else "",
        "there_date": one.there_day, "there_amount": yuan(one.there_fen) if one.there_day else "",
    }  # fmt: skip
