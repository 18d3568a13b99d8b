"""From a read message to what the store puts into one transaction: head, keys, rules, routes, renderings."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from gateway import clock, xmltree
from gateway.attached import Attached, carried_files
from gateway.errors import MessageError
from gateway.headshape import HeadShape
from gateway.message import GATEWAY_NODE, Claims, Head, Record
from gateway.payments.case import Case, Finding, fen
from gateway.payments.ground import Ground
from gateway.payments.process import ORIGINS, can_judge, complete, decide, needs
from gateway.pressure import Pressure
from gateway.receiptwatch import answered
from gateway.routing import Routes
from gateway.settings import Platform, Settings
from gateway.standard import MessageType
from gateway.standard import head as heads
from gateway.standard.explain import in_order
from gateway.store.contract import PARKED, Arrival, DeliveryRow, LastVersion, NewDelivery, Store, Verdict
from gateway.translate import IDENTITY, Read, Translator, head_for

LANES = {"payment": 0, "case": 1, "bulk": 2}
_AMOUNTS = ("AppAmount", "PayAmt", "XPayAmt", "ApprovedAmount", "ContractPrice", "BidAmount", "RefundAmt")


@dataclass(slots=True, unsafe_hash=True)  # not frozen: made for every message, and slow to make so
class Submission:
    """A message whose seal held. `key` is the idempotency key, `number` the standard's type."""

    platform: Platform
    number: str
    key: str
    payload: bytes
    claims: Claims
    cert: str
    suite: str
    transport: str
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """An arrival that only lacks its answer (of a query)."""

    make: Callable[[bytes], Arrival]

    def arrival(self, answer: bytes = b"") -> Arrival:
        return self.make(answer)


class ArrivalMaker:
    """Pure but for the look-up of the message that a message answers (`origin/…` of mappings)."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        translator: Translator,
        routes: Routes,
        pressure: Pressure | None = None,
    ):
        self.settings = settings
        self.pressure = pressure or Pressure(settings, store, routes)
        self.store = store
        self.translator = translator
        self.standard = translator.standard
        self.routes = routes
        self.heads = HeadShape(self.standard)
        self.attached = Attached(self.standard, settings.platforms, store.may_read)

    async def draft(self, submission: Submission, read: Read, started_ns: int) -> Draft:
        """Validates the record (MessageError with every fault) and prepares its arrival."""
        number, platform = submission.number, submission.platform
        kind = self.standard.catalogue.get(number)
        now = clock.now()
        today = now.date()
        body = await self._check(submission, read, today)
        validated_ns = time.perf_counter_ns()
        said = read.parsed.head
        self.heads.check(said, today, whole=platform.profile == IDENTITY)
        biz_key = self.standard.business_key(number, read.record)
        given = said.get("BizVersion", "")
        head = self._head(submission, kind, read, biz_key, body, now)
        if said.get("IdemKey"):
            self._check_head(submission, read, head, said)
        files = await self.attached.digests(number, read.record, platform.id)
        message_id = clock.new_id()
        at = clock.now_ms()
        case = self._case(submission, read.record, message_id, at, today, head.OperType)
        judge = self._judge(
            case, head, kind, biz_key, submission.key, given, await self._origin(number, read.record)
        )
        stages = (
            ("read", (validated_ns - started_ns) // 1000),
            ("prepared", (time.perf_counter_ns() - validated_ns) // 1000),
        )

        def make(answer: bytes) -> Arrival:
            return Arrival(
                message_id=message_id,
                type=number,
                sender=platform.id,
                idem_key=submission.key,
                jti=submission.claims.jti,
                biz_key=biz_key,
                biz_version=int(given or 0),
                given_version=bool(given),
                oper_type=head.OperType,
                fingerprint=hashlib.sha256(body).hexdigest(),
                original=submission.payload,
                content_type=submission.claims.content_type,
                body=body,
                head=orjson.dumps(head.as_record()),
                suite=submission.suite,
                cert=submission.cert,
                transport=submission.transport,
                received_at=at,
                sender_time=_sender_time(submission, said),
                needs=needs(case),
                judge=judge,
                answer=answer,
                search=self.standard.search_text(number, read.record, biz_key),
                amount_fen=amount_of(read.record),
                stages=stages,
                traceparent=submission.traceparent,
                files=files,
                answers=answered(platform, number, read.record),
            )

        return Draft(make)

    async def _check(self, submission: Submission, read: Read, today: date) -> bytes:
        """The canonical body. MessageError with the faults of the fields and, where these leave the rules
        of state enough to go by, with theirs too, as the ground is now: all at once."""
        number = submission.number
        try:
            return self.standard.check(number, read.record, on=today)
        except MessageError as error:
            sound = can_judge(number, [fault.path for fault in error.faults])
            if not sound and not self._is_shaped(number, read.record):
                raise
            case = self._case(submission, read.record, "", 0, today, read.parsed.head.get("OperType", "1"))
            ground = await self.store.load_ground(needs(case))
            found = [*error.faults, *decide(case, ground).faults]
            raise MessageError(in_order(self.standard.model(number), found)) from error

    def _is_shaped(self, number: str, record: Record) -> bool:
        """Is every element there and of its type, whatever the rules between them say?"""
        try:
            return not self.standard.decide(xmltree.parse(self.standard.build(number, record)))
        except MessageError:
            return False

    def _case(
        self, submission: Submission, record: Record, message_id: str, at: int, today: date, oper_type: str
    ) -> Case:
        platform, number = submission.platform, submission.number
        return Case(
            number, record, platform.id, message_id, at, today, oper_type, self.settings.coverage,
            platform.name, platform.kind, self.standard.catalogue.get(number).fact,
            authorities=self.settings.authorities, calendar=self.settings.calendar,
        )  # fmt: skip

    def _head(
        self, submission: Submission, kind: MessageType, read: Read, biz_key: str, body: bytes, now: Any
    ) -> Head:
        said, platform = read.parsed.head, submission.platform
        moment = clock.t17(now)
        adm_div = (
            said.get("AdmDivCode")
            or read.record.get("AdmDivCode")
            or platform.values.get("AdmDivCode", "310000")
        )
        oper_type = said.get("OperType", "1")
        version = said.get("BizVersion", "1")
        message_id = said.get("MsgId") or hashlib.sha256(submission.key.encode()).hexdigest()[:32]
        return Head(
            MsgNo=submission.number,
            MsgId=message_id,
            MsgRef=said.get("MsgRef", message_id),
            Src=platform.id,
            Des=GATEWAY_NODE,
            AdmDivCode=adm_div,
            StYear=said.get("StYear") or read.record.get("StYear") or moment[:4],
            BizType=kind.step,
            BizKey=biz_key,
            BizVersion=version,
            OperType=oper_type,
            IdemKey=submission.key,
            BodyDigest=heads.body_digest(body),
            WorkDate=said.get("WorkDate") or clock.d8(self.settings.calendar.business_day(now, adm_div)),
            SendTime=said.get("SendTime", moment),
        )

    def _check_head(self, submission: Submission, read: Read, head: Head, said: dict[str, str]) -> None:
        """What the sender's own head says must be what was signed, and what the body yields."""
        expected = {
            "MsgNo": submission.number,
            "Src": submission.platform.id,
            "BizKey": head.BizKey,
            "IdemKey": submission.key,
            "BodyDigest": head.BodyDigest,
        }
        if said.get("BizVersion"):  # a head of the standard: its key is made by the standard's formula
            expected["IdemKey"] = heads.idem_key(
                head.MsgNo, head.Src, head.BizKey, head.BizVersion, head.OperType
            )
        self.heads.compare(submission.number, said, expected)

    async def _origin(self, number: str, record: Record) -> Record | None:
        origin = ORIGINS.get(number)
        if origin is None:
            return None
        for node, platform in self.settings.platforms.items():
            if origin in platform.sends:
                row = await self.store.find_message(node, origin, record["PayAppNo"])
                if row is not None:
                    return self.standard.read(origin, row.body)
        return None

    def _judge(
        self,
        case: Case,
        head: Head,
        kind: MessageType,
        biz_key: str,
        key: str,
        given: str,
        origin: Record | None,
    ) -> Callable[[Ground, LastVersion | None], Verdict]:
        def judge(ground: Ground, last: LastVersion | None) -> Verdict:
            version = int(given) if given else (last.version + 1 if last else 1)
            case.version = version
            finding = decide(case, ground)
            if finding.faults:
                return Verdict(faults=tuple(in_order(self.standard.model(case.number), finding.faults)))
            try:
                deliveries = self._deliveries(case, head, kind, biz_key, key, version, finding, origin)
            except MessageError as error:
                return Verdict(faults=error.faults)
            return Verdict(
                deliveries=deliveries,
                application=finding.application,
                biz_version=version,
                note=f"{PARKED} {finding.parked}" if finding.parked else "",
            )

        return judge

    def _deliveries(
        self,
        case: Case,
        head: Head,
        kind: MessageType,
        biz_key: str,
        key: str,
        version: int,
        finding: Finding,
        origin: Record | None,
    ) -> tuple[NewDelivery, ...]:
        receivers = self.routes.receivers(case.number, case.sender, case.body, finding, case.today)
        self.pressure.check_receivers(receivers)
        body = complete(case) if receivers else case.body
        return tuple(
            self.render(
                case.number, body, head, kind, case.sender, key, receiver, version,
                finding.application or biz_key, origin,
            )
            for receiver in receivers
        )  # fmt: skip

    async def renew(self, delivery: DeliveryRow) -> NewDelivery:
        """A stored message for the same receiver as another effect, by the mapping that is in force now.

        LookupError where the message is gone, MessageError where the receiver's form cannot hold it."""
        row = await self.store.get_message(delivery.message_id)
        if row is None or row.original_digest:
            raise LookupError(f"no message {delivery.message_id}, or it was purged")
        body = self.standard.read(row.type, row.body)
        others = (one for one in await self.store.deliveries(row.id) if one.receiver == delivery.receiver)
        effect_no = max(one.effect_no for one in others) + 1
        return self.render(
            row.type, body, Head(**orjson.loads(row.head)), self.standard.catalogue.get(row.type), row.sender,
            row.idem_key, delivery.receiver, row.biz_version, delivery.line, await self._origin(row.type, body), effect_no,
        )  # fmt: skip

    def render(
        self,
        number: str,
        body: Record,
        head: Head,
        kind: MessageType,
        sender: str,
        key: str,
        receiver: str,
        version: int,
        line: str,
        origin: Record | None,
        effect_no: int = 1,
    ) -> NewDelivery:
        """The message for one receiver, in its own form, under its delivery key. MessageError where the
        receiver's form cannot hold it; a fact is then kept with a dead delivery instead (promise 5)."""
        platform = self.settings.platforms[receiver]
        delivery_key = make_delivery_key(sender, key, receiver, effect_no)
        addressed = head_for(head, receiver=receiver, idem_key=delivery_key, version=version)
        fault = ""
        try:
            rendered, mapping_version = self.translator.write(platform, number, body, addressed, origin)
        except MessageError as error:
            if not kind.fact:
                raise
            rendered, mapping_version, fault = b"", "", str(error)
        return NewDelivery(
            receiver=receiver,
            delivery_key=delivery_key,
            line=line,
            rendered=rendered,
            rendered_version=mapping_version,
            lane=LANES[kind.lane],
            effect_no=effect_no,
            files=self._files(platform, number, body),
            fault=fault,
        )

    def _files(self, platform: Platform, number: str, body: Record) -> bytes:
        operations = platform.connector.operations.get(number)
        files = carried_files(body, operations.files) if operations is not None else []
        return orjson.dumps(files) if files else b""


def _sender_time(submission: Submission, said: Mapping[str, str]) -> str:
    """When the sender wrote it: by its head, else by its seal. What is polled has neither (one seal, made
    while reading, covers the batch): "", and the order of coming counts."""
    if said.get("SendTime") or submission.transport == "poll":
        return said.get("SendTime", "")
    return clock.t17_of(submission.claims.issued_at * 1000)


def make_delivery_key(sender: str, key: str, receiver: str, effect_no: int) -> str:
    """H(sender, sender's key, receiver, effect number): the same after a restore (promise 3)."""
    return hashlib.sha256(f"{sender}|{key}|{receiver}|{effect_no}".encode()).hexdigest()


def amount_of(record: Record) -> int | None:
    """The message's amount in fen, where it has one."""
    for name in _AMOUNTS:
        if record.get(name):
            return fen(record[name])
    return None
