"""The gateway's HTTP and SOAP face. `add_routes` hangs all of it into a server's application."""

from __future__ import annotations

from aiohttp import web

from gateway.endpoints import attachments, health, openapi, progress, receipts, rest, soap, tickets
from gateway.endpoints.problem import errors_as_problems
from gateway.endpoints.problem import fault as render_fault
from gateway.endpoints.problem import problem as render_problem
from gateway.endpoints.world import WORLD, EndpointWorld


def add_routes(app: web.Application, world: EndpointWorld) -> None:
    """Every route of the gateway, with the error renderer and the request metrics around it."""
    app[WORLD] = world
    metrics = health.add(app, world)
    app.middlewares.append(metrics.measure)
    app.middlewares.append(errors_as_problems)
    for part in (rest, soap, attachments, tickets, progress, receipts):
        part.add(app)
    openapi.add(app)


__all__ = ["EndpointWorld", "add_routes", "render_fault", "render_problem"]
