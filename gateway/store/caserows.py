"""Rows of sums over applications: part of the contract (contract.py has them all)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CaseTotal:
    """Applications opened on one day (days since 1970 in Shanghai) that are alike; amounts in fen."""

    day: int
    adm_div: str
    project_kind: str
    state: str
    count: int
    app_fen: int
    approved_fen: int
    paid_fen: int
    refunded_fen: int
