"""Every metric is in one table; docs, dashboard and alarms name no other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.endpoints.metrics import StoreMetrics, histogram
from gateway.families import FAMILIES, as_markdown
from gateway.measures import SECONDS, Measures, Spread
from gateway.store.contract import Counts

ROOT = Path(__file__).parents[3]
SERIES = {series for family in FAMILIES.values() for series in family.series}
LABELS = {label for family in FAMILIES.values() for label in family.labels} | {"le", "instance", "worker"}
DASHBOARD = ROOT / "deploy" / "grafana" / "gateway.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yaml"


def dashboard_expressions() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def alert_expressions() -> Iterator[str]:
    for group in yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


def test_the_docs_hold_the_table() -> None:
    assert as_markdown() in (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("expression", [*dashboard_expressions(), *alert_expressions()])
def test_what_is_drawn_or_alarmed_exists(expression: str) -> None:
    named = set(re.findall(r"gateway_\w+", expression))
    assert named and named <= SERIES
    grouped = {
        label for found in re.findall(r"by \(([^)]*)\)", expression) for label in re.split(r",\s*", found)
    }
    matched = set(re.findall(r"[{,]\s*(\w+)\s*=~?", expression))
    assert grouped | matched <= LABELS


def test_every_family_is_drawn_or_alarmed_or_a_plain_count() -> None:
    used = " ".join((*dashboard_expressions(), *alert_expressions()))
    spare = {name for name in FAMILIES if name not in used}
    assert spare <= {"gateway_http_request_seconds", "gateway_messages", "gateway_delivery_lag_seconds"} | {
        "gateway_writer_waiting_bytes", "gateway_writer_batch_seconds"
    }  # fmt: skip


def test_a_spread_is_a_histogram_of_prometheus() -> None:
    spread = Spread(SECONDS)
    for value in (0.001, 0.0011, 7.0, 99.0):
        spread.add(value)
    registry = CollectorRegistry()

    class One:
        def collect(self) -> Iterator[object]:
            yield histogram("gateway_intake_seconds", {(): spread})

    registry.register(One())  # type: ignore[arg-type]
    (family,) = text_string_to_metric_families(generate_latest(registry).decode())
    found = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
    assert (found["0.001"], found["0.002"], found["5.0"], found["10.0"], found["+Inf"]) == (1, 2, 2, 3, 4)
    assert found["gateway_intake_seconds_count"] == 4
    assert found["gateway_intake_seconds_sum"] == pytest.approx(106.0021)


def test_attempts_are_counted_by_receiver_and_end() -> None:
    measures = Measures()
    for end in ("done", "done", "dead"):
        measures.count_attempt("CZ", end, 0.2)
    assert measures.attempts == {("CZ", "done"): 2, ("CZ", "dead"): 1}
    assert sum(measures.attempt_s["CZ"].counts) == 3


def test_what_the_store_holds_is_told_by_receiver() -> None:
    counts = Counts(3, {"ready": 2}, {"CZ": {"ready": 2}}, 1)
    registry = CollectorRegistry()
    registry.register(StoreMetrics(counts, -4.0, {"CZ": "open"}, 5, {"CZ": 4.0}, 8192))
    text = generate_latest(registry).decode()
    for line in (
        "gateway_messages 3.0", "gateway_parked_messages 1.0", 'gateway_deliveries{state="ready"} 2.0',
        'gateway_receiver_deliveries{receiver="CZ",state="ready"} 2.0', "gateway_delivery_lag_seconds 4.0",
        'gateway_receiver_held{receiver="CZ",state="open"} 1.0', "gateway_receipts_overdue 5.0",
        'gateway_receiver_oldest_seconds{receiver="CZ"} 4.0', "gateway_store_bytes 8192.0",
    ):  # fmt: skip
        assert line + "\n" in text
