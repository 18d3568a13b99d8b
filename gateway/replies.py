"""What goes back to a sender: the acknowledgement in its own form with the receipt, or a refusal; sealed.

An acknowledgement is built from the stored row alone, so a repeated request gets the same bytes before
sealing (promise 2). Each reply is sealed afresh.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from xml.sax.saxutils import escape

import orjson

from gateway import clock, refusals
from gateway.errors import MessageError
from gateway.message import GATEWAY_NODE, Claims, Head, MessageState, Record
from gateway.security import wssnames
from gateway.security.keys import Identity
from gateway.security.suite import Peer, suites
from gateway.settings import Platform
from gateway.standard import head as heads
from gateway.store.contract import MessageRow
from gateway.translate import ACK, IDENTITY, Translator

JSON = "application/json"
XML = "application/xml"
PROBLEM = "application/problem+json"
# Transports whose whole answer is a SOAP message: of the version in which the caller spoke.
SOAP = {
    "soap-1.1": ("1.1", wssnames.SOAP11),
    **dict.fromkeys(("soap-1.2", "file-soap", "sftp-soap", "amqp-soap"), ("1.2", wssnames.SOAP12)),
}


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Reply:
    """A sealed reply, ready to send."""

    status: int
    data: bytes
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Replies:
    """`make_receipt` makes the proof from a stored row; `problem` and `fault` render a refusal as a
    problem document (RFC 9457) and as a SOAP fault element."""

    def __init__(
        self,
        translator: Translator,
        identities: Mapping[str, Identity],
        peers: Mapping[str, Peer],
        make_receipt: Callable[[MessageRow], Mapping[str, Any]],
        problem: Callable[[MessageError], bytes],
        fault: Callable[[MessageError, str], bytes],
    ):
        self.translator = translator
        self.identities = identities
        self.peers = peers
        self.make_receipt = make_receipt
        self.problem = problem
        self.fault = fault

    def accept(
        self,
        platform: Platform,
        claims: Claims,
        row: MessageRow,
        kind: str,
        transport: str,
        settled: MessageRow | None = None,
    ) -> Reply:
        """202 with the acknowledgement and receipt; 200 with the answer of a query."""
        headers = {"Location": f"/v1/messages/{row.id}"}
        if kind == "replayed":
            headers["Idempotency-Replayed"] = "true"
        if row.answer:
            return self._answer(platform, claims, row, transport, headers)
        extra: dict[str, Any] = {
            "Message": {"Id": row.id, "State": str(MessageState.ACCEPTED)},
            "Receipt": self.make_receipt(row),
        }
        if settled is not None:
            extra["Settled"] = {"State": str(settled.state)}
            headers["Preference-Applied"] = "wait"
        ack = self._ack_record(row, duplicate=kind == "duplicate")
        head = self._head(platform, ACK, row.id, ack)
        if transport in SOAP:
            payload = _submit_reply(extra, self.translator.write_ack(platform, ACK, ack, head))
            return self._seal(platform, claims, ACK, payload, XML, 202, headers, transport)
        own = self.translator.write_ack(platform, ACK, ack, head)
        # Both are JSON objects of ours with members of different names: joined as text.
        payload = own[:-1] + b"," + orjson.dumps(extra)[1:]
        return self._seal(platform, claims, ACK, payload, JSON, 202, headers, transport)

    def refuse(self, platform: Platform, claims: Claims, error: MessageError, transport: str) -> Reply:
        """A refusal for an authenticated sender: sealed, with every fault in its own field names. Beside the
        problem stands the 8001 in the platform's own form (STATUS and MSG of a DES platform)."""
        headers = {}
        if error.retry_after_s is not None:
            headers["Retry-After"] = str(error.retry_after_s)
        own = self._refusal(platform, claims, error)
        if transport in SOAP:
            payload, content_type = _with_ack(self.fault(error, SOAP[transport][1]), own), XML
        else:
            payload, content_type = self.problem(error), PROBLEM
            if own.startswith(b"{"):
                payload = orjson.dumps({**orjson.loads(own), **orjson.loads(payload)})
        return self._seal(platform, claims, ACK, payload, content_type, error.status, headers, transport)

    def _answer(
        self, platform: Platform, claims: Claims, row: MessageRow, transport: str, headers: dict[str, str]
    ) -> Reply:
        number = self.translator.standard.catalogue.get(row.type).answer
        record: Record = orjson.loads(row.answer)
        head = self._head(platform, number, row.id, record)
        payload = self.translator.write_ack(platform, number, record, head)
        if transport in SOAP:
            extra = {"Message": {"Id": row.id, "State": str(MessageState.ANSWERED)}, "Receipt": {}}
            payload = _submit_reply(extra, payload)
        content_type = XML if transport in SOAP else JSON
        return self._seal(platform, claims, number, payload, content_type, 200, headers, transport)

    def _refusal(self, platform: Platform, claims: Claims, error: MessageError) -> bytes:
        """The 8001 of a refusal in the platform's own form; empty where that form cannot hold it (it is told
        in the problem all the same)."""
        if platform.profile != IDENTITY and not self.translator.mappings.find(platform.profile, ACK, "out"):
            return b""
        message_id = clock.new_id()
        number = claims.msg_type if claims.msg_type in self.translator.standard.catalogue else ACK
        ori_id = error.message_id or hashlib.sha256(claims.idem_key.encode()).hexdigest()[:32]
        # The standard's AddWord is short; a platform's own form may have room for every line.
        rooms = (refusals.ADD_WORD_CHARS,) if platform.profile == IDENTITY else refusals.ROOMS
        for room in rooms:
            ack = refusals.ack(error, number, ori_id, room)
            try:
                return self.translator.write_ack(
                    platform, ACK, ack, self._head(platform, ACK, message_id, ack)
                )
            except MessageError:
                continue
        return b""

    def _ack_record(self, row: MessageRow, *, duplicate: bool) -> Record:
        head = orjson.loads(row.head)
        return {
            "OriMsgNo": row.type,
            "OriMsgId": head["MsgId"],
            "Result": "00000",
            "Duplicate": "1" if duplicate else "0",
        }

    def _head(self, platform: Platform, number: str, message_id: str, body: Record) -> Head:
        """Of a reply: everything in it comes from the stored message's id and time."""
        received = clock.t17_of(clock.ms_of_id(message_id))
        key = heads.idem_key(number, GATEWAY_NODE, message_id, "1", "1")
        canonical = self.translator.standard.build(number, body)
        return Head(
            MsgNo=number,
            MsgId=key[:32],
            MsgRef=body.get("OriMsgId", key[:32]),
            Src=GATEWAY_NODE,
            Des=platform.id,
            AdmDivCode=platform.values.get("AdmDivCode", "310000")[:6],
            StYear=received[:4],
            BizType=self.translator.standard.catalogue.get(number).step,
            BizKey=self.translator.standard.business_key(number, body),
            BizVersion="1",
            OperType="1",
            IdemKey=key,
            BodyDigest=heads.body_digest(canonical),
            WorkDate=received[:8],
            SendTime=received,
        )

    def _seal(
        self,
        platform: Platform,
        claims: Claims,
        number: str,
        payload: bytes,
        content_type: str,
        status: int,
        headers: Mapping[str, str],
        transport: str,
    ) -> Reply:
        suite = suites.get(platform.suite)
        answer = Claims(
            sender=GATEWAY_NODE,
            receiver=platform.id,
            msg_type=number,
            idem_key=claims.idem_key,
            issued_at=clock.now_s(),
            jti=os.urandom(16).hex(),
            content_type=content_type,
        )
        peer = self.peers[platform.id]
        if transport in SOAP:
            peer = replace(peer, algorithms={**peer.algorithms, "soap": SOAP[transport][0]})
        sealed = suite.seal(payload, answer, self.identities[platform.id], peer)
        return Reply(status, sealed, suite.content_type, headers)


def _with_ack(fault: bytes, own: bytes) -> bytes:
    """The fault with the platform's own 8001 as the last entry of its detail."""
    inner = own.partition(b"?>")[2] if own.startswith(b"<?xml") else own
    for end in (b"</detail>", b"</env:Detail>"):
        before, found, after = fault.rpartition(end)
        if found and inner.lstrip().startswith(b"<"):
            return before + b'<Ack xmlns="">' + inner.strip() + b"</Ack>" + found + after
    return fault


def _submit_reply(extra: Mapping[str, Any], own: bytes) -> bytes:
    message = extra["Message"]
    receipt = base64.b64encode(orjson.dumps(extra["Receipt"])).decode()
    settled = extra.get("Settled", {}).get("State", "")
    parts = [
        "<SubmitReply>",
        f"<MessageId>{escape(message['Id'])}</MessageId><State>{escape(message['State'])}</State>",
        f"<Settled>{escape(settled)}</Settled>" if settled else "",
        f"<Receipt>{receipt}</Receipt><Ack>",
    ]
    inner = own.partition(b"?>")[2] if own.startswith(b"<?xml") else own
    return "".join(parts).encode() + inner.strip() + b"</Ack></SubmitReply>"
