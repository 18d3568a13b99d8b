"""base64url is strict: it decodes exactly what it encodes, by the standard library's word."""

from __future__ import annotations

import base64
import re

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.security.base64url import decode, encode

NEAR = st.text("ABCDwxyz0189-_+/= \n\t\x00é", max_size=12).map(str.encode)


def expected(text: bytes) -> bytes | None:
    if not re.fullmatch(rb"[A-Za-z0-9_-]*", text) or len(text) % 4 == 1:
        return None
    value = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    return value if base64.urlsafe_b64encode(value).rstrip(b"=") == text else None


# Long texts go another way than short ones.
LONG = st.sampled_from([124, 128, 132, 400]).flatmap(lambda n: NEAR.map(lambda text: b"Q" * n + text))


@given(st.one_of(NEAR, LONG, st.binary(max_size=6), st.binary(max_size=100).map(encode)))
@example(b"Q" * 200 + b"QQ==")
@example(b"Q" * 200 + b"QR")
@example(b"Q" * 200 + b"8++B")
@example(b"Q" * 200 + b"8//B")
@example(b"Q" * 200 + b"QUI\n")
@example(b"QQ==")
@example(b"QR")
@example(b"QUJ")
@example(b"8++B")
@example(b"QUI\n")
def test_a_text_decodes_if_it_is_the_text_of_its_value(text: bytes) -> None:
    try:
        found = decode(text)
    except ValueError:
        assert expected(text) is None
    else:
        assert found == expected(text)


@given(st.binary(max_size=400))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    assert encode(data) == base64.urlsafe_b64encode(data).rstrip(b"=")
    assert decode(encode(data)) == data
