"""The one error renderer."""

from __future__ import annotations

import orjson
import pytest
from lxml import etree

from gateway.endpoints import problem
from gateway.errors import HTTP_STATUS, Fault, MessageError

TWO = MessageError(
    [
        Fault(
            "standard.missing-element",
            "AppAmount",
            "缺少金额",
            "is missing",
            source_path="CONTEXT/AMOUNT",
            line=7,
            column=3,
            mend_zh="补充金额",
            mend_en="add the amount",
        ),
        Fault(
            "standard.unknown-code",
            "PayKind",
            "代码 <9> 不在表内",
            "code <9> & more",
            "30002",
            expected="01 02",
            found="9",
            rule="code-table",
        ),
    ]
)


def test_a_problem_lists_every_fault_in_the_senders_words_and_two_languages() -> None:
    found = orjson.loads(problem.problem(TWO))
    assert list(found) == ["type", "title", "status", "code", "result", "detail", "errors"]
    assert (found["status"], found["result"], found["code"]) == (422, "10003", "standard.missing-element")
    assert found["type"] == "urn:sh-ggzy-czzf:problem:standard.missing-element"
    assert found["errors"] == [
        {
            "path": "CONTEXT/AMOUNT",
            "rule": "standard.missing-element",
            "code": "standard.missing-element",
            "result": "10003",
            "message": {"zh": "缺少金额", "en": "is missing"},
            "line": 7,
            "column": 3,
            "mend": {"zh": "补充金额", "en": "add the amount"},
        },
        {
            "path": "PayKind",
            "rule": "code-table",
            "code": "standard.unknown-code",
            "result": "30002",
            "message": {"zh": "代码 <9> 不在表内", "en": "code <9> & more"},
            "expected": "01 02",
            "found": "9",
            "mend": {"zh": "从代码表中选用有效代码", "en": "take a valid code from the table"},
        },
    ]


@pytest.mark.parametrize("namespace", [problem.SOAP11, problem.SOAP12])
def test_a_fault_holds_the_same_and_is_well_formed(namespace: str) -> None:
    root = etree.fromstring(problem.envelope(TWO, namespace))
    fault = root.find(f"{{{namespace}}}Body/{{{namespace}}}Fault")
    assert fault is not None
    found = next(fault.iter("Problem"))
    assert [error.findtext("Path") for error in found.iter("Error")] == ["CONTEXT/AMOUNT", "PayKind"]
    assert found.findtext("Result") == "10003"
    assert [error.findtext("En") for error in found.iter("Error")][1] == "code <9> & more"


@pytest.mark.parametrize(
    ("namespace", "tag", "mine", "ours"),
    [
        (problem.SOAP11, "faultcode", "soap:Client", "soap:Server"),
        (problem.SOAP12, f"{{{problem.SOAP12}}}Code/{{{problem.SOAP12}}}Value", "env:Sender", "env:Receiver"),
    ],
)
def test_a_fault_blames_the_sender_for_its_own_faults_only(
    namespace: str, tag: str, mine: str, ours: str
) -> None:
    busy = MessageError.of("gateway.busy", "忙", "busy", result="90002", retry_after_s=3)
    assert etree.fromstring(problem.fault(TWO, namespace)).findtext(tag) == mine
    assert etree.fromstring(problem.fault(busy, namespace)).findtext(tag) == ours


def test_retry_after_travels_as_a_header() -> None:
    busy = MessageError.of("gateway.busy", "忙", "busy", result="90002", retry_after_s=3)
    response = problem.response(busy)
    assert (response.status, response.headers["Retry-After"]) == (503, "3")
    assert response.content_type == "application/problem+json"


def test_soap_11_faults_travel_with_500_and_12_with_their_own_status() -> None:
    assert problem.soap_response(TWO, problem.SOAP11).status == 500
    assert problem.soap_response(TWO, problem.SOAP12).status == 422


def test_every_result_code_has_a_title() -> None:
    assert set(HTTP_STATUS) - {"00000"} == set(problem.TITLES)


def test_an_incident_tells_its_number_and_not_its_cause() -> None:
    try:
        raise RuntimeError("the password is hunter2")
    except RuntimeError:
        error = problem.incident("/v1/messages/3001")
    text = problem.problem(error).decode()
    assert "hunter2" not in text
    assert orjson.loads(text)["status"] == 500
