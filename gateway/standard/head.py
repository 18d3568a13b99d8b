"""The envelope's head: its keys, its canonical XML, and what must agree with the message it heads."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from gateway import clock
from gateway.digests import sm3_hex
from gateway.errors import Fault
from gateway.message import NAMESPACE, Head, Record
from gateway.standard.catalogue import MessageType
from gateway.standard.faults import shown
from gateway.standard.writing import escape

MAX_SKEW = timedelta(minutes=5)
VERSION = "1.0"


def idem_key(msg_no: str, src: str, biz_key: str, biz_version: str, oper_type: str) -> str:
    """Head/IdemKey: SM3 over the five fields joined by a bar, in UTF-8."""
    return sm3_hex(f"{msg_no}|{src}|{biz_key}|{biz_version}|{oper_type}".encode())


def body_digest(canonical: bytes) -> str:
    """Head/BodyDigest: SM3 of the canonical body."""
    return sm3_hex(canonical)


def build_head_xml(head: Head) -> bytes:
    """The head as canonical XML with the standard's namespace declared on it."""
    fields = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in head.as_record().items())
    return f'<Head xmlns="{NAMESPACE}">{fields}</Head>'.encode()


def check_head(
    head: Record,
    kind: MessageType,
    *,
    biz_key: str,
    body: bytes,
    nodes: Container[str],
    now: datetime | None = None,
) -> list[Fault]:
    """What the head says against the message under it. `head` has passed the schema (HeadType).

    `biz_key` and `body` (canonical) are made from the message itself; `nodes` are the known platforms.
    With `now`, the time of sending must lie within 5 minutes of it (20005).
    """
    found = _differing(
        head,
        {
            "Ver": (VERSION, "10003"),
            "MsgNo": (kind.number, "10003"),
            "BizType": (kind.step, "10003"),
            "BizKey": (biz_key, "10003"),
            "IdemKey": (_key_of(head), "10003"),
            "BodyDigest": (body_digest(body), "20004"),
            "WorkDate": (head.get("SendTime", "")[:8], "10003"),
        },
    )
    for name in ("Src", "Des"):
        if head.get(name, "") not in nodes:
            found.append(
                _fault(name, "不是已知节点", "is not a known node", "30002", "node", head.get(name, ""))
            )
    if now is not None:
        found += _skewed(head.get("SendTime", ""), now)
    if head.get("StYear", "") > clock.d8(now)[:4]:
        found.append(_fault("StYear", "晚于当年", "is after this year", "10003", "", head.get("StYear", "")))
    return found


def _key_of(head: Record) -> str:
    fields = [str(head.get(name, "")) for name in ("MsgNo", "Src", "BizKey", "BizVersion", "OperType")]
    return idem_key(*fields)


def _differing(head: Record, expected: dict[str, tuple[str, str]]) -> list[Fault]:
    return [
        _fault(
            name, "与报文内容不符", "differs from what the message yields", result, value, head.get(name, "")
        )
        for name, (value, result) in expected.items()
        if head.get(name, "") != value
    ]


def _skewed(sent: str, now: datetime) -> list[Fault]:
    try:
        moment = clock.parse_t(sent)
    except ValueError:
        zh, en = "不是有效的时间", "is no time"
        return [_fault("SendTime", zh, en, "10003", "yyyyMMddHHmmssSSS", sent)]
    if abs(moment - now) <= MAX_SKEW:
        return []
    zh, en = "与接收时间相差超过5分钟", "is more than 5 minutes from the time of receipt"
    return [_fault("SendTime", zh, en, "20005", clock.t17(now), sent)]


def _fault(name: str, zh: str, en: str, result: str, expected: str, found: str) -> Fault:
    return Fault(
        "standard.head",
        f"Head/{name}",
        f"报文头 {name} {zh}",
        f"{name} of the head {en}",
        result,
        expected=expected,
        found=shown(found),
    )
