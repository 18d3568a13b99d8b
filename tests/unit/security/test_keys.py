"""Certificates are read once and strictly; development keys are made once and kept."""

from __future__ import annotations

import base64
import hashlib
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.security import keys
from gateway.security.authority import private_pem
from gateway.security.identity import Identity
from gateway.security.refusals import SealError
from gateway.security.trust import Trust
from tests.unit.security.partners import KIND_OF, NOW, Partners


@pytest.mark.parametrize("node", sorted(KIND_OF))
def test_a_certificate_says_what_it_is(node: str, partners: Partners) -> None:
    certificate = partners.platforms[node].sign_cert
    digest = hashlib.sha256(certificate.der).digest()
    assert certificate.kind == KIND_OF[node]
    assert certificate.thumbprint == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert node in certificate.subject
    assert int(certificate.serial_hex, 16) > 0
    assert certificate.not_before == NOW - timedelta(days=1)
    assert certificate.not_after == certificate.not_before + timedelta(days=730)
    assert (certificate.may_sign, certificate.may_encrypt) == (True, False)
    assert not certificate.is_authority


def test_the_dual_certificates_have_their_own_keys_and_uses(partners: Partners) -> None:
    for one in (*partners.platforms.values(), *partners.gateway.values()):
        assert one.sign_cert != one.decrypt_cert
        assert (one.decrypt_cert.may_sign, one.decrypt_cert.may_encrypt) == (False, True)


def test_pem_and_der_are_the_same_certificate(partners: Partners) -> None:
    certificate = partners.platforms["P-SM2"].sign_cert
    assert keys.load_certificate(certificate.der) == certificate
    assert keys.load_certificate(certificate.pem) == certificate
    assert keys.load_certificate(certificate.pem + partners.roots[0].pem) == certificate


def test_every_leaf_is_issued_by_its_root_and_no_other(partners: Partners) -> None:
    for node, one in partners.platforms.items():
        fitting = "ec" if KIND_OF[node] == "ed25519" else KIND_OF[node]
        for kind, authority in partners.authorities.items():
            assert one.sign_cert.is_issued_by(authority.certificate) == (kind == fitting)
            assert not authority.certificate.is_issued_by(one.sign_cert)


def test_a_root_of_the_same_name_with_another_key_issued_nothing(partners: Partners) -> None:
    for kind in ("rsa", "ec", "sm2"):
        double = keys.make_authority(kind, NOW)
        assert double.certificate.subject_name == partners.authorities[kind].certificate.subject_name
        assert not partners.platforms[f"P-{kind.upper()}"].sign_cert.is_issued_by(double.certificate)


def test_a_leaf_cannot_issue(partners: Partners) -> None:
    leaf = partners.platforms["P-EC"]
    authority = keys.Authority(leaf.sign_key, leaf.sign_cert)
    _, below = keys.issue(authority, "below", "ec", "sign", NOW)
    assert below.issuer_name == leaf.sign_cert.subject_name
    assert not below.is_issued_by(leaf.sign_cert)


def test_a_changed_certificate_is_issued_by_nobody(partners: Partners) -> None:
    der = bytearray(partners.platforms["P-EC"].sign_cert.der)
    at = bytes(der).index(b"P-EC")
    der[at] ^= 1
    changed = keys.load_certificate(bytes(der))
    assert not changed.is_issued_by(partners.authorities["ec"].certificate)


def test_text_is_signed_and_verified_for_the_evidence_log(partners: Partners) -> None:
    receipt = keys.load_identity_from("GW", partners.folder / "GW" / "receipt")
    assert receipt.sign_cert.kind == "ec"
    signature = receipt.sign_text(b"log\n1\nroot")
    assert receipt.sign_cert.verify_text(b"log\n1\nroot", signature)
    assert not receipt.sign_cert.verify_text(b"log\n2\nroot", signature)
    assert not partners.platforms["P-EC"].sign_cert.verify_text(b"log\n1\nroot", signature)
    assert not receipt.sign_cert.verify_text(b"log\n1\nroot", b"nonsense")


@pytest.mark.parametrize(
    "data",
    [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\x30\x03\x02\x01\x01"],
)  # fmt: skip
def test_what_is_no_certificate_or_key_says_so(data: bytes) -> None:
    for load in (keys.load_certificate, keys.load_private_key):
        with pytest.raises(ValueError):
            load(data)


def as_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_weak_and_unknown_keys_are_refused() -> None:
    with pytest.raises(ValueError, match="2048"):
        keys.load_private_key(as_pem(rsa.generate_private_key(65537, 1024)))
    with pytest.raises(ValueError, match="P-256"):
        keys.load_private_key(as_pem(ec.generate_private_key(ec.SECP384R1())))


def test_an_encrypted_key_says_so() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    with pytest.raises(ValueError, match="key"):
        keys.load_private_key(key)


def test_a_critical_extension_that_is_not_understood_is_refused(partners: Partners) -> None:
    parsed = x509.Certificate.load(partners.platforms["P-EC"].sign_cert.der)
    extensions = parsed["tbs_certificate"]["extensions"]
    extensions.append({"extn_id": "1.2.3.4", "critical": True, "extn_value": b"\x05\x00"})
    parsed["tbs_certificate"]["extensions"] = extensions
    with pytest.raises(ValueError, match="critical"):
        keys.load_certificate(parsed.dump(force=True))


def test_a_key_must_fit_its_certificate(partners: Partners) -> None:
    def pems(one: Identity) -> tuple[bytes, bytes, bytes, bytes]:
        return (
            private_pem(one.sign_key),
            one.sign_cert.pem,
            private_pem(one.decrypt_key),
            one.decrypt_cert.pem,
        )

    one, other = pems(partners.platforms["P-SM2"]), pems(partners.platforms["Q-SM2"])
    assert keys.load_identity("P-SM2", *one).sign_cert.pem == one[1]
    for wrong in (
        (other[0], *one[1:]),
        (*one[:2], other[2], one[3]),
        pems(partners.platforms["P-EC"])[:1] + one[1:],
    ):
        with pytest.raises(ValueError, match="does not fit"):
            keys.load_identity("P-SM2", *wrong)


def test_private_keys_are_never_shown(partners: Partners) -> None:
    for one in partners.platforms.values():
        assert "sign_key" not in repr(one)
    sm2 = partners.platforms["P-SM2"].sign_key
    assert getattr(sm2, "secret").hex() not in repr(sm2)  # noqa: B009 - the union has other members


def snapshot(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_development_keys_are_made_once_and_readable_by_the_owner_alone(tmp_path: Path) -> None:
    nodes = {"P-SM2": "sm2", "GW": "all"}
    keys.write_development_certificates(tmp_path, nodes)
    first = snapshot(tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in first}
    assert {
        "root-rsa.crt", "root-ec.crt", "root-sm2.crt", "tls/server.crt", "tls/server.key", "P-SM2/sign.key",
        "P-SM2/encrypt.crt", "P-SM2/tls.crt", "GW/rsa/sign.key", "GW/ec/sign.crt", "GW/sm2/encrypt.key",
        "GW/ed25519/sign.crt", "GW/receipt.key", "GW/receipt.crt",
    } <= names  # fmt: skip
    for path in first:
        if path.suffix == ".key":
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    keys.write_development_certificates(tmp_path, nodes)
    assert snapshot(tmp_path) == first
    keys.write_development_certificates(tmp_path, {**nodes, "NEW": "ec"})
    more = snapshot(tmp_path)
    assert first.items() <= more.items()
    assert len(more) == len(first) + 6


def test_a_pair_without_its_certificate_is_made_anew(tmp_path: Path) -> None:
    """As after a crash between the two writes."""
    keys.write_development_certificates(tmp_path, {"P": "ec"})
    (tmp_path / "P" / "sign.crt").unlink()
    keys.write_development_certificates(tmp_path, {"P": "ec"})
    assert keys.load_identity_from("P", tmp_path / "P").node == "P"


def test_an_unknown_kind_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="rsa, ec, ed25519, sm2"):
        keys.write_development_certificates(tmp_path, {"P": "dsa"})


# Trust.


def test_trust_finds_by_thumbprint_and_by_issuer(partners: Partners) -> None:
    certificate = partners.platforms["P-SM2"].sign_cert
    assert partners.trust.find(certificate.thumbprint) == ("P-SM2", certificate)
    assert partners.trust.find_issued(certificate.issuer_and_serial) == ("P-SM2", certificate)
    assert partners.trust.find("nothing") is None
    assert partners.trust.find_issued(b"nothing") is None
    assert [platform for platform, _ in partners.trust.registered()] == sorted(KIND_OF)


def check_fails(partners: Partners, check: Callable[[], None], says: str) -> None:
    with pytest.raises(SealError) as error:
        check()
    assert says in error.value.cause_text


def test_trust_asks_for_registration_root_and_time(partners: Partners) -> None:
    certificate = partners.platforms["P-EC"].sign_cert
    trust = partners.trust
    trust.check(certificate, "P-EC", NOW)
    check_fails(partners, lambda: trust.check(certificate, "Q-EC", NOW), "not registered")
    check_fails(
        partners, lambda: trust.check(certificate, "P-EC", certificate.not_after + timedelta(1)), "valid"
    )
    stranger = partners.issue("ec", name="P-EC")
    check_fails(partners, lambda: trust.check(stranger.sign_cert, "P-EC", NOW), "not registered")
    rootless = partners.trusting("P-EC", roots=[])
    check_fails(partners, lambda: rootless.check(certificate, "P-EC", NOW), "no root")


def test_a_root_that_expired_carries_nothing() -> None:
    old = keys.make_authority("ec", NOW, days=10)
    _, certificate = keys.issue(old, "P", "ec", "sign", NOW, days=100)
    trust = Trust({"P": [certificate]}, [old.certificate])
    trust.check(certificate, "P", NOW)
    with pytest.raises(SealError) as error:
        trust.check(certificate, "P", NOW + timedelta(days=20))
    assert "root" in error.value.cause_text


def test_one_certificate_cannot_belong_to_two_platforms(partners: Partners) -> None:
    certificate = partners.platforms["P-EC"].sign_cert
    Trust({"P-EC": [certificate, certificate]}, partners.roots)
    with pytest.raises(ValueError, match="registered to P-EC and to Q-EC"):
        Trust({"P-EC": [certificate], "Q-EC": [certificate]}, partners.roots)


def test_a_client_certificate_for_tls_is_trusted_as_such(partners: Partners) -> None:
    tls = keys.load_certificate((partners.folder / "P-EC" / "tls.crt").read_bytes())
    trust = partners.trusting("P-EC", tls)
    trust.check(tls, "P-EC", NOW)
    check_fails(partners, lambda: trust.check_signer(tls, "P-EC", NOW), "not for signing")


def test_validity_is_compared_with_the_zone(partners: Partners) -> None:
    certificate = partners.platforms["P-EC"].sign_cert
    assert certificate.not_after.tzinfo is not None
    assert certificate.is_valid_at(datetime.now(UTC).replace(year=2026, month=6, day=1))
