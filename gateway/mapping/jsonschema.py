"""JSON Schema (draft 2020-12 and before, as far as it describes data) as the checker's tree of elements.

Understands objects, arrays, strings, numbers, integers, booleans, enum, const, pattern, lengths, format,
$ref within the file, and allOf. Everything else that would change what is allowed is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gateway.mapping.element import UNBOUNDED, Element, Leaf, SchemaError

_MAX_DEPTH = 24
_FORMATS = {"date": "date", "date-time": "dateTime", "time": "time"}
_UNKNOWN = (
    "oneOf",
    "anyOf",
    "not",
    "if",
    "patternProperties",
    "dependentSchemas",
    "prefixItems",
    "$dynamicRef",
)


def read_json_schema(document: Any) -> Element:
    """The root object. SchemaError for anything that is not one."""
    if not isinstance(document, Mapping):
        raise SchemaError("a JSON Schema is an object")
    root = _Reader(document).element("", document, 0)
    if not root.children:
        raise SchemaError("the root has no properties")
    return root


class _Reader:
    def __init__(self, document: Mapping[str, Any]):
        self.document = document

    def element(self, name: str, schema: Any, depth: int) -> Element:
        if depth > _MAX_DEPTH:
            raise SchemaError("nested too deep, or a schema contains itself")
        schema = self._whole(schema, depth)
        zh = str(schema.get("title") or schema.get("description") or "")
        sensitive = bool(schema.get("x-sensitive"))
        kind = _kind(schema)
        if kind == "array":
            item = self.element(name, schema.get("items", {}), depth + 1)
            most = schema.get("maxItems", UNBOUNDED)
            return replace(
                item, least=int(schema.get("minItems", 0) > 0), most=max(int(most), 2), zh=item.zh or zh
            )
        if kind == "object":
            required = schema.get("required", ())
            children = []
            for child, inner in schema.get("properties", {}).items():
                found = self.element(child, inner, depth + 1)
                children.append(replace(found, least=int(child in required)))
            return Element(name, None, tuple(children), zh=zh, sensitive=sensitive)
        gbk = int(schema.get("x-gbk-max", 0))
        return Element(name, _leaf(schema, kind), zh=zh, sensitive=sensitive, gbk_max=gbk)

    def _whole(self, schema: Any, depth: int) -> Mapping[str, Any]:
        """With its $ref and allOf in it."""
        if schema is True:
            return {}
        if not isinstance(schema, Mapping):
            raise SchemaError(f"expected a schema, got {str(schema)[:40]!r}")
        for word in _UNKNOWN:
            if word in schema:
                raise SchemaError(f"{word} is not understood")
        parts = [schema]
        if "$ref" in schema:
            parts.insert(0, self._whole(self._referred(str(schema["$ref"])), self._deeper(depth)))
        parts += [self._whole(one, self._deeper(depth)) for one in schema.get("allOf", ())]
        if len(parts) == 1:
            return schema
        whole: dict[str, Any] = {}
        for part in parts:
            properties = {**whole.get("properties", {}), **part.get("properties", {})}
            required = [*whole.get("required", ()), *part.get("required", ())]
            whole.update(part)
            whole.update({"properties": properties, "required": required} if properties else {})
        return whole

    def _deeper(self, depth: int) -> int:
        if depth > _MAX_DEPTH:
            raise SchemaError("a schema refers to itself")
        return depth + 1

    def _referred(self, reference: str) -> Any:
        if not reference.startswith("#"):
            raise SchemaError(f"{reference} lies outside of the file")
        found: Any = self.document
        for part in filter(None, reference[1:].split("/")):
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise SchemaError(f"{reference} is not in the file")
            found = found[name]
        return found


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kinds = [one for one in kind if one != "null"]
        if len(kinds) != 1:
            raise SchemaError(f"one type is understood, got {kind}")
        kind = kinds[0]
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return str(kind)


def _leaf(schema: Mapping[str, Any], kind: str) -> Leaf:
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    texts = frozenset(_text(one) for one in values if one is not None)
    if kind in ("number", "integer"):
        return Leaf("decimal" if kind == "number" else "integer", values=texts)
    if kind == "boolean":
        return Leaf("boolean", values=texts)
    pattern = schema.get("pattern")
    try:
        patterns = (_anchored(str(pattern)),) if pattern is not None else ()
    except re.error:
        patterns = ()  # what only ECMA 262 has: left to validation
    base = _FORMATS.get(str(schema.get("format", "")), "string")
    return Leaf(base, int(schema.get("minLength", 0)), schema.get("maxLength"), patterns, texts)


def _anchored(pattern: str) -> str:
    """JSON Schema looks for a pattern anywhere in the text; a Leaf's patterns match it all."""
    start = "" if pattern.startswith("^") else "(?s:.*)"
    end = "" if pattern.endswith("$") and not pattern.endswith("\\$") else "(?s:.*)"
    inner = pattern.removeprefix("^")
    inner = inner[:-1] if not end else inner
    re.compile(f"(?:{inner})")
    return f"{start}(?:{inner}){end}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
