"""base64url without padding (RFC 7515 section 2), strict: one text for one value, nothing else decodes.

Both ways are pybase64's: a message is coded twice on its way in and out, and with vector instructions that
takes a sixth of what any other codec at hand takes. It is more liberal than we are: padding, the letters of
plain base64 and unused bits at the end are looked for here. Short texts (keys, nonces, signatures: a dozen a
message) are binascii's, which takes half as long to be called.
"""

from __future__ import annotations

import binascii

import pybase64

_QUANTUM = 4  # characters for three bytes
# By the characters of the last quantum: those it may end with, whose unused bits are zero.
_ENDS = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
_PADDING = (b"", b"=", b"==", b"=")  # of one character alone nothing can be made
_SHORT = 128
_LETTERS = bytes(
    at if at < 128 and chr(at).isalnum() else {ord("-"): ord("+"), ord("_"): ord("/")}.get(at, ord("!"))
    for at in range(256)
)


def encode(data: bytes) -> bytes:
    return pybase64.urlsafe_b64encode(data).rstrip(b"=")


def decode(text: bytes) -> bytes:
    """ValueError for white space, padding, other alphabets and unused bits that are not zero."""
    rest = len(text) % _QUANTUM
    if rest and text[-1] not in _ENDS[rest]:
        raise ValueError("not canonical base64url")
    if len(text) > _SHORT and (b"=" in text or b"+" in text or b"/" in text):
        raise ValueError("not base64url")
    try:
        if len(text) <= _SHORT:  # what is not of the alphabet becomes a letter of none
            return binascii.a2b_base64(text.translate(_LETTERS) + _PADDING[rest], strict_mode=True)
        return pybase64.b64decode(text + b"=" * (-rest % _QUANTUM), b"-_", True)
    except binascii.Error:
        # Its own text would quote what was to be decoded.
        raise ValueError("not base64url") from None
