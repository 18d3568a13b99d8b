"""`gateway serve`: the gateway itself, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import signal
import sys

import click

from gateway import app
from gateway.cli.place import end_with_findings, ensure_certificates, run_async, set_up_log, settings_or_exit
from gateway.errors import ConfigError
from gateway.settings import Settings

_M_ARENA_MAX = -8  # malloc.h


@click.command()
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]))
@click.option("--announce", is_flag=True, help="Print one line `listening URL` when ready.")
@click.option("--no-poll", is_flag=True, help="Do not poll voucher stores.")
@click.option("--while-stdin", is_flag=True, help="End when standard input ends, as with its other end.")
def serve(log_level: str, announce: bool, no_poll: bool, while_stdin: bool) -> None:
    """Run the gateway. SIGTERM or Ctrl-C stops accepting and finishes what is in flight; SIGHUP reads the
    mappings again, all new or all old."""
    set_up_log(log_level)
    bound_arenas()
    settings = settings_or_exit()
    ensure_certificates(settings)
    try:
        run_async(run(settings, announce=announce, poll=not no_poll, while_stdin=while_stdin))
    except ConfigError as error:
        end_with_findings(error)


def bound_arenas() -> None:
    """Two heaps for all threads, before any is made: each thread's own would keep what large files freed
    (35 MiB instead of 80 above idle for 1 GiB, measured). Only glibc has them."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


async def _reload(gateway: app.Gateway) -> None:
    await gateway.reload_mappings()


async def run(
    settings: Settings, *, announce: bool = False, poll: bool = True, while_stdin: bool = False
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
    await stop.wait()
    if while_stdin:
        loop.remove_reader(sys.stdin.fileno())
    await gateway.stop()
