"""Spans of OpenTelemetry, where they are wanted: `OTEL_TRACES_EXPORTER` (`otlp`, `console`) and the extra `traces` of the package.

Without, a span is an object that hands on the traceparent as it came, and costs a call. With, what is handed on
names the span, so that the receiver's spans hang below it (W3C Trace Context).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Protocol

TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
EXPORTERS = ("otlp", "console")


class Span(Protocol):
    """`traceparent` is what is told on."""

    @property
    def traceparent(self) -> str: ...

    def end(self, result: str, **attributes: str) -> None: ...


class Traces(Protocol):
    """`kind`: server for what comes in, client for what goes out. `parent`: a traceparent, or ""."""

    def begin(self, name: str, kind: str, parent: str, attributes: Mapping[str, str]) -> Span: ...


class _Untraced:
    __slots__ = ("traceparent",)

    def __init__(self, traceparent: str):
        self.traceparent = traceparent

    def end(self, result: str, **attributes: str) -> None:
        """Nobody wants it."""


class NoTraces:
    def begin(self, name: str, kind: str, parent: str, attributes: Mapping[str, str]) -> Span:
        return _Untraced(parent)

    def close(self) -> None:
        """Nothing is open."""


class _Traced:
    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Any):
        self._span = span
        context = span.get_span_context()
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"

    def end(self, result: str, **attributes: str) -> None:
        self._span.set_attribute("gateway.result", result)
        for name, value in attributes.items():
            if value:
                self._span.set_attribute(f"gateway.{name}", value)
        self._span.end()


class OpenTelemetryTraces:
    """`provider` is a TracerProvider of the SDK, with its processors."""

    def __init__(self, provider: Any):
        from opentelemetry.trace import SpanKind

        self._provider = provider
        self._tracer = provider.get_tracer("gateway")
        self._kinds = {"server": SpanKind.SERVER, "client": SpanKind.CLIENT}

    def begin(self, name: str, kind: str, parent: str, attributes: Mapping[str, str]) -> Span:
        given = {f"gateway.{key}": value for key, value in attributes.items() if value}
        return _Traced(
            self._tracer.start_span(name, context=_context(parent), kind=self._kinds[kind], attributes=given)
        )

    def close(self) -> None:
        """Sends what was not sent yet."""
        self._provider.shutdown()


def _context(parent: str) -> Any:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    empty = Context()
    return TraceContextTextMapPropagator().extract({"traceparent": parent}, empty) if parent else empty


def open_traces(environ: Mapping[str, str] = os.environ) -> NoTraces | OpenTelemetryTraces:
    """As the environment wants it, in OpenTelemetry's own variables. ValueError for an exporter that is none
    of `EXPORTERS`, ImportError where the packages are missing."""
    wanted = environ.get("OTEL_TRACES_EXPORTER", "")
    if wanted in ("", "none") or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return NoTraces()
    if wanted not in EXPORTERS:
        raise ValueError(f"OTEL_TRACES_EXPORTER: expected {' or '.join(EXPORTERS)}, got {wanted!r}")
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

    exporter: Any
    if wanted == "console":
        exporter = ConsoleSpanExporter()
    else:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter()
    name = environ.get("OTEL_SERVICE_NAME", "gateway")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return OpenTelemetryTraces(provider)
