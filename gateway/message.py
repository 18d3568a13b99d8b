"""What travels: records, heads, claims, and the tables of legal moves of a message and a delivery."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from operator import attrgetter
from typing import Any

# A record is a message as data: leaves are text, lists are repeated elements, absent is a missing key.
Record = dict[str, Any]

NAMESPACE = "urn:sh-ggzy-czzf:datastd:1.0"
GATEWAY_NODE = "GW"


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Claims:
    """What the signature of every suite binds beside the content (DESIGN.md section 5).

    `issued_at` is seconds since 1970 UTC; `content_type` is the media type of the payload.
    """

    sender: str
    receiver: str
    msg_type: str
    idem_key: str
    issued_at: int
    jti: str
    content_type: str = "application/octet-stream"


@dataclass(slots=True)  # not frozen: a frozen one of this many fields is three times as slow to make
class Head:
    """The standard's envelope head (CATALOGUE.md 6.1), field by field in the schema's order."""

    MsgNo: str
    MsgId: str
    MsgRef: str
    Src: str
    Des: str
    AdmDivCode: str
    StYear: str
    BizType: str
    BizKey: str
    BizVersion: str
    OperType: str
    IdemKey: str
    BodyDigest: str
    WorkDate: str
    SendTime: str
    RetryNo: str = "0"
    Ver: str = "1.0"

    def as_record(self) -> Record:
        """In the schema's order: Ver stands first."""
        return dict(zip(HEAD_FIELDS, _head_values(self), strict=True))


HEAD_FIELDS: tuple[str, ...] = ("Ver", *(one.name for one in fields(Head) if one.name != "Ver"))
_head_values = attrgetter(*HEAD_FIELDS)


class MessageState(StrEnum):
    """Of a stored message; a refused one is never stored under its key."""

    ACCEPTED = "accepted"  # stored, deliveries open
    ANSWERED = "answered"  # a query, answered in the reply
    DELIVERED = "delivered"  # every delivery done (or none was needed)
    STUCK = "stuck"  # at least one dead letter


MESSAGE_MOVES: dict[MessageState, frozenset[MessageState]] = {
    MessageState.ACCEPTED: frozenset({MessageState.DELIVERED, MessageState.STUCK}),
    MessageState.STUCK: frozenset({MessageState.ACCEPTED, MessageState.DELIVERED}),
    MessageState.ANSWERED: frozenset(),
    MessageState.DELIVERED: frozenset({MessageState.ACCEPTED}),  # a replay with a new effect number
}


class DeliveryState(StrEnum):
    WAITING = "waiting"  # behind its line's head
    READY = "ready"  # the head of its line, due at `due_at`
    LEASED = "leased"  # a worker has it
    DONE = "done"
    DEAD = "dead"  # waits for a person, holds its line
    UNKNOWN = "unknown"  # outcome unknown and cannot be asked: a person decides
    DISCARDED = "discarded"  # resolved by a person without an effect


DELIVERY_MOVES: dict[DeliveryState, frozenset[DeliveryState]] = {
    DeliveryState.WAITING: frozenset({DeliveryState.READY, DeliveryState.DISCARDED}),
    DeliveryState.READY: frozenset({DeliveryState.LEASED, DeliveryState.DISCARDED}),
    DeliveryState.LEASED: frozenset(
        {DeliveryState.DONE, DeliveryState.READY, DeliveryState.DEAD, DeliveryState.UNKNOWN}
    ),
    DeliveryState.DEAD: frozenset({DeliveryState.READY, DeliveryState.DONE, DeliveryState.DISCARDED}),
    DeliveryState.UNKNOWN: frozenset({DeliveryState.READY, DeliveryState.DONE, DeliveryState.DISCARDED}),
    DeliveryState.DONE: frozenset(),
    DeliveryState.DISCARDED: frozenset(),
}


def check_move(moves: dict[Any, frozenset[Any]], old: Any, new: Any) -> None:
    """Raises ValueError where the table of legal moves has no such arrow."""
    if new not in moves[old]:
        raise ValueError(f"illegal move: {old} → {new}")


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Parsed:
    """A platform's bytes, read by a format, still in the platform's own words.

    `record`: the content. `head`: what the envelope says, in the words of `Head`, only what is there
    (OperType, IdemKey, MsgId, BizKey, BizVersion, SendTime …). `envelope`: the raw envelope fields.
    `own_type`: the platform's own number of the type (MsgNo, DATA_NO, VtCode). `root`: the name of the
    outermost element, where the format has one.
    """

    record: Record
    head: dict[str, str] = field(default_factory=dict)
    envelope: dict[str, str] = field(default_factory=dict)
    own_type: str = ""
    root: str = ""
