"""/metrics: what the process counted (measures.py) and what the store holds, in the words of families.py."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway import clock
from gateway.alarmrules import Sample
from gateway.endpoints.world import EndpointWorld
from gateway.families import FAMILIES
from gateway.measures import Spread
from gateway.pressure import free_bytes
from gateway.security.trust import Trust
from gateway.store.contract import Counts, Store

_DAYS = 100
Gauges = Mapping[tuple[str, ...], float]


class ProcessMetrics(Collector):
    """Of this process, as it stands when somebody asks."""

    def __init__(self, world: EndpointWorld):
        self.world = world

    def collect(self) -> Iterable[Metric]:
        measures, pressure = self.world.intake.measures, self.world.pressure
        yield _counter("gateway_intake", measures.taken.items())
        yield histogram("gateway_intake_seconds", {(): measures.take_s})
        yield _counter("gateway_attempts", measures.attempts.items())
        yield histogram("gateway_attempt_seconds", {(node,): one for node, one in measures.attempt_s.items()})
        writers = self.world.store.writers()
        yield _gauge("gateway_writer_waiting", {(name,): one.waiting for name, one in writers.items()})
        yield _gauge(
            "gateway_writer_waiting_bytes", {(name,): one.waiting_bytes for name, one in writers.items()}
        )
        yield histogram(
            "gateway_writer_batch_units", {(name,): one.batch_units for name, one in writers.items()}
        )
        yield histogram(
            "gateway_writer_batch_seconds", {(name,): one.batch_s for name, one in writers.items()}
        )
        yield histogram(
            "gateway_writer_commit_seconds", {(name,): one.commit_s for name, one in writers.items()}
        )
        held = {
            "store": self.world.store.is_busy(),
            "disk": pressure.is_disk_low,
            "receiver": bool(pressure.full),
        }
        yield _gauge("gateway_pressure", {(cause,): float(is_so) for cause, is_so in held.items()})
        yield _gauge("gateway_certificate_days_left", days_left(self.world.trust, clock.now()))
        yield _gauge("gateway_disk_free_bytes", {(): free_bytes(self.world.settings.data_dir)})


@dataclass(slots=True, eq=False)  # a registry keeps it by what it is
class StoreMetrics(Collector):
    """What the store holds, as read when somebody asked. `due_s`: seconds until the next delivery is due;
    `states`: of receivers that are not simply up; `overdue`: business receipts that did not come; `oldest_s`: by
    receiver, how long its first one has been due; `days`: (treasury, state) of reconciled days; `alarms`: by
    (severity, state)."""

    counts: Counts
    due_s: float | None
    states: Mapping[str, str]
    overdue: int
    oldest_s: Mapping[str, float]
    size_bytes: int
    days: Gauges = field(default_factory=dict)
    alarms: Gauges = field(default_factory=dict)
    unsent: int = 0

    @classmethod
    async def read(cls, store: Store) -> StoreMetrics:
        states = {row.receiver: row.state for row in await store.health() if row.state != "up"}
        states |= {row.receiver: "paused" for row in await store.pauses()}
        days: Counter[tuple[str, ...]] = Counter(
            (row.treasury, row.state) for row in await store.reconciliations(_DAYS)
        )
        return cls(
            await store.counts(), await store.next_due_in_s(), states, await store.receipts_overdue(),
            await store.oldest_due_s(), await store.size_bytes(), days, await store.alarm_counts(),
            await store.notifications_dead(),
        )  # fmt: skip

    def collect(self) -> Iterable[Metric]:
        counts = self.counts
        yield _gauge("gateway_messages", {(): counts.messages})
        yield _gauge("gateway_parked_messages", {(): counts.parked})
        yield _gauge(
            "gateway_deliveries", {(str(state),): count for state, count in counts.deliveries.items()}
        )
        yield _gauge(
            "gateway_receiver_deliveries",
            {
                (receiver, str(state)): count
                for receiver, by_state in counts.by_receiver.items()
                for state, count in by_state.items()
            },
        )
        yield _gauge(
            "gateway_receiver_oldest_seconds", {(node,): late for node, late in self.oldest_s.items()}
        )
        yield _gauge("gateway_receiver_held", dict.fromkeys(self.states.items(), 1))
        yield _gauge("gateway_receipts_overdue", {(): self.overdue})
        yield _gauge(
            "gateway_delivery_lag_seconds", {(): max(0.0, -self.due_s) if self.due_s is not None else 0.0}
        )
        yield _gauge("gateway_store_bytes", {(): self.size_bytes})
        yield _gauge("gateway_reconciliations", self.days)
        yield _gauge("gateway_alarms", self.alarms)
        yield _gauge("gateway_notifications_dead", {(): self.unsent})


async def read_gauges(world: EndpointWorld, scope: str) -> Sequence[Sample]:
    """Every gauge of the store ("") or, with the label `node`, of this process: what rules of alarms look at."""
    collector: Collector = ProcessMetrics(world) if scope else await StoreMetrics.read(world.store)
    more = {"node": scope} if scope else {}
    return [
        Sample(sample.name, tuple(sorted({**sample.labels, **more}.items())), sample.value)
        for family in collector.collect()
        if family.type == "gauge"
        for sample in family.samples
    ]


def days_left(trust: Trust, at: datetime) -> Gauges:
    """Of each platform, the days of the newest certificate that it may still use: one that ended beside it was
    replaced. Below zero where all have ended."""
    ends: dict[tuple[str, ...], float] = {}
    for platform, certificate in trust.registered():
        days = (certificate.not_after - at).total_seconds() / 86_400
        ends[(platform,)] = max(days, ends.get((platform,), days))
    return ends


def _gauge(name: str, values: Gauges) -> Metric:
    family = FAMILIES[name]
    made = GaugeMetricFamily(name, family.text, labels=family.labels)
    for labels, value in values.items():
        made.add_metric(labels, value)
    return made


def _counter(name: str, values: Iterable[tuple[tuple[str, ...], int]]) -> Metric:
    family = FAMILIES[name]
    made = CounterMetricFamily(name, family.text, labels=family.labels)
    for labels, value in values:
        made.add_metric(labels, value)
    return made


def histogram(name: str, values: Mapping[tuple[str, ...], Spread]) -> Metric:
    family = FAMILIES[name]
    made = HistogramMetricFamily(name, family.text, labels=family.labels)
    for labels, spread in values.items():
        made.add_metric(labels, list(_buckets(spread)), spread.total)
    return made


def _buckets(spread: Spread) -> Iterator[tuple[str, float]]:
    names = (*(str(bound) for bound in spread.bounds), "+Inf")
    return iter([(name, float(count)) for name, count in zip(names, accumulate(spread.counts), strict=True)])
