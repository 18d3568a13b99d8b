"""SM4-GCM by two libraries: the same bytes, and both see every change."""

from __future__ import annotations

import secrets

import pytest
from cryptography.exceptions import InvalidTag

from gateway.security import gcrypt
from gateway.security.aead import Aead, Sm4Gcm, aead


@pytest.fixture
def pair() -> tuple[Aead, Aead]:
    library = gcrypt.load()
    if library is None:
        pytest.skip("libgcrypt is not installed")
    key = secrets.token_bytes(16)
    return gcrypt.GcryptSm4Gcm(library, key), Sm4Gcm(key)


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4096, 262_144, 1_000_003])
@pytest.mark.parametrize("associated", [None, b"", b"head"])
def test_both_libraries_seal_alike(pair: tuple[Aead, Aead], size: int, associated: bytes | None) -> None:
    one, other = pair
    nonce, data = secrets.token_bytes(12), secrets.token_bytes(size)
    sealed = one.encrypt(nonce, data, associated)
    assert sealed == other.encrypt(nonce, data, associated)
    assert one.decrypt(nonce, sealed, associated) == data == other.decrypt(nonce, sealed, associated)


def test_every_change_is_seen(pair: tuple[Aead, Aead]) -> None:
    nonce, data = secrets.token_bytes(12), secrets.token_bytes(50)
    sealed = pair[0].encrypt(nonce, data, b"head")
    changed = [sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :] for at in range(len(sealed))]
    for aead_ in pair:
        for one in (*changed, sealed[:-1], sealed[1:], b"", sealed[-16:], sealed[-15:]):
            with pytest.raises(InvalidTag):
                aead_.decrypt(nonce, one, b"head")
        for wrong in (b"Head", None):
            with pytest.raises(InvalidTag):
                aead_.decrypt(nonce, sealed, wrong)


def test_a_key_has_its_length() -> None:
    for cipher, size in (("A256GCM", 16), ("SM4-GCM", 32), ("SM4-GCM", 15)):
        with pytest.raises(ValueError, match="bytes"):
            aead(cipher, bytes(size))  # type: ignore[arg-type]
