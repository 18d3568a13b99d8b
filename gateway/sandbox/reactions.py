"""What the general platform does by itself when something arrives (DECISIONS.md 16).

`keep` writes down what it now knows; `follow` says which messages follow, in order. Pure over the book.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from gateway import clock
from gateway.message import Record
from gateway.sandbox.book import Book
from gateway.sandbox.inbox import Arrived

TENDEREE, MARKET_SUBJECT = "01", "03"
_PAYER = ("PayBankCode", "PayBankName", "PayAcctNo", "PayAcctName")
_KNOWN = {"1001": "subject", "2001": "project", "2006": "tender", "2007": "section", "2002": "award"}


def keep(book: Book, arrived: Arrived) -> None:
    """Synchronised objects, and where each application stands as far as this platform was told."""
    number, record = arrived.number, arrived.record
    if number in _KNOWN:
        book.put(_KNOWN[number], arrived.biz_key, record)
    elif number == "2003":
        book.put("contract", record["ContractNo"], {**record, "Owner": arrived.envelope.get("Src", "")})
    elif number == "2005":
        book.put("void", record["UnifiedDealCode"], record)
    elif number in ("5001", "5003"):
        _keep_payment(book, arrived)


def _keep_payment(book: Book, arrived: Arrived) -> None:
    """What a contract was paid so far, from single lines, so that a repeated line counts once."""
    record = arrived.record
    application = book.get("application", record["PayAppNo"])
    if application is None:
        return
    line = (
        f"{record['VoucherNo']}|{record['DetailId']}"
        if arrived.number == "5001"
        else record["RefundVoucherNo"]
    )
    amount = record["XPayAmt"] if arrived.number == "5001" else record["RefundAmt"]
    book.put(
        "paid",
        f"{application['ContractNo']}|{line}",
        {"contract": application["ContractNo"], "app": record["PayAppNo"], "amount": amount},
    )


def paid_of(book: Book, contract_no: str, app_no: str = "") -> Decimal:
    """元 paid on a contract (or by one application of it), refunds taken off."""
    return sum(
        (
            Decimal(one["amount"])
            for one in book.all("paid").values()
            if one["contract"] == contract_no and (not app_no or one["app"] == app_no)
        ),
        Decimal(0),
    )


def follow(book: Book, arrived: Arrived) -> Iterator[dict[str, Any]]:
    """The messages that follow, each {number, record, to, line}."""
    record = arrived.record
    application = book.get("application", record.get("PayAppNo", ""))
    if application is None:
        return
    contract = book.get("contract", application["ContractNo"])
    owner = contract["Owner"]

    def message(number: str, body: Record) -> dict[str, Any]:
        return {"number": number, "record": body, "to": [owner], "line": application["PayAppNo"]}

    match arrived.number:
        case "8002" if record["OriMsgNo"] == "4002" and record["ReceiptStatus"] == "4":
            yield message("4004", notice(book, application, "06", _errors(record), [TENDEREE]))
        case "4003" if record["ReviewResult"] == "2":
            both = [TENDEREE, MARKET_SUBJECT]
            yield message("4004", notice(book, application, "02", record["ReturnReason"], both))
        case "5002":
            yield message("4004", notice(book, application, "05", record["ReturnReason"], [TENDEREE]))
        case "5001":
            yield message("5004", _forward(book, application, contract, record))
            closing = _closing(book, application, record)
            if closing is not None:
                yield message("4004", closing)
        case "5003" | "6003":
            yield message(arrived.number, dict(record))


def _forward(book: Book, application: Record, contract: Record, result: Record) -> Record:
    """5004: the result without the payer's account, with what the contract was paid in all."""
    total = paid_of(book, contract["ContractNo"])
    price = Decimal(contract.get("ContractPrice") or "0")
    ratio = min(total / price * 100, Decimal(100)) if price else Decimal(0)
    return {
        **{name: value for name, value in result.items() if name not in _PAYER},
        "ContractNo": contract["ContractNo"],
        "UnifiedDealCode": contract["UnifiedDealCode"],
        "ContractPaidTotal": f"{total:.2f}",
        "ContractPaidRatio": f"{ratio:.2f}",
    }


def _closing(book: Book, application: Record, result: Record) -> Record | None:
    """4004 at the end of a payment: 03 failed, 04 all paid."""
    both = [TENDEREE, MARKET_SUBJECT]
    if result["PayResult"] == "2":
        return notice(book, application, "03", result["XAddWord"], both)
    paid = paid_of(book, application["ContractNo"], application["PayAppNo"])
    if paid >= Decimal(application["ApprovedAmount"]):
        return notice(book, application, "04", "支付完成", both)
    return None


def notice(book: Book, application: Record, kind: str, reason: str, roles: list[str]) -> Record:
    """4004 to the parties of an application; a serial of its own each time."""
    codes = {TENDEREE: application["TendererCode"], MARKET_SUBJECT: application["PayeeCode"]}
    serial = book.next_number(f"notice|{application['PayAppNo']}")
    return {
        "PayAppNo": application["PayAppNo"],
        "NoticeSerial": str(serial),
        "NoticeType": kind,
        "Recipients": {"Recipient": [{"LegalCode": codes[role], "Role": role} for role in roles]},
        "Reason": reason,
        "NoticeTime": clock.t14(),
    }


def _errors(receipt: Record) -> str:
    errors = (receipt.get("Errors") or {}).get("Error") or []
    return "；".join(error["Text"] for error in errors)[:500] or "签收失败"
