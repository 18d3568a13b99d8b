"""Every metric there is: its kind, its labels and what it tells. docs/metrics.md is drawn from this table.

Names are `gateway_<what>[_<unit>]`; counters end in `_total` where they are read. A label's values are of the
configuration, of the catalogue, or of a fixed list, so a family has an end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    kind: str  # counter | gauge | histogram
    labels: tuple[str, ...]
    scope: str  # process | store: of this process, or of the store and so the same from every process
    text: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names under which Prometheus keeps it."""
        ends = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}[self.kind]
        return tuple(self.name + end for end in ends)


FAMILIES = {
    family.name: family
    for family in (
        Family("gateway_http_requests", "counter", ("route", "method", "status"), "process", "HTTP requests by route and status"),
        Family("gateway_http_request_seconds", "histogram", ("route",), "process", "Time to answer by route"),
        Family("gateway_intake", "counter", ("type", "platform", "result"), "process", "Messages of known senders: accepted, replayed, duplicate, refused, busy (503 or 429), failed (500)"),
        Family("gateway_intake_seconds", "histogram", (), "process", "From an opened seal to what is durable or refused"),
        Family("gateway_attempts", "counter", ("receiver", "result"), "process", "Attempts to deliver by their end: done, ready (to be repeated), dead, unknown"),
        Family("gateway_attempt_seconds", "histogram", ("receiver",), "process", "How long an attempt took"),
        Family("gateway_writer_waiting", "gauge", ("writer",), "process", "Units that wait to be written; 2,048 are the most"),
        Family("gateway_writer_waiting_bytes", "gauge", ("writer",), "process", "Their size"),
        Family("gateway_writer_batch_units", "histogram", ("writer",), "process", "Units in a transaction; 128 are the most"),
        Family("gateway_writer_batch_seconds", "histogram", ("writer",), "process", "From a transaction's first statement until it is durable"),
        Family("gateway_writer_commit_seconds", "histogram", ("writer",), "process", "The commit alone: the wait for the disk"),
        Family("gateway_pressure", "gauge", ("cause",), "process", "1 where nothing new is taken now because of: store, disk, receiver"),
        Family("gateway_certificate_days_left", "gauge", ("platform",), "process", "Days until the first certificate in use of a platform ends"),
        Family("gateway_messages", "gauge", (), "store", "Messages accepted"),
        Family("gateway_parked_messages", "gauge", (), "store", "Messages stored and not applied: each wants a person"),
        Family("gateway_deliveries", "gauge", ("state",), "store", "Deliveries by state"),
        Family("gateway_receiver_deliveries", "gauge", ("receiver", "state"), "store", "Deliveries by receiver and state: waiting, ready and leased are its backlog"),
        Family("gateway_receiver_oldest_seconds", "gauge", ("receiver",), "store", "How long the receiver's longest due delivery has been due"),
        Family("gateway_receiver_held", "gauge", ("receiver", "state"), "store", "1 for receivers that are slow, recovering, behind an open breaker or paused (* is all)"),
        Family("gateway_receipts_overdue", "gauge", (), "store", "Business receipts (8002) that did not come in time"),
        Family("gateway_delivery_lag_seconds", "gauge", (), "store", "How late the next delivery is"),
        Family("gateway_store_bytes", "gauge", (), "store", "Size of the store's database"),
        Family("gateway_disk_free_bytes", "gauge", (), "process", "What the disk of the data folder still takes"),
        Family("gateway_reconciliations", "gauge", ("treasury", "state"), "store", "Days by outcome of their reconciliation, of the newest 100: agreed, different, waiting"),
        Family("gateway_alarms", "gauge", ("severity", "state"), "store", "Alarms that have not ended: firing, acknowledged"),
        Family("gateway_notifications_dead", "gauge", (), "store", "Notifications of alarms of the last day that reached nobody"),
    )
}  # fmt: skip


def as_markdown() -> str:
    """The table of docs/metrics.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| metric | kind | labels | of | tells |"
    yield "|---|---|---|---|---|"
    for family in FAMILIES.values():
        labels = ", ".join(f"`{label}`" for label in family.labels)
        yield f"| `{family.series[0] if family.kind == 'counter' else family.name}` | {family.kind} | {labels} | {family.scope} | {family.text} |"
