"""/healthz (the process answers), /readyz (messages are taken, or what is wrong), /metrics (Prometheus text).

The counts come from the store at the time of the scrape; requests are counted as they end. They tell who
exchanges how much, so /metrics and the counts of /readyz are for loopback unless the configuration opens them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from gateway import clock
from gateway.endpoints.metrics import ProcessMetrics, StoreMetrics, days_left
from gateway.endpoints.siblings import Siblings
from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.families import FAMILIES
from gateway.message import DeliveryState
from gateway.store.contract import Counts, StoreUnavailable

log = structlog.get_logger("endpoints")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_SOON_DAYS = 30
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def _named(name: str) -> tuple[str, str, tuple[str, ...]]:
    family = FAMILIES[name]
    return family.name, family.text, family.labels


class Metrics:
    """One a server: its own registry, so that several gateways can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            *_named("gateway_http_requests"), registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            *_named("gateway_http_request_seconds"), buckets=_BUCKETS, registry=self.registry,
        )  # fmt: skip
        self._series: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    @web.middleware
    async def measure(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        started = time.perf_counter()
        status = 500
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            resource = request.match_info.route.resource
            route = resource.canonical if resource is not None else "none"
            count, seconds = self._of(route, request.method, status)
            seconds.observe(time.perf_counter() - started)
            count.inc()

    def _of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """The two series of a kind of request, kept: looking labels up takes a lock and many microseconds.
        They have an end: routes are ours, and the parser knows its methods."""
        kind = (route, method, str(status))
        found = self._series.get(kind)
        if found is None:
            found = self._series[kind] = (self.requests.labels(*kind), self.seconds.labels(route))
        return found


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)
SIBLINGS: web.AppKey[Siblings] = web.AppKey("siblings", Siblings)


def add(app: web.Application, world: EndpointWorld) -> Metrics:
    """Adds the routes; the metrics' middleware is for the caller to place."""
    app[METRICS] = Metrics()
    app[SIBLINGS] = Siblings(world.seat)
    app.cleanup_ctx.append(app[SIBLINGS].serving(lambda: _of_process(app)))
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    return app[METRICS]


async def alive(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """200 where messages are taken; else 503. Whoever may know is told what is wrong, and what merely waits
    for a person (`warnings`); others only whether it is ready."""
    world = request.app[WORLD]
    try:
        counts = await world.store.counts()
    except StoreUnavailable as error:
        log.error("store unavailable", cause=str(error))
        wrong, told = ["store.unavailable: the database does not answer"], {}
    else:
        wrong = _wrong(world)
        deliveries = {str(state): count for state, count in counts.deliveries.items()}
        told = {"messages": counts.messages, "deliveries": deliveries, "warnings": _warnings(world, counts)}
    said: dict[str, Any] = {"status": "not ready" if wrong else "ready"}
    if _may_know(request):
        said |= {"wrong": wrong, **told}
    return web.json_response(said, status=503 if wrong else 200)


def _wrong(world: EndpointWorld) -> list[str]:
    """Why no message at all is taken now."""
    wrong = []
    if world.draining.is_told:
        wrong.append("node.stopping: it will not accept for long")
    if world.store.is_busy():
        wrong.append("store.busy: too much waits to be written, or the database is away")
    if world.pressure.is_disk_low:
        wrong.append(f"disk.low: less than {world.settings.gateway.min_free_bytes} bytes are free")
    return wrong


def _warnings(world: EndpointWorld, counts: Counts) -> list[str]:
    """What does not keep messages out."""
    found = [
        f"receiver.backlog: {node} has as much waiting as is allowed" for node in sorted(world.pressure.full)
    ]
    for state in (DeliveryState.DEAD, DeliveryState.UNKNOWN):
        if count := counts.deliveries.get(state, 0):
            found.append(f"delivery.{state}: {count} wait for a person")
    if counts.parked:
        found.append(f"message.parked: {counts.parked} wait for a person")
    for (node, *_), days in days_left(world.trust, clock.now()).items():
        if days < _SOON_DAYS:
            found.append(f"certificate.ends: {node} in {days:.0f} days")
    return found


async def metrics(request: web.Request) -> web.Response:
    if not _may_know(request):
        raise web.HTTPForbidden
    stored = CollectorRegistry()
    stored.register(await StoreMetrics.read(request.app[WORLD].store))
    counted = await request.app[SIBLINGS].gathered(_of_process(request.app))
    return web.Response(
        body=generate_latest(stored) + counted, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4}
    )


def _of_process(app: web.Application) -> bytes:
    """What this worker counted."""
    counted = CollectorRegistry()
    counted.register(ProcessMetrics(app[WORLD]))
    return generate_latest(counted) + generate_latest(app[METRICS].registry)


def _may_know(request: web.Request) -> bool:
    return request.app[WORLD].settings.gateway.metrics_beyond_loopback or request.remote in _LOOPBACK
