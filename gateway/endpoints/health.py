"""/healthz (the process answers), /readyz (the store answers), /metrics (Prometheus text).

The counts come from the store at the time of the scrape; requests are counted as they end. They tell who
exchanges how much, so /metrics and the counts of /readyz are for loopback unless the configuration opens them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from gateway.endpoints.world import WORLD, EndpointWorld
from gateway.store.contract import Counts, Store

log = structlog.get_logger("endpoints")
_LOOPBACK = frozenset({"127.0.0.1", "::1", "::ffff:127.0.0.1"})
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """One a server: its own registry, so that several gateways can live in one process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "gateway_http_requests", "HTTP requests by route and status", ["route", "method", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "gateway_http_request_seconds", "Time to answer by route", ["route"], buckets=_BUCKETS,
            registry=self.registry,
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


class StoreMetrics(Collector):
    """What the store holds, as read when somebody asked. `due_s`: seconds until the next delivery is due;
    `states`: of receivers that are not simply up; `overdue`: business receipts that did not come."""

    def __init__(self, counts: Counts, due_s: float | None, states: Mapping[str, str], overdue: int):
        self.counts = counts
        self.due_s = due_s
        self.states = states
        self.overdue = overdue

    @classmethod
    async def read(cls, store: Store) -> StoreMetrics:
        states = {row.receiver: row.state for row in await store.health() if row.state != "up"}
        states |= {row.receiver: "paused" for row in await store.pauses()}
        return cls(await store.counts(), await store.next_due_in_s(), states, await store.receipts_overdue())

    def collect(self) -> Iterable[Metric]:
        counts, due_s = self.counts, self.due_s
        yield GaugeMetricFamily("gateway_messages", "Messages accepted", value=counts.messages)
        yield GaugeMetricFamily(
            "gateway_parked_messages",
            "Messages stored and not applied: each wants a person",
            value=counts.parked,
        )
        states = GaugeMetricFamily("gateway_deliveries", "Deliveries by state", labels=["state"])
        for state, count in counts.deliveries.items():
            states.add_metric([str(state)], count)
        yield states
        receivers = GaugeMetricFamily(
            "gateway_receiver_deliveries", "Deliveries by receiver and state", labels=["receiver", "state"]
        )
        for receiver, by_state in counts.by_receiver.items():
            for state, count in by_state.items():
                receivers.add_metric([receiver, str(state)], count)
        yield receivers
        held = GaugeMetricFamily(
            "gateway_receiver_held",
            "Receivers that are slow, recovering, behind an open breaker or paused (* is all)",
            labels=["receiver", "state"],
        )
        for receiver, named in self.states.items():
            held.add_metric([receiver, named], 1)
        yield held
        yield GaugeMetricFamily(
            "gateway_receipts_overdue",
            "Business receipts (8002) that did not come in time",
            value=self.overdue,
        )
        late_s = max(0.0, -due_s) if due_s is not None else 0.0
        yield GaugeMetricFamily("gateway_delivery_lag_seconds", "How late the next delivery is", value=late_s)


METRICS: web.AppKey[Metrics] = web.AppKey("metrics", Metrics)


def add(app: web.Application, world: EndpointWorld) -> Metrics:
    """Adds the routes; the metrics' middleware is for the caller to place."""
    app[METRICS] = Metrics()
    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    return app[METRICS]


async def alive(request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def ready(request: web.Request) -> web.Response:
    """200 once the store answers; a store that does not is a 503 without a cause (it is in the log)."""
    store = request.app[WORLD].store
    try:
        counts = await store.counts()
    except Exception:
        log.exception("store unavailable")
        return web.json_response({"status": "store unavailable"}, status=503)
    told: dict[str, Any] = {"status": "ready"}
    if _may_know(request):
        deliveries = {str(state): count for state, count in counts.deliveries.items()}
        told |= {"messages": counts.messages, "deliveries": deliveries}
    return web.json_response(told)


async def metrics(request: web.Request) -> web.Response:
    if not _may_know(request):
        raise web.HTTPForbidden
    stored = CollectorRegistry()
    stored.register(await StoreMetrics.read(request.app[WORLD].store))
    text = generate_latest(stored) + generate_latest(request.app[METRICS].registry)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE_PLAIN_0_0_4})


def _may_know(request: web.Request) -> bool:
    return request.app[WORLD].settings.gateway.metrics_beyond_loopback or request.remote in _LOOPBACK
