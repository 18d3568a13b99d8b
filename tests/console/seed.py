"""A store with a few real messages of one payment case, made of the standard's own samples."""

from __future__ import annotations

import hashlib

import orjson

from gateway import clock
from gateway.errors import Fault
from gateway.message import DeliveryState, Record
from gateway.payments.ground import NO_NEEDS, Application, Contract, Ground, TraceStep
from gateway.standard import Standard
from gateway.store.contract import Arrival, AttemptResult, LastVersion, NewDelivery, Store, Verdict

NO = "SQ-310000-20261124-00001"
RETURNED_NO = "SQ-310000-20261124-00002"
MOBILE = "13812345678"
HEADERS = orjson.dumps(
    {"sent": {"idempotency-key": "k-1"}, "answered": {"set-cookie": "***", "x-contact": MOBILE}, "cut": True}
).decode()


async def fill(store: Store, standard: Standard) -> None:
    """Two applications (one at the bank, one returned), messages in every state, a refusal."""
    await accept(store, standard, "2003", "GGZY-JSGC", ("GGZY-ZPT",), original=des(standard), open_case=True)
    await accept(store, standard, "3001", "GGZY-ZPT", ("GGZY-JSGC",), NO)
    await accept(store, standard, "4001", "GGZY-ZPT", (), NO)
    await accept(store, standard, "4002", "GGZY-ZPT", ("CZ-ZFPT-310000",), NO)
    await accept(store, standard, "1001", "GGZY-ZPT", ("GGZY-JSGC", "GGZY-ZFCG"))
    await deliver(store)
    await accept(store, standard, "5001", "CZ-ZFPT-310000", ("GGZY-ZPT",), NO)
    fault = Fault(
        "standard.missing-element",
        "AppAmount",
        "缺少申请金额",
        "AppAmount is missing",
        source_path="金额/申请",
    )
    await store.note_refusal("GGZY-ZFCG", "3001", clock.now_ms(), [fault], {"status": 422})


def des(standard: Standard) -> bytes:
    """What a sender said beyond the standard: a mobile number in a field that no mapping reads."""
    name = standard.sample("2003")["ContractName"]
    return f"<DES><CONTEXT><NAME>{name}</NAME><CONTACT>{MOBILE}</CONTACT></CONTEXT></DES>".encode()


async def accept(
    store: Store,
    standard: Standard,
    number: str,
    sender: str,
    receivers: tuple[str, ...],
    application: str = "",
    *,
    original: bytes = b"",
    open_case: bool = False,
    record: Record | None = None,
) -> None:
    """A message of the type's sample, or of another record."""
    record = record or standard.sample(number)
    body = standard.build(number, record)
    key = hashlib.sha256(f"{number}{sender}{application}".encode()).hexdigest()
    sent = original or orjson.dumps({"Head": {"MsgNo": number}, "Body": standard.to_json(number, record)})
    deliveries = tuple(
        NewDelivery(
            receiver=receiver,
            delivery_key=hashlib.sha256(f"{key}{receiver}".encode()).hexdigest(),
            line=application or standard.business_key(number, record),
            rendered=sent,
            rendered_version="1-0a1b2c3d",
        )
        for receiver in receivers
    )

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        if open_case:
            put_cases(ground, record)
        return Verdict(deliveries=deliveries, application=application, biz_version=1)

    outcome = await store.accept(
        Arrival(
            message_id=clock.new_id(), type=number, sender=sender, idem_key=key, jti=key[:16],
            biz_key=standard.business_key(number, record), biz_version=1, given_version=True, oper_type="1",
            fingerprint=hashlib.sha256(body).hexdigest(), original=sent, content_type="application/json",
            body=body, head=orjson.dumps({"MsgNo": number, "SendTime": clock.t17()}), suite="jose", cert="c", transport="rest", received_at=clock.now_ms(),
            sender_time=clock.t17(), needs=NO_NEEDS, judge=judge, search=f"{standard.search_text(number, record, standard.business_key(number, record))} {application}",
            stages=(("read", 410), ("prepared", 95)),
        )
    )  # fmt: skip
    assert outcome.kind == "accepted", outcome


def put_cases(ground: Ground, contract: Record) -> None:
    now = clock.now_ms()
    no = contract["ContractNo"]
    ground.put(
        Contract(
            no, "GGZY-JSGC", contract["UnifiedDealCode"], "S1", ("12310000425010220N",),
            ("91310000132206289R",), 500_000_000, "310000", "01",
        )
    )  # fmt: skip
    for app_no, state, paid in ((NO, "60", 0), (RETURNED_NO, "43", 0)):
        ground.put(
            Application(
                app_no, no, state, "GGZY-JSGC", "12310000425010220N", ("91310000132206289R",), "310000", "01",
                "2026", 125_000_050, 0, approved_fen=120_000_000, paid_fen=paid, treasury="CZ-ZFPT-310000",
                state_at=now, opened_at=now - 86_400_000, node_key=app_no,
            )
        )  # fmt: skip
    moves = [("3001", "10", "20"), ("3001", "20", "30"), ("4002", "30", "40"), ("8002", "40", "41")]
    later = [("6003", "41", "42"), ("4003", "42", "50"), ("6003", "50", "60")]
    steps = [(NO, moves + later), (RETURNED_NO, [*moves, ("6003", "41", "42"), ("4003", "42", "43")])]
    for app_no, walked in steps:
        for place, (msg_no, old, new) in enumerate(walked):
            reason = "附件不全，请补充监理签证" if new == "43" else ""
            ground.add_step(
                TraceStep(
                    app_no, msg_no, old, new, now - 3_600_000 * (len(walked) - place), org="上海市交通委员会",
                    reason=reason,
                )
            )  # fmt: skip
    ground.add_step(TraceStep(NO, "6003", "60", "42", now, org="支付平台", applied=False))


async def deliver(store: Store) -> None:
    """One done, one to be retried, one dead, one with an unknown outcome."""
    ends = {
        "GGZY-ZPT": (DeliveryState.DONE, "", ""),
        "GGZY-JSGC": (DeliveryState.READY, "delivery.unreachable", "connection refused"),
        "GGZY-ZFCG": (DeliveryState.DEAD, "receiver.30002", "代码不在代码表内"),
        "CZ-ZFPT-310000": (DeliveryState.UNKNOWN, "delivery.unknown-outcome", "no answer within 20 s"),
    }
    for claimed in await store.claim("w1", 10, 60):
        state, code, text = ends[claimed.receiver]
        answer = b'{"Head":{},"Body":{"Result":"00000"}}' if state is DeliveryState.DONE else b""
        await store.record(
            AttemptResult(
                claimed, state, code, text, status=200 if answer else 0, latency_ms=37, answer=answer,
                headers=HEADERS if answer else "", retry_in_s=600.0, outcome_unknown=state is DeliveryState.UNKNOWN,
            )
        )  # fmt: skip
