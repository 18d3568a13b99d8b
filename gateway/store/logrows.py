"""Rows of the log, of tickets and of attachments: part of the contract (contract.py has them all)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Fault
from gateway.store.messagerows import MessageRow


@dataclass(frozen=True, slots=True)
class EventRow:
    message_id: str
    at: int
    stage: str
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A message that was refused: for the log only, it binds nothing. `detail` as noted."""

    id: int
    at: int
    sender: str
    type: str
    faults: tuple[Fault, ...]
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Of the message log, newest first. Empty fields do not filter. `text`: an id, application, idempotency
    key or a business key's beginning; where none is equal, a part of what names the message: pairs of Chinese
    characters anywhere, Latin words by their beginnings. `contract`, `deal`, `company`: messages that name it,
    and those of the applications under it. `code`: of a delivery that failed. `parked`: what was stored and not
    applied and is not closed. `since` and `until` (exclusive) are of `received_at`; the amounts are fen, both
    inclusive, 0: open."""

    text: str = ""
    type: str = ""
    sender: str = ""
    receiver: str = ""
    state: str = ""
    application: str = ""
    code: str = ""
    parked: bool = False
    since: int = 0
    until: int = 0
    before: str = ""  # message id: the page that is older than this one
    limit: int = 50
    contract: str = ""
    deal: str = ""
    company: str = ""
    id: str = ""
    key: str = ""  # a sender's idempotency key
    least_fen: int = 0
    most_fen: int = 0


@dataclass(frozen=True, slots=True)
class MessagePage:
    """One page. `older`: what to give as `before` for the next one, "" at the end. A page that is not full can
    have one, where enough was looked at for one page."""

    rows: Sequence[MessageRow]
    older: str = ""


@dataclass(frozen=True, slots=True)
class TicketRow:
    hash: str
    source: str
    target: str
    subject: Mapping[str, str]  # UserId, LegalCode, LegalName, UserName, Roles, AuthMethod, SessionId …
    context: str  # deep link: application no or unified deal code
    target_url: str
    client_ip: str
    issued_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    digest: str  # "sha-256:<hex>" or "sm3:<hex>" of the plain file
    owner: str
    size: int
    received: int
    state: str  # partial | complete
    header: (
        bytes  # JSON: the chunks' header with its content key, and where the parts lie (store/attachments.py)
    )
    created_at: int


@dataclass(frozen=True, slots=True)
class Counts:
    """For health, metrics and the demo."""

    messages: int
    deliveries: Mapping[str, int]  # by DeliveryState
    by_receiver: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    parked: int = 0  # messages that were stored and not applied
