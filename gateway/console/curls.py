"""How a delivery is sent, as a command for a shell: without seal, key or content, which no page may give away."""

from __future__ import annotations

import shlex

from gateway.security.suite import suites
from gateway.settings import Platform
from gateway.store.contract import DeliveryRow


def curl_of(platform: Platform, delivery: DeliveryRow) -> str:
    """What the gateway posts; the body is a file that has to be sealed first. "" where it is fetched."""
    where = platform.connector
    if not where.url or where.kind != "http":
        return ""
    return " \\\n  ".join(
        (
            f"curl -i -X POST {shlex.quote(where.url.replace('{type}', delivery.type))}",
            f"-H {shlex.quote('Content-Type: ' + suites.get(platform.suite).content_type)}",
            f"-H {shlex.quote('Idempotency-Key: ' + delivery.delivery_key)}",
            f"-H {shlex.quote('Gateway-Message-Type: ' + delivery.type)}",
            f"--max-time {where.timeout_s:g} --data-binary @{delivery.type}.sealed",
        )
    )
