"""The end of a day: general platform and treasuries tell what was paid and came back, and are told that they agree."""

from __future__ import annotations

import time
from decimal import Decimal

from gateway import clock
from gateway.message import GATEWAY_NODE, Record
from gateway.sandbox.general import GeneralPlatform
from gateway.sandbox.ledger import APPLIED, Entry
from gateway.sandbox.place import GENERAL
from gateway.sandbox.stage import Story
from gateway.sandbox.statements import statement

NAME = "daily reconciliation"


def lines_of_general(general: GeneralPlatform, adm_div: str, day: str) -> list[Record]:
    """What the general platform was told of one division's cases, from its ledger; each line once."""
    found: dict[tuple[str, ...], Record] = {}
    for entry in general.ledger.find(APPLIED, test=lambda one: one.type in ("5001", "5003")):
        application = general.book.get("application", entry.body["PayAppNo"]) or {}
        contract = general.book.get("contract", application.get("ContractNo", "")) or {}
        line = _line(entry)
        if contract.get("PayAdmDivCode") == adm_div and line["XPayDate"] == day:
            found.setdefault((line["PayAppNo"], line["VoucherNo"], line["DetailId"]), line)
    return [line for line in found.values() if Decimal(line["XPayAmt"])]


def _line(entry: Entry) -> Record:
    body = entry.body
    if entry.type == "5001":
        names = ("PayAppNo", "VoucherNo", "DetailId", "XPayDate", "XPayAmt", "XAgentBusinessNo")
        return {name: body.get(name, "") for name in names if body.get(name) or name == "XPayDate"}
    return {
        "PayAppNo": body["PayAppNo"],
        "VoucherNo": body["RefundVoucherNo"],
        "DetailId": body.get("DetailId", ""),
        "XPayDate": body["RefundDate"],
        "XPayAmt": body["RefundAmt"],
    }


async def reconcile_day(story: Story) -> None:
    """Each treasury and the general platform tell their lines; both are answered that they agree."""
    general, day = story.sandbox.general, clock.d8()
    for adm_div, treasury in story.sandbox.treasuries.items():
        watch, started = story.watch(NAME), time.monotonic()
        vouchers = treasury.desk.tells_its_lines(day)
        for voucher in vouchers:
            await watch.signed_in(treasury, voucher)
        story.tell(NAME, "7001", treasury.node, GATEWAY_NODE, "accepted", _ms(started))
        number = general.book.next_number(f"DZ|{adm_div}|{day}")
        packs = list(
            statement(f"ZPT{adm_div}{day}{number:03d}", adm_div, day, lines_of_general(general, adm_div, day))
        )
        for pack in packs:
            await general.send("7001", pack)
        story.tell(NAME, "7001", GENERAL, GATEWAY_NODE, "accepted", _ms(started))
        keys = [(GENERAL, f"{pack['VoucherCheckNo']}|{pack['CurPackNo']}") for pack in packs]
        keys += [(treasury.node, voucher.biz_key) for voucher in vouchers]
        for node, key in keys:
            # Told again, a day may differ until the other side has told its lines again too.
            await watch.arrived("7002", GATEWAY_NODE, node, key, lambda one: one.body["XCheckResult"] == "0")


def _ms(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
