"""`gateway platform …`: how each receiver stands, and the switch that stops and starts what is sent to it."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway.cli.opened import opened_store, typed
from gateway.cli.place import print_json, run_async, settings_or_exit
from gateway.clock import time_of
from gateway.settings import Settings
from gateway.standing import Standing, left_behind, standings
from gateway.store.contract import ALL_RECEIVERS


@click.group()
def platform() -> None:
    """How the receivers stand; pause and resume what is sent to them."""


@platform.command("list")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def list_(as_json: bool) -> None:
    """Every receiver: up, slow, recovering, half-open, open (its breaker), paused or maintenance; and those for
    whom something waits though no file configures them."""
    found = run_async(_list(settings_or_exit()))
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for name in ("platform", "state", "since", "waiting", "stuck", "why"):
        table.add_column(name, no_wrap=name != "why")
    for one in found["platforms"]:
        table.add_row(
            one["id"], one["state"], one["since"], str(one["waiting"]), str(one["stuck"]), one["why"]
        )  # fmt: skip
    for node, waiting in found["not_configured"].items():
        table.add_row(node, "not configured", "", str(waiting), "", "nothing is sent until its file is back")
    Console().print(table)


def _options(command: Any) -> Any:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="End with one line of JSON."),
        click.option("--actor", default="operator", help="Who does it."),
        click.option("--reason", required=True, help="Why; kept for good."),
        click.option("--all", "everybody", is_flag=True, help="All receivers, as after a restore."),
        click.argument("node", default=""),
    ):
        command = option(command)
    return command


@platform.command()
@_options
def pause(node: str, everybody: bool, reason: str, actor: str, as_json: bool) -> None:
    """Send nothing more to NODE, in all processes and nodes; what is under way is finished."""
    _switch(node, everybody, reason, actor, as_json, paused=True)


@platform.command()
@_options
def resume(node: str, everybody: bool, reason: str, actor: str, as_json: bool) -> None:
    """Send to NODE again. `--all` takes back a pause of all receivers; those of single ones stay."""
    _switch(node, everybody, reason, actor, as_json, paused=False)


@platform.command()
@click.argument("node", default="")
@click.option("--limit", default=50, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def history(node: str, limit: int, as_json: bool) -> None:
    """What operators did, newest first."""
    found = run_async(_history(settings_or_exit(), typed(node), limit))
    if as_json:
        print_json({"acts": found})
        return
    for one in found:
        click.echo(f"{one['at']}  {one['actor']}  {one['act']} {one['subject']}  {one['reason']}")


def _switch(node: str, everybody: bool, reason: str, actor: str, as_json: bool, *, paused: bool) -> None:
    settings = settings_or_exit()
    if everybody == bool(node):
        raise click.UsageError("name one platform, or --all")
    if not reason.strip():
        raise click.UsageError("a reason is required")
    if node and node not in settings.platforms:
        click.echo(f"no platform {node}; there are: {', '.join(settings.platforms)}", err=True)
        sys.exit(1)
    receiver = ALL_RECEIVERS if everybody else node
    changed = run_async(_set(settings, receiver, typed(actor), typed(reason), paused=paused))
    if as_json:
        print_json({"receiver": receiver, "paused": int(paused), "changed": int(changed)})
    else:
        was = "" if changed else " (it was so already)"
        click.echo(f"{receiver} is {'paused' if paused else 'resumed'}{was}")


async def _set(settings: Settings, receiver: str, actor: str, reason: str, *, paused: bool) -> bool:
    async with opened_store(settings) as store:
        if paused:
            return await store.pause_receiver(receiver, actor, reason)
        return await store.resume_receiver(receiver, actor, reason)


async def _history(settings: Settings, subject: str, limit: int) -> list[dict[str, Any]]:
    async with opened_store(settings) as store:
        return [
            {
                "at": time_of(one.at), "actor": one.actor, "act": one.act, "subject": one.subject,
                "reason": one.reason, "detail": dict(one.detail),
            }
            for one in await store.acts(limit, subject)
        ]  # fmt: skip


async def _list(settings: Settings) -> dict[str, Any]:
    async with opened_store(settings) as store:
        found, everybody = await standings(settings, store)
        behind = left_behind(settings, (await store.counts()).by_receiver)
    return {
        "platforms": [_row(one) for one in found], "all_paused": int(everybody is not None),
        "not_configured": behind,
    }  # fmt: skip


def _row(one: Standing) -> dict[str, str | int]:
    return {
        "id": one.platform.id,
        "state": one.state,
        "since": time_of(one.since),
        "why": one.why,
        "breaker": one.health.state if one.health else "up",
        "backlog": one.platform.backlog,
        "waiting": one.waiting,
        "stuck": one.stuck,
    }
