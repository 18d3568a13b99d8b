"""Attachments: any change to the stream is seen, at the latest at its end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.digests import sha256_hex, sm3_hex
from gateway.errors import MessageError
from gateway.message import Claims
from gateway.security.chunks import (
    MAGIC,
    ChunkOpener,
    ChunkSealer,
    FileHeader,
    new_header,
    open_header,
    seal_header,
)
from gateway.security.refusals import SealError
from gateway.security.suite import Peer
from tests.unit.security.partners import CASES, NOW, Case, Partners, claims_of

CHUNK = 1024
SEALED = b"sealed header"


def header_of(data: bytes, *, cipher: Any = "A256GCM") -> FileHeader:
    return new_header(f"sm3:{sm3_hex(data)}", len(data), cipher=cipher, chunk_size=CHUNK)


def chunks_of(header: FileHeader, data: bytes) -> list[bytes]:
    """The sealed chunks one by one."""
    sealer = ChunkSealer(header)
    stream = sealer.feed(data) + sealer.finish()
    size = CHUNK + 16
    return [stream[at : at + size] for at in range(0, len(stream), size)]


def open_chunks(header: FileHeader, chunks: Iterable[bytes], *, piece: int = 700) -> bytes:
    def open_sealed(sealed: bytes) -> FileHeader:
        assert sealed == SEALED
        return header

    stream = MAGIC + len(SEALED).to_bytes(4, "big") + SEALED + b"".join(chunks)
    opener, plain = ChunkOpener(open_sealed), b""
    for at in range(0, len(stream), piece):
        plain += opener.feed(stream[at : at + piece])
    assert opener.finish() is header
    return plain


def refused(header: FileHeader, chunks: Iterable[bytes]) -> str:
    with pytest.raises(MessageError) as error:
        open_chunks(header, chunks)
    assert error.value.result == "30010"
    return error.value.faults[0].code


@pytest.mark.parametrize("cipher", ["A256GCM", "SM4-GCM"])
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 5 * CHUNK + 7])
def test_a_file_comes_out_whole(size: int, cipher: str) -> None:
    data = bytes(index % 251 for index in range(size))
    header = header_of(data, cipher=cipher)
    chunks = chunks_of(header, data)
    assert len(chunks) == header.chunks
    assert sum(map(len, chunks)) == header.wire_bytes
    for piece in (1, 17, 700, 10_000):
        assert open_chunks(header, chunks, piece=piece) == data


@given(st.binary(max_size=5000), st.integers(1, 3000))
def test_the_pieces_in_which_it_is_fed_do_not_matter(data: bytes, piece: int) -> None:
    header = header_of(data)
    sealer = ChunkSealer(header)
    stream = (
        b"".join(sealer.feed(data[at : at + piece]) for at in range(0, len(data), piece)) + sealer.finish()
    )
    assert stream == b"".join(chunks_of(header, data))
    assert open_chunks(header, [stream], piece=piece) == data


DATA = b"".join(bytes((index,)) * CHUNK for index in range(4)) + b"rest"


def test_what_was_changed_cut_swapped_repeated_or_added_is_refused() -> None:
    header = header_of(DATA)
    a, b, c, d, e = chunks_of(header, DATA)
    assert open_chunks(header, [a, b, c, d, e]) == DATA
    flipped = bytes((b[0] ^ 1,)) + b[1:]
    assert refused(header, [a, flipped, c, d, e]) == "attachment.changed"
    assert refused(header, [a, c, b, d, e]) == "attachment.changed"
    assert refused(header, [a, a, c, d, e]) == "attachment.changed"
    assert refused(header, [a, b, c, e]) == "attachment.cut"
    assert refused(header, [a, b, c, d]) == "attachment.cut"
    assert refused(header, [a, b, c, d, e[:-1]]) == "attachment.cut"
    assert refused(header, []) == "attachment.cut"
    assert refused(header, [a, b, c, d, e, b"x"]) == "attachment.trailing"
    assert refused(header, [a, b, c, d, e, e]) == "attachment.trailing"


def test_a_last_chunk_cannot_be_made_of_one_in_the_middle() -> None:
    """The header that was signed says where the end is; a shorter one does not open what was not last."""
    data = DATA[: 4 * CHUNK]
    header = header_of(data)
    shorter = replace(header, size=2 * CHUNK, digest=f"sm3:{sm3_hex(data[: 2 * CHUNK])}")
    assert refused(shorter, chunks_of(header, data)[:2]) == "attachment.changed"


def test_chunks_of_another_file_do_not_fit() -> None:
    first, second = header_of(DATA), header_of(DATA)
    assert first.key != second.key
    chunks = chunks_of(first, DATA)
    assert refused(first, [*chunks[:2], chunks_of(second, DATA)[2], *chunks[3:]]) == "attachment.changed"


def test_a_sender_that_names_another_digest_is_caught_at_the_end() -> None:
    header = header_of(DATA)
    chunks = chunks_of(header, DATA)
    lying = replace(header, digest=f"sm3:{sm3_hex(b'other')}")
    assert refused(lying, chunks) == "attachment.digest"


def test_a_sealer_does_not_finish_what_is_not_the_file() -> None:
    for data in (DATA[:-1], DATA + b"x"):
        sealer = ChunkSealer(header_of(DATA))
        sealer.feed(data)
        with pytest.raises(ValueError, match="not the one"):
            sealer.finish()


def test_what_is_not_the_format_is_refused_at_once() -> None:
    def never(sealed: bytes) -> FileHeader:
        raise AssertionError(sealed)

    for start in (b"x", b"GWA2", b"%PDF-1.7", MAGIC + b"\xff\xff\xff\xff"):
        with pytest.raises(MessageError) as error:
            ChunkOpener(never).feed(start)
        assert error.value.result == "30010"
    opener = ChunkOpener(never)
    assert opener.feed(MAGIC + b"\0\0\0\5hell") == b""
    with pytest.raises(MessageError):
        opener.finish()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_header_is_sealed_by_every_suite(case: Case, partners: Partners) -> None:
    digest = f"sha256:{sha256_hex(DATA)}"
    header = new_header(digest, len(DATA), cipher="SM4-GCM" if case.suite == "gm" else "A256GCM")
    claims, gateway = claims_of(case.node), partners.gateway[case.kind]
    peer = Peer("GW", case.algorithms, gateway.decrypt_cert)
    start = seal_header(header, claims, case.with_suite, partners.platforms[case.node], peer)
    opened = []

    def open_sealed(sealed: bytes) -> FileHeader:
        found, unsealed = open_header(sealed, case.with_suite, gateway, partners.trust, NOW)
        opened.append(unsealed.claims)
        return found

    sealer, opener = ChunkSealer(header), ChunkOpener(open_sealed)
    assert opener.feed(start + sealer.feed(DATA) + sealer.finish()) == DATA
    assert opener.finish() == header
    (bound,) = opened
    assert bound == replace(claims, msg_type="attachment", idem_key=digest, content_type="application/json")


@pytest.mark.parametrize(
    "changed",
    [
        {"digest": "md5:00"},
        {"digest": "sm3:" + "A" * 64},
        {"digest": "sm3:00"},
        {"size": -1},
        {"size": "5"},
        {"size": True},
        {"size": 1 << 60},
        {"chunk": 0},
        {"chunk": 1 << 30},
        {"cipher": "none"},
        {"cipher": ["A256GCM"]},
        {"key": "AAAA"},
        {"key": "not base64"},
        {"key": None},
        {"prefix": "AAAA"},
    ],
    ids=str,
)
def test_a_signed_header_that_cannot_be_is_refused(changed: dict[str, Any], partners: Partners) -> None:
    members = {
        "digest": f"sm3:{sm3_hex(b'')}", "size": 0, "chunk": 1024, "cipher": "A256GCM",
        "key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "prefix": "AAAAAAAAAA==", **changed,
    }  # fmt: skip
    with pytest.raises(SealError):
        open_members(
            partners, members, claims_of("P-EC", msg_type="attachment", idem_key=str(members["digest"]))
        )


def open_members(partners: Partners, members: dict[str, Any], claims: Claims) -> FileHeader:
    sealed = partners.seal(CASES[0], json.dumps(members).encode(), claims=claims)
    return open_header(sealed, CASES[0].with_suite, partners.gateway["ec"], partners.trust, NOW)[0]


def test_a_header_is_bound_to_its_file(partners: Partners) -> None:
    digest = f"sm3:{sm3_hex(b'')}"
    members = {
        "digest": digest, "size": 0, "chunk": 1024, "cipher": "A256GCM",
        "key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "prefix": "AAAAAAAAAA==",
    }  # fmt: skip
    right = claims_of("P-EC", msg_type="attachment", idem_key=digest)
    assert open_members(partners, members, right).size == 0
    for wrong in (replace(right, msg_type="3001"), replace(right, idem_key="other")):
        with pytest.raises(SealError):
            open_members(partners, members, wrong)
