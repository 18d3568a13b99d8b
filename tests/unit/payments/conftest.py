"""Rows and bodies that the rules are tried on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from gateway.message import Record
from gateway.payments.authorities import Authorities, Authority
from gateway.payments.case import Case, Finding
from gateway.payments.coverage import Coverage, Covered
from gateway.payments.ground import Application, BusinessObject, Contract, Ground, InvoiceUse, Needs
from gateway.payments.process import decide, needs
from gateway.payments.workdays import Calendar, YearEnd

Message = tuple[str, Record] | tuple[str, Record, str]  # number, body, sender if not the general platform
FACTS = frozenset({"5001", "5002", "5003"})
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


class WatchedGround(Ground):
    """The ground, on which a rule may read only what was named for it: a store would not have loaded more."""

    needs: Needs | None = None

    def _watch(self, was_named: Callable[[Needs], bool], what: object) -> None:
        assert self.needs is None or was_named(self.needs), f"read but not named in process.needs: {what}"

    def contract(self, no: str) -> Contract | None:
        self._watch(lambda named: no in named.contracts or no in self._of_applications(named), no)
        return super().contract(no)

    def contract_of_deal(self, unified_deal_code: str) -> Contract | None:
        self._watch(lambda named: unified_deal_code in named.deals, unified_deal_code)
        return super().contract_of_deal(unified_deal_code)

    def application(self, no: str) -> Application | None:
        self._watch(lambda named: no in named.applications, no)
        return super().application(no)

    def application_at_node(self, node_key: str) -> Application | None:
        self._watch(lambda named: node_key in named.nodes, node_key)
        return super().application_at_node(node_key)

    def find(self, kind: str, key: str) -> BusinessObject | None:
        self._watch(lambda named: (kind, key) in named.objects, (kind, key))
        return super().find(kind, key)

    def uses_of(self, invoice: str) -> list[InvoiceUse]:
        self._watch(lambda named: invoice in named.invoices, invoice)
        return super().uses_of(invoice)

    def uses_by(self, app_no: str) -> list[InvoiceUse]:
        self._watch(lambda named: app_no in named.applications, app_no)
        return super().uses_by(app_no)

    def _of_applications(self, named: Needs) -> set[str]:
        known = (super(WatchedGround, self).application(no) for no in named.applications)
        return {one.contract_no for one in known if one is not None}


class Desk:
    """Judges messages one after the other on one ground, as a store does within a batch."""

    def __init__(self, price_fen: int = 100_000_00) -> None:
        self.ground = WatchedGround()
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

    def judge(self, number: str, body: Record, sender: str = "GGZY-ZPT", *, oper_type: str = "") -> Finding:
        """The OperType is the body's unless another one is said."""
        self.serial += 1
        self.versions[number, body.get("PayAppNo", "")] += 1
        version = self.versions[number, body.get("PayAppNo", "")]
        case = self._case(number, body, sender, oper_type or body.get("OperType", "1"), version)
        self.ground.begin()
        self.ground.needs = needs(case)
        finding = decide(case, self.ground)
        self.ground.needs = None
        if finding.faults:
            self.versions[number, body.get("PayAppNo", "")] -= 1
            self.ground.drop()
        else:
            self.ground.keep()
        return finding

    def _case(self, number: str, body: Record, sender: str, oper_type: str, version: int) -> Case:
        kind = "treasury" if sender.startswith("CZ") else "general" if sender == "GGZY-ZPT" else "sub"
        return Case(
            number, body, sender, f"m{self.serial}", 1_000 + self.serial, date(2026, 5, 1), oper_type, COVERAGE,
            sender, kind, number in FACTS, version, AUTHORITIES, CALENDAR,
        )  # fmt: skip

    def state(self, no: str = "SQ-1") -> str:
        found = self.ground.application(no)
        assert found is not None
        return found.state

    def walk(self, *steps: Message) -> Desk:
        """Messages that must all be accepted."""
        for step in steps:
            finding = self.judge(*step)
            assert not finding.faults, finding.faults
            assert not finding.parked, step[0]
        return self


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


# How far a case has come.


def opened(desk: Desk, **more: Any) -> Desk:
    return desk.walk(("3001", application(**more)))


def approved(desk: Desk) -> Desk:
    return opened(desk).walk(review())


def pushed(desk: Desk) -> Desk:
    return approved(desk).walk(push())


def at_bank(desk: Desk) -> Desk:
    return pushed(desk).walk(taken(), authority())


@pytest.fixture
def desk() -> Desk:
    return Desk()
