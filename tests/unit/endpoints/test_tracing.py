"""A trace is told on as it came, or not at all."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.endpoints.tracing import trace_of

RIGHT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("sent", "kept"),
    [(RIGHT, RIGHT), (RIGHT.upper(), ""), ("é" * 55, ""), (RIGHT + "-00", ""), ("", "")],
)
def test_a_malformed_trace_is_ignored(sent: str, kept: str) -> None:
    assert trace_of(make_mocked_request("POST", "/", headers={"traceparent": sent})) == kept


def test_there_need_be_no_trace() -> None:
    assert trace_of(make_mocked_request("POST", "/")) == ""
