"""`gateway send PLATFORM TYPE FILE`: submits a file as a platform would, with its development keys."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import aiohttp
import click

from gateway.cli.place import print_json, run_async, settings_or_exit
from gateway.client import Refused, Reply
from gateway.errors import DeliveryError, MessageError
from gateway.formats import formats
from gateway.sandbox.place import SandboxPlatform, make_client
from gateway.settings import Platform, Settings


@click.command()
@click.argument("platform")
@click.argument("type_", metavar="TYPE")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", default="", help="Idempotency key; default: the one that the message carries.")
@click.option("--gateway-url", default="", help="Default: host and port of config/gateway.yaml.")
@click.option("--json", "as_json", is_flag=True, help="End with one line of JSON.")
def send(platform: str, type_: str, file: Path, key: str, gateway_url: str, as_json: bool) -> None:
    """Seal FILE (in the platform's own form) and submit it; exit 1 if it is refused."""
    settings = settings_or_exit()
    if platform not in settings.platforms:
        raise click.UsageError(f"unknown platform {platform}; there are: {', '.join(settings.platforms)}")
    url = gateway_url or f"http://{settings.gateway.host}:{settings.gateway.port}"
    try:
        reply = run_async(_send(settings, settings.platforms[platform], type_, file.read_bytes(), key, url))
    except Refused as refused:
        for error in refused.errors:
            message = error.get("message", {})
            click.echo(
                f"{error.get('path')}: {message.get('zh')} / {message.get('en')} [{error.get('rule')}]"
            )
        click.echo(str(refused), err=True)
        if as_json:
            print_json({"accepted": False, "status": refused.status, "result": refused.result})
        sys.exit(1)
    except (DeliveryError, MessageError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        print_json({"accepted": True, "message_id": reply.message_id, "replayed": reply.replayed})
    else:
        click.echo(f"accepted as {reply.message_id}{' (again)' if reply.replayed else ''}")


async def _send(
    settings: Settings, platform: Platform, number: str, data: bytes, key: str, url: str
) -> Reply:
    form = formats.get(platform.format)
    key = key or form.decode(data).head.get("IdemKey") or hashlib.sha256(data).hexdigest()
    place = SandboxPlatform(platform.id, 0, settings.certs_dir, settings.data_dir / "sandbox", url)
    async with aiohttp.ClientSession() as session:
        client = make_client(place, session)
        if platform.suite == "wss":
            return await client.submit_soap(data, type=number, idem_key=key)
        return await client.submit(number, data, idem_key=key, content_type=form.content_type)
