"""`gateway log …`: the message log for operators at a terminal, without what is sensitive."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway.cli.deadletters import dead, resolve
from gateway.cli.masks import Masks
from gateway.cli.opened import opened_store, typed
from gateway.cli.place import print_json, run_async, settings_or_exit
from gateway.clock import time_of
from gateway.console.asking import FIELDS, STATES, AskFault, asked, filter_of
from gateway.console.told import whole
from gateway.settings import Settings
from gateway.store.contract import MessageFilter

_PIPED_WIDTH = 160


@click.group()
def log() -> None:
    """Search and read the message log."""


def _asks(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each field that one may ask of the log."""
    for one in reversed(FIELDS[1:]):
        choice = click.Choice(["", *STATES]) if one.form == "state" else None
        command = click.option(
            f"--{one.name}", default="", type=choice, help=f"{one.en[:1].upper()}{one.en[1:]}."
        )(command)
    return command


@log.command()
@click.argument("text", default="")
@_asks
@click.option("--parked", is_flag=True, help="What was stored and not applied; `gateway parked` settles it.")
@click.option("--before", default="", help="A message's id: the page that is older than it.")
@click.option("--limit", default=50, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def search(text: str, parked: bool, before: str, limit: int, as_json: bool, **given: str) -> None:
    """Messages, newest first. TEXT is an application, contract, company, key or id, or part of one."""
    try:
        told = {name: typed(value) for name, value in (given | {"text": text}).items()}
        wanted = replace(filter_of(asked(told), limit=limit, before=typed(before)), parked=parked)
    except AskFault as fault:
        raise click.UsageError(str(fault)) from fault
    rows = run_async(_search(settings_or_exit(), wanted))
    if as_json:
        print_json({"messages": rows})
        return
    _print_rows(rows)


@log.command()
@click.argument("message")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def show(message: str, as_json: bool) -> None:
    """One message: its stages, deliveries and attempts."""
    found = run_async(_show(settings_or_exit(), typed(message)))
    if found is None:
        click.echo(f"no message {message}", err=True)
        sys.exit(1)
    if as_json:
        print_json(found)
        return
    for name in ("id", "type", "sender", "state", "application", "biz_key", "received_at"):
        click.echo(f"{name:12} {found[name]}")
    for event in found["events"]:
        click.echo(f"  {event['at']}  {event['stage']}  {event['detail']}")
    for delivery in found["deliveries"]:
        click.echo(
            f"→ {delivery['receiver']}  {delivery['state']}  delivery {delivery['id']}  {delivery['text']}"
        )
        for attempt in delivery["attempts"]:
            click.echo(
                f"    #{attempt['number']} {attempt['at']} {attempt['state']} {attempt['status']}"
                f" {attempt['latency_ms']} ms {attempt['code']} {attempt['text']}"
            )
            for side, mark in (("sent", ">"), ("answered", "<")):
                for name, value in attempt["headers"][side].items():
                    click.echo(f"      {mark} {name}: {value}")
            if attempt["headers"]["cut"]:
                click.echo("      the headers were too long to be kept whole")


@log.command()
@click.option("--seconds", default=0.0, help="Stop after so long; 0: until Ctrl-C.")
def tail(seconds: float) -> None:
    """New messages as they are stored."""
    settings = settings_or_exit()
    run_async(_tail(settings, seconds))


@log.command()
@click.option("--overdue", is_flag=True, help="Those that did not come in time.")
@click.option("--limit", default=100, type=click.IntRange(1, 10_000))
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def receipts(overdue: bool, limit: int, as_json: bool) -> None:
    """Business receipts (8002) that receivers owe of what they took over."""
    found = run_async(_receipts(settings_or_exit(), limit, overdue=overdue))
    if as_json:
        print_json({"receipts": found})
        return
    for one in found:
        click.echo(f"{one['due_at']}  {one['type']} → {one['receiver']}  {one['message']}  {one['biz_key']}")
    click.echo(f"{len(found)} receipt(s) {'overdue' if overdue else 'awaited'}")


async def _search(settings: Settings, wanted: MessageFilter) -> list[dict[str, Any]]:
    """As many as are wanted, however much has to be looked at."""
    masks = Masks(settings)
    found: list[dict[str, Any]] = []
    async with opened_store(settings) as store:
        while True:
            page = await store.search_page(replace(wanted, limit=wanted.limit - len(found)))
            found += [masks.brief(row) for row in page.rows]
            if not page.older or len(found) >= wanted.limit:
                return found
            wanted = replace(wanted, before=page.older)


async def _show(settings: Settings, message: str) -> dict[str, Any] | None:
    async with opened_store(settings) as store:
        row = await store.get_message(message)
        if row is None:
            return None
        return await whole(store, row, Masks(settings).of(row))


async def _tail(settings: Settings, seconds: float) -> None:
    masks = Masks(settings)
    last = ""
    ends = time.monotonic() + seconds if seconds else float("inf")
    async with opened_store(settings) as store:
        while time.monotonic() < ends:
            fresh = [row for row in await store.search(MessageFilter(limit=100)) if row.id > last]
            for row in reversed(fresh):
                key = masks.of(row).text(row.biz_key)
                click.echo(
                    f"{time_of(row.received_at)}  {row.type}  {row.sender:16} {row.state:10} {row.id}  {key}"
                )
            last = max([last, *(row.id for row in fresh)])
            await asyncio.sleep(0.5)


async def _receipts(settings: Settings, limit: int, *, overdue: bool) -> list[dict[str, Any]]:
    masks = Masks(settings)
    async with opened_store(settings) as store:
        found = []
        for one in await store.receipts_due(limit, overdue=overdue):
            row = await store.get_message(one.message_id)
            found.append(
                {
                    "receiver": one.receiver, "type": one.type, "message": one.message_id,
                    "delivery": one.delivery_id, "biz_version": one.biz_version, "due_at": time_of(one.due_at),
                    "biz_key": masks.of(row).text(one.biz_key) if row else "", "alarmed_at": time_of(one.alarmed_at),
                }
            )  # fmt: skip
        return found


def _print_rows(rows: list[dict[str, Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    table.add_column("id", no_wrap=True, min_width=26)  # whole, however narrow: the next command asks for it
    for name in ("received", "type", "sender", "state", "application / key"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            row["id"], row["received_at"], row["type"], row["sender"], row["state"],
            row["application"] or row["biz_key"],
        )  # fmt: skip
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH).print(table)
    click.echo(f"{len(rows)} message(s)")


log.add_command(dead)
log.add_command(resolve)
