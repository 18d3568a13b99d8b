"""Rows and bodies that the rules are tried on."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from gateway.message import Record
from gateway.payments.case import Case, Finding
from gateway.payments.coverage import Coverage, Covered
from gateway.payments.ground import BusinessObject, Contract, Ground
from gateway.payments.process import decide

TENDERER, WINNER = "12310000425010220N", "91310000132260250X"
COVERAGE = Coverage(
    (
        Covered("01", "310000", "CZ-ZFPT-310000", date(2021, 3, 31)),
        Covered("02", "310000", "CZ-ZFPT-310000", date(2027, 1, 1)),
    )
)
DEAL = "A03-12310000425010220N-20210325-000123-Y"


class Desk:
    """Judges messages one after the other on one ground, as a store does within a batch."""

    def __init__(self, price_fen: int = 100_000_00) -> None:
        self.ground = Ground()
        self.serial = 0
        self.ground.load(
            [
                Contract("HT-1", "GGZY-JSGC", DEAL, "S1", (TENDERER,), (WINNER,), price_fen, "310000", "01"),
                BusinessObject("account", f"{WINNER}|6222|102290002916", "GGZY-ZPT"),
            ]
        )

    def judge(
        self, number: str, body: Record, *, sender: str = "GGZY-ZPT", oper_type: str = "1", fact: bool = False
    ) -> Finding:
        self.serial += 1
        kind = "treasury" if sender.startswith("CZ") else "general" if sender == "GGZY-ZPT" else "sub"
        case = Case(
            number, body, sender, f"m{self.serial}", 1_000 + self.serial, date(2026, 5, 1), oper_type, COVERAGE,
            sender, kind, fact,
        )  # fmt: skip
        self.ground.begin()
        finding = decide(case, self.ground)
        if finding.faults:
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
        "Payees": {
            "Payee": [{"PayeeCode": WINNER, "AcctNo": "6222", "AcctBankNo": "102290002916", "Amount": amount}]
        },
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


def push(voucher: str = "V1", amount: str = "60000.00") -> tuple[str, Record]:
    body = {
        "PayAppNo": "SQ-1",
        "AdmDivCode": "310000",
        "StYear": "2026",
        "VtCode": "9402",
        "VoucherNo": voucher,
        "PayAmt": amount,
    }
    return "4002", body


CITY = "CZ-ZFPT-310000"


def taken(status: str = "3", of: str = "4002") -> tuple[str, Record, str]:
    return (
        "8002",
        {"OriMsgNo": of, "BizKey": "SQ-1", "BizVersion": "1", "PayAppNo": "SQ-1", "ReceiptStatus": status},
        CITY,
    )


def authority(result: str = "1", node: str = "12") -> tuple[str, Record, str]:
    return "4003", {"PayAppNo": "SQ-1", "ReviewNode": node, "ReviewResult": result}, CITY


def paid(amount: str = "60000.00", result: str = "1") -> tuple[str, Record, str]:
    return "5001", {"PayAppNo": "SQ-1", "PayResult": result, "XPayAmt": amount}, CITY


@pytest.fixture
def desk() -> Desk:
    return Desk()
