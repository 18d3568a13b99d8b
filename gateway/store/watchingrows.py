"""Rows of what is watched over time: part of the contract (contract.py has them all)."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS = 60_000
REFUSED, FAILED = "refused", "failed"


@dataclass(frozen=True, slots=True)
class ErrorCount:
    """How many messages of the sender `node` were refused, or attempts at the receiver `node` failed, within
    one `minute` (since 1970 UTC)."""

    minute: int
    node: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class ReceiptLag:
    """Of business receipts (8002) that a receiver owes and that are overdue: how many, and when the first was
    due, in ms."""

    count: int
    since: int
