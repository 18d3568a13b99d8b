"""`gateway alarms …`: what fires, taken on by a person, and whether notifications reach anybody."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import click
from rich.console import Console
from rich.table import Table

from gateway.alarmrules import labels_text, number_text
from gateway.cli.opened import opened_store, typed
from gateway.cli.place import print_json, run_async, settings_or_exit
from gateway.console.told import alarm_told
from gateway.notifying import Notifier, open_targets
from gateway.settings import Settings
from gateway.store.alarmrows import READY
from gateway.store.contract import AlarmFilter, AlarmRow, NotificationRow, ResolveRefused, Store

_WAIT_S = 60.0
_LOOK_S = 0.5


@click.group()
def alarms() -> None:
    """What fires; acknowledge it; send a test to whom alarms are sent."""


@alarms.command("list")
@click.option("--all", "everything", is_flag=True, help="Also those that are over.")
@click.option("--rule", default="", help="Of this rule alone.")
@click.option("--severity", default="", type=click.Choice(["", "critical", "warning", "info"]))
@click.option("--limit", default=100, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def list_(everything: bool, rule: str, severity: str, limit: int, as_json: bool) -> None:
    """Alarms, newest first. Ends with 1 where one fires that nobody has acknowledged."""
    wanted = AlarmFilter(not everything, typed(rule), severity, limit=limit)
    found = run_async(_list(settings_or_exit(), wanted))
    firing = sum(one["state"] == "firing" for one in found)
    if as_json:
        print_json({"alarms": found, "firing": firing})
    else:
        table = Table(box=None, pad_edge=False)
        for name in ("id", "state", "severity", "rule", "labels", "value", "fired", "who"):
            table.add_column(name, no_wrap=name != "labels")
        for one in found:
            labels = labels_text(tuple(one["labels"].items()))
            table.add_row(
                one["id"], one["state"], one["severity"], one["rule"], labels, number_text(one["value"]),
                one["fired_at"], one["acknowledged_by"],
            )  # fmt: skip
        Console().print(table)
    sys.exit(1 if firing else 0)


@alarms.command()
@click.argument("alarm")
@click.option("--reason", required=True, help="Why; kept for good.")
@click.option("--actor", default="operator", help="Who does it.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def acknowledge(alarm: str, reason: str, actor: str, as_json: bool) -> None:
    """Take on ALARM: it is not sent again, and ends by itself."""
    try:
        row = run_async(_acknowledge(settings_or_exit(), alarm, typed(actor), typed(reason)))
    except (LookupError, ResolveRefused) as error:
        click.echo(str(error.args[0] if error.args else error), err=True)
        sys.exit(1)
    if as_json:
        print_json(alarm_told(row))
    else:
        click.echo(f"{row.id} ({row.rule}) is acknowledged by {row.acknowledged_by}")


@alarms.command()
@click.argument("target")
@click.option("--reason", required=True, help="Why; kept for good.")
@click.option("--actor", default="operator", help="Who does it.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def test(target: str, reason: str, actor: str, as_json: bool) -> None:
    """Send TARGET a notification that says that it is a test. Ends with 1 where it does not arrive."""
    settings = settings_or_exit()
    known = settings.gateway.notify.targets
    if target not in known:
        click.echo(f"no target {target}; there are: {', '.join(known) or 'none'}", err=True)
        sys.exit(1)
    row = run_async(_test(settings, target, typed(actor), typed(reason)))
    if as_json:
        print_json(
            {"id": row.id, "target": row.target, "sent": int(row.state == "done"), "attempts": row.attempts, "fault": row.fault}
        )  # fmt: skip
    else:
        click.echo(f"{row.target}: {'sent' if row.state == 'done' else f'not sent: {row.fault}'}")
    sys.exit(0 if row.state == "done" else 1)


async def _list(settings: Settings, wanted: AlarmFilter) -> list[dict[str, Any]]:
    async with opened_store(settings) as store:
        return [alarm_told(row) for row in await store.alarms(wanted)]


async def _acknowledge(settings: Settings, alarm: str, actor: str, reason: str) -> AlarmRow:
    async with opened_store(settings) as store:
        return await store.acknowledge_alarm(alarm, actor, reason)


async def _test(settings: Settings, target: str, actor: str, reason: str) -> NotificationRow:
    """Sends what is due, as a gateway that runs may do at the same time; then says how the test went."""
    targets = open_targets(settings)
    async with opened_store(settings) as store, aiohttp.ClientSession() as session:
        id_ = await store.test_target(target, actor, reason)
        notifier = Notifier(store, settings.gateway.notify, targets, session)
        ends = asyncio.get_running_loop().time() + _WAIT_S
        while True:
            await notifier.look()
            row = await _find(store, id_)
            tried = row.state != READY or row.fault
            if tried or asyncio.get_running_loop().time() > ends:
                return row
            await asyncio.sleep(_LOOK_S)


async def _find(store: Store, id_: str) -> NotificationRow:
    for row in await store.notifications(500):
        if row.id == id_:
            return row
    raise LookupError(f"no notification {id_}")
