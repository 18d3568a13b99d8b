"""JSON Schema (2020-12) of the JSON form, made from the schemas' tree.

The JSON form keeps the names; what may repeat is a list; text is text, amounts too; xs:integer is an
integer. What only the standard knows stands beside it under `x-` names: source, code table, sensitivity,
bytes in GBK, check. A schema cannot say those; `Standard.validate` does.
"""

from __future__ import annotations

from typing import Any

from gateway.message import NAMESPACE
from gateway.standard.catalogue import MessageType
from gateway.standard.model import Element, ValueType

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]


def json_schema(kind: MessageType, root: Element) -> Schema:
    """The JSON Schema of one message type's body."""
    return _document(kind.number, f"{kind.number} {kind.name} {kind.title_zh}", kind.title_en, root)


def head_schema(head: Element) -> Schema:
    """The JSON Schema of the head; a whole message is an object of `Head` and `Body`."""
    return _document("Head", "Head 报文头", "Head of every message", head)


def _document(name: str, title: str, description: str, root: Element) -> Schema:
    """`$defs` holds the simple types that it uses, by their names."""
    used = {element.value.name: element.value for _, element in root.walk() if element.value is not None}
    return {
        "$schema": _DIALECT,
        "$id": f"{NAMESPACE}:{name}:json",
        "title": title,
        "description": description,
        **_object(root),
        "$defs": {name: _value(used[name]) for name in sorted(used)},
    }


def _object(element: Element) -> Schema:
    return {
        "type": "object",
        "properties": {child.name: _property(child) for child in element.children},
        "required": [child.name for child in element.children if child.minimum],
        "additionalProperties": False,
    }


def _property(element: Element) -> Schema:
    one: Schema = _object(element) if element.value is None else {"$ref": f"#/$defs/{element.value.name}"}
    if element.repeats:
        one = {
            "type": "array",
            "items": one,
            "minItems": element.minimum,
            "maxItems": element.maximum,
        }
    return {"title": element.zh, "description": element.en, **one, **_said(element)}


def _said(element: Element) -> Schema:
    """What the annotations say beyond JSON Schema."""
    said: Schema = {
        "x-source": element.source,
        "x-codes": element.codes,
        "x-codes-open": element.codes_open,
        "x-codes-separator": element.codes_separator,
        "x-sensitive": element.sensitive,
        "x-gbk-max": element.gbk_max,
        "x-code-type": element.code_type,
    }
    return {name: value for name, value in said.items() if value}


def _value(kind: ValueType) -> Schema:
    made: Schema = {"type": "integer" if kind.integer else "string", "title": kind.zh, "description": kind.en}
    if kind.integer:
        limits: Schema = {"minimum": kind.min_value, "maximum": kind.max_value}
    else:
        limits = {
            "minLength": kind.min_length or None,
            "maxLength": kind.max_length,
            "enum": list(kind.enumeration) or None,
            "allOf": [{"pattern": f"^(?:{one.pattern})$"} for one in kind.patterns] or None,
        }
    made |= {name: value for name, value in limits.items() if value is not None}
    if kind.check:
        made["x-check"] = kind.check
    return made
