"""Sealing what goes to a platform and opening what it answers, alike for every transport."""

from __future__ import annotations

import os

from gateway import clock
from gateway.connectors.contract import ConnectorWorld, Parcel
from gateway.errors import DeliveryError, MessageError
from gateway.message import GATEWAY_NODE, Claims
from gateway.security.suite import UnfitPayload, check_claims


def seal(world: ConnectorWorld, parcel: Parcel) -> bytes:
    """The parcel's payload, sealed afresh under its delivery key. DeliveryError (`delivery.form`, for good) where the
    suite cannot seal such a payload; `delivery.configuration` where keys and algorithms do not fit: that can be mended."""
    claims = Claims(
        sender=GATEWAY_NODE,
        receiver=world.platform.id,
        msg_type=parcel.type,
        idem_key=parcel.delivery_key,
        issued_at=clock.now_s(),
        jti=os.urandom(16).hex(),
        content_type=world.content_type,
    )
    try:
        return world.suite.seal(parcel.payload, claims, world.identity, world.peer)
    except UnfitPayload as error:
        raise DeliveryError("delivery.form", f"cannot be sealed: {error}"[:300], permanent=True) from error
    except ValueError as error:
        raise DeliveryError("delivery.configuration", f"cannot be sealed: {error}"[:300]) from error


def unseal(world: ConnectorWorld, parcel: Parcel, data: bytes) -> tuple[bytes, str] | None:
    """(payload, its content type) if the platform's seal holds and answers this very parcel, else None."""
    now = clock.now()
    try:
        unsealed = world.suite.unseal(data, world.identity, world.trust, now)
        check_claims(
            unsealed.claims,
            receiver=GATEWAY_NODE,
            at=now,
            sender=world.platform.id,
            idem_key=parcel.delivery_key,
        )
    except MessageError:
        return None
    return unsealed.payload, unsealed.claims.content_type
