"""Rows of users, sessions and the audit: part of the contract (contract.py has them all)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway.rights import Scope

COMMAND_LINE = "command line"
INVITED, ACTIVE, LOCKED = "invited", "active", "locked"
FULL, SECOND = "full", "second"


@dataclass(frozen=True, slots=True)
class UserRow:
    """A user. `totp` is the secret of the second factor ("" for none), `totp_step` the last one used;
    `recovery` holds hashes. `failures` are sign-ins that went wrong in a row; none is tried before
    `refused_until` (ms)."""

    name: str
    title: str
    roles: tuple[str, ...]
    scope: Scope = field(default_factory=Scope)
    state: str = INVITED
    password: str = ""
    totp: str = ""
    totp_new: str = ""
    totp_step: int = 0
    recovery: tuple[str, ...] = ()
    failures: int = 0
    refused_until: int = 0
    created_at: int = 0
    password_at: int = 0
    signed_in_at: int = 0


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session under the hash of its token. `kind`: full, or second while the second factor is waited for."""

    hash: str
    name: str
    kind: str
    began_at: int
    seen_at: int
    ends_at: int
    origin: str


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """A link that lets `name` ("": the first user) set a password once, under the hash of its token."""

    hash: str
    name: str
    made_at: int
    ends_at: int


@dataclass(frozen=True, slots=True)
class TokenRow:
    """What lets a script act as `name`, with that user's roles as they are then, under the token's hash.
    `used_at`: about when last; 0: never."""

    hash: str
    name: str
    purpose: str
    made_at: int
    ends_at: int
    used_at: int = 0

    @property
    def id(self) -> str:
        """By which people name it: the hash's beginning."""
        return self.hash[:8]


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A search that `name` keeps under a title; `query` as it stands in an address."""

    name: str
    title: str
    query: str
    saved_at: int


@dataclass(frozen=True, slots=True)
class NewAct:
    """What somebody did, to be written down: who, what, to what, why, from where."""

    actor: str
    act: str
    subject: str = ""
    reason: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    origin: str = COMMAND_LINE


@dataclass(frozen=True, slots=True)
class ActRow:
    """A line of the audit. `hash` is SHA-256 over the line before's hash and this line's fields."""

    id: int
    at: int
    actor: str
    act: str
    subject: str
    reason: str
    detail: Mapping[str, Any]
    origin: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Newest first. Empty fields do not filter; `since` ≤ at < `until` in ms, 0: open; `text` is looked for
    in subject, reason and detail; `before`: an id, those below it."""

    actor: str = ""
    act: str = ""
    subject: str = ""
    text: str = ""
    since: int = 0
    until: int = 0
    before: int = 0
    limit: int = 100


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """The audit read from its first line on: how many lines hold, the last one's hash, and the number of the
    first that does not follow from the one before (0: all do)."""

    lines: int
    head: str
    broken_at: int = 0


NO_LINE = "0" * 64  # what the first line follows


def line_hash(
    before: str, id: int, at: int, actor: str, act: str, subject: str, reason: str, detail: str, origin: str
) -> str:
    """SHA-256 in hexadecimal of the JSON array of these, UTF-8, `detail` as its stored text."""
    line = orjson.dumps([before, id, at, actor, act, subject, reason, detail, origin])
    return hashlib.sha256(line).hexdigest()
