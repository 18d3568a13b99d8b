"""What the gateway answers, read into replies and refusals."""

from __future__ import annotations

import base64

import pytest

from gateway.client.exchange import Exchange
from gateway.client.replies import Refused, read_fault, read_json_reply, read_problem, read_soap_reply
from gateway.client.wire import is_passing, is_without_effect, refusal_of
from gateway.endpoints import problem
from gateway.errors import DeliveryError, Fault, MessageError
from gateway.formats import write_json

FAULTS = MessageError(
    [
        Fault(
            "process.above-balance", "AppAmount", "超过合同余额", "above the balance", "30011", "APP_AMOUNT"
        ),
        Fault("standard.unknown-code", "PayKind", "代码不在代码表内", "not in its table", "30002"),
    ]
)


def test_a_json_reply_tells_message_state_and_receipt() -> None:
    payload = write_json(
        {"STATUS": "1", "Message": {"Id": "01A", "State": "accepted"}, "Receipt": {"index": 4}}
    )
    reply = read_json_reply(202, payload, {"Idempotency-Replayed": "true"})
    assert (reply.message_id, reply.state, reply.receipt, reply.replayed) == (
        "01A",
        "accepted",
        {"index": 4},
        True,
    )
    assert reply.payload == payload


def test_the_answer_to_a_query_has_its_id_in_the_location() -> None:
    reply = read_json_reply(200, b'{"TOTAL":"0"}', {"Location": "/v1/messages/01B"})
    assert (reply.message_id, reply.state, reply.receipt) == ("01B", "answered", {})


def test_a_soap_reply_holds_the_platforms_own_acknowledgement() -> None:
    receipt = base64.b64encode(b'{"index":7}').decode()
    payload = (
        "<SubmitReply><MessageId>01C</MessageId><State>accepted</State><Settled>delivered</Settled>"
        f"<Receipt>{receipt}</Receipt><Ack><ACK><STATUS>1</STATUS></ACK></Ack></SubmitReply>"
    )
    reply = read_soap_reply(200, payload.encode(), {})
    assert (reply.message_id, reply.settled, reply.receipt) == ("01C", "delivered", {"index": 7})
    assert reply.payload == b"<ACK><STATUS>1</STATUS></ACK>"


def test_what_is_no_reply_is_not_taken_for_one() -> None:
    with pytest.raises(ValueError, match="not SubmitReply"):
        read_soap_reply(200, b"<Other/>", {})
    with pytest.raises(ValueError, match="not a JSON object"):
        read_json_reply(202, b"[]", {})


@pytest.mark.parametrize("namespace", [problem.SOAP11, problem.SOAP12])
def test_a_problem_and_a_fault_of_the_gateway_say_the_same(namespace: str) -> None:
    document = read_problem(problem.problem(FAULTS))
    fault = read_fault(problem.fault(FAULTS, namespace))
    envelope = read_fault(problem.envelope(FAULTS, namespace))
    assert fault is not None and fault == envelope
    for name in ("status", "code", "result", "detail"):
        assert fault[name] == document[name]
    assert [(one["path"], one["rule"], one["message"]) for one in fault["errors"]] == [
        (one["path"], one["rule"], one["message"]) for one in document["errors"]
    ]
    assert fault["errors"][0]["path"] == "APP_AMOUNT"


def test_no_fault_is_seen_where_there_is_none() -> None:
    assert read_fault(b"<ACK><MSG>Fault</MSG></ACK>") is None
    assert read_fault(b"Fault <not xml") is None
    assert read_problem(b"\x00") == {}


def answer(status: int, data: bytes = b"", media: str = "application/problem+json") -> Exchange:
    return Exchange(status, media, {}, data)


def test_a_refusal_keeps_what_the_problem_document_says() -> None:
    refused = refusal_of(answer(422, problem.problem(FAULTS)), problem.problem(FAULTS), True)
    assert isinstance(refused, Refused)
    assert (refused.status, refused.result, refused.sealed) == (422, "30011", True)
    assert [error["path"] for error in refused.errors] == ["APP_AMOUNT", "PayKind"]


def test_a_success_that_nobody_sealed_is_an_unknown_outcome() -> None:
    error = refusal_of(answer(202, b"{}"), b"{}", False)
    assert isinstance(error, DeliveryError) and error.unknown and is_passing(error)


@pytest.mark.parametrize(
    ("status", "result", "passing"),
    [
        (409, "90001", True),
        (503, "90002", True),
        (401, "20005", True),
        (502, "", True),
        (429, "", True),
        (409, "30006", False),
        (409, "20006", False),
        (422, "90003", False),
        (401, "20001", False),
    ],
)
def test_only_what_time_heals_is_tried_again(status: int, result: str, passing: bool) -> None:
    assert is_passing(Refused({"status": status, "result": result})) is passing


def test_a_call_that_must_not_be_repeated_is_only_tried_again_if_nothing_happened() -> None:
    assert is_without_effect(DeliveryError("client.unreachable", ""))
    assert not is_without_effect(DeliveryError("client.timeout", "", unknown=True))
    assert not is_passing(ValueError("ours"))
