"""Rows of what is kept for long: part of the contract (contract.py has them all)."""

from __future__ import annotations

from dataclasses import dataclass

AGREED, DIFFERENT, WAITING = "agreed", "different", "waiting"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One day (D8) between the general platform and one treasury. `state`: agreed | different | waiting (then
    `waiting` names who has not told its lines yet, in words parted by spaces). `lines` are the gateway's own,
    `matched` those that both sides tell alike. Differences are counted a side; sums are in fen, refunds
    below zero."""

    day: str
    treasury: str
    state: str
    lines: int
    matched: int
    missing_here: int
    missing_there: int
    amount_differs: int
    date_differs: int
    totals_differ: int
    waiting: str
    here_fen: int
    general_lines: int
    general_fen: int
    treasury_lines: int
    treasury_fen: int
    changed_at: int = 0  # ms; set by the store when what it says changed


@dataclass(frozen=True, slots=True)
class ReconciliationFilter:
    """Empty fields do not filter. `before`: DAY/TREASURY, those behind it: newest day first, treasuries by name."""

    state: str = ""
    treasury: str = ""
    before: str = ""


EVERY_DAY = ReconciliationFilter()


@dataclass(frozen=True, slots=True)
class ReconciledDifference:
    """`side` is the platform that differs from the gateway; `kind`: missing-here | missing-there | amount |
    date. A day that is "" has no line there."""

    number: int
    side: str
    kind: str
    app_no: str
    voucher_no: str
    detail_id: str
    bank_no: str
    here_day: str
    here_fen: int
    there_day: str
    there_fen: int


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """A month (yyyy-MM, Shanghai) that lies in a verified archive. `digest`: SHA-256 hex of its manifest."""

    month: str
    place: str
    digest: str
    messages: int
    made_at: int
    purged_at: int = 0


@dataclass(frozen=True, slots=True)
class Holds:
    """Why a month cannot be purged yet: what is still open in it."""

    open_deliveries: int
    parked: int
    live_applications: int

    def __bool__(self) -> bool:
        return bool(self.open_deliveries or self.parked or self.live_applications)


@dataclass(frozen=True, slots=True)
class Purged:
    """`purged`: how many went; `changed`: messages that are not what the archive says, and stayed."""

    purged: int
    changed: tuple[str, ...]


class NotPurged(Exception):
    """The month still holds messages that no archive was seen to hold: nothing was dropped."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """An evidence log, and how many leaves it has."""

    log_id: str
    size: int


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed checkpoint of a log of `size` leaves; `signed_at` in ms."""

    log_id: str
    size: int
    root: bytes
    signed_at: int
    signature: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class ChainLink:
    """A checkpoint with the first leaf behind the checkpoint before it: its hash (None: it is missing), the size of
    the tree that its path is of, the path."""

    checkpoint: CheckpointRow
    leaf: bytes | None
    tree_size: int
    path: tuple[bytes, ...]
