"""The people at a treasury: the authority's reviewers, the payment office, the bank behind it.

Each method is what one person does; it writes the vouchers that the gateway polls and returns them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Protocol

from gateway import clock
from gateway.message import Record
from gateway.sandbox import vouchers
from gateway.sandbox.book import Book
from gateway.sandbox.people import AUTHORITY_NAME
from gateway.sandbox.statements import statement
from gateway.sandbox.vouchers import Outgoing


class VoucherQueue(Protocol):
    """Where vouchers wait for those who poll."""

    book: Book
    adm_div: str

    def enqueue(self, voucher: Outgoing) -> None: ...


class Desk:
    """What a treasury knows of a case stands in the book under ("case", PayAppNo)."""

    def __init__(self, store: VoucherQueue):
        self.store = store
        self.book = store.book

    def receive(self, record: Record) -> None:
        """An application voucher arrived: the newest push of an application is the one that counts."""
        old = self.book.get("case", record["PayAppNo"]) or {}
        self.book.put(
            "case", record["PayAppNo"], {"round": 0, "seq": 0, "returns": 0, **old, "record": record}
        )

    # the authority
    def takes_over(self, app_no: str) -> list[Outgoing]:
        """签收成功."""
        return [self._receipt(app_no, "3")]

    def refuse_takeover(self, app_no: str, reason: str) -> list[Outgoing]:
        """签收失败: back to the general platform."""
        return [self._receipt(app_no, "4", reason)]

    def starts_review(self, app_no: str) -> list[Outgoing]:
        return [self._status(app_no, "41", "42")]

    def authority_approves(self, app_no: str) -> list[Outgoing]:
        """First and second review, both passed."""
        case = self._case(app_no, round=1)
        return [self._review(case, "11", "1"), self._review(case, "12", "1")]

    def authority_returns(self, app_no: str, reason: str) -> list[Outgoing]:
        """退回总平台."""
        return [self._review(self._case(app_no, round=1), "12", "2", reason)]

    def agrees_to_withdrawal(self, app_no: str) -> list[Outgoing]:
        return [self._withdrawn(app_no, "3")]

    def declines_withdrawal(self, app_no: str, reason: str) -> list[Outgoing]:
        return [self._withdrawn(app_no, "4", reason)]

    # the payment office
    def sends_to_bank(self, app_no: str) -> list[Outgoing]:
        return [self._status(app_no, "50", "60")]

    def office_returns(self, app_no: str, reason: str) -> list[Outgoing]:
        """Inside the treasury: back to the authority; the general platform is told (5002)."""
        case = self._case(app_no, returns=1)
        record = {
            **self._head("9502"),
            "PayAppNo": app_no,
            "OriginalVoucherNo": case["record"]["VoucherNo"],
            "ReturnSerial": str(case["returns"]),
            "ReturnReason": vouchers.cut(reason, 200),
            "ReturnTime": clock.t14(),
        }
        return [self._put("9502", record, f"{app_no}|{case['returns']}")]

    # the bank
    def bank_pays(self, app_no: str, amount: str = "") -> list[Outgoing]:
        """One order a payee, each paid in full; `amount` 元 pays only so much of the first one."""
        case = self._case(app_no)
        found = []
        for index, detail in enumerate(vouchers.lines(case["record"])):
            part = amount if amount and index == 0 else detail["PayAmt"]
            found.append(self._order(case, detail, part, ""))
        return found

    def bank_fails(self, app_no: str, reason: str) -> list[Outgoing]:
        case = self._case(app_no)
        return [self._order(case, detail, "0.00", reason) for detail in vouchers.lines(case["record"])]

    def refunds(self, app_no: str, reason: str, amount: str = "") -> list[Outgoing]:
        """Paid money comes back: `amount` 元 of the newest order, else all that is still paid, order by
        order."""
        found = []
        for no, order in reversed(self.book.all("order").items()):
            left = Decimal(order["paid"]) - Decimal(order["refunded"])
            if order["app"] != app_no or left <= 0:
                continue
            part = min(Decimal(amount), left) if amount else left
            found.append(self._refund(no, order, part, left, reason))
            if amount:
                break
        return found

    # the end of the day
    def tells_its_lines(self, day: str) -> list[Outgoing]:
        """9701: what was paid and what came back on the day (D8), one voucher a pack."""
        adm_div = self.store.adm_div
        check_no = f"DZ{adm_div}{day}{self.book.next_number(f'DZ|{day}'):03d}"
        found = []
        for pack in statement(check_no, adm_div, day, [*self._paid(day), *self._refunded(day)]):
            lines = (pack.pop("Detail", None) or {}).get("Line", [])
            record: Record = {**self._head("9701"), **pack, "AdmDivCode": adm_div}
            if lines:
                record["DetailList"] = {"Detail": [_voucher_line(line) for line in lines]}
            found.append(self._put("9701", record, f"{check_no}|{pack['CurPackNo']}"))
        return found

    def _paid(self, day: str) -> Iterator[Record]:
        for no, order in self.book.all("order").items():
            line = vouchers.lines(order["record"])[0]
            if line.get("XPayDate") == day:
                yield {
                    "PayAppNo": order["app"],
                    "VoucherNo": no,
                    "DetailId": line["Id"],
                    "XPayDate": day,
                    "XPayAmt": order["paid"],
                    "XAgentBusinessNo": line["XAgentBusinessNo"],
                }

    def _refunded(self, day: str) -> Iterator[Record]:
        for no, record in self.book.all("refund").items():
            line = vouchers.lines(record)[0]
            if record["PayDate"] == day:
                yield {
                    "PayAppNo": line["VoucherNo"],
                    "VoucherNo": no,
                    "DetailId": line["OriginalDetailId"],
                    "XPayDate": day,
                    "XPayAmt": record["PayAmt"],
                }

    def _refund(
        self, no: str, order: Mapping[str, Any], part: Decimal, left: Decimal, reason: str
    ) -> Outgoing:
        back = self._number("2252")
        whole = part == left and Decimal(order["refunded"]) == 0
        record = vouchers.refund(order, back, part, "2" if whole else "1", reason)
        self.book.put("refund", back, record)
        refunded = Decimal(order["refunded"]) + part
        self.book.put("order", no, {**order, "refunded": f"{refunded:.2f}"})
        return self._put("2252", record, f"{order['app']}|{back}")

    def _order(self, case: Mapping[str, Any], detail: Record, amount: str, reason: str) -> Outgoing:
        no, app_no = self._number("5201"), case["record"]["PayAppNo"]
        paid: Record = {"XPayAmt": f"{Decimal(amount):.2f}"}
        if Decimal(amount) > 0:
            paid |= {
                "XPayDate": clock.d8(),
                "XAgentBusinessNo": f"{clock.t14()}{no[-8:]}",
                "XPayeeAcctNo": detail["PayeeAcctNo"],
                "XPayeeAcctName": detail["PayeeAcctName"],
                "XPayeeAcctBankName": detail["PayeeAcctBankName"],
            }
        else:
            paid["XAddWord"] = vouchers.cut(reason, 42)
        record = vouchers.payment(case, detail, no, paid)
        self.book.put(
            "order", no, {"app": app_no, "record": record, "paid": paid["XPayAmt"], "refunded": "0.00"}
        )
        return self._put("5201", record, f"{app_no}|{no}|{no}-1", flag="1")

    def _receipt(self, app_no: str, status: str, reason: str = "") -> Outgoing:
        record = self._case(app_no)["record"]
        voucher = {
            **self._head("9802"),
            "OriginalVtCode": vouchers.APPLICATION,
            "OriginalVoucherNo": record["VoucherNo"],
            "BizKey": record["BizKey"],
            "BizVersion": record["BizVersion"],
            "PayAppNo": app_no,
            "ReceiptStatus": status,
            **_error(reason),
        }
        return self._put("9802", voucher, f"4002|{record['BizKey']}|{record['BizVersion']}|{status}")

    def _withdrawn(self, app_no: str, status: str, reason: str = "") -> Outgoing:
        record = self._case(app_no)["record"]
        version = str(self.book.next_number(f"withdrawn|{app_no}"))
        voucher = {
            **self._head("9802"),
            "OriginalVtCode": vouchers.WITHDRAWAL,
            "OriginalVoucherNo": record["VoucherNo"],
            "BizKey": app_no,
            "BizVersion": version,
            "PayAppNo": app_no,
            "ReceiptStatus": status,
            **_error(reason),
        }
        return self._put("9802", voucher, f"3004|{app_no}|{version}|{status}")

    def _review(self, case: Mapping[str, Any], node: str, result: str, reason: str = "") -> Outgoing:
        record = case["record"]
        voucher = {
            **self._head("9403"),
            "PayAppNo": record["PayAppNo"],
            "OriginalVoucherNo": record["VoucherNo"],
            "ReviewRound": str(case["round"]),
            "ReviewNode": node,
            "ReviewResult": result,
            **({"ReturnReason": vouchers.cut(reason, 200)} if reason else {"ApprovedAmt": record["PayAmt"]}),
            "ReviewerOrg": AUTHORITY_NAME,
            "ReviewTime": clock.t14(),
        }
        key = f"{record['PayAppNo']}|{case['round']}|{node}"
        return self._put("9403", voucher, key, reason=vouchers.cut(reason, 200))

    def _status(self, app_no: str, old: str, new: str) -> Outgoing:
        case = self._case(app_no, seq=1)
        voucher = {
            **self._head("9603"),
            "PayAppNo": app_no,
            "OriginalVoucherNo": case["record"]["VoucherNo"],
            "StatusSeq": str(case["seq"]),
            "OldStatus": old,
            "NewStatus": new,
            "EventTime": clock.t14(),
        }
        return self._put("9603", voucher, f"{app_no}|{case['seq']}")

    def _case(self, app_no: str, **more: int) -> dict[str, Any]:
        """The case, with counters raised. LookupError for one that never arrived here."""
        known: dict[str, Any] | None = self.book.get("case", app_no)
        if known is None:
            raise LookupError(f"application {app_no} has not arrived at this treasury")
        if more:
            known = {**known, **{name: known[name] + count for name, count in more.items()}}
            self.book.put("case", app_no, known)
        return known

    def _number(self, vt_code: str) -> str:
        day = clock.d8()
        return f"{vt_code}{day[2:]}{self.book.next_number(f'{vt_code}|{day}'):08d}"

    def _head(self, vt_code: str) -> Record:
        return vouchers.head(self.store.adm_div, vt_code, self._number(vt_code))

    def _put(
        self, vt_code: str, record: Record, biz_key: str, *, flag: str = "0", reason: str = ""
    ) -> Outgoing:
        voucher = vouchers.make(vt_code, record, biz_key, flag=flag, reason=reason)
        self.store.enqueue(voucher)
        return voucher


def _voucher_line(line: Record) -> Record:
    """A line of the standard's 7001 in the words of 9701."""
    names = {"DetailId": "Id", "PayAppNo": "VoucherNo", "VoucherNo": "OriginalVoucherNo"}
    return {names.get(name, name): value for name, value in line.items()}


def _error(reason: str) -> Record:
    if not reason:
        return {}
    return {"ErrorList": {"Error": [{"Code": "99999", "Path": "Voucher", "Text": vouchers.cut(reason, 500)}]}}
