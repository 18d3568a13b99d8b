"""`gateway mapping serve`: the playground, for the person at this machine."""

from __future__ import annotations

import asyncio
import signal

import click
from aiohttp import web

from gateway.cli.mapping.loading import load_standard
from gateway.cli.place import find_root, run_async
from gateway.console.playground import PlaygroundWorld, make_playground


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8470, show_default=True, help="0: a free one.")
def serve(port: int) -> None:
    """A page with source sample, mapping and result side by side. It listens on 127.0.0.1 alone."""
    root = find_root()
    run_async(_run(PlaygroundWorld(load_standard(), root / "mappings", root / "schemas"), port))


async def _run(world: PlaygroundWorld, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(make_playground(world), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
    except OSError as error:
        await runner.cleanup()
        raise click.ClickException(f"port {port} cannot be had: {error.strerror}") from error
    click.echo(f"listening http://127.0.0.1:{runner.addresses[0][1]}/")
    await stop.wait()
    await runner.cleanup()
