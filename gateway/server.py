"""The HTTP server of a process: its application, TLS, how it begins to accept and how it stops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from gateway import console, endpoints
from gateway.errors import ConfigError, Finding
from gateway.settings import Settings
from gateway.store import Store
from gateway.translate import Translator

_IDLE_S, _LOOK_S = 1.0, 0.01
READ_BYTES = (
    256 * 1024
)  # of a socket: attachments come in large pieces, and less stops and starts it eight times a MiB


async def take_leave(runner: web.AppRunner, wait_s: float = 0.0) -> None:
    """/readyz says that the server stops, while it still accepts, for as long as whoever asks it needs to go elsewhere."""
    draining = runner.app[endpoints.WORLD].draining
    draining.begun = draining.is_told = True
    await asyncio.sleep(wait_s)


async def drain(runner: web.AppRunner) -> None:
    """Beside siblings that accept: open connections are answered once more and closed, so that their clients
    go to a sibling; who asks nothing for a while is let go of."""
    runner.app[endpoints.WORLD].draining.begun = True
    for _ in range(int(_IDLE_S / _LOOK_S)):
        if runner.server is None or not runner.server.connections:
            return
        await asyncio.sleep(_LOOK_S)


async def listen(
    settings: Settings,
    world: endpoints.EndpointWorld,
    translator: Translator,
    store: Store,
    tls: ssl.SSLContext | None,
    listener: socket.socket | None,
    reload: Callable[[], Awaitable[Sequence[Finding]]],
    *,
    with_console: bool = True,
) -> tuple[web.AppRunner, int]:
    """The server, accepting, and its port. ConfigError where the port is taken."""
    app = web.Application(client_max_size=settings.gateway.max_body_bytes)
    endpoints.add_routes(app, world, console.describe_ops() if with_console else {})
    if with_console:
        console.add_console(app, settings, store, translator, reload)
    if (
        listener is not None or settings.gateway.drain_s
    ):  # else none is told to; a signal costs each answer something
        app.on_response_prepare.append(_close_while_draining)
    return await serve(app, settings, settings.gateway.port, tls, listener)


async def serve(
    app: web.Application,
    settings: Settings,
    port: int,
    tls: ssl.SSLContext | None,
    listener: socket.socket | None = None,
) -> tuple[web.AppRunner, int]:
    """An application's server, accepting on `listener` or a port of its own, and its port. ConfigError where
    the port is taken."""
    runner = web.AppRunner(
        app, access_log=None, handle_signals=False, shutdown_timeout=settings.gateway.stop_s,
        read_bufsize=READ_BYTES,
    )  # fmt: skip
    await runner.setup()
    host = settings.gateway.host
    site = (
        web.SockSite(runner, listener, ssl_context=tls)
        if listener is not None
        else web.TCPSite(runner, host, port, ssl_context=tls)
    )
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise cannot_listen(host, port, error) from error
    server = site._server
    if server is None or not server.sockets:  # type: ignore[attr-defined]
        raise OSError("the server has no socket")
    return runner, server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]


def cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    text = f"cannot listen on {host}:{port}: {error.strerror or error}"
    return ConfigError([Finding("config/gateway.yaml", 0, 0, "port", text, "config.port")])


async def _close_while_draining(request: web.Request, response: web.StreamResponse) -> None:
    """The last answer on a connection says that it is the last, so that the client opens another one,
    to whoever accepts now."""
    if request.config_dict[endpoints.WORLD].draining.begun:
        response.force_close()
        response.headers["Connection"] = "close"


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS 1.2 or newer; with a client authority, clients may come by mTLS. Plain HTTP is for loopback only."""
    tls = settings.gateway.tls
    if tls is None:
        if settings.gateway.host not in ("127.0.0.1", "::1", "localhost"):
            text = "expected a tls section: plain HTTP is for loopback only, got none"
            raise ConfigError([Finding("config/gateway.yaml", 0, 0, "tls", text, "config.tls")])
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.at(tls.certificate), settings.at(tls.key))
    if tls.client_authority:
        context.load_verify_locations(settings.at(tls.client_authority))
        context.verify_mode = ssl.CERT_OPTIONAL
    return context
