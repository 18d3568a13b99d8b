"""JSON schemas as the calls of /v1/ops describe their answers with them."""

from __future__ import annotations

from typing import Any

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
FLAG: dict[str, Any] = {"type": "boolean"}


def object_(required: tuple[str, ...] = (), /, **properties: Any) -> dict[str, Any]:
    """All properties are required unless some are named."""
    return {"type": "object", "required": list(required or properties), "properties": properties}


def list_(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def texts(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, TEXT)


def numbers(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, NUMBER)
