"""The caller's trace, told on to the receivers (W3C Trace Context)."""

from __future__ import annotations

from aiohttp import web

from gateway.tracing import TRACEPARENT


def trace_of(request: web.Request) -> str:
    """The traceparent; "" where there is none or it is malformed, as section 4.3 wants it: a trace never
    decides over a message."""
    text = request.headers.get("traceparent", "")
    return text if TRACEPARENT.fullmatch(text) else ""
