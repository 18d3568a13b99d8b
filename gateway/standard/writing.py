"""From pieces to the canonical bytes of a body (exclusive C14N of itself), and back to text.

Canonical form: UTF-8, the default namespace declared on the root, no white space between elements,
no empty-element tags; in text `&`, `<`, `>` and carriage return are escaped and nothing else.
"""

from __future__ import annotations

import re

from gateway.standard.generate import Misfit

# What XML 1.0 cannot hold (production 2), and half surrogates, which UTF-8 cannot.
ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#xD;"})


def write_body(parts: list[str]) -> bytes:
    """Bytes of pieces in threes (markup, value, markup); Misfit where a value is no text or no XML."""
    try:
        text = "".join(parts[1::3])
    except TypeError as error:
        raise Misfit("a value is not text") from error
    # isprintable and the searches are single passes in C; a pattern over all text costs as much as the rest.
    if not text.isprintable() or "&" in text or "<" in text or ">" in text:
        if ILLEGAL.search(text):
            raise Misfit("a character that XML cannot hold")
        parts[1::3] = [value.translate(_ESCAPED) for value in parts[1::3]]
    return "".join(parts).encode()


def escape(text: str) -> str:
    """Text as it stands in the canonical form."""
    return text.translate(_ESCAPED)
