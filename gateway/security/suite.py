"""What every seal suite promises, and the checks of what a signature bound. `suites` is the registry.

A suite takes bytes, keys and time as arguments and does no I/O. Whatever fails up to and including the
inner signature is one SealError; what was signed is judged after that, by `check_claims`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gateway.errors import MessageError
from gateway.message import Claims
from gateway.registry import Registry
from gateway.security.certificate import Certificate
from gateway.security.identity import Identity, Recipients
from gateway.security.refusals import SealError, stale
from gateway.security.trust import Trust

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Unsealed:
    """What a seal held: the payload's bytes, what the signature bound beside them, whose signature it is."""

    payload: bytes
    claims: Claims
    certificate: Certificate


class UnfitPayload(ValueError):
    """A payload that no key can seal: too large, or not of the form that the suite seals."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom we seal for. `algorithms`: "sign" and "encrypt" as the suite names them; absent: by key kind."""

    node: str
    algorithms: Mapping[str, str]
    encrypt_cert: Certificate


class Suite(Protocol):
    """`content_type` is the media type of the sealed bytes."""

    name: str
    content_type: str

    def seal(self, payload: bytes, claims: Claims, signer: Identity, peer: Peer) -> bytes:
        """Signs payload and claims by `signer`, encrypts for `peer`. UnfitPayload for what is larger than 8 MiB, or of
        another form; any other ValueError for an algorithm that the keys do not have, an empty claim."""
        ...

    def unseal(self, data: bytes, recipient: Recipients, trust: Trust, at: datetime) -> Unsealed:
        """Decrypts, finds the certificate in `trust` as the claimed sender's, verifies.

        `recipient` may be several identities; the seal itself names which one it is for. SealError for
        every failure. Claims are not judged here: call `check_claims`.
        """
        ...


suites: Registry[Suite] = Registry("suite")


def check_claims(
    claims: Claims,
    *,
    receiver: str,
    at: datetime,
    max_age_s: int = 300,
    max_ahead_s: int | None = None,
    sender: str | None = None,
    msg_type: str | None = None,
    idem_key: str | None = None,
) -> None:
    """Is what was signed meant for here and now? What is given must be what was signed.

    MessageError 20007 for another receiver, sender, type or key; 20005 (with our time) if it is older than
    `max_age_s`, or further in the future than `max_ahead_s` (None: than that).
    """
    if claims.receiver != receiver:
        raise _re_addressed("接收方", "receiver")
    if sender is not None and claims.sender != sender:
        raise _re_addressed("发送方", "sender")
    if msg_type is not None and claims.msg_type != msg_type:
        raise _re_addressed("报文类型", "type")
    if idem_key is not None and claims.idem_key != idem_key:
        raise _re_addressed("幂等键", "idempotency key")
    age_s = at.timestamp() - claims.issued_at
    if age_s > max_age_s or -age_s > (max_age_s if max_ahead_s is None else max_ahead_s):
        raise stale(at)


def _re_addressed(zh: str, en: str) -> MessageError:
    return MessageError.of(
        "seal.re-addressed",
        f"签名中的{zh}与实际不符",
        f"the {en} that was signed is not the one that it came with",
        result="20007",
    )


def check_size(payload: bytes) -> None:
    """UnfitPayload beyond 8 MiB."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise UnfitPayload(f"a payload has at most {MAX_PAYLOAD_BYTES} bytes, this one {len(payload)}")


__all__ = [
    "MAX_PAYLOAD_BYTES",
    "Peer",
    "Recipients",
    "SealError",
    "Suite",
    "UnfitPayload",
    "Unsealed",
    "check_claims",
    "check_size",
    "suites",
]
