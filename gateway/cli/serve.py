"""`gateway serve`: the gateway itself, until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path

import click

from gateway import app, server
from gateway.accounts import Accounts
from gateway.cli.place import end_with_findings, ensure_certificates, run_async, set_up_log, settings_or_exit
from gateway.cli.user import link_of
from gateway.cli.workers import WorkerFailed, Workers, listen
from gateway.collector import keep_what_is_loaded
from gateway.errors import ConfigError
from gateway.seat import Seat
from gateway.settings import Settings
from gateway.store.contract import Store, StoreUnavailable

_M_ARENA_MAX = -8  # malloc.h


@click.command()
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]))
@click.option("--announce", is_flag=True, help="Print one line `listening URL` when ready.")
@click.option("--no-poll", is_flag=True, help="Do not poll voucher stores.")
@click.option("--no-set-up-link", is_flag=True, help="Do not offer one where there is no user yet.")
@click.option("--no-console", is_flag=True, help="Leave the console to `gateway console`.")
@click.option("--while-stdin", is_flag=True, help="End when standard input ends, as with its other end.")
@click.option("--workers", default=1, type=click.IntRange(1, 64), help="Processes that share the port.")
@click.option("--seat", default="", hidden=True, help="A worker's own: which of how many.")
@click.option("--fds", default="", hidden=True, help="A worker's own: listener, neighbours, ready.")
@click.option(
    "--siblings", default="", hidden=True, help="A worker's own: the folder of the workers' sockets."
)
def serve(
    log_level: str,
    announce: bool,
    no_poll: bool,
    no_set_up_link: bool,
    no_console: bool,
    while_stdin: bool,
    workers: int,
    seat: str,
    fds: str,
    siblings: str,
) -> None:
    """Run the gateway. SIGTERM or Ctrl-C says so at /readyz for `drain_s`, stops accepting and finishes what is in flight; SIGHUP reads the
    mappings again, all new or all old. With --workers, SIGUSR1 replaces the processes one by one: no
    connection is refused meanwhile. While the console has no user, each start prints a one-time link for the
    first."""
    set_up_log(log_level)
    bound_arenas()
    settings = settings_or_exit()
    ensure_certificates(settings)
    try:
        if workers > 1:
            words = ["--log-level", log_level]
            flags = {"--no-poll": no_poll, "--no-set-up-link": no_set_up_link, "--no-console": no_console}
            words += [flag for flag, is_set in flags.items() if is_set]
            with tempfile.TemporaryDirectory(prefix="gateway-workers-") as folder:
                words += ["--siblings", folder]
                run_async(run_workers(settings, workers, words, announce=announce, while_stdin=while_stdin))
            return
        place, told = _seat(seat, fds, siblings)
        # Whoever polls is one of the workers: the voucher store's order of reading is the order of arrival.
        poll = not no_poll and place.number == 1
        invite = not no_set_up_link and not no_console and place.number == 1
        run_async(
            run(
                settings, place, told, announce=announce, poll=poll, while_stdin=while_stdin, invite=invite,
                with_console=not no_console,
            )
        )  # fmt: skip
    except ConfigError as error:
        end_with_findings(error)


def bound_arenas() -> None:
    """Two heaps for all threads, before any is made: each thread's own would keep what large files freed
    (35 MiB instead of 80 above idle for 1 GiB, measured). Only glibc has them."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _seat(seat: str, fds: str, siblings: str) -> tuple[Seat, int]:
    """A worker's place, and where it says that it is ready (-1: nowhere)."""
    if not seat:
        return Seat(), -1
    number, _, of = seat.partition("/")
    listener, neighbours, told = map(int, fds.split(","))
    ends = (socket.socket(fileno=listener), socket.socket(fileno=neighbours))
    return Seat(int(number), int(of), *ends, Path(siblings)), told


async def _reload(gateway: app.Gateway) -> None:
    await gateway.reload_mappings()


def stop_event(*, while_stdin: bool) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if while_stdin:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    return stop


async def run(
    settings: Settings,
    seat: Seat = app.ALONE,
    told: int = -1,
    *,
    announce: bool = False,
    poll: bool = True,
    while_stdin: bool = False,
    invite: bool = False,
    with_console: bool = True,
) -> None:
    """One process. `told`: the file descriptor on which it says that it accepts."""
    stop = stop_event(while_stdin=while_stdin)
    loop = asyncio.get_running_loop()
    try:
        gateway = await app.start(settings, poll=poll, seat=seat, with_console=with_console)
    except OSError as error:
        raise click.ClickException(f"the gateway cannot start: {error}") from error
    keep_what_is_loaded()
    loop.add_signal_handler(signal.SIGHUP, lambda: gateway.tasks.append(loop.create_task(_reload(gateway))))
    if announce:
        click.echo(f"listening {gateway.url}")
    if invite:
        await tell_first_link(gateway.store, gateway.url)
    if told >= 0:
        loop.add_signal_handler(
            signal.SIGUSR1, lambda: gateway.tasks.append(loop.create_task(server.take_leave(gateway.runner)))
        )
        os.write(told, b"ready")
        os.close(told)
    await stop.wait()
    if while_stdin:
        loop.remove_reader(sys.stdin.fileno())
    await gateway.stop()


async def tell_first_link(store: Store, url: str) -> None:
    """On stderr, where nobody can sign in yet. It already accepts messages, so a store that takes no write at
    this moment (a full disk) must not end it."""
    try:
        token = await Accounts(store).invite_first()
    except StoreUnavailable as error:
        click.echo(f"no link to sign in with now ({error}); the next start makes one", err=True)
        return
    if token:
        click.echo(f"nobody can sign in yet; one-time link, 24 hours: {link_of(url, token)}", err=True)


async def run_workers(
    settings: Settings, count: int, words: list[str], *, announce: bool, while_stdin: bool
) -> None:
    """The parent of `count` processes: it serves nothing itself."""
    stop = stop_event(while_stdin=while_stdin)
    loop = asyncio.get_running_loop()
    server.tls_context(settings)  # refuses plain HTTP beyond loopback before anything listens
    host, port = settings.gateway.host, settings.gateway.port
    try:
        listener = listen(host, port)
    except OSError as error:
        raise server.cannot_listen(host, port, error) from error
    workers = Workers(count, listener, words, settings.gateway.stop_s)
    try:
        await workers.start()
    except WorkerFailed as error:
        raise click.ClickException(f"the gateway cannot start: {error}") from error
    tasks: set[asyncio.Task[None]] = set()

    def replace() -> None:
        task = loop.create_task(workers.replace_all())
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    loop.add_signal_handler(signal.SIGHUP, workers.signal_all, signal.SIGHUP)
    loop.add_signal_handler(signal.SIGUSR1, replace)
    if announce:
        scheme = "https" if settings.gateway.tls else "http"
        click.echo(f"listening {scheme}://{host}:{listener.getsockname()[1]}")
    await stop.wait()
    if while_stdin:
        loop.remove_reader(sys.stdin.fileno())
    await workers.take_leave(settings.gateway.drain_s)
    listener.close()
    await workers.stop()
