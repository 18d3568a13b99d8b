"""GB/T 35275 structures: what partners' devices write differently is read, what is forged is refused."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from gateway.digests import sm3
from gateway.security import der, gmcms
from gateway.security.claimset import claims_as_members
from gateway.security.gm import _decrypt, _find_recipient, _write_time
from gateway.security.identity import Identity
from gateway.security.suite import SealError, Unsealed
from tests.unit.security.partners import CASES, NOW, Partners, claims_of

CBC, GCM = CASES[3], CASES[4]
PAYLOAD = b"<MOF/>"
AT = int(NOW.timestamp())


def attributes_of(signer: Identity, payload: bytes = PAYLOAD, **changed: Any) -> dict[bytes, bytes]:
    members = claims_as_members(claims_of(signer.node, **changed))
    return {
        gmcms.CONTENT_TYPE: gmcms.DATA,
        gmcms.MESSAGE_DIGEST: der.write(der.OCTETS, sm3(payload)),
        gmcms.SIGNING_TIME: _write_time(AT),
        gmcms.CLAIMS: der.write(der.OCTETS, json.dumps(members).encode()),
    }


def sign(signer: Identity, attributes: bytes, *, certificate: bytes | None = None) -> bytes:
    """A ContentInfo with signedData over any attributes at all."""
    own = signer.sign_cert
    inside = own.der if certificate is None else certificate
    return gmcms.write_signed(
        PAYLOAD, inside, own.issuer_and_serial, attributes, signer.sign_text(attributes)
    )


def padded(data: bytes) -> bytes:
    size = 16 - len(data) % 16
    return data + bytes((size,)) * size


def envelope(partners: Partners, blocks: bytes) -> bytes:
    """Whole blocks of plain bytes, encrypted for the gateway: anybody can."""
    certificate = partners.gateway["sm2"].decrypt_cert
    key, iv = secrets.token_bytes(16), secrets.token_bytes(16)
    encryptor = Cipher(algorithms.SM4(key), modes.CBC(iv)).encryptor()
    cipher = encryptor.update(blocks) + encryptor.finalize()
    return gmcms.write_envelope(
        certificate.issuer_and_serial,
        certificate.public_key.encrypt(key),  # type: ignore[union-attr,call-arg]
        iv,
        cipher,
    )


def open_signed(partners: Partners, signed: bytes) -> Unsealed:
    return partners.unseal(CBC, envelope(partners, padded(signed)))


def cause(partners: Partners, data: bytes) -> str:
    with pytest.raises(SealError) as error:
        partners.unseal(CBC, data)
    return error.value.cause_text


def plain_of(partners: Partners, sealed: bytes) -> bytes:
    read = gmcms.read_envelope(sealed)
    identity, key = _find_recipient(read, partners.gateway["sm2"])
    return _decrypt(read, identity, key)


def test_the_way_of_these_tests_makes_a_right_message(partners: Partners) -> None:
    signer = partners.platforms["P-SM2"]
    found = open_signed(partners, sign(signer, gmcms.write_attributes(attributes_of(signer))))
    assert (found.payload, found.claims) == (PAYLOAD, claims_of("P-SM2"))


def test_a_signer_may_leave_its_certificate_out(partners: Partners) -> None:
    """Then issuer and serial number must name a registered one."""
    signer, stranger = partners.platforms["P-SM2"], partners.issue("sm2", name="P-SM2")
    for who, known in ((signer, True), (stranger, False)):
        signed = without_certificate(who, gmcms.write_attributes(attributes_of(signer)))
        if known:
            assert open_signed(partners, signed).certificate == signer.sign_cert
        else:
            assert "not registered" in cause(partners, envelope(partners, padded(signed)))


def without_certificate(who: Identity, attributes: bytes) -> bytes:
    whole = sign(who, attributes)
    certificate = der.write(der.CONTEXT_0_BUILT, who.sign_cert.der)
    body = der.Reader(whole).enter(der.SEQUENCE)
    body.element(der.OID)
    inner = body.enter(der.CONTEXT_0_BUILT).contents(der.SEQUENCE)
    assert certificate in inner
    bare = der.write(der.SEQUENCE, inner.replace(certificate, b""))
    return der.write(der.SEQUENCE, gmcms.SIGNED_DATA, der.write(der.CONTEXT_0_BUILT, bare))


def test_a_certificate_beside_that_is_not_the_signers_is_refused(partners: Partners) -> None:
    signer, other = partners.platforms["P-SM2"], partners.platforms["Q-SM2"]
    attributes = gmcms.write_attributes(attributes_of(signer))
    signed = sign(signer, attributes, certificate=other.sign_cert.der)
    assert "not registered" in cause(partners, envelope(partners, padded(signed)))


def test_what_is_inside_may_be_called_data_or_signed_data(partners: Partners) -> None:
    sealed = partners.seal(CBC)
    inner = der.write(der.SEQUENCE, gmcms.DATA)[2:]
    at = sealed.rindex(inner, 0, sealed.index(gmcms.SM4_CBC))
    as_signed = sealed[:at] + gmcms.SIGNED_DATA + sealed[at + len(inner) :]
    # The name now says that the bare SignedData is inside, which it is not: the ContentInfo is.
    assert cause(partners, as_signed)
    signer = partners.platforms["P-SM2"]
    whole = sign(signer, gmcms.write_attributes(attributes_of(signer)))
    body = der.Reader(whole).enter(der.SEQUENCE)
    body.element(der.OID)
    bare = body.enter(der.CONTEXT_0_BUILT).element(der.SEQUENCE)
    sealed = envelope(partners, padded(bare))
    at = sealed.rindex(inner, 0, sealed.index(gmcms.SM4_CBC))
    renamed = sealed[:at] + gmcms.SIGNED_DATA + sealed[at + len(inner) :]
    assert partners.unseal(CBC, renamed).payload == PAYLOAD


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({gmcms.CONTENT_TYPE: gmcms.SIGNED_DATA}, "content type"),
        ({gmcms.CONTENT_TYPE: None}, "content type"),
        ({gmcms.MESSAGE_DIGEST: der.write(der.OCTETS, sm3(b"other"))}, "not what was signed"),
        ({gmcms.MESSAGE_DIGEST: None}, "not what was signed"),
        ({gmcms.SIGNING_TIME: _write_time(AT - 61)}, "signing time"),
        ({gmcms.SIGNING_TIME: None}, "expected"),
        ({gmcms.SIGNING_TIME: der.write(der.UTC_TIME, b"99")}, "match"),
        ({gmcms.CLAIMS: None}, "expected"),
        ({gmcms.CLAIMS: der.write(der.OCTETS, b"{}")}, "claim"),
        ({gmcms.CLAIMS: der.write(der.OCTETS, b"x" * 5000)}, "too large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_attributes_that_do_not_say_what_they_must_are_refused(
    changed: dict[bytes, bytes | None], says: str, partners: Partners
) -> None:
    signer = partners.platforms["P-SM2"]
    values = {**attributes_of(signer), **changed}
    attributes = gmcms.write_attributes({oid: value for oid, value in values.items() if value is not None})
    assert says in cause(partners, envelope(partners, padded(sign(signer, attributes))))


def test_an_attribute_that_stands_twice_is_refused(partners: Partners) -> None:
    signer = partners.platforms["P-SM2"]
    attributes = der.Reader(gmcms.write_attributes(attributes_of(signer))).contents(der.SET)
    other = gmcms.write_attributes(
        {gmcms.CLAIMS: der.write(der.OCTETS, json.dumps(claims_as_members(claims_of("Q-SM2"))).encode())}
    )
    doubled = der.write(der.SET, attributes, der.Reader(other).contents(der.SET))
    assert "twice" in cause(partners, envelope(partners, padded(sign(signer, doubled))))


def test_unsigned_content_under_a_right_signature_is_refused(partners: Partners) -> None:
    signer = partners.platforms["P-SM2"]
    attributes = gmcms.write_attributes(attributes_of(signer))
    signed = sign(signer, attributes).replace(PAYLOAD, b"<FOM/>")
    assert "not what was signed" in cause(partners, envelope(partners, padded(signed)))


def test_two_signers_are_refused(partners: Partners) -> None:
    signer = partners.platforms["P-SM2"]
    whole = sign(signer, gmcms.write_attributes(attributes_of(signer)))
    body = der.Reader(whole).enter(der.SEQUENCE)
    body.element(der.OID)
    parts = body.enter(der.CONTEXT_0_BUILT).enter(der.SEQUENCE)
    first = [parts.element(tag) for tag in (der.INTEGER, der.SET, der.SEQUENCE, der.CONTEXT_0_BUILT)]
    info = parts.contents(der.SET)
    doubled = der.write(der.SEQUENCE, *first, der.write(der.SET, info, info))
    signed = der.write(der.SEQUENCE, gmcms.SIGNED_DATA, der.write(der.CONTEXT_0_BUILT, doubled))
    assert "goes on" in cause(partners, envelope(partners, padded(signed)))


def test_padding_is_judged_after_the_signature_and_exactly(partners: Partners) -> None:
    """CBC has no tag: were the padding judged first, its answer would decrypt the message bit by bit."""
    signed = plain_of(partners, partners.seal(GCM))
    size = 16 - len(signed) % 16
    right = signed + bytes((size,)) * size
    assert partners.unseal(CBC, envelope(partners, right)).claims == claims_of("P-SM2")
    wrong_last = signed + bytes((size,)) * (size - 1) + bytes((size ^ 1,))
    for blocks in (wrong_last, right + b"\x10" * 16, right + right, signed + b"\0" * size):
        assert cause(partners, envelope(partners, blocks)) == "something follows the signed structure"


def test_blocks_cannot_be_cut_swapped_or_repeated(partners: Partners) -> None:
    sealed = gmcms.read_envelope(partners.seal(CBC))
    ((issuer_and_serial, key),) = sealed.keys
    cipher, iv = sealed.cipher, sealed.parameter
    for changed_iv, changed in (
        (iv, cipher[:-16]),
        (iv, cipher[16:]),
        (iv, cipher[16:32] + cipher[:16] + cipher[32:]),
        (iv, cipher + cipher[-16:]),
        (iv, cipher[:-1]),
        (iv, b""),
        (bytes(16), cipher),
        (b"", cipher),
        (iv + iv, cipher),
    ):
        assert cause(partners, gmcms.write_envelope(issuer_and_serial, key, changed_iv, changed))


def test_a_changed_key_fails_as_changed_content_does(partners: Partners) -> None:
    sealed = gmcms.read_envelope(partners.seal(GCM))
    ((issuer_and_serial, key),) = sealed.keys
    for changed in (key[:-1] + bytes((key[-1] ^ 1,)), b"", key[:10], b"\0" * len(key)):
        data = gmcms.write_auth_envelope(issuer_and_serial, changed, sealed.parameter, sealed.cipher)
        assert cause(partners, data) == "InvalidTag"


def test_an_envelope_may_name_several_recipients(partners: Partners) -> None:
    sealed = partners.seal(CBC)
    read = gmcms.read_envelope(sealed)
    other = partners.platforms["Q-SM2"].decrypt_cert
    certificate = partners.gateway["sm2"].decrypt_cert
    assert read.keys[0][0] == certificate.issuer_and_serial
    recipients = gmcms._recipients(der.write_integer(1), *read.keys[0])
    stranger = gmcms._recipients(der.write_integer(1), other.issuer_and_serial, b"x" * 60)
    both = der.write(
        der.SET, der.Reader(stranger).contents(der.SET), der.Reader(recipients).contents(der.SET)
    )
    algorithm = der.write(der.SEQUENCE, gmcms.SM4_CBC, der.write(der.OCTETS, read.parameter))
    inner = der.write(der.SEQUENCE, gmcms.DATA, algorithm, der.write(der.CONTEXT_0, read.cipher))
    enveloped = der.write(der.SEQUENCE, der.write_integer(1), both, inner)
    data = der.write(der.SEQUENCE, gmcms.ENVELOPED_DATA, der.write(der.CONTEXT_0_BUILT, enveloped))
    assert partners.unseal(CBC, data).claims == claims_of("P-SM2")


def test_dates_after_2049_are_written_and_read() -> None:
    assert _write_time(2_524_607_999)[0] == der.UTC_TIME
    assert _write_time(2_524_608_000)[0] == der.GENERALIZED_TIME


@given(st.binary(max_size=400))
def test_der_is_written_minimally_and_read_back(data: bytes) -> None:
    element = der.write(der.OCTETS, data)
    reader = der.Reader(element)
    assert reader.contents(der.OCTETS) == data
    reader.finish()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x04",
        b"\x04\x05abc",
        b"\x04\x80abc\0\0",  # indefinite length
        b"\x04\x81\x03abc",  # not minimal
        b"\x04\x82\x00\x81" + b"x" * 129,
        b"\x04\x85\0\0\0\0\3abc",
        b"\x04\x82\x01",
        b"\x05\x03abc",
    ],
    ids=repr,
)
def test_der_that_is_not_der_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        der.Reader(data).contents(der.OCTETS)


@given(st.binary(max_size=200))
def test_nothing_but_a_value_error_comes_of_reading_anything(data: bytes) -> None:
    for read in (gmcms.read_envelope, lambda one: gmcms.read_signed(one, wrapped=True)):
        with pytest.raises(ValueError):
            read(b"\x30" + data)
