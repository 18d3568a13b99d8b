"""What a JOSE token may not do: choose its algorithm, bring its key, hide what it means."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.security import base64url, jose, keywrap, signing
from gateway.security.claimset import claims_as_members, read_object
from gateway.security.identity import Identity
from gateway.security.jose import _encrypt as encrypt
from gateway.security.suite import Peer, SealError, Unsealed
from tests.unit.security.partners import CASES, NOW, Case, Partners, claims_of

EC = CASES[0]
RSA = CASES[1]
PAYLOAD = b'{"a": 1}'


def write(value: Any) -> bytes:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64url.encode(data)


def header_of(signer: Identity, **changed: Any) -> dict[str, Any]:
    header = {
        "alg": "ES256",
        "kid": signer.sign_cert.thumbprint,
        **claims_as_members(claims_of(signer.node)),
        **changed,
    }
    return {name: value for name, value in header.items() if value is not None}


def token(header: Any, signer: Identity, payload: bytes = PAYLOAD) -> bytes:
    """A JWS with any header at all, signed by ES256."""
    signed = write(header) + b"." + write(payload)
    return signed + b"." + write(signing.as_pair(signer.sign_text(signed)))


def open_token(partners: Partners, inner: bytes) -> Unsealed:
    """The gateway opens a JWS that somebody encrypted for it: anybody can."""
    peer = Peer("GW", {}, partners.gateway["ec"].decrypt_cert)
    return partners.unseal(EC, encrypt(inner, peer))


def open_jwe(partners: Partners, changed: dict[str, Any], *, key: bytes | None = None) -> Unsealed:
    """The gateway opens a right JWS inside a JWE whose header says something else."""
    signer, receiver = partners.platforms["P-EC"], partners.gateway["ec"].decrypt_cert
    content_key = key or b"k" * 32
    more, wrapped = keywrap.wrap(receiver.public_key, content_key)
    header = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM", "kid": receiver.thumbprint, **more, **changed}
    text = write({name: value for name, value in header.items() if value is not None})
    sealed = AESGCM(content_key).encrypt(b"n" * 12, token(header_of(signer), signer), text)
    parts = (wrapped, b"n" * 12, sealed[:-16], sealed[-16:])
    return partners.unseal(EC, b".".join((text, *map(write, parts))))


def test_the_way_of_these_tests_makes_a_right_token(partners: Partners) -> None:
    signer = partners.platforms["P-EC"]
    assert open_token(partners, token(header_of(signer), signer)).claims == claims_of("P-EC")
    assert open_jwe(partners, {}).payload == PAYLOAD


def test_members_that_are_not_known_are_ignored(partners: Partners) -> None:
    signer = partners.platforms["P-EC"]
    assert open_token(partners, token(header_of(signer, typ="JOSE", later=[1]), signer)).payload == PAYLOAD


@pytest.mark.parametrize(
    "changed",
    [
        {"alg": "none"},
        {"alg": None},
        {"alg": "RS256"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False},
        {"zip": "DEF"},
        {"jwk": {"kty": "EC"}},
        {"jku": "https://evil.example/keys"},
        {"x5c": ["MII"]},
        {"x5u": "https://evil.example/cert"},
        {"kid": None},
        {"kid": "unknown"},
        {"kid": 5},
        {"iss": "P-RSA"},
        {"iss": None},
        {"iss": 7},
        {"aud": ["GW", "P-RSA"]},
        {"idk": ""},
        {"idk": "k" * 257},
        {"jti": "a\nb"},
        {"cty": None},
        {"iat": "1777863721"},
        {"iat": 1777863721.5},
        {"iat": True},
        {"iat": -1},
        {"iat": 10**20},
        {"pad": "x" * 4096},
    ],
    ids=str,
)
def test_a_header_that_says_more_or_less_than_it_may_is_refused(
    changed: dict[str, Any], partners: Partners
) -> None:
    signer = partners.platforms["P-EC"]
    with pytest.raises(SealError):
        open_token(partners, token(header_of(signer, **changed), signer))


def test_a_token_without_signature_is_refused(partners: Partners) -> None:
    signer = partners.platforms["P-EC"]
    header = header_of(signer, alg="none")
    for inner in (
        write(header) + b"." + write(PAYLOAD) + b".",
        write(header_of(signer)) + b"." + write(PAYLOAD) + b".",
        write(header_of(signer)) + b"." + write(PAYLOAD),
        PAYLOAD,
    ):
        with pytest.raises(SealError):
            open_token(partners, inner)


def test_a_public_key_is_no_hmac_secret(partners: Partners) -> None:
    signer = partners.platforms["P-EC"]
    signed = write(header_of(signer, alg="HS256")) + b"." + write(PAYLOAD)
    for secret in (signer.sign_cert.pem, signer.sign_cert.der):
        mac = hmac.new(secret, signed, hashlib.sha256).digest()
        with pytest.raises(SealError):
            open_token(partners, signed + b"." + write(mac))


def test_header_and_payload_cannot_be_put_together_anew(partners: Partners) -> None:
    signer = partners.platforms["P-EC"]
    first, second = token(header_of(signer), signer), token(header_of(signer, idk="2"), signer, b"[]")
    h1, p1, s1 = first.split(b".")
    h2, p2, s2 = second.split(b".")
    for parts in ((h1, p2, s1), (h2, p1, s1), (h1, p1, s2), (h1, p2, s2)):
        with pytest.raises(SealError):
            open_token(partners, b".".join(parts))


def test_a_header_that_is_no_plain_json_object_is_refused(partners: Partners) -> None:
    signer = partners.platforms["P-EC"]
    right = json.dumps(header_of(signer))
    for text in (
        "[]",
        '"x"',
        "null",
        right[:-1] + ', "alg": "ES256"}',  # a member twice
        right[:-1] + ', "deep": {"a": 1, "a": 2}}',
        right[:-1] + ', "n": NaN}',
        right[:-1] + ', "deep": ' + "[" * 1500 + "]" * 1500 + "}",
        right + " x",
        "{",
    ):
        with pytest.raises(SealError):
            open_token(partners, token(text.encode(), signer))
    with pytest.raises(SealError):
        open_token(partners, token(b"\xff" + right.encode(), signer))


def test_deep_json_is_refused_without_overflowing() -> None:
    with pytest.raises(ValueError):
        read_object(b'{"a":' + b"[" * 100_000)


@pytest.mark.parametrize(
    "changed",
    [
        {"alg": "dir"},
        {"alg": "ECDH-ES"},
        {"alg": "RSA-OAEP-256"},
        {"alg": "RSA1_5"},
        {"alg": "PBES2-HS256+A128KW"},
        {"enc": "A128CBC-HS256"},
        {"enc": "A128GCM"},
        {"enc": None},
        {"zip": "DEF"},
        {"crit": ["x"], "x": 1},
        {"jwk": {}},
        {"kid": "somebody-else"},
        {"epk": None},
        {"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}},
        {"epk": {"kty": "OKP", "crv": "X25519", "x": "AA"}},
        {"epk": "AA"},
        {"apu": 5},
        {"apu": "Zm9v"},  # part of the derivation: another key comes out
    ],
    ids=str,
)
def test_an_encryption_header_that_was_changed_is_refused(
    changed: dict[str, Any], partners: Partners
) -> None:
    with pytest.raises(SealError):
        open_jwe(partners, changed)


def test_an_ephemeral_point_off_the_curve_is_refused(partners: Partners) -> None:
    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    x, y = (base64url.encode(value.to_bytes(32, "big")).decode() for value in (numbers.x, numbers.y ^ 1))
    with pytest.raises(SealError):
        open_jwe(partners, {"epk": {"kty": "EC", "crv": "P-256", "x": x, "y": y}})


def test_the_token_says_which_of_several_identities_it_is_for(partners: Partners) -> None:
    for case in (EC, RSA):
        sealed = partners.seal(case)
        assert partners.unseal(case, sealed).claims.sender == case.node
        other = partners.gateway["rsa" if case is EC else "ec"]
        with pytest.raises(SealError) as error:
            partners.unseal(case, sealed, recipient=other)
        assert "another certificate" in error.value.cause_text


def test_a_token_without_kid_is_for_the_only_identity(partners: Partners) -> None:
    with pytest.raises(SealError):
        open_jwe(partners, {"kid": None})  # the tests' gateway has several
    signer, receiver = partners.platforms["P-EC"], partners.gateway["ec"]
    more, wrapped = keywrap.wrap(receiver.decrypt_cert.public_key, b"k" * 32)
    text = write({"alg": "ECDH-ES+A256KW", "enc": "A256GCM", **more})
    sealed = AESGCM(b"k" * 32).encrypt(b"n" * 12, token(header_of(signer), signer), text)
    data = b".".join((text, *map(write, (wrapped, b"n" * 12, sealed[:-16], sealed[-16:]))))
    assert jose.jose.unseal(data, receiver, partners.trust, NOW).payload == PAYLOAD


def test_a_key_that_cannot_be_opened_fails_as_the_content_does(partners: Partners) -> None:
    """No difference to see between a wrong key and wrong content (RFC 7516 section 11.5)."""
    for case in (EC, RSA):
        head, key, nonce, content, tag = partners.seal(case).split(b".")
        changed = base64url.encode(bytes(len(base64url.decode(key))))
        causes = set()
        for parts in (
            (head, changed, nonce, content, tag),
            (head, key, nonce, content, base64url.encode(b"t" * 16)),
        ):
            with pytest.raises(SealError) as error:
                partners.unseal(case, b".".join(parts))
            causes.add(error.value.cause_text)
        assert causes == {"InvalidTag"}


def test_an_sm2_key_signs_no_jose(partners: Partners) -> None:
    signer = partners.platforms["P-SM2"]
    with pytest.raises(ValueError):
        partners.seal(Case("jose", "P-SM2"), signer=signer)
    for algorithm in ("SM2", "", None, "ES256"):
        header = header_of(signer, alg=algorithm)
        with pytest.raises(SealError):
            open_token(partners, token(header, signer))


def test_base64url_has_one_text_for_one_value() -> None:
    for data in (b"", b"a", b"ab", b"abc", b"\xfb\xff\xfe", bytes(range(256))):
        assert base64url.decode(base64url.encode(data)) == data
    for text in (b"YQ==", b"YQ=", b"YR", b"Y", b"YWI=", b"YWJ", b"+/8", b"-_ 8", b"YW\nJj", b"\xff\xff"):
        with pytest.raises(ValueError):
            base64url.decode(text)
