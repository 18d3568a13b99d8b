"""The published vectors of SM2, SM3 and SM4 (GM/T 0003.5, GM/T 0004, GB/T 32907, RFC 8998)."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from gateway.digests import sm3
from gateway.security import der
from gateway.security.aead import Sm4Gcm
from gateway.security.signing import from_pair
from gateway.security.sm2 import Sm2PrivateKey, Sm2PublicKey, is_on_curve

D = bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8")
POINT = bytes.fromhex(
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
R = "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
S = "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
MESSAGE = b"message digest"
SM4_KEY = bytes.fromhex("0123456789abcdeffedcba9876543210")


def test_sm4_of_one_block() -> None:
    encryptor = Cipher(algorithms.SM4(SM4_KEY), modes.ECB()).encryptor()
    assert encryptor.update(SM4_KEY).hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_a_million_times() -> None:
    update = Cipher(algorithms.SM4(SM4_KEY), modes.ECB()).encryptor().update
    block = SM4_KEY
    for _ in range(1_000_000):
        block = update(block)
    assert block.hex() == "595298c7c6fd271f0402f804c33d3f66"


def test_sm4_gcm_of_rfc_8998() -> None:
    nonce = bytes.fromhex("00001234567800000000ABCD")
    associated = bytes.fromhex("FEEDFACEDEADBEEFFEEDFACEDEADBEEFABADDAD2")
    plain = b"".join(bytes((value,)) * 8 for value in (0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF, 0xEE, 0xAA))
    sealed = bytes.fromhex(
        "17F399F08C67D5EE19D0DC9969C4BB7D5FD46FD3756489069157B282BB200735D82710CA5C22F0CCFA7CBF93D496AC15"
        "A56834CBCF98C397B4024A2691233B8D"
        "83DE3541E4C2B58177E065A9BF7B62EC"
    )
    assert Sm4Gcm(SM4_KEY).encrypt(nonce, plain, associated) == sealed
    assert Sm4Gcm(SM4_KEY).decrypt(nonce, sealed, associated) == plain
    for changed in (sealed[:-1] + b"\0", sealed[:-16], sealed[:8], b"\0" + sealed[1:]):
        with pytest.raises(InvalidTag):
            Sm4Gcm(SM4_KEY).decrypt(nonce, changed, associated)
    with pytest.raises(InvalidTag):
        Sm4Gcm(SM4_KEY).decrypt(nonce, sealed, associated + b"x")


def test_sm2_digests_identity_key_and_message() -> None:
    key = Sm2PublicKey(POINT)
    assert key.z.hex() == "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
    wanted = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"
    assert key.message_digest(MESSAGE).hex() == sm3(key.z + MESSAGE).hex() == wanted


def test_sm2_verifies_the_published_signature_and_no_other() -> None:
    key = Sm2PublicKey(POINT)
    signature = bytes.fromhex("3046022100" + R + "022100" + S)
    assert from_pair(bytes.fromhex(R + S)) == signature
    assert key.is_signed(signature, MESSAGE)
    assert not key.is_signed(signature, MESSAGE + b".")
    assert not key.is_signed(signature[:-1] + b"\0", MESSAGE)
    for nonsense in (b"", b"\x30", signature[:-1], b"\0" * 70, b"x" * 500):
        assert not key.is_signed(nonsense, MESSAGE)


def test_sm2_signs_with_the_published_key() -> None:
    key = Sm2PrivateKey(D, Sm2PublicKey(POINT))
    first, second = key.sign(MESSAGE), key.sign(MESSAGE)
    assert key.public_key.is_signed(first, MESSAGE)
    assert key.public_key.is_signed(second, MESSAGE)
    assert first != second, "the nonce must be fresh"


def ciphertext(x: str, y: str, c3: str, c2: str) -> bytes:
    """GM/T 0009: SEQUENCE { x, y, hash, cipher }."""
    return der.write(
        der.SEQUENCE,
        der.write_integer(int(x, 16)),
        der.write_integer(int(y, 16)),
        der.write(der.OCTETS, bytes.fromhex(c3)),
        der.write(der.OCTETS, bytes.fromhex(c2)),
    )


C1 = (
    "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73",
    "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0",
)
C3 = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766"
C2 = "21886CA989CA9C7D58087307CA93092D651EFA"


def test_sm2_decrypts_the_published_ciphertext() -> None:
    key = Sm2PrivateKey(D, Sm2PublicKey(POINT))
    assert key.decrypt(ciphertext(*C1, C3, C2)) == b"encryption standard"


def test_sm2_refuses_a_changed_ciphertext() -> None:
    key = Sm2PrivateKey(D, Sm2PublicKey(POINT))
    whole = ciphertext(*C1, C3, C2)
    wrong = [
        ciphertext(*C1, C3, "22" + C2[2:]),
        ciphertext(*C1, "5a" + C3[2:], C2),
        whole[:-1],
        b"",
        b"\x30\x00",
        b"\x30\x81",
        whole[:4],
    ]
    for changed in wrong:
        with pytest.raises(ValueError):
            key.decrypt(changed)


@given(st.sampled_from([b"", b"\x30\x81", b"\x30\x81\x7a\x02", b"\x30\x45\x02\x21"]), st.binary(max_size=150))
def test_sm2_refuses_any_nonsense_as_a_ciphertext(start: bytes, rest: bytes) -> None:
    key = Sm2PrivateKey(D, Sm2PublicKey(POINT))
    with pytest.raises(ValueError):
        key.decrypt(start + rest)


def test_sm2_refuses_a_point_that_is_not_on_the_curve() -> None:
    key = Sm2PrivateKey(D, Sm2PublicKey(POINT))
    off = f"{int(C1[1], 16) ^ 1:064x}"
    with pytest.raises(ValueError, match="not on the curve"):
        key.decrypt(ciphertext(C1[0], off, C3, C2))
    assert is_on_curve(POINT)
    assert not is_on_curve(POINT[:-1])
    assert not is_on_curve(b"\0" * 64)
    with pytest.raises(ValueError, match="curve"):
        Sm2PublicKey(POINT[:-1] + b"\0")


def test_an_sm2_pair_must_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        Sm2PrivateKey(b"\1" * 32, Sm2PublicKey(POINT))
    with pytest.raises(ValueError, match="range"):
        Sm2PrivateKey(b"\0" * 32, Sm2PublicKey(POINT))
