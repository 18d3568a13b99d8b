"""The claims as JSON members, alike in the JWS header and in the gm attribute (docs/architecture.md)."""

from __future__ import annotations

import json
from operator import itemgetter
from typing import Any

import orjson

from gateway.message import Claims

MAX_CHARS = 256
_texts = itemgetter("iss", "aud", "msg", "idk", "jti", "cty")


def claims_as_members(claims: Claims) -> dict[str, Any]:
    return {
        "iss": claims.sender,
        "aud": claims.receiver,
        "msg": claims.msg_type,
        "idk": claims.idem_key,
        "iat": claims.issued_at,
        "jti": claims.jti,
        "cty": claims.content_type,
    }


def check_members(members: dict[str, Any]) -> None:
    """ValueError where a member is missing or of the wrong type; texts are 1 to 256 visible ASCII characters
    and spaces."""
    try:
        texts = _texts(members)
        together = "".join(texts)
    except (KeyError, TypeError) as error:
        raise ValueError("a claim is missing or is not a text") from error
    # All at once: a token's claims are read four times on the way through.
    if (
        "" in texts
        or len(max(texts, key=len)) > MAX_CHARS
        or not (together.isascii() and together.isprintable())
    ):
        raise ValueError("a claim is not a short text")
    issued_at = members.get("iat")
    if type(issued_at) is not int or not 0 <= issued_at < 1 << 40:
        raise ValueError("the claim iat is not a time in seconds")


def read_claims(members: dict[str, Any]) -> Claims:
    """The claims among the members; ValueError as `check_members`."""
    check_members(members)
    return Claims(
        sender=members["iss"],
        receiver=members["aud"],
        msg_type=members["msg"],
        idem_key=members["idk"],
        issued_at=members["iat"],
        jti=members["jti"],
        content_type=members["cty"],
    )


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8; ValueError if it is none, or names a member twice at any depth.

    What orjson writes back byte for byte held nothing twice; all else goes the slow, strict way.
    """
    try:
        value = orjson.loads(data)
        if orjson.dumps(value) != data:
            value = _DECODER.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a JSON member is named twice")
    return found


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse)
