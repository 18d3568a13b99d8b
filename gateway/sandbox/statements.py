"""A day's lines as 7001 bodies of the standard, in packs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from gateway.message import Record

_MOST = 499


def statement(check_no: str, adm_div: str, day: str, lines: Sequence[Record]) -> Iterator[Record]:
    """One a pack; a day without lines has one pack. `day` is a D8, refunds are below zero."""
    packs = [lines[at : at + _MOST] for at in range(0, len(lines), _MOST)] or [[]]
    total = sum((Decimal(str(line["XPayAmt"])) for line in lines), Decimal(0))
    for number, pack in enumerate(packs, 1):
        yield {
            "VoucherCheckNo": check_no,
            "AdmDivCode": adm_div,
            "ChildPackNum": str(len(packs)),
            "CurPackNo": str(number),
            "BeginDate": day,
            "EndDate": day,
            "AllNum": str(len(lines)),
            "AllAmt": f"{total:.2f}",
            **({"Detail": {"Line": list(pack)}} if pack else {}),
        }
