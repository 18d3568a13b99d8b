"""What is told of messages and alarms as JSON, by the API and the command line alike: masked, times as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.clock import time_of
from gateway.console.masked import Masker, readable
from gateway.message import DeliveryState
from gateway.security.masking import How, mask
from gateway.standard import Standard
from gateway.store.contract import AlarmRow, AttemptRow, MessageRow, Store

MOST_ANSWER = 2000  # characters


def masker_of(standard: Standard, row: MessageRow, how: How = mask) -> Masker:
    """Masks what one message holds of accounts, numbers and names, wherever it is repeated."""
    sensitive = standard.sensitive(row.type)
    record = standard.read(row.type, row.body) if sensitive and row.body else {}
    return Masker(record, sensitive, standard.catalogue.sensitive_in_key(row.type, row.biz_key), how)


def shown_key(row: MessageRow, masker: Masker) -> str:
    """A business key can hold an account number (1004); of a purged message nobody can tell any more."""
    return "" if row.original_digest else masker.text(row.biz_key)


def brief(row: MessageRow, masker: Masker) -> dict[str, Any]:
    """A message in a list."""
    return {
        "id": row.id,
        "type": row.type,
        "sender": row.sender,
        "state": str(row.state),
        "application": row.application,
        "biz_key": shown_key(row, masker),
        "biz_version": row.biz_version,
        "received_at": time_of(row.received_at),
        "note": row.note,
    }


def headers_of(tried: AttemptRow, masker: Masker) -> dict[str, Any]:
    """`sent` and `answered`, names to values, and `cut`: not all had room."""
    kept = orjson.loads(tried.headers) if tried.headers else {}
    return {
        "sent": masked(kept.get("sent", {}), masker),
        "answered": masked(kept.get("answered", {}), masker),
        "cut": bool(kept.get("cut")),
    }


def answer_of(tried: AttemptRow, masker: Masker) -> str:
    """What the receiver answered, readable; "" where it said nothing."""
    return masker.text(readable(tried.answer))[:MOST_ANSWER]


async def whole(store: Store, row: MessageRow, masker: Masker) -> dict[str, Any]:
    """A message with its stages, deliveries and attempts."""
    return {
        **brief(row, masker),
        "suite": row.suite,
        "transport": row.transport,
        "idem_key": row.idem_key,
        "fingerprint": row.fingerprint,
        "events": [
            {"at": time_of(event.at), "stage": event.stage, "detail": masked(event.detail, masker)}
            for event in await store.events(row.id)
        ],
        "deliveries": [
            {
                "id": one.id,
                "receiver": one.receiver,
                "state": str(one.state),
                "key": masker.text(one.delivery_key),
                "mapping": one.rendered_version,
                "due_at": time_of(one.due_at) if one.state == DeliveryState.READY else "",
                "code": one.last_code,
                "text": masker.text(one.last_text),
                "attempts": [_attempt(tried, masker) for tried in await store.attempts(one.id)],
            }
            for one in await store.deliveries(row.id)
        ],
    }


def _attempt(tried: AttemptRow, masker: Masker) -> dict[str, Any]:
    return {
        "number": tried.number,
        "at": time_of(tried.started_at),
        "state": tried.state,
        "status": tried.status,
        "latency_ms": tried.latency_ms,
        "code": tried.code,
        "text": masker.text(tried.text),
        "headers": headers_of(tried, masker),
        "answer": answer_of(tried, masker),
    }


def masked(value: Any, masker: Masker) -> Any:
    """The texts of a JSON value, masked."""
    if isinstance(value, Mapping):
        return {name: masked(one, masker) for name, one in value.items()}
    if isinstance(value, list):
        return [masked(one, masker) for one in value]
    return masker.text(value) if isinstance(value, str) else value


def alarm_told(row: AlarmRow) -> dict[str, Any]:
    return {
        "id": row.id, "rule": row.rule, "state": row.state, "severity": row.severity, "labels": dict(row.labels),
        "value": row.value, "since": time_of(row.since), "fired_at": time_of(row.fired_at),
        "acknowledged_at": time_of(row.acknowledged_at), "acknowledged_by": row.acknowledged_by, "reason": row.reason,
        "ended_at": time_of(row.ended_at),
    }  # fmt: skip
