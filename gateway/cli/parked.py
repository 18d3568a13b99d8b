"""`gateway parked MESSAGE`: what a person does with a fact that was stored and not applied."""

from __future__ import annotations

import sys

import click

from gateway.app import load_translator
from gateway.arrivals import ArrivalMaker
from gateway.cli.place import end_with_findings, print_json, run_async, settings_or_exit
from gateway.errors import ConfigError, GatewayError
from gateway.keyring import load_keyring, make_evidence
from gateway.parked import apply_parked
from gateway.routing import Routes
from gateway.settings import Settings
from gateway.store import open_store
from gateway.store.contract import MessageRow


@click.command()
@click.argument("message")
@click.option("--reason", required=True, help="Why; kept in the message's timeline.")
@click.option("--action", default="apply", type=click.Choice(["apply", "close"]), show_default=True)
@click.option("--actor", default="operator", help="Who does it.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def parked(message: str, reason: str, action: str, actor: str, as_json: bool) -> None:
    """Settle a MESSAGE that was stored and not applied (`gateway log search --parked`).

    apply: it is judged again as the case is now, and moves it; what still does not fit is refused. close:
    nothing is to be done about it. Both are written into its timeline.
    """
    try:
        row = run_async(_settle(settings_or_exit(), message, action, actor, reason))
    except ConfigError as error:
        end_with_findings(error)
    except (GatewayError, LookupError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        print_json({"message": row.id, "type": row.type, "application": row.application, "note": row.note})
    else:
        click.echo(f"{action}: {row.type} {row.id} {row.application} {row.note}".rstrip())


async def _settle(settings: Settings, message: str, action: str, actor: str, reason: str) -> MessageRow:
    # What is applied is a message of its own, with its evidence; closing makes none.
    log = make_evidence(settings, load_keyring(settings), "operator") if action == "apply" else None
    store = open_store(settings.store_url, settings.data_dir, evidence=log)
    await store.open()
    try:
        if action == "close":
            return await store.close_parked(message, actor, reason)
        routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
        maker = ArrivalMaker(settings, store, load_translator(settings), routes)
        return await apply_parked(store, maker, message, actor, reason)
    finally:
        await store.close()
