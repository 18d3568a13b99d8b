"""The described interface is the real one: generated calls, signed by a platform, against a live gateway."""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.security.httpsig import sign_request
from tests.acceptance.partners import identity
from tests.acceptance.running import running

schemathesis = pytest.importorskip("schemathesis")
GENERAL = "GGZY-ZPT"
CALLS_AN_OPERATION = 6


class Signed(requests.auth.AuthBase):
    """RFC 9421 by the platform's key, of the call as it will be sent."""

    def __call__(self, call: requests.PreparedRequest) -> requests.PreparedRequest:
        body = call.body.encode() if isinstance(call.body, str) else call.body or b""
        call.headers.pop("Authorization", None)
        signature = sign_request(
            str(call.method), str(call.url), call.headers, body, identity(GENERAL), int(time.time()),
            secrets.token_hex(8),
        )  # fmt: skip
        call.headers.update(signature)
        return call


def explore(url: str) -> dict[str, set[int]]:
    """Calls every described operation; the statuses that came, by operation."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json").exclude(path_regex="^/v1/ops/")
    schemathesis.checks.load_all_checks()
    checks = schemathesis.checks.CHECKS.get_by_names(
        ["status_code_conformance", "content_type_conformance", "response_schema_conformance"]
    )
    seen: dict[str, set[int]] = {}

    @settings(
        max_examples=CALLS_AN_OPERATION, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    @given(data=st.data())
    def call(operation: Any, data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        response = case.call(auth=Signed(), timeout=10)
        seen.setdefault(operation.label, set()).add(response.status_code)
        # SOAP 1.1 says every fault by 500; our own error has a code of its own.
        assert not re.search(rb'[">]99999["<]', response.content)
        case.validate_response(response, checks=checks)

    for found in schema.get_all_operations():
        call(found.ok())
    return seen


async def test_every_described_call_answers_as_described(tmp_path: Path) -> None:
    async with running(tmp_path) as gateway:
        seen = await asyncio.to_thread(explore, gateway.url)
    assert len(seen) == 16
    # The signature was believed: what was refused was refused for what it asked.
    assert not seen["GET /v1/applications"] & {401, 403}
    assert 404 in seen["GET /v1/receipts/{id}"]
