"""One-time codes against the vectors of RFC 6238, appendix B (SHA-1, the last six digits)."""

from __future__ import annotations

import base64

import pytest

from gateway.security import totp

SECRET = base64.b32encode(b"12345678901234567890").decode()


@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_the_vectors_of_the_rfc_come_out(at_s: int, code: str) -> None:
    assert totp.code_at(SECRET, at_s) == code
    assert totp.find_step(SECRET, code, at_s) == at_s // 30


def test_a_code_counts_one_step_to_either_side_and_no_further() -> None:
    code = totp.code_at(SECRET, 6000)
    found = [totp.find_step(SECRET, code, at) for at in (5939, 5970, 6000, 6029, 6059, 6060)]
    assert found == [None, 200, 200, 200, 200, None]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "28708２", "-28708", "abcdef"])
def test_what_is_no_code_is_none(code: str) -> None:
    assert totp.find_step(SECRET, code, 59) is None


def test_people_type_codes_in_groups() -> None:
    assert totp.find_step(SECRET, "287 082", 59) == 1


def test_a_secret_has_160_bits_and_its_address_says_who() -> None:
    secret = totp.new_secret()
    assert len(base64.b32decode(secret)) == 20 and secret != totp.new_secret()
    uri = totp.provisioning_uri(secret, "li", "GGZY Gateway")
    assert uri.startswith("otpauth://totp/GGZY%20Gateway:li?") and f"secret={secret}" in uri


def test_recovery_codes_are_told_apart_and_read_as_people_type_them() -> None:
    codes = totp.new_recovery_codes()
    assert len(set(codes)) == totp.RECOVERY_CODES
    assert totp.recovery_hash(codes[0].upper().replace("-", " ")) == totp.recovery_hash(codes[0])
    assert len({totp.recovery_hash(code) for code in codes}) == len(codes)
