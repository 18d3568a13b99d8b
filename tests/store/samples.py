"""Messages and deliveries for the store's tests: small, with every field set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import clock
from gateway.evidence import EvidenceLog
from gateway.message import DeliveryState
from gateway.payments.ground import NO_NEEDS, Ground, Needs
from gateway.store.contract import (
    Arrival,
    AttemptResult,
    Claimed,
    LastVersion,
    NewDelivery,
    Outcome,
    Store,
    Verdict,
)

Judge = Callable[[Ground, LastVersion | None], Verdict]
KEY = ec.generate_private_key(ec.SECP256R1())


def sign(text: bytes) -> bytes:
    return KEY.sign(text, ec.ECDSA(hashes.SHA256()))


def verify(text: bytes, signature: bytes) -> bool:
    try:
        KEY.public_key().verify(signature, text, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def new_log(log_id: str = "GW-1") -> EvidenceLog:
    return EvidenceLog(log_id, sign, "receipt-key")


def to(receiver: str = "CZ", line: str = "line-1", **changes: Any) -> NewDelivery:
    """A delivery in its receiver's form."""
    values: dict[str, Any] = {
        "receiver": receiver,
        "delivery_key": f"key-{receiver}-{line}",
        "line": line,
        "rendered": b"<form/>",
        "rendered_version": "1",
        **changes,
    }
    return NewDelivery(**values)


def says(*deliveries: NewDelivery, **verdict: Any) -> Judge:
    """Rules that accept, with these deliveries."""
    return lambda ground, last: Verdict(deliveries=deliveries, **verdict)


_serial = iter(range(10**9))


def message(
    content: str = "content", *, judge: Judge | None = None, needs: Needs = NO_NEEDS, **changes: Any
) -> Arrival:
    """An arrival. Key, token and business key are new ones unless named; equal content, equal fingerprint."""
    number = next(_serial)
    body = content.encode()
    values: dict[str, Any] = {
        "message_id": clock.new_id(),
        "type": "3001",
        "sender": "GGZY-ZPT",
        "idem_key": f"key-{number}",
        "jti": f"token-{number}",
        "biz_key": f"PA-{number}",
        "biz_version": 1,
        "given_version": True,
        "oper_type": "1",
        "fingerprint": hashlib.sha256(body).hexdigest(),
        "original": b"original " + body,
        "content_type": "application/json",
        "body": body,
        "head": b'{"MsgNo":"3001"}',
        "suite": "jose",
        "cert": "thumbprint",
        "transport": "rest",
        "received_at": clock.now_ms(),
        "sender_time": "20260101120000",
        "needs": needs,
        "judge": judge or says(),
        "search": "",
        "stages": (("read", 120), ("prepared", 30)),
        **changes,
    }
    return Arrival(**values)


def ended(
    claimed: Claimed, state: DeliveryState = DeliveryState.DONE, code: str = "", **changes: Any
) -> AttemptResult:
    """An attempt's end."""
    return AttemptResult(claimed, state, code, status=200, latency_ms=5, answer=b"ok", **changes)


async def accept_id(store: Store, arrival: Arrival) -> str:
    """Accepts a message, which must succeed; its id."""
    outcome: Outcome = await store.accept(arrival)
    assert outcome.kind == "accepted" and outcome.message is not None, outcome
    return outcome.message.id


async def claim_one(store: Store, **changes: Any) -> Claimed:
    """Claims exactly one delivery, which must be there."""
    given: dict[str, Any] = {"limit": 1, "lease_s": 60.0, "worker": "w1", **changes}
    (claimed,) = await store.claim(**given)
    return claimed
