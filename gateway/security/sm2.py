"""SM2 on sm2p256v1 with SM3: GB/T 32918 (GM/T 0003), encodings of GM/T 0009. The one door to gmssl.

A signature is DER SEQUENCE{r, s}; a ciphertext DER SEQUENCE{x, y, hash, cipher} (C1 C3 C2). Every public
point is checked to lie on the curve before it is used, those inside ciphertexts too: a point of another
curve would leak the private key. The digest Z of identity and key is computed once a key.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import gmssl_pyx
from cryptography.hazmat.primitives import hashes

from gateway.digests import sm3

CURVE_OID = "1.2.156.10197.1.301"
USER_ID = b"1234567812345678"
_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_A = _P - 3
_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_G = bytes.fromhex(
    "32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7"
    "BC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0"
)
_FAILURES = (gmssl_pyx.GmsslInnerError, ValueError, TypeError, OverflowError)
_SM3 = hashes.SM3()


def _digest_z(point: bytes) -> bytes:
    """Z of GB/T 32918.2: the user, the curve and the key in one digest."""
    bits = (len(USER_ID) * 8).to_bytes(2, "big")
    return sm3(bits + USER_ID + _A.to_bytes(32, "big") + _B.to_bytes(32, "big") + _G + point)


def is_on_curve(point: bytes) -> bool:
    """Is this a point of the curve, as 64 bytes X || Y?"""
    x, y = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
    return len(point) == 64 and x < _P and y < _P and (y * y - (x * x * x + _A * x + _B)) % _P == 0


@dataclass(frozen=True, slots=True)
class Sm2PublicKey:
    """`point` is X || Y, 64 bytes; ValueError unless it lies on the curve."""

    point: bytes
    z: bytes = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not is_on_curve(self.point):
            raise ValueError("the SM2 public key is not a point of the curve")
        object.__setattr__(self, "z", _digest_z(self.point))

    def message_digest(self, data: bytes) -> bytes:
        """e = SM3(Z || data), what SM2 really signs."""
        digest = hashes.Hash(_SM3)
        digest.update(self.z)
        digest.update(data)
        return digest.finalize()

    def is_signed(self, signature: bytes, data: bytes) -> bool:
        """Does the DER signature over `data` hold?"""
        try:
            return bool(gmssl_pyx.sm2_verify_sm3_digest(self.point, self.message_digest(data), signature))
        except _FAILURES:
            return False

    def encrypt(self, plain: bytes) -> bytes:
        """DER ciphertext of 1 to 255 bytes."""
        return bytes(gmssl_pyx.sm2_encrypt(self.point, plain))


@dataclass(frozen=True, slots=True)
class Sm2PrivateKey:
    """`secret` is the 32-byte number d, 1 ≤ d ≤ n - 2; ValueError if it does not fit the public key."""

    secret: bytes = field(repr=False)
    public_key: Sm2PublicKey

    def __post_init__(self) -> None:
        if len(self.secret) != 32 or not 1 <= int.from_bytes(self.secret, "big") <= _N - 2:
            raise ValueError("the SM2 private key is out of range")
        if not self.public_key.is_signed(self.sign(b"pair"), b"pair"):
            raise ValueError("the SM2 private key does not fit its public key")

    def sign(self, data: bytes) -> bytes:
        """The DER signature over `data`."""
        return bytes(gmssl_pyx.sm2_sign_sm3_digest(self.secret, self.public_key.message_digest(data)))

    def decrypt(self, cipher: bytes) -> bytes:
        """The plain bytes of a DER ciphertext; ValueError if it is not for this key or was changed."""
        if not is_on_curve(_ciphertext_point(cipher)):
            raise ValueError("the SM2 ciphertext holds a point that is not on the curve")
        try:
            return bytes(gmssl_pyx.sm2_decrypt(self.secret, cipher))
        except _FAILURES as error:
            raise ValueError("the SM2 ciphertext cannot be decrypted") from error


def generate() -> Sm2PrivateKey:
    """A new random key pair."""
    point, secret = gmssl_pyx.sm2_key_generate()
    return Sm2PrivateKey(bytes(secret), Sm2PublicKey(bytes(point)))


def _ciphertext_point(cipher: bytes) -> bytes:
    """X || Y of C1; ValueError if `cipher` is not the DER of GM/T 0009 with short-form integers."""
    place = 3 if cipher[1:2] == b"\x81" else 2
    coordinates = b""
    for _ in range(2):
        head = cipher[place : place + 2]
        if len(head) != 2 or head[0] != 0x02:
            raise ValueError("not an SM2 ciphertext")
        value = cipher[place + 2 : place + 2 + head[1]].lstrip(b"\0")
        if len(value) > 32:
            raise ValueError("not an SM2 ciphertext")
        coordinates += value.rjust(32, b"\0")
        place += 2 + head[1]
    return coordinates
