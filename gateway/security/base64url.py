"""base64url without padding (RFC 7515 section 2), strict: one text for one value, nothing else decodes.

Decoding is pydantic's: of the decoders at hand it takes a sixth of binascii's time, and a message is decoded
twice on its way in. It is more liberal than we are, so the alphabet is checked here.
"""

from __future__ import annotations

import base64

from pydantic import ConfigDict, TypeAdapter, ValidationError

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_decode = TypeAdapter(bytes, config=ConfigDict(val_json_bytes="base64")).validate_json


def encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """ValueError for white space, padding, other alphabets and unused bits that are not zero."""
    if text.translate(None, _ALPHABET):
        raise ValueError("not base64url")
    try:
        return _decode(b'"' + text + b'"')
    except ValidationError:
        # Its own text would quote what was to be decoded.
        raise ValueError("not canonical base64url") from None
