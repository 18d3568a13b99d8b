"""A platform's own JSON object as a record: every leaf is text, null is absent, numbers keep their digits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.formats.contract import refusal
from gateway.formats.jsontext import read_exact_json, write_json
from gateway.message import Head, Parsed, Record


@dataclass(frozen=True, slots=True)
class Json:
    name: str = "json"
    content_type: str = "application/json"
    envelope_names: tuple[str, ...] = ()
    envelope_needs: tuple[str, ...] = ()

    def decode(self, data: bytes) -> Parsed:
        document = read_exact_json(data)
        if type(document) is not dict:
            raise refusal("json.not-an-object", "报文应为对象", "a message is a JSON object", result="10001")
        return Parsed(_as_texts(document))

    def encode(self, record: Record, head: Head, envelope: Mapping[str, str], root: str) -> bytes:
        """The record as it is; JSON has no outermost name."""
        return write_json(record)


def _as_texts(value: Any) -> Any:
    kind = type(value)
    if kind is str:
        return value
    if kind is dict:
        return {name: _as_texts(item) for name, item in value.items() if item is not None}
    if kind is list:
        return [_as_texts(item) for item in value if item is not None]
    if kind is bool:
        return "true" if value else "false"
    return str(value)
