"""JSON bodies of the calls without a sealed body, as /openapi.json describes them."""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
TICKET: dict[str, Any] = {
    "type": "object",
    "required": ["Target", "Subject"],
    "additionalProperties": False,
    "properties": {
        "Target": TEXT,
        "TargetUrl": TEXT,
        "BizContext": TEXT,
        "ClientIp": TEXT,
        "Subject": {
            "type": "object",
            "required": ["UserId", "LegalCode", "LegalName", "AuthMethod", "SessionId"],
            "additionalProperties": False,
            "properties": dict.fromkeys(("UserId", "LegalCode", "LegalName", "UserName", "Roles", "AuthMethod", "SessionId"), TEXT),
        },
    },
}  # fmt: skip
LEASE: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {"Most": {"type": "integer", "minimum": 1, "maximum": 100}},
}
_DELIVERY: dict[str, Any] = {
    "Id": {"type": "integer", "minimum": 1, "maximum": 2**63 - 1},
    "Lease": {"type": "string", "minLength": 1, "maxLength": 200},
}
CONFIRM: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "Taken": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["Id", "Lease"],
                "additionalProperties": False,
                "properties": _DELIVERY,
            },
        },
        "Failed": {
            "type": "array",
            "maxItems": 100,
            "items": {
                "type": "object",
                "required": ["Id", "Lease", "Code"],
                "additionalProperties": False,
                "properties": {
                    **_DELIVERY,
                    "Code": {"type": "string", "minLength": 1, "maxLength": 40},
                    "Text": {"type": "string", "maxLength": 500},
                    "Final": {"type": "boolean"},
                },
            },
        },
    },
}
REDEEM: dict[str, Any] = {
    "type": "object",
    "required": ["Ticket"],
    "additionalProperties": False,
    "properties": {"Ticket": TEXT, "ClientIp": TEXT},
}
