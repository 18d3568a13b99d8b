"""Spans hang below what the sender gave; where nobody wants them the sender's trace goes on as it came."""

from __future__ import annotations

import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gateway.tracing import TRACEPARENT, NoTraces, OpenTelemetryTraces, open_traces

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_without_traces_the_parent_is_told_on() -> None:
    for parent in (PARENT, ""):
        span = NoTraces().begin("take 3001", "server", parent, {"type": "3001"})
        span.end("accepted", message="01M")
        assert span.traceparent == parent


def test_without_traces_a_span_is_nearly_free() -> None:
    traces, started = NoTraces(), time.process_time()
    for _ in range(10_000):
        traces.begin("take", "server", PARENT, {}).end("accepted")
    assert time.process_time() - started < 0.1  # 10 µs each; a message costs 1,000


def test_the_spans_of_a_message_are_one_trace() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    traces = OpenTelemetryTraces(provider)
    taken = traces.begin("take 3001", "server", PARENT, {"type": "3001", "platform": "GGZY-ZPT"})
    sent = traces.begin("deliver 3001", "client", taken.traceparent, {"receiver": "CZ", "application": ""})
    sent.end("done")
    taken.end("accepted", message="01M", application="SQ-1")
    last, first = kept.get_finished_spans()
    assert first.parent is not None and f"{first.parent.span_id:016x}" == PARENT[36:52]
    assert last.parent is not None and last.parent.span_id == first.context.span_id
    assert f"{last.context.trace_id:032x}" == f"{first.context.trace_id:032x}" == PARENT[3:35]
    assert (
        TRACEPARENT.fullmatch(sent.traceparent) and sent.traceparent[36:52] == f"{last.context.span_id:016x}"
    )
    assert dict(first.attributes or {}) == {
        "gateway.type": "3001", "gateway.platform": "GGZY-ZPT", "gateway.result": "accepted",
        "gateway.message": "01M", "gateway.application": "SQ-1",
    }  # fmt: skip
    assert dict(last.attributes or {}) == {"gateway.receiver": "CZ", "gateway.result": "done"}


def test_who_did_not_sample_is_not_sampled_here() -> None:
    kept = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    span = OpenTelemetryTraces(provider).begin("take", "server", PARENT[:-1] + "0", {})
    span.end("accepted")
    assert not kept.get_finished_spans() and span.traceparent.endswith("-00")


@pytest.mark.parametrize(
    "environ",
    [{}, {"OTEL_TRACES_EXPORTER": "none"}, {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}],
)
def test_nothing_is_loaded_unless_wanted(environ: dict[str, str]) -> None:
    assert isinstance(open_traces(environ), NoTraces)


def test_an_unknown_exporter_is_told() -> None:
    with pytest.raises(ValueError, match="expected otlp or console, got 'zipkin'"):
        open_traces({"OTEL_TRACES_EXPORTER": "zipkin"})


def test_the_exporter_that_is_wanted_is_opened() -> None:
    traces = open_traces({"OTEL_TRACES_EXPORTER": "otlp"})
    assert isinstance(traces, OpenTelemetryTraces)
    traces.close()
