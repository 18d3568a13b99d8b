"""The standard's JSON form: {"Head": {…}, "Body": {…}}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import Fault, MessageError
from gateway.formats.contract import refusal
from gateway.formats.jsontext import read_json, write_json
from gateway.message import HEAD_FIELDS, Head, Parsed, Record

_COUNTERS = ("BizVersion", "RetryNo")  # xs:integer in the schema, so integers in its JSON form
_FIELDS, _TEXT = frozenset(HEAD_FIELDS), frozenset((str,))
# What a reply of the gateway adds to its 8001 beside Head and Body.
_REPLY_MEMBERS = frozenset({"Message", "Receipt", "Settled"})


@dataclass(frozen=True, slots=True)
class StandardJson:
    name: str = "standard-json"
    content_type: str = "application/json"
    envelope_names: tuple[str, ...] = ()
    envelope_needs: tuple[str, ...] = ()

    def decode(self, data: bytes) -> Parsed:
        """`record` is the Body as it stands (integers are still integers: the standard converts)."""
        document = read_json(data)
        if type(document) is not dict:
            raise refusal("json.not-an-object", "报文应为对象", "a message is a JSON object", result="10001")
        faults = [
            _fault(name, f"未知成员 {name[:60]}", f"unknown member {name[:60]}")
            for name in document
            if name not in ("Head", "Body") and name not in _REPLY_MEMBERS
        ]
        faults += [
            _fault(name, f"缺少对象 {name}", f"the object {name} is missing")
            for name in ("Head", "Body")
            if type(document.get(name)) is not dict
        ]
        if faults:
            raise MessageError(faults)
        head = _read_head(document["Head"])
        body: Record = document["Body"]
        return Parsed(body, head, own_type=head.get("MsgNo", ""))

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        """`record` is the Body in the standard's JSON form already."""
        fields: dict[str, Any] = head.as_record()
        for name in _COUNTERS:
            if fields[name].isdecimal():
                fields[name] = int(fields[name])
        return write_json({"Head": fields, "Body": record})


def _read_head(fields: dict[str, Any]) -> dict[str, str]:
    plain = fields | {name: str(fields[name]) for name in _COUNTERS if type(fields.get(name)) is int}
    if plain.keys() <= _FIELDS and set(map(type, plain.values())) <= _TEXT:
        return plain
    faults = []
    head = {}
    for name, value in fields.items():
        if name not in HEAD_FIELDS:
            faults.append(_fault(f"Head/{name[:60]}", "报文头无此项", "no such field in the head"))
        elif type(value) is str:
            head[name] = value
        elif type(value) is int and name in _COUNTERS:
            head[name] = str(value)
        else:
            faults.append(_fault(f"Head/{name}", "报文头各项应为文本", "a field of the head is text"))
    if faults:
        raise MessageError(faults)
    return head


def _fault(path: str, zh: str, en: str) -> Fault:
    return Fault("format.envelope", path, zh, en, "10003", path)
