"""`gateway log dead`, `gateway log resolve` and `gateway replay`: what waits for a person, one by one or by filter."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from gateway import clock
from gateway.app import load_translator
from gateway.arrivals import ArrivalMaker
from gateway.cli.masks import Masks
from gateway.cli.opened import opened_store, typed
from gateway.cli.place import end_with_findings, print_json, run_async, settings_or_exit
from gateway.clock import time_of
from gateway.deadletters import ACTIONS, Act, Outcome, Resolver, find_all
from gateway.errors import ConfigError, GatewayError
from gateway.keyring import load_keyring, make_evidence
from gateway.routing import Routes
from gateway.settings import Settings
from gateway.store import Store
from gateway.store.contract import DeliveryRow, Evidence, StoreUnavailable, StuckFilter


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="End with one line of JSON."),
        click.option("--limit", default=1000, type=click.IntRange(1, 100_000), help="At most so many."),
        click.option("--until", default="", help="Last attempt before: yyyyMMdd or yyyyMMddHHmmss."),
        click.option("--since", default="", help="Last attempt from: yyyyMMdd or yyyyMMddHHmmss."),
        click.option("--state", default="", type=click.Choice(["", "dead", "unknown"])),
        click.option("--code", default="", help="Why it died, e.g. receiver.30001."),
        click.option("--type", "type_", default="", help="Message type, e.g. 4002."),
        click.option("--receiver", default=""),
    ):
        command = option(command)
    return command


@click.command()
@_filters
def dead(
    receiver: str, type_: str, code: str, state: str, since: str, until: str, limit: int, as_json: bool
) -> None:
    """Deliveries that wait for a person: why, and every attempt. Oldest first."""
    wanted = _wanted(receiver, type_, code, state, since, until)
    found = run_async(_list(settings_or_exit(), wanted, limit))
    if as_json:
        print_json({"dead": found})
        return
    for one in found:
        click.echo(
            f"{one['id']}  {one['type']} → {one['receiver']}  {one['state']}  {one['code']}  {one['text']}"
        )
        for attempt in one["attempts"]:
            click.echo(
                f"    #{attempt['number']} {attempt['at']} {attempt['state']} {attempt['code']} {attempt['text']}"
            )
    click.echo(f"{len(found)} delivery(ies)")


@click.command()
@_filters
@click.option("--reason", required=True, help="Why; kept in each message's timeline.")
@click.option("--action", required=True, type=click.Choice(ACTIONS))
@click.option("--actor", default="operator", help="Who does it.")
@click.option("--all", "everything", is_flag=True, help="Without any filter: everything that waits.")
@click.option("--yes-case", is_flag=True, help="Discard even where a payment's outcome is unknown.")
@click.option("--dry-run", is_flag=True, help="Only say what would come of each; nothing is done.")
def resolve(
    receiver: str,
    type_: str,
    code: str,
    state: str,
    since: str,
    until: str,
    limit: int,
    as_json: bool,
    reason: str,
    action: str,
    actor: str,
    everything: bool,
    yes_case: bool,
    dry_run: bool,
) -> None:
    """Replay, renew, close or discard all dead deliveries that the filter names. Each is an act of its own:
    one that is refused stops no other."""
    if not everything and not any((receiver, type_, code, state, since, until)):
        raise click.UsageError("name at least one filter, or --all")
    wanted = _wanted(receiver, type_, code, state, since, until)
    act = Act(action, typed(actor), typed(reason), yes_case)
    try:
        found = run_async(_resolve_all(settings_or_exit(), wanted, limit, act, dry_run=dry_run))
    except ConfigError as error:
        end_with_findings(error)
    if as_json:
        print_json(found)
    else:
        for one in found["deliveries"]:
            click.echo(f"{one['id']}  {one['type']} → {one['receiver']}  {one['result']}")
        click.echo(f"{found['matched']} matched, {found['resolved']} resolved, {found['refused']} refused")
    sys.exit(1 if found["refused"] else 0)


@click.command()
@click.argument("delivery", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, help="Why; kept in the message's timeline.")
@click.option("--action", default="replay", type=click.Choice(ACTIONS))
@click.option("--actor", default="operator", help="Who does it.")
@click.option("--yes-case", is_flag=True, help="Discard even where a payment's outcome is unknown.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def replay(delivery: int, reason: str, action: str, actor: str, yes_case: bool, as_json: bool) -> None:
    """Send a dead DELIVERY again: the same form under the same key, so that it has one effect.

    new-effect: made anew by the mapping in force now, under another key, for a receiver that refused or
    lost the first; refused while the outcome of any attempt is unknown. done: the receiver has it.
    discard: it had no effect and needs none; its sender is told (8002), and an application whose push was
    never answered goes back to 44.
    """
    act = Act(action, typed(actor), typed(reason), yes_case)
    try:
        row = run_async(_resolve(settings_or_exit(), delivery, act))
    except ConfigError as error:
        end_with_findings(error)
    except (GatewayError, LookupError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        print_json({"delivery": row.id, "receiver": row.receiver, "state": str(row.state)})
    else:
        click.echo(f"delivery {row.id} to {row.receiver} is {row.state}")


def _wanted(receiver: str, type_: str, code: str, state: str, since: str, until: str) -> StuckFilter:
    return StuckFilter(
        typed(receiver), typed(type_), typed(code), state, _ms("since", since), _ms("until", until)
    )


def _ms(name: str, text: str) -> int:
    try:
        return int(clock.parse_t(text).timestamp() * 1000) if text else 0
    except ValueError as error:
        raise click.UsageError(f"--{name}: {error}") from error


def _resolver(settings: Settings, store: Store) -> Resolver:
    def make() -> ArrivalMaker:
        routes = Routes.of(settings.routes, settings.platforms, settings.coverage)
        return ArrivalMaker(settings, store, load_translator(settings), routes)

    return Resolver(store, make)


def _evidence(settings: Settings, action: str) -> Evidence | None:
    """A discard stores a message of the gateway's own, with its evidence; the others store none."""
    return make_evidence(settings, load_keyring(settings), "operator") if action == "discard" else None


async def _resolve(settings: Settings, delivery: int, act: Act) -> DeliveryRow:
    async with opened_store(settings, _evidence(settings, act.action)) as store:
        row = await store.delivery(delivery)
        if row is None:
            raise LookupError(f"no delivery {delivery}")
        return await _resolver(settings, store).resolve(row, act)


async def _resolve_all(
    settings: Settings, wanted: StuckFilter, limit: int, act: Act, *, dry_run: bool
) -> dict[str, Any]:
    async with opened_store(settings, _evidence(settings, act.action)) as store:
        rows = await find_all(store, wanted, limit)
        resolver = _resolver(settings, store)
        outcomes = [await resolver.attempt(row, act, dry=dry_run) for row in rows]
        told = [
            {
                "id": one.row.id, "message": one.row.message_id, "type": one.row.type,
                "receiver": one.row.receiver, "code": one.row.last_code, "result": _said(one, dry_run=dry_run),
            }
            for one in outcomes
        ]  # fmt: skip
        refused = sum(one.is_refused for one in outcomes)
        done = 0 if dry_run else len(outcomes) - refused
        if not dry_run:
            named = {
                "receiver": wanted.receiver,
                "type": wanted.type,
                "code": wanted.code,
                "state": wanted.state,
            }
            counted = {"matched": len(rows), "resolved": done, "refused": refused}
            await _note(store, act, wanted.receiver, named | counted)
    return {
        "action": act.action, "dry_run": int(dry_run), "matched": len(rows), "resolved": done,
        "refused": refused, "deliveries": told,
    }  # fmt: skip


async def _note(store: Store, act: Act, receiver: str, details: dict[str, Any]) -> None:
    """Each act is in the audit already; that they were one, if the store goes away now, is not, and that is said."""
    try:
        await store.note_act(act.actor, f"resolve {act.action}", receiver, act.reason, details)
    except StoreUnavailable as error:
        click.echo(f"what was done stands in the audit one by one, not as one act: {error}", err=True)


def _said(outcome: Outcome, *, dry_run: bool) -> str:
    if outcome.is_refused:
        return f"refused: {outcome.result}"
    return f"would be {outcome.result}" if dry_run else outcome.result


async def _list(settings: Settings, wanted: StuckFilter, limit: int) -> list[dict[str, Any]]:
    masks = Masks(settings)
    async with opened_store(settings) as store:
        return [await _told(store, masks, row) for row in await find_all(store, wanted, limit)]


async def _told(store: Store, masks: Masks, row: DeliveryRow) -> dict[str, Any]:
    message = await store.get_message(row.message_id)
    if message is None:
        raise LookupError(f"no message {row.message_id}")
    masker = masks.of(message)
    return {
        "id": row.id, "message": row.message_id, "receiver": row.receiver, "type": row.type,
        "biz_key": masker.text(message.biz_key), "state": str(row.state), "code": row.last_code,
        "text": masker.text(row.last_text), "effect_no": row.effect_no,
        "attempts": [
            {
                "number": one.number, "at": time_of(one.started_at), "state": one.state, "status": one.status,
                "code": one.code, "text": masker.text(one.text),
            }
            for one in await store.attempts(row.id)
        ],
    }  # fmt: skip
