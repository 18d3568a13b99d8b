"""One refusal on every surface: the same faults, the same words."""

from __future__ import annotations

import orjson
import pytest
from lxml import etree

from gateway import refusals
from gateway.client.replies import read_fault
from gateway.endpoints import problem
from gateway.errors import HTTP_STATUS, MAX_FAULTS, MAX_TEXT, Fault, MessageError

FAULTS = [
    Fault(
        "standard.amount-sum", "InvoiceTotal", "发票合计应等于各发票价税合计之和", "InvoiceTotal is the sum",
        "30004", "TOTAL", expected="3.00", found="4.00", line=12, column=5, rule="invoice-total",
        mend_zh="更正该金额", mend_en="correct the amount",
    ),
    Fault("standard.missing-element", "AppAmount", "缺少 <金额>", "amount & more", "10003"),
]  # fmt: skip
TWO = MessageError(FAULTS)
MANY = MessageError([Fault("standard.empty", f"P{index}", "不能为空", "is empty") for index in range(5000)])


def test_problem_and_soap_fault_say_the_same() -> None:
    document = orjson.loads(problem.problem(TWO))
    for namespace in (problem.SOAP11, problem.SOAP12):
        fault = read_fault(problem.envelope(TWO, namespace))
        assert fault is not None
        assert fault["errors"] == document["errors"]
    assert document["errors"] == [refusals.members(fault) for fault in FAULTS]


def test_a_line_says_place_rule_words_expected_found_and_how_to_mend() -> None:
    first, second = refusals.text(TWO).split("\n")
    for part in (
        "TOTAL @12:5",
        "invoice-total",
        "30004",
        "发票合计",
        "is the sum",
        "3.00",
        "4.00",
        "更正该金额",
        "correct the",
    ):
        assert part in first
    assert "AppAmount" in second and "补充" not in second and "by the data standard" in second


def test_every_result_has_words_on_how_to_mend_but_those_that_tell_nothing() -> None:
    silent = {"00000", "20001", "20002", "20003"}
    assert set(HTTP_STATUS) - silent == set(refusals.MENDS)


@pytest.mark.parametrize("most", [10, 100, 2000])
def test_the_text_is_bounded_and_says_how_many_it_left_out(most: int) -> None:
    text = refusals.text(MANY, most)
    assert len(text) <= most
    if most > 200:
        *lines, last = text.split("\n")
        assert f"{MAX_FAULTS + 1 - len(lines)} more" in last and lines[0] == refusals.line(MANY.faults[0])


def test_the_8001_of_a_refusal_keeps_to_its_schema() -> None:
    ack = refusals.ack(MANY, "3001", "0123456789abcdef")
    assert len(ack["Errors"]["Error"]) == MAX_FAULTS + 1
    assert len(ack["AddWord"]) <= refusals.ADD_WORD_CHARS
    long = MessageError([Fault("x", "p" * 900, "长" * 900, "long" * 900)])
    (error,) = refusals.ack(long, "3001", "0123456789abcdef")["Errors"]["Error"]
    assert len(error["Path"]) == 300 and len(error["Text"]) == 500


def test_a_refusal_is_bounded_however_many_and_however_long_its_faults_are() -> None:
    *named, last = MANY.faults
    assert (len(named), last.code) == (MAX_FAULTS, "message.more-faults") and named == list(MANY.faults[:-1])
    exactly = MessageError(MANY.faults[:MAX_FAULTS])
    assert exactly.faults == MANY.faults[:MAX_FAULTS]
    long = "长" * 1_000_000
    (fault,) = MessageError(
        [Fault("x", long, long, long, source_path=long, found=long, expected=long)]
    ).faults
    for text in (fault.path, fault.source_path, fault.zh, fault.en, fault.found, fault.expected):
        assert len(text) == MAX_TEXT and text.endswith("…")
    assert len(problem.problem(MessageError([fault]))) < 40_000


def test_a_fault_is_well_formed_whatever_was_found() -> None:
    for namespace in (problem.SOAP11, problem.SOAP12):
        etree.fromstring(problem.envelope(TWO, namespace))
