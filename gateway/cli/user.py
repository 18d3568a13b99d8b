"""`gateway user`: who may sign in to the console. Passwords are never typed or shown here: a one-time link is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gateway.accounts import AccountFault, Accounts, Asker
from gateway.cli.opened import opened_store, typed
from gateway.cli.place import print_json, run_async, settings_or_exit
from gateway.clock import time_of
from gateway.console.texts import translate
from gateway.rights import ROLES, Scope
from gateway.settings import Settings
from gateway.store.contract import UserRow
from gateway.tokens import Tokens

Work = Callable[[Accounts], Coroutine[Any, Any, str]]


@click.group()
def user() -> None:
    """Users of the console and their tokens; and whether the audit is whole."""


def _common(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="End with one line of JSON."),
        click.option("--actor", default="administrator", help="Who does it."),
        click.option("--reason", required=True, help="Why; kept in the audit."),
        click.argument("name"),
    ):
        command = option(command)
    return command


@user.command()
@_common
@click.option("--title", default="", help="The person's name.")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES))
@click.option(
    "--authority", "authorities", multiple=True, help="Of a department viewer: an authority's code."
)
@click.option(
    "--division", "divisions", multiple=True, help="Of a department viewer: a division, e.g. 310000."
)
@click.option("--kind", "kinds", multiple=True, help="Of a department viewer: a project kind, e.g. 01.")
def add(
    name: str,
    reason: str,
    actor: str,
    as_json: bool,
    title: str,
    roles: tuple[str, ...],
    authorities: tuple[str, ...],
    divisions: tuple[str, ...],
    kinds: tuple[str, ...],
) -> None:
    """Add a user; prints the one-time link with which the user sets a password."""
    scope = Scope(authorities, divisions, kinds)
    asker = Asker(typed(actor))
    _change(
        name, as_json, lambda own: own.add_user(typed(name), typed(title), roles, scope, asker, typed(reason))
    )


@user.command()
@_common
def lock(name: str, reason: str, actor: str, as_json: bool) -> None:
    """Let NAME sign in no more; its sessions end at once."""

    async def work(own: Accounts) -> str:
        await own.lock(name, Asker(typed(actor)), typed(reason))
        return ""

    _change(name, as_json, work)


@user.command()
@_common
def unlock(name: str, reason: str, actor: str, as_json: bool) -> None:
    """Let NAME sign in again, also where too many sign-ins had failed."""

    async def work(own: Accounts) -> str:
        await own.unlock(name, Asker(typed(actor)), typed(reason))
        return ""

    _change(name, as_json, work)


@user.command()
@_common
def reset(name: str, reason: str, actor: str, as_json: bool) -> None:
    """Take NAME's password and second factor away; prints a one-time link to set new ones."""
    _change(name, as_json, lambda own: own.reset(name, Asker(typed(actor)), typed(reason)))


@user.command()
@_common
@click.option("--days", default=90, type=click.IntRange(1, 3650), help="How long it is good.")
@click.option("--purpose", default="", help="What it is for, e.g. nightly report.")
def token(name: str, reason: str, actor: str, as_json: bool, days: int, purpose: str) -> None:
    """Make a token with which a script calls /v1/ops as NAME; printed this once."""
    own = _act(
        lambda accounts: Tokens(accounts.store).make(
            typed(name), typed(purpose), days, Asker(typed(actor)), typed(reason)
        )
    )
    if as_json:
        print_json({"name": name, "token": own, "days": days})
    else:
        click.echo(f"{own}\n{name}: good for {days} days, shown only now; Authorization: Bearer …")


@user.command()
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def tokens(as_json: bool) -> None:
    """Which tokens there are; each by the id that `untoken` takes."""
    rows = run_async(_tokens(settings_or_exit()))
    if as_json:
        print_json({"tokens": rows})
        return
    table = Table(box=None, header_style="bold")
    for heading in ("id", "name", "purpose", "made", "ends", "used"):
        table.add_column(heading)
    for one in rows:
        table.add_row(*(one[name] for name in ("id", "name", "purpose", "made", "ends", "used")))
    Console().print(table)


@user.command()
@click.argument("token_id", metavar="ID")
@click.option("--reason", required=True, help="Why; kept in the audit.")
@click.option("--actor", default="administrator", help="Who does it.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def untoken(token_id: str, reason: str, actor: str, as_json: bool) -> None:
    """End the token with this ID at once."""
    name = _act(
        lambda accounts: Tokens(accounts.store).end(typed(token_id), Asker(typed(actor)), typed(reason))
    )
    if as_json:
        print_json({"name": name, "id": token_id})
    else:
        click.echo(f"{token_id} of {name}: ended")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def list_(as_json: bool) -> None:
    """Who may sign in, as what, and since when nobody has."""
    rows = run_async(_list(settings_or_exit()))
    if as_json:
        print_json({"users": rows})
        return
    table = Table(box=None, header_style="bold")
    for heading in ("name", "title", "roles", "state", "second factor", "last sign-in"):
        table.add_column(heading)
    for one in rows:
        second = "on" if one["second_factor"] else "off"
        table.add_row(one["name"], one["title"], one["roles"], one["state"], second, one["signed_in"])
    Console().print(table)


@user.command()
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def audit(as_json: bool) -> None:
    """Walk the audit from its first line: does each follow from the one before? Ends with 1 where not."""
    checked = run_async(_check(settings_or_exit()))
    if as_json:
        print_json(checked)
    elif checked["broken_at"]:
        click.echo(f"line {checked['broken_at']} does not follow from the one before", err=True)
    else:
        click.echo(f"{checked['lines']} line(s), whole; the last one's hash {checked['head']}")
    sys.exit(1 if checked["broken_at"] else 0)


def link_of(url: str, token: str) -> str:
    """Where a one-time link leads; `url`: the gateway's."""
    return f"{url}/console/set-up/{token}"


def _act(work: Work) -> str:
    """What the act answers; ends with 1 where it cannot be done."""
    try:
        return run_async(_do(settings_or_exit(), work))
    except AccountFault as error:
        click.echo(f"{error.key}: {translate('en', error.key)}", err=True)
        sys.exit(1)
    except LookupError as error:
        click.echo(str(error.args[0]), err=True)
        sys.exit(1)


def _change(name: str, as_json: bool, work: Work) -> None:
    token = _act(work)
    own = settings_or_exit().gateway
    url = f"{'https' if own.tls else 'http'}://{own.host}:{own.port}"
    link = link_of(url, token) if token else ""
    if as_json:
        print_json({"name": name, "link": link})
    else:
        click.echo(f"{name}: {'one-time link, 24 hours: ' + link if link else 'done'}")


async def _do(settings: Settings, work: Work) -> str:
    async with opened_store(settings) as store:
        return await work(Accounts(store))


async def _tokens(settings: Settings) -> list[dict[str, Any]]:
    async with opened_store(settings) as store:
        return [
            {
                "id": one.id, "name": one.name, "purpose": one.purpose, "made": time_of(one.made_at),
                "ends": time_of(one.ends_at), "used": time_of(one.used_at),
            }
            for one in await store.tokens()
        ]  # fmt: skip


async def _list(settings: Settings) -> list[dict[str, Any]]:
    async with opened_store(settings) as store:
        return [_told(row) for row in await store.users()]


def _told(row: UserRow) -> dict[str, Any]:
    return {
        "name": row.name, "title": row.title, "roles": " ".join(row.roles), "state": row.state,
        "second_factor": int(bool(row.totp)), "failures": row.failures, "signed_in": time_of(row.signed_in_at),
        "refused_until": time_of(row.refused_until),
    }  # fmt: skip


async def _check(settings: Settings) -> dict[str, Any]:
    async with opened_store(settings) as store:
        checked = await store.check_audit()
    return {"lines": checked.lines, "head": checked.head, "broken_at": checked.broken_at}
