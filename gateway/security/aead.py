"""Authenticated encryption in GCM: AES-256 (NIST SP 800-38D) and SM4 (RFC 8998). Tags are 16 bytes."""

from __future__ import annotations

from typing import Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.security import gcrypt

CipherName = Literal["A256GCM", "SM4-GCM"]
NONCE_BYTES = 12
TAG_BYTES = 16
KEY_BYTES: dict[CipherName, int] = {"A256GCM": 32, "SM4-GCM": 16}


class Aead(Protocol):
    def encrypt(self, nonce: bytes, data: bytes, associated: bytes | None) -> bytes:
        """Ciphertext || tag. A nonce is never used twice under one key."""
        ...

    def decrypt(self, nonce: bytes, data: bytes, associated: bytes | None) -> bytes:
        """The plain bytes of ciphertext || tag; InvalidTag where anything was changed."""
        ...


class Sm4Gcm:
    """SM4-GCM with the interface of cryptography's AESGCM."""

    def __init__(self, key: bytes) -> None:
        self._algorithm = algorithms.SM4(key)

    def encrypt(self, nonce: bytes, data: bytes, associated: bytes | None) -> bytes:
        encryptor = Cipher(self._algorithm, modes.GCM(nonce)).encryptor()
        if associated:
            encryptor.authenticate_additional_data(associated)
        return encryptor.update(data) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, data: bytes, associated: bytes | None) -> bytes:
        if len(data) < TAG_BYTES:
            raise InvalidTag
        mode = modes.GCM(nonce, data[-TAG_BYTES:])
        decryptor = Cipher(self._algorithm, mode).decryptor()
        if associated:
            decryptor.authenticate_additional_data(associated)
        return decryptor.update(data[:-TAG_BYTES]) + decryptor.finalize()


def aead(cipher: CipherName, key: bytes) -> Aead:
    """ValueError for a key of the wrong length."""
    if len(key) != KEY_BYTES[cipher]:
        raise ValueError(f"a key of {cipher} has {KEY_BYTES[cipher]} bytes")
    if cipher == "A256GCM":
        return AESGCM(key)
    library = gcrypt.load()
    return Sm4Gcm(key) if library is None else gcrypt.GcryptSm4Gcm(library, key)
