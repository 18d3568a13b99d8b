"""The standard's head: its idempotency key and the digest of the body (CATALOGUE.md 6.1)."""

from __future__ import annotations

import hashlib
from xml.sax.saxutils import escape

from gateway.message import Head


def sm3_hex(data: bytes) -> str:
    return hashlib.new("sm3", data).hexdigest()


def idem_key(msg_no: str, src: str, biz_key: str, biz_version: str, oper_type: str) -> str:
    """SM3 hex over "MsgNo|Src|BizKey|BizVersion|OperType"."""
    return sm3_hex(f"{msg_no}|{src}|{biz_key}|{biz_version}|{oper_type}".encode())


def body_digest(body: bytes) -> str:
    """SM3 hex of the canonical body."""
    return sm3_hex(body)


def build_head_xml(head: Head) -> str:
    """`<Head>…</Head>` in the schema's order, without a namespace of its own."""
    inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in head.as_record().items())
    return f"<Head>{inner}</Head>"
