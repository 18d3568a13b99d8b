"""What comes back from the gateway: an acknowledgement, a refusal, a delivery that was opened."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from gateway import xmltree
from gateway.errors import GatewayError, MessageError
from gateway.formats import read_json
from gateway.message import Claims

PROBLEM = "application/problem+json"
_SOAP = ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/")


@dataclass(frozen=True, slots=True)
class Reply:
    """An accepted message. `payload` is the acknowledgement (or the answer to a query) in the platform's
    own form, unsealed; `receipt` the proof, {} for a query; `settled` the state of the deliveries, where
    the caller waited for them."""

    status: int
    payload: bytes
    message_id: str = ""
    state: str = ""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    replayed: bool = False
    settled: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A delivery that arrived at this platform, its seal verified and its claims checked."""

    payload: bytes
    claims: Claims


class Refused(GatewayError):
    """The gateway refuses: nothing changed, a retry of the same content cannot help.

    `problem` is the problem document (RFC 9457; a SOAP fault is told in the same members); `sealed` says
    whether it came under the gateway's seal (what was not authenticated gets a plain one).
    """

    def __init__(
        self,
        problem: Mapping[str, Any],
        *,
        status: int = 0,
        sealed: bool = False,
        retry_after_s: float | None = None,
    ):
        self.problem = dict(problem)
        self.status = int(problem.get("status") or status)
        self.result = str(problem.get("result") or "")
        self.code = str(problem.get("code") or "")
        self.errors: list[dict[str, Any]] = list(problem.get("errors") or [])
        self.sealed = sealed
        self.retry_after_s = retry_after_s
        super().__init__(f"{self.status} {self.result} {problem.get('detail') or problem.get('title') or ''}")


def read_json_reply(status: int, payload: bytes, headers: Mapping[str, str]) -> Reply:
    """The reply of POST /v1/messages/{type}: an object to which the gateway adds Message and Receipt."""
    document = _object(payload)
    message = _member(document, "Message")
    location = headers.get("Location", "").rpartition("/")[2]
    return Reply(
        status=status,
        payload=payload,
        message_id=str(message.get("Id") or location),
        state=str(message.get("State") or ("answered" if status == 200 else "")),
        receipt=_member(document, "Receipt"),
        replayed=headers.get("Idempotency-Replayed", "") == "true",
        settled=str(_member(document, "Settled").get("State") or ""),
    )


def read_soap_reply(status: int, payload: bytes, headers: Mapping[str, str]) -> Reply:
    """The reply of POST /soap/v1: <SubmitReply> with the platform's own acknowledgement inside <Ack>."""
    root = xmltree.parse(payload)
    if xmltree.local(root.tag) != "SubmitReply":
        raise ValueError(f"{xmltree.local(root.tag)} is not SubmitReply")
    ack = root.find("{*}Ack")
    own = ack[0] if ack is not None and len(ack) else None
    return Reply(
        status=status,
        payload=b"" if own is None else etree.tostring(own, encoding="utf-8", with_tail=False),
        message_id=root.findtext("{*}MessageId") or "",
        state=root.findtext("{*}State") or "",
        receipt=_receipt(root.findtext("{*}Receipt") or ""),
        replayed=headers.get("Idempotency-Replayed", "") == "true",
        settled=root.findtext("{*}Settled") or "",
    )


def _receipt(text: str) -> dict[str, Any]:
    if not text.strip():
        return {}
    try:
        return _object(base64.b64decode("".join(text.split()), validate=True))
    except binascii.Error as error:
        raise ValueError("the receipt is not Base64") from error


def read_problem(payload: bytes) -> dict[str, Any]:
    """A problem document; {} if the bytes are none."""
    try:
        return _object(payload)
    except (MessageError, ValueError):
        return {}


def read_fault(payload: bytes) -> dict[str, Any] | None:
    """The members of a problem document, from a SOAP Fault (the element, or an envelope around it); None
    where there is no Fault."""
    if b"Fault" not in payload:
        return None
    try:
        root = xmltree.parse(payload)
    except MessageError:
        return None
    for namespace in _SOAP:
        tag = f"{{{namespace}}}Fault"
        fault = root if root.tag == tag else root.find(f"{{{namespace}}}Body/{tag}")
        if fault is not None:
            return _problem_of(fault)
    return None


def _problem_of(fault: etree._Element) -> dict[str, Any]:
    problem = next(fault.iter("Problem"), None)
    if problem is None:
        return {"title": "".join(str(text) for text in fault.itertext()).strip()[:300], "errors": []}
    status = problem.findtext("Status") or "0"
    return {
        "status": int(status) if status.isdecimal() else 0,
        "code": problem.findtext("Code") or "",
        "result": problem.findtext("Result") or "",
        "detail": problem.findtext("Detail") or "",
        "errors": [_error_of(error) for error in problem.iterfind("Errors/Error")],
        **_ack_of(fault),
    }


def _ack_of(fault: etree._Element) -> dict[str, str]:
    """The platform's own 8001 beside the problem, as XML text, where the fault has one."""
    ack = next(fault.iter("Ack"), None)
    return {} if ack is None or not len(ack) else {"ack": etree.tostring(ack[0], encoding="unicode")}


def _error_of(error: etree._Element) -> dict[str, Any]:
    """The members that a problem document has."""
    found: dict[str, Any] = {
        name: error.findtext(name.capitalize()) or "" for name in ("path", "rule", "result")
    }
    found["code"] = error.findtext("FaultCode") or found["rule"]
    found["message"] = {"zh": error.findtext("Zh") or "", "en": error.findtext("En") or ""}
    for name in ("expected", "found"):
        if text := error.findtext(name.capitalize()):
            found[name] = text
    for name in ("line", "column"):
        if (text := error.findtext(name.capitalize())) and text.isdecimal():
            found[name] = int(text)
    if zh := error.findtext("MendZh"):
        found["mend"] = {"zh": zh, "en": error.findtext("MendEn") or ""}
    return found


def _object(payload: bytes) -> dict[str, Any]:
    document = read_json(payload)
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    return document


def _member(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}
