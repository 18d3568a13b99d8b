"""How samples write days, times and amounts, and the fields that every message of a sub-platform ends with."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from gateway.standard.sampling import words
from gateway.standard.sampling.story import Party

Made = dict[str, Any]


def d8(day: date) -> str:
    return f"{day:%Y%m%d}"


def t14(day: date, clock: str) -> str:
    """`clock` is HHmmss."""
    return f"{day:%Y%m%d}{clock}"


def yuan(fen: int) -> str:
    return f"{Decimal(fen).scaleb(-2):.2f}"


def percent(fen: int, whole: int) -> str:
    return f"{Decimal(fen) * 100 / Decimal(whole):.2f}"


def party(one: Party) -> Made:
    return {"Code": one.code, "Name": one.name}


def system_fields(day: date, clock: str = "180000") -> Made:
    return {
        "PlatformCode": words.OPERATOR,
        "PubServicePlatCode": words.OPERATOR,
        "DataTimestamp": t14(day, clock),
    }
