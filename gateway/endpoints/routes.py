"""Every route of the gateway in one place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.endpoints import attachments, health, inbox, openapi, progress, receipts, rest, soap, tickets
from gateway.endpoints.problem import errors_as_problems
from gateway.endpoints.world import WORLD, EndpointWorld


def add_routes(
    app: web.Application, world: EndpointWorld, described: Mapping[str, Mapping[str, Any]]
) -> None:
    """Hangs the gateway's HTTP and SOAP face into a server's application, with the error renderer and the
    request metrics around all of it. `described`: what /openapi.json says of calls that others add."""
    app[WORLD] = world
    app[openapi.DESCRIBED] = described
    metrics = health.add(app, world)
    app.middlewares.append(metrics.measure)
    app.middlewares.append(errors_as_problems)
    for part in (rest, soap, attachments, inbox, tickets, progress, receipts, openapi):
        part.add(app)
