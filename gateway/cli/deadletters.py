"""`gateway log dead`, `gateway log resolve` and `gateway replay`: what waits for a person, one by one or by filter."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import click

from gateway import clock
from gateway.app import load_keyring, load_translator, make_evidence
from gateway.arrivals import ArrivalMaker
from gateway.cli.masks import Masks
from gateway.cli.opened import opened_store, time_of, typed
from gateway.cli.place import end_with_findings, print_json, run_async, settings_or_exit
from gateway.errors import ConfigError, GatewayError
from gateway.notices import make_discard_notice
from gateway.routing import Routes
from gateway.settings import Settings
from gateway.store import Store
from gateway.store.contract import DeliveryRow, Evidence, StuckFilter

ACTIONS = ("replay", "new-effect", "done", "discard")
_PAGE = 200


@dataclass(frozen=True, slots=True)
class _Act:
    action: str
    actor: str
    reason: str
    sure: bool = False


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
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
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
    act = _Act(action, typed(actor), typed(reason), yes_case)
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
    act = _Act(action, typed(actor), typed(reason), yes_case)
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


class _Resolver:
    """Does acts on a store; mappings are compiled once, and only where an act needs them."""

    def __init__(self, settings: Settings, store: Store):
        self.settings = settings
        self.store = store
        self._maker: ArrivalMaker | None = None

    @property
    def maker(self) -> ArrivalMaker:
        if self._maker is None:
            own = self.settings
            routes = Routes.of(own.routes, own.platforms, own.coverage)
            self._maker = ArrivalMaker(own, self.store, load_translator(own), routes)
        return self._maker

    async def resolve(self, row: DeliveryRow, act: _Act) -> DeliveryRow:
        renewed = await self.maker.renew(row) if act.action == "new-effect" else None
        notice, sure = None, act.sure
        if act.action == "discard":
            message = await self.store.get_message(row.message_id)
            if message is None:
                raise LookupError(f"no message {row.message_id}")
            notice = make_discard_notice(self.maker, row, message, act.reason)
            sure = sure or not self.maker.standard.catalogue.get(row.type).money
        return await self.store.resolve(
            row.id, act.action, act.actor, act.reason, renewed, notice=notice, sure=sure
        )  # fmt: skip


def _evidence(settings: Settings, action: str) -> Evidence | None:
    """A discard stores a message of the gateway's own, with its evidence; the others store none."""
    return make_evidence(settings, load_keyring(settings), "operator") if action == "discard" else None


async def _resolve(settings: Settings, delivery: int, act: _Act) -> DeliveryRow:
    async with opened_store(settings, _evidence(settings, act.action)) as store:
        row = await store.delivery(delivery)
        if row is None:
            raise LookupError(f"no delivery {delivery}")
        return await _Resolver(settings, store).resolve(row, act)


async def _resolve_all(
    settings: Settings, wanted: StuckFilter, limit: int, act: _Act, *, dry_run: bool
) -> dict[str, Any]:
    async with opened_store(settings, _evidence(settings, act.action)) as store:
        rows = await _find(store, wanted, limit)
        resolver = _Resolver(settings, store)
        told = [
            {
                "id": row.id, "type": row.type, "receiver": row.receiver, "code": row.last_code,
                "result": "would be tried" if dry_run else await _try(resolver, row, act),
            }
            for row in rows
        ]  # fmt: skip
        results = Counter(str(one["result"]).startswith("refused") for one in told)
        done = 0 if dry_run else results[False]
        if not dry_run:
            named = {
                "receiver": wanted.receiver,
                "type": wanted.type,
                "code": wanted.code,
                "state": wanted.state,
            }
            counted = {"matched": len(rows), "resolved": done, "refused": results[True]}
            await store.note_act(
                act.actor, f"resolve {act.action}", wanted.receiver, act.reason, named | counted
            )
    return {
        "action": act.action, "dry_run": int(dry_run), "matched": len(rows), "resolved": done,
        "refused": results[True], "deliveries": told,
    }  # fmt: skip


async def _try(resolver: _Resolver, row: DeliveryRow, act: _Act) -> str:
    try:
        return str((await resolver.resolve(row, act)).state)
    except (GatewayError, LookupError) as error:
        return f"refused: {error}"


async def _find(store: Store, wanted: StuckFilter, limit: int) -> list[DeliveryRow]:
    found: list[DeliveryRow] = []
    while len(found) < limit:
        after = found[-1].id if found else 0
        page = await store.find_stuck(replace(wanted, after=after, limit=min(_PAGE, limit - len(found))))
        if not page:
            break
        found.extend(page)
    return found


async def _list(settings: Settings, wanted: StuckFilter, limit: int) -> list[dict[str, Any]]:
    masks = Masks(settings)
    async with opened_store(settings) as store:
        return [await _told(store, masks, row) for row in await _find(store, wanted, limit)]


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
