"""What the general platform passes on by itself, and to whom (DECISIONS.md 16)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway import clock
from gateway.message import Record
from gateway.sandbox import reactions
from gateway.sandbox.book import Book
from gateway.sandbox.forms import biz_key
from gateway.sandbox.inbox import Arrived
from gateway.sandbox.place import find_schemas
from gateway.standard import Standard

STANDARD = Standard.load(find_schemas())
NO = STANDARD.sample("3001")["PayAppNo"]
TENDERER, COMPANY = "12310000T03101019H", "91310115T031010274"


@pytest.fixture
def book(tmp_path: Path) -> Book:
    book = Book(tmp_path / "book.jsonl")
    contract = STANDARD.sample("2003")
    book.put("contract", contract["ContractNo"], {**contract, "Owner": "GGZY-JSGC"})
    application = {
        "PayAppNo": NO,
        "ContractNo": contract["ContractNo"],
        "TendererCode": TENDERER,
        "PayeeCode": COMPANY,
        "ApprovedAmount": "2460000.00",
    }
    book.put("application", NO, application)
    return book


def arrive(book: Book, number: str, **changes: Any) -> list[tuple[str, Record]]:
    """(type, record) of what follows; all of it valid by the standard and for the contract's platform."""
    record = {**STANDARD.sample(number), **changes}
    arrived = Arrived(number, "k", record, "d", biz_key(number, record), envelope={"Src": "CZ-ZFPT-310000"})
    reactions.keep(book, arrived)
    tasks = list(reactions.follow(book, arrived))
    for task in tasks:
        assert task["to"] == ["GGZY-JSGC"]
        assert STANDARD.validate(task["number"], task["record"], on=clock.now().date()) == []
    return [(task["number"], task["record"]) for task in tasks]


def recipients(record: Record) -> set[tuple[str, str]]:
    return {(one["LegalCode"], one["Role"]) for one in record["Recipients"]["Recipient"]}


def test_a_refused_takeover_goes_to_the_tenderee(book: Book) -> None:
    errors = {"Error": [{"Code": "99999", "Path": "Voucher", "Text": "指标不一致"}]}
    ((number, notice),) = arrive(book, "8002", ReceiptStatus="4", Errors=errors)
    assert (number, notice["NoticeType"], notice["Reason"]) == ("4004", "06", "指标不一致")
    assert recipients(notice) == {(TENDERER, "01")}
    assert arrive(book, "8002", ReceiptStatus="3") == []


def test_an_authoritys_return_goes_to_tenderee_and_market_subject(book: Book) -> None:
    ((number, notice),) = arrive(book, "4003", ReviewResult="2", ReturnReason="工程量不符")
    assert (number, notice["NoticeType"]) == ("4004", "02")
    assert recipients(notice) == {(TENDERER, "01"), (COMPANY, "03")}
    assert arrive(book, "4003", ReviewResult="1") == []


def test_a_payment_is_forwarded_with_what_the_contract_was_paid_in_all(book: Book) -> None:
    (forward, closing) = arrive(book, "5001", XPayAmt="2460000.00")
    assert forward[0] == "5004"
    assert (forward[1]["ContractPaidTotal"], forward[1]["ContractPaidRatio"]) == ("2460000.00", "21.50")
    assert "PayAcctNo" not in forward[1]
    assert (closing[0], closing[1]["NoticeType"]) == ("4004", "04")


def test_a_line_that_is_told_again_counts_once(book: Book) -> None:
    arrive(book, "5001", XPayAmt="2460000.00")
    again = arrive(book, "5001", XPayAmt="2460000.00")
    assert again[0][1]["ContractPaidTotal"] == "2460000.00"


def test_a_payment_in_part_is_forwarded_without_an_end(book: Book) -> None:
    ((number, record),) = arrive(book, "5001", XPayAmt="60000.00", PayResult="3")
    assert (number, record["ContractPaidTotal"]) == ("5004", "60000.00")


def test_a_failed_payment_is_told_with_its_reason(book: Book) -> None:
    failed = {"PayResult": "2", "XPayAmt": "0.00", "XAddWord": "账户异常"}
    (forward, closing) = arrive(book, "5001", **failed)
    assert forward[1]["PayResult"] == "2"
    assert (closing[1]["NoticeType"], closing[1]["Reason"]) == ("03", "账户异常")


def test_a_refund_lowers_what_was_paid_and_is_passed_on(book: Book) -> None:
    arrive(book, "5001", XPayAmt="2460000.00")
    ((number, record),) = arrive(book, "5003", RefundAmt="-400000.00")
    assert (number, record["RefundAmt"]) == ("5003", "-400000.00")
    contract = STANDARD.sample("2003")["ContractNo"]
    assert reactions.paid_of(book, contract) == 2060000


def test_every_notice_of_a_case_has_a_serial_of_its_own(book: Book) -> None:
    first = arrive(book, "5002")[0][1]
    second = arrive(book, "4003", ReviewResult="2", ReturnReason="退")[0][1]
    assert (first["NoticeType"], first["NoticeSerial"], second["NoticeSerial"]) == ("05", "1", "2")


def test_a_status_is_passed_on_as_it_is(book: Book) -> None:
    assert arrive(book, "6003") == [("6003", STANDARD.sample("6003"))]


def test_nothing_follows_for_an_application_that_is_not_known(book: Book) -> None:
    assert arrive(book, "5001", PayAppNo="SQ-310000-20240618-99999") == []
