"""base64url without padding (RFC 7515 section 2), strict: one text for one value, nothing else decodes."""

from __future__ import annotations

import base64
import binascii

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# '+' and '/' must not be taken for '-' and '_': they become characters that no alphabet holds.
_TO_STANDARD = bytes.maketrans(b"-_+/", b"+/!!")
_PADDING = {0: b"", 2: b"==", 3: b"="}
# The unused bits of the last character must be zero; which characters those are, by length mod 4.
_LAST = {0: _ALPHABET, 2: _ALPHABET[::16], 3: _ALPHABET[::4]}


def encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """ValueError for white space, padding, other alphabets and unused bits that are not zero."""
    if not text:
        return b""
    rest = len(text) % 4
    if rest == 1 or text[-1] not in _LAST[rest]:
        raise ValueError("not canonical base64url")
    try:
        return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[rest], strict_mode=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
