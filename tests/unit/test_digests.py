"""SM3 and SHA-256: the published values, streamed and whole; an interpreter that lacks SM3 says so."""

from __future__ import annotations

import hashlib
import importlib

import pytest

from gateway import digests

ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
LONG = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"


def test_sm3_gives_the_published_values() -> None:
    assert digests.sm3_hex(b"abc") == ABC and digests.sm3(b"abcd" * 16).hex() == LONG
    assert digests.sm3_hex(b"abc") == ABC  # nothing of the digests before is left in it


@pytest.mark.parametrize(("algorithm", "whole"), [("sm3", digests.sm3_hex), ("sha256", digests.sha256_hex)])
def test_pieces_come_to_the_digest_of_the_whole(algorithm: str, whole: object) -> None:
    digest, other = digests.new_digest(algorithm), digests.new_digest(algorithm)
    for piece in (b"ab", b"", b"c"):
        digest.update(piece)
    other.update(b"else")
    assert digest.hexdigest() == whole(b"abc") == digest.hexdigest()  # type: ignore[operator]


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError, match="md5"):
        digests.new_digest("md5")


def test_a_python_without_sm3_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(name: str) -> None:
        raise ValueError(f"unsupported hash type {name}")

    with monkeypatch.context() as patched:
        patched.setattr(hashlib, "new", lacks)
        with pytest.raises(RuntimeError, match="OpenSSL has no SM3"):
            importlib.reload(digests)
    importlib.reload(digests)
