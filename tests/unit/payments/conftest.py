"""Rows and bodies that the rules are tried on."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest

from gateway.message import Record
from gateway.payments.authorities import Authorities, Authority
from gateway.payments.case import Case, Finding
from gateway.payments.coverage import Coverage, Covered
from gateway.payments.ground import BusinessObject, Contract, Ground
from gateway.payments.process import decide
from gateway.payments.workdays import Calendar, YearEnd

TENDERER, WINNER = "12310000425010220N", "91310000132260250X"
COVERAGE = Coverage(
    (
        Covered("01", "310000", "CZ-ZFPT-310000", date(2021, 3, 31)),
        Covered("02", "310000", "CZ-ZFPT-310000", date(2027, 1, 1)),
    )
)
AUTHORITIES = Authorities((Authority("", "310000", "11310000T03101035A", "上海市交通委员会"),))
CALENDAR = Calendar(year_ends=(YearEnd("", 2025, date(2025, 12, 31)),))
DEAL = "A03-12310000425010220N-20210325-000123-Y"


class Desk:
    """Judges messages one after the other on one ground, as a store does within a batch."""

    def __init__(self, price_fen: int = 100_000_00) -> None:
        self.ground = Ground()
        self.serial = 0
        self.versions: Counter[tuple[str, str]] = Counter()
        self.ground.load(
            [
                Contract("HT-1", "GGZY-JSGC", DEAL, "S1", (TENDERER,), (WINNER,), price_fen, "310000", "01"),
                BusinessObject(
                    "account", f"{WINNER}|6222|102290002916", "GGZY-ZPT", "", {"from": "20260101"}
                ),
                BusinessObject("deal", DEAL, "GGZY-JSGC"),
            ]
        )

    def judge(
        self, number: str, body: Record, *, sender: str = "GGZY-ZPT", oper_type: str = "1", fact: bool = False
    ) -> Finding:
        self.serial += 1
        self.versions[number, body.get("PayAppNo", "")] += 1
        version = self.versions[number, body.get("PayAppNo", "")]
        kind = "treasury" if sender.startswith("CZ") else "general" if sender == "GGZY-ZPT" else "sub"
        case = Case(
            number, body, sender, f"m{self.serial}", 1_000 + self.serial, date(2026, 5, 1), oper_type, COVERAGE,
            sender, kind, fact, version, AUTHORITIES, CALENDAR,
        )  # fmt: skip
        self.ground.begin()
        finding = decide(case, self.ground)
        if finding.faults:
            self.versions[number, body.get("PayAppNo", "")] -= 1
            self.ground.drop()
        else:
            self.ground.keep()
        return finding

    def state(self, no: str = "SQ-1") -> str:
        found = self.ground.application(no)
        assert found is not None
        return found.state

    def walk(self, *steps: tuple[str, Record] | tuple[str, Record, str]) -> None:
        """Messages that must all be accepted."""
        for number, body, *sender in steps:
            fact = number in ("5001", "5002", "5003")
            finding = self.judge(number, body, sender=sender[0] if sender else "GGZY-ZPT", fact=fact)
            assert not finding.faults, finding.faults
            assert not finding.parked, number


def application(no: str = "SQ-1", amount: str = "60000.00", period: str = "1", **more: Any) -> Record:
    return {
        "PayAppNo": no,
        "ContractNo": "HT-1",
        "PlanNo": "1",
        "PeriodNo": period,
        "AppAmount": amount,
        "StYear": "2026",
        "Payees": payees(amount),
        "Invoices": {"Invoice": [invoice(f"2631{no[-1]}00000000000000{period}", amount)]},
        **more,
    }


def invoice(number: str, amount: str, used: str = "") -> Record:
    return {
        "EInvoiceNo": number,
        "SellerTaxNo": WINNER,
        "BuyerTaxNo": TENDERER,
        "AmountWithTax": amount,
        "UsedAmount": used or amount,
        "RedFlag": "0",
    }


def review(result: str = "1", amount: str = "60000.00", round_: str = "1") -> tuple[str, Record]:
    body = {"PayAppNo": "SQ-1", "ReviewRound": round_, "ReviewResult": result, "ApprovedAmount": amount}
    return "4001", body


def payees(amount: str, account: str = "6222") -> Record:
    one = {"PayeeCode": WINNER, "AcctNo": account, "AcctBankNo": "102290002916", "Amount": amount}
    return {"Payee": [one]}


def push(voucher: str = "V1", amount: str = "60000.00", **more: Any) -> tuple[str, Record]:
    body = {
        "PayAppNo": "SQ-1",
        "AdmDivCode": "310000",
        "StYear": "2026",
        "VtCode": "9402",
        "VoucherNo": voucher,
        "TendererCode": TENDERER,
        "PayAmt": amount,
        "Payees": payees(amount),
        "Invoices": {"Invoice": [invoice("26311000000000000001", "60000.00")]},
        **more,
    }
    return "4002", body


CITY = "CZ-ZFPT-310000"


def taken(status: str = "3", of: str = "4002", version: str = "1") -> tuple[str, Record, str]:
    body = {"OriMsgNo": of, "BizKey": "SQ-1", "BizVersion": version, "PayAppNo": "SQ-1"}
    return "8002", {**body, "ReceiptStatus": status}, CITY


def authority(result: str = "1", node: str = "12", voucher: str = "V1") -> tuple[str, Record, str]:
    body = {"PayAppNo": "SQ-1", "VoucherNo": voucher, "ReviewNode": node, "ReviewResult": result}
    return "4003", body, CITY


def status(new: str, seq: str, voucher: str = "V1") -> tuple[str, Record, str]:
    return "6003", {"PayAppNo": "SQ-1", "VoucherNo": voucher, "StatusSeq": seq, "NewStatus": new}, CITY


def paid(amount: str = "60000.00", result: str = "1", line: str = "1") -> tuple[str, Record, str]:
    body = {"PayAppNo": "SQ-1", "VoucherNo": f"Z{line}", "DetailId": f"Z{line}-1", "PayResult": result}
    return "5001", {**body, "XAgentBusinessNo": f"B{line}", "XPayAmt": amount}, CITY


def returned(voucher: str = "V1") -> tuple[str, Record, str]:
    return "5002", {"PayAppNo": "SQ-1", "VoucherNo": voucher, "ReturnReason": "科目有误"}, CITY


def refund(amount: str = "-60000.00", voucher: str = "R1") -> tuple[str, Record, str]:
    body = {"PayAppNo": "SQ-1", "OriginalVoucherNo": "Z1", "RefundVoucherNo": voucher}
    return "5003", {**body, "RefundAmt": amount}, CITY


def withdrawal() -> tuple[str, Record]:
    return "3004", {"PayAppNo": "SQ-1", "Reason": "撤回"}


@pytest.fixture
def desk() -> Desk:
    return Desk()
