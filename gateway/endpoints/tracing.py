"""The caller's trace, told on to the receivers (W3C Trace Context)."""

from __future__ import annotations

import re

from aiohttp import web

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


def trace_of(request: web.Request) -> str:
    """The traceparent; "" where there is none or it is malformed, as section 4.3 wants it: a trace never
    decides over a message."""
    text = request.headers.get("traceparent", "")
    return text if _TRACEPARENT.fullmatch(text) else ""
