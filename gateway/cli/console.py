"""`gateway console`: the console in a process of its own, beside the gateways on the same store."""

from __future__ import annotations

import asyncio
import sys

import click
from aiohttp import web

from gateway import server
from gateway.app import load_translator
from gateway.cli.opened import opened_store
from gateway.cli.place import end_with_findings, ensure_certificates, run_async, set_up_log, settings_or_exit
from gateway.cli.serve import stop_event, tell_first_link
from gateway.collector import keep_what_is_loaded
from gateway.console import add_console
from gateway.errors import ConfigError
from gateway.keyring import load_keyring, make_evidence
from gateway.settings import Settings


@click.command()
@click.option("--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]))
@click.option("--announce", is_flag=True, help="Print one line `listening URL` when ready.")
@click.option("--no-set-up-link", is_flag=True, help="Do not offer one where there is no user yet.")
@click.option("--while-stdin", is_flag=True, help="End when standard input ends, as with its other end.")
def console(log_level: str, announce: bool, no_set_up_link: bool, while_stdin: bool) -> None:
    """Run the console alone, on `console_port`. It carries no messages: what its users do stands in the store,
    and the gateways do it. What it draws and searches costs them nothing but the database's time."""
    set_up_log(log_level)
    settings = settings_or_exit()
    ensure_certificates(settings)
    try:
        run_async(_run(settings, announce=announce, invite=not no_set_up_link, while_stdin=while_stdin))
    except ConfigError as error:
        end_with_findings(error)


async def _run(settings: Settings, *, announce: bool, invite: bool, while_stdin: bool) -> None:
    stop = stop_event(while_stdin=while_stdin)
    translator = load_translator(settings)
    tls = server.tls_context(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    evidence = make_evidence(settings, load_keyring(settings), "console")
    async with opened_store(settings, evidence) as store:
        application = web.Application(client_max_size=settings.gateway.max_body_bytes)
        add_console(application, settings, store, translator, None)
        runner, port = await server.serve(application, settings, settings.gateway.console_port, tls)
        keep_what_is_loaded()
        scheme = "https" if settings.gateway.tls else "http"
        url = f"{scheme}://{settings.gateway.host}:{port}"
        if announce:
            click.echo(f"listening {url}")
        if invite:
            await tell_first_link(store, url)
        await stop.wait()
        if while_stdin:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        await runner.cleanup()
