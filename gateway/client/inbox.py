"""Pull mode: leasing what waits at the gateway, and confirming it (see PlatformClient.lease)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway.client.wire import Wire
from gateway.errors import DeliveryError
from gateway.formats import write_json


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery under lease. `key` is its idempotency key: the same one again must have one effect. `sealed`
    is opened by PlatformClient.open. `files`: {digest, name, size} of attachments to download."""

    id: int
    lease: str
    type: str
    key: str
    attempt: int
    sealed: bytes
    files: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a leased delivery could not be taken; `final`: it never will be."""

    leased: Leased
    code: str
    text: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Ids of deliveries. `lost`: the lease was over; they come again under the same key."""

    taken: tuple[int, ...]
    failed: tuple[int, ...]
    lost: tuple[int, ...]
    unknown: tuple[int, ...]


async def lease(wire: Wire, most: int) -> list[Leased]:
    answer = _object(await wire.call("POST", "/v1/inbox/lease", body=write_json({"Most": most})))
    return [
        Leased(
            one["Id"], one["Lease"], one["Type"], one["Key"], one["Attempt"], base64.b64decode(one["Sealed"]),
            tuple(one["Files"]),
        )
        for one in answer["Items"]
    ]  # fmt: skip


async def confirm(wire: Wire, taken: Sequence[Leased], failed: Sequence[Failure]) -> Confirmation:
    body = {
        "Taken": [{"Id": one.id, "Lease": one.lease} for one in taken],
        "Failed": [
            {
                "Id": one.leased.id, "Lease": one.leased.lease, "Code": one.code, "Text": one.text,
                "Final": one.final,
            }
            for one in failed
        ],
    }  # fmt: skip
    told = _object(await wire.call("POST", "/v1/inbox/confirm", body=write_json(body)))
    return Confirmation(*(tuple(told[name]) for name in ("Taken", "Failed", "Lost", "Unknown")))


def _object(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise DeliveryError("client.nonsense", "the answer is not a JSON object", unknown=True)
    return answer
