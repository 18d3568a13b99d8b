"""The judgement of a batch: pure. What the database knows of the keys goes in, what becomes of each comes out.

Items are judged one after the other, each on what the ones before it left, so two equal messages in one
batch come out as two in different batches would. An item whose rules raise fails alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.errors import Fault
from gateway.payments.ground import Ground
from gateway.store.contract import Arrival, LastVersion, Verdict


class BoundKey(NamedTuple):
    """What an idempotency key is bound to. `kind`: accepted | duplicate."""

    fingerprint: str
    message_id: str
    kind: str


@dataclass(slots=True)
class Known:
    """What is stored of a batch's keys. Grows while the batch is judged."""

    keys: dict[tuple[str, str], BoundKey] = field(default_factory=dict)  # (sender, key)
    tokens: dict[tuple[str, str], bytes] = field(default_factory=dict)  # (sender, jti) → used for
    versions: dict[tuple[str, str, str, int], LastVersion] = field(default_factory=dict)
    last: dict[tuple[str, str, str], LastVersion] = field(default_factory=dict)  # (sender, type, biz key)
    ground: Ground = field(default_factory=Ground)


@dataclass(slots=True)
class Judged:
    """What becomes of one arrival. `stored_id`: the message that a replay or duplicate is answered with.
    `error`: what its rules raised; then nothing else is said."""

    arrival: Arrival
    kind: str
    verdict: Verdict | None = None
    version: int = 0
    stored_id: str = ""
    faults: tuple[Fault, ...] = ()
    error: Exception | None = None
    binds_token: bool = False
    binds_key: bool = False


def judge_all(arrivals: Sequence[Arrival], known: Known) -> list[Judged]:
    """Judges a batch in order. Accepted items leave their changes on `known.ground`."""
    return [_judge(arrival, known) for arrival in arrivals]


def _judge(arrival: Arrival, known: Known) -> Judged:
    judged = _by_key(arrival, known) or _by_version(arrival, known)
    if judged is None:
        judged = _by_rules(arrival, known)
    if judged.kind in ("accepted", "replayed", "duplicate"):
        _bind(judged, known)
    return judged


def _by_key(arrival: Arrival, known: Known) -> Judged | None:
    """Idempotency key, then token: a retry is the same key, content and, if seen before, the same token."""
    bound = known.keys.get((arrival.sender, arrival.idem_key))
    if bound is not None and bound.fingerprint != arrival.fingerprint:
        return Judged(arrival, "key-conflict")
    token = known.tokens.get((arrival.sender, arrival.jti)) if arrival.jti else None
    if token is not None and token != used_for(arrival):
        return Judged(arrival, "token-replay")
    if bound is None:
        return None
    kind = "replayed" if bound.kind == "accepted" else "duplicate"
    return Judged(arrival, kind, stored_id=bound.message_id)


def _by_version(arrival: Arrival, known: Known) -> Judged | None:
    """(sender, type, business key, version) is accepted once (DECISIONS.md 3, 4)."""
    key = (arrival.sender, arrival.type, arrival.biz_key)
    last = known.last.get(key)
    if last is None:
        return None
    if arrival.given_version:
        same = known.versions.get((*key, arrival.biz_version))
        if same is None:
            return Judged(arrival, "stale-version") if arrival.biz_version < last.version else None
        if same.fingerprint != arrival.fingerprint:
            return Judged(arrival, "version-conflict")
        return Judged(arrival, "duplicate", stored_id=same.message_id)
    if last.fingerprint == arrival.fingerprint:
        return Judged(arrival, "duplicate", stored_id=last.message_id)
    if arrival.sender_time and _moment(arrival.sender_time) <= _moment(last.sender_time):
        return Judged(arrival, "stale-version")
    return None


def used_for(arrival: Arrival) -> bytes:
    """What a token is bound to, for good: key and content, in 32 bytes."""
    return hashlib.sha256(f"{arrival.idem_key}\n{arrival.fingerprint}".encode()).digest()


def _moment(sender_time: str) -> str:
    """T14 and T17 side by side."""
    return sender_time.ljust(17, "0")


def _by_rules(arrival: Arrival, known: Known) -> Judged:
    key = (arrival.sender, arrival.type, arrival.biz_key)
    last = known.last.get(key)
    known.ground.begin()
    try:
        verdict = arrival.judge(known.ground, last)
    except Exception as error:  # noqa: BLE001 - not hidden, its caller gets it; the others go on
        known.ground.drop()
        return Judged(arrival, "failed", error=error)
    if verdict.faults:
        known.ground.drop()
        return Judged(arrival, "refused", faults=verdict.faults)
    given = arrival.biz_version if arrival.given_version else (last.version + 1 if last else 1)
    version = verdict.biz_version or given
    if (*key, version) in known.versions or (last is not None and version <= last.version):
        known.ground.drop()
        return Judged(arrival, "version-conflict")
    known.ground.keep()
    return Judged(arrival, "accepted", verdict, version, arrival.message_id)


def _bind(judged: Judged, known: Known) -> None:
    """What comes later in the batch sees this item's key, token and version."""
    arrival = judged.arrival
    if arrival.jti and (arrival.sender, arrival.jti) not in known.tokens:
        known.tokens[arrival.sender, arrival.jti] = used_for(arrival)
        judged.binds_token = True
    if judged.kind == "replayed" or (arrival.sender, arrival.idem_key) in known.keys:
        return
    known.keys[arrival.sender, arrival.idem_key] = BoundKey(
        arrival.fingerprint, judged.stored_id, judged.kind
    )
    judged.binds_key = True
    if judged.kind == "accepted":
        version = LastVersion(judged.version, arrival.fingerprint, arrival.sender_time, arrival.message_id)
        known.last[arrival.sender, arrival.type, arrival.biz_key] = version
        known.versions[arrival.sender, arrival.type, arrival.biz_key, judged.version] = version
