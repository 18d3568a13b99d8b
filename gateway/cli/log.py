"""`gateway log …` and `gateway replay`: the message log for operators at a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway import clock
from gateway.app import load_translator
from gateway.arrivals import ArrivalMaker
from gateway.cli.place import end_with_findings, print_json, run_async, settings_or_exit
from gateway.errors import ConfigError, GatewayError
from gateway.routing import Routes
from gateway.settings import Settings
from gateway.store import Store, open_store
from gateway.store.contract import MessageFilter, MessageRow, NewDelivery


@click.group()
def log() -> None:
    """Search and read the message log."""


@log.command()
@click.argument("text", default="")
@click.option("--type", "type_", default="", help="Message type, e.g. 3001.")
@click.option("--sender", default="")
@click.option("--receiver", default="")
@click.option("--state", default="", type=click.Choice(["", "accepted", "answered", "delivered", "stuck"]))
@click.option("--application", default="")
@click.option("--parked", is_flag=True, help="What was stored and not applied; `gateway parked` settles it.")
@click.option("--limit", default=50, type=click.IntRange(1, 1000))
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def search(
    text: str,
    type_: str,
    sender: str,
    receiver: str,
    state: str,
    application: str,
    parked: bool,
    limit: int,
    as_json: bool,
) -> None:
    """Messages, newest first. TEXT is an application, contract, company, key or id, or part of one."""
    wanted = MessageFilter(
        text=_typed(text),
        type=_typed(type_),
        sender=_typed(sender),
        receiver=_typed(receiver),
        state=state,
        application=_typed(application),
        parked=parked,
        limit=limit,
    )
    rows = run_async(_search(settings_or_exit(), wanted))
    if as_json:
        print_json({"messages": [_brief(row) for row in rows]})
        return
    _print_rows(rows)


@log.command()
@click.argument("message")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def show(message: str, as_json: bool) -> None:
    """One message: its stages, deliveries and attempts."""
    found = run_async(_show(settings_or_exit(), _typed(message)))
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


@log.command()
@click.option("--seconds", default=0.0, help="Stop after so long; 0: until Ctrl-C.")
def tail(seconds: float) -> None:
    """New messages as they are stored."""
    settings = settings_or_exit()
    run_async(_tail(settings, seconds))


@click.command()
@click.argument("delivery", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, help="Why; kept in the message's timeline.")
@click.option("--action", default="replay", type=click.Choice(["replay", "new-effect", "done", "discard"]))
@click.option("--actor", default="operator", help="Who does it.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def replay(delivery: int, reason: str, action: str, actor: str, as_json: bool) -> None:
    """Send a dead DELIVERY again: the same form under the same key, so that it has one effect.

    new-effect: made anew by the mapping in force now, under another key, for a receiver that refused or
    lost the first; refused while the outcome of any attempt is unknown. done: the receiver has it.
    discard: it had no effect and needs none.
    """
    try:
        row = run_async(_resolve(settings_or_exit(), delivery, action, _typed(actor), _typed(reason)))
    except ConfigError as error:
        end_with_findings(error)
    except (GatewayError, LookupError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        print_json({"delivery": row["id"], "receiver": row["receiver"], "state": row["state"]})
    else:
        click.echo(f"delivery {row['id']} to {row['receiver']} is {row['state']}")


def _typed(text: str) -> str:
    """What was typed; bytes that are no text of the terminal's encoding become question marks."""
    return text.encode("utf-8", "replace").decode()


def _open(settings: Settings) -> Store:
    return open_store(settings.store_url, settings.data_dir)


async def _search(settings: Settings, wanted: MessageFilter) -> list[MessageRow]:
    store = _open(settings)
    await store.open()
    try:
        return list(await store.search(wanted))
    finally:
        await store.close()


async def _show(settings: Settings, message: str) -> dict[str, Any] | None:
    store = _open(settings)
    await store.open()
    try:
        row = await store.get_message(message)
        if row is None:
            return None
        return {
            **_brief(row),
            "events": [
                {"at": _time(event.at), "stage": event.stage, "detail": dict(event.detail)}
                for event in await store.events(row.id)
            ],
            "deliveries": [
                {
                    "id": one.id,
                    "receiver": one.receiver,
                    "state": str(one.state),
                    "text": one.last_text,
                    "attempts": [
                        {
                            "number": attempt.number,
                            "at": _time(attempt.started_at),
                            "state": attempt.state,
                            "status": attempt.status,
                            "latency_ms": attempt.latency_ms,
                            "code": attempt.code,
                            "text": attempt.text,
                        }
                        for attempt in await store.attempts(one.id)
                    ],
                }
                for one in await store.deliveries(row.id)
            ],
        }
    finally:
        await store.close()


async def _tail(settings: Settings, seconds: float) -> None:
    import asyncio

    store = _open(settings)
    await store.open()
    last = ""
    ends = time.monotonic() + seconds if seconds else float("inf")
    try:
        while time.monotonic() < ends:
            fresh = [row for row in await store.search(MessageFilter(limit=100)) if row.id > last]
            for row in reversed(fresh):
                click.echo(
                    f"{_time(row.received_at)}  {row.type}  {row.sender:16} {row.state:10} {row.id}  {row.biz_key}"
                )
            last = max([last, *(row.id for row in fresh)])
            await asyncio.sleep(0.5)
    finally:
        await store.close()


async def _resolve(settings: Settings, delivery: int, action: str, actor: str, reason: str) -> dict[str, Any]:
    store = _open(settings)
    await store.open()
    try:
        renewed = await _renew(settings, store, delivery) if action == "new-effect" else None
        row = await store.resolve(delivery, action, actor, reason, renewed)
        return {"id": row.id, "receiver": row.receiver, "state": str(row.state)}
    finally:
        await store.close()


async def _renew(settings: Settings, store: Store, delivery: int) -> NewDelivery:
    """The delivery's message in the receiver's form, as the mappings make it today."""
    found = await store.delivery(delivery)
    if found is None:
        raise LookupError(f"no delivery {delivery}")
    routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
    return await ArrivalMaker(settings, store, load_translator(settings), routes).renew(found)


def _brief(row: MessageRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "type": row.type,
        "sender": row.sender,
        "state": str(row.state),
        "application": row.application,
        "biz_key": row.biz_key,
        "biz_version": row.biz_version,
        "received_at": _time(row.received_at),
        "note": row.note,
    }


def _time(ms: int) -> str:
    return clock.from_ms(ms).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] if ms else ""


def _print_rows(rows: list[MessageRow]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in ("received", "type", "sender", "state", "application / key", "id"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(
            _time(row.received_at),
            row.type,
            row.sender,
            str(row.state),
            row.application or row.biz_key,
            row.id,
        )
    Console().print(table)
    click.echo(f"{len(rows)} message(s)")
