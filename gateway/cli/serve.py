"""`gateway serve`: the gateway itself, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import signal
import sys

import click

from gateway import app
from gateway.accounts import Accounts
from gateway.cli.place import end_with_findings, ensure_certificates, run_async, set_up_log, settings_or_exit
from gateway.cli.user import link_of
from gateway.errors import ConfigError
from gateway.settings import Settings


@click.command()
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]))
@click.option("--announce", is_flag=True, help="Print one line `listening URL` when ready.")
@click.option("--no-poll", is_flag=True, help="Do not poll voucher stores.")
@click.option("--no-set-up-link", is_flag=True, help="Do not offer one where there is no user yet.")
@click.option("--while-stdin", is_flag=True, help="End when standard input ends, as with its other end.")
def serve(log_level: str, announce: bool, no_poll: bool, no_set_up_link: bool, while_stdin: bool) -> None:
    """Run the gateway. While the console has no user, each start prints a one-time set-up link for the first.
    SIGTERM or Ctrl-C stops accepting and finishes what is in flight; SIGHUP reads the
    mappings again, all new or all old."""
    set_up_log(log_level)
    settings = settings_or_exit()
    ensure_certificates(settings)
    try:
        run_async(
            run(
                settings,
                announce=announce,
                poll=not no_poll,
                while_stdin=while_stdin,
                invite=not no_set_up_link,
            )
        )
    except ConfigError as error:
        end_with_findings(error)


async def _reload(gateway: app.Gateway) -> None:
    await gateway.reload_mappings()


async def run(
    settings: Settings,
    *,
    announce: bool = False,
    poll: bool = True,
    while_stdin: bool = False,
    invite: bool = False,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if while_stdin:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    try:
        gateway = await app.start(settings, poll=poll)
    except OSError as error:
        raise click.ClickException(f"the gateway cannot start: {error}") from error
    # What was loaded stays for good: the collector need not walk it again and again beside the messages.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    loop.add_signal_handler(signal.SIGHUP, lambda: gateway.tasks.append(loop.create_task(_reload(gateway))))
    if announce:
        click.echo(f"listening {gateway.url}")
    if invite and (token := await Accounts(gateway.store).invite_first()):
        click.echo(
            f"nobody can sign in yet; one-time link, 24 hours: {link_of(gateway.url, token)}", err=True
        )
    await stop.wait()
    if while_stdin:
        loop.remove_reader(sys.stdin.fileno())
    await gateway.stop()
