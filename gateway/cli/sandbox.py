"""`gateway sandbox PLATFORM|all`: reference platforms, each a server on its own port."""

from __future__ import annotations

import asyncio
import signal

import click

from gateway.cli.place import ensure_certificates, run_async, set_up_log, settings_or_exit
from gateway.sandbox import NODES, start_platforms
from gateway.settings import Settings


@click.command()
@click.argument("platform", default="all")
@click.option("--gateway-url", default="", help="Default: host and port of config/gateway.yaml.")
def sandbox(platform: str, gateway_url: str) -> None:
    """Run one sandbox PLATFORM (its id), or all, until Ctrl-C."""
    set_up_log("warning")
    if platform != "all" and platform not in NODES:
        raise click.UsageError(f"unknown platform {platform}; there are: all, {', '.join(NODES)}")
    settings = settings_or_exit()
    ensure_certificates(settings)
    run_async(_run(settings, NODES if platform == "all" else (platform,), gateway_url))


async def _run(settings: Settings, nodes: tuple[str, ...], gateway_url: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    url = gateway_url or f"http://{settings.gateway.host}:{settings.gateway.port}"
    ports = {node: _port(settings.platforms[node].connector.url) for node in nodes}
    sandbox = await start_platforms(
        ports, settings.certs_dir, settings.data_dir / "sandbox", url, schemas=settings.root / "schemas"
    )
    for node in nodes:
        click.echo(f"{node} listens on port {ports[node]}")
    await stop.wait()
    await sandbox.stop()


def _port(url: str) -> int:
    return int(url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[1])
