"""Agreement with the openssl command in both directions: the primitives of jose and gm, and certificates.

Debian's openssl has no CMS with SM2, so the gm structures are taken apart by its asn1parse and their parts
checked one by one.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from gateway.digests import sha256_hex, sm3_hex
from gateway.security import base64url, der, gmcms, signing
from gateway.security.authority import private_pem
from gateway.security.gm import _decrypt, _find_recipient
from gateway.security.identity import load_private_key
from gateway.security.jose import _decrypt as decrypt_token
from gateway.security.keys import load_certificate
from tests.interop.conftest import Run
from tests.unit.security.partners import CASES, NOW, Case, Partners

DISTID = ("-sigopt", "distid:1234567812345678")
DATA = "上海公共资源交易 \0 & 支付".encode() * 40


@pytest.fixture
def sm2(openssl: Run) -> Run:
    """openssl, if it was built with SM2."""
    if b"SM2" not in openssl("list", "-public-key-algorithms"):
        pytest.skip("this openssl has no SM2")
    return openssl


def write_pair(place: Path, partners: Partners, node: str) -> None:
    one = partners.platforms[node]
    (place / "key.pem").write_bytes(private_pem(one.sign_key))
    (place / "cert.pem").write_bytes(one.sign_cert.pem)


def public_pem(openssl: Run, place: Path) -> None:
    openssl("x509", "-in", "cert.pem", "-pubkey", "-noout", "-out", "pub.pem")
    assert (place / "pub.pem").exists()


@pytest.mark.parametrize(("node", "kind"), [("P-EC", "ec"), ("P-RSA", "rsa")])
def test_signatures_agree(node: str, kind: str, openssl: Run, partners: Partners, tmp_path: Path) -> None:
    one = partners.platforms[node]
    write_pair(tmp_path, partners, node)
    public_pem(openssl, tmp_path)
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "ours").write_bytes(one.sign_text(DATA))
    assert b"OK" in openssl("dgst", "-sha256", "-verify", "pub.pem", "-signature", "ours", "data")
    openssl("dgst", "-sha256", "-sign", "key.pem", "-out", "theirs", "data")
    theirs = (tmp_path / "theirs").read_bytes()
    assert signing.is_signed(one.sign_cert.public_key, theirs, DATA)
    assert not signing.is_signed(one.sign_cert.public_key, theirs, DATA[1:])


@pytest.mark.parametrize("case", CASES[:2], ids=str)
def test_openssl_verifies_the_signature_inside_a_token(
    case: Case, openssl: Run, partners: Partners, tmp_path: Path
) -> None:
    token = decrypt_token(partners.seal(case), partners.gateway[case.kind])
    signed, _, signature = token.rpartition(b".")
    raw = base64url.decode(signature)
    write_pair(tmp_path, partners, case.node)
    public_pem(openssl, tmp_path)
    (tmp_path / "signed").write_bytes(signed)
    (tmp_path / "signature").write_bytes(signing.from_pair(raw) if case.kind == "ec" else raw)
    assert b"OK" in openssl("dgst", "-sha256", "-verify", "pub.pem", "-signature", "signature", "signed")


def test_openssl_unwraps_the_key_of_an_rsa_token(openssl: Run, partners: Partners, tmp_path: Path) -> None:
    """RSA-OAEP-256 by openssl, A256GCM by the key that it found."""
    header, wrapped, nonce, content, tag = partners.seal(CASES[1]).split(b".")
    (tmp_path / "key.pem").write_bytes(private_pem(partners.gateway["rsa"].decrypt_key))
    (tmp_path / "wrapped").write_bytes(base64url.decode(wrapped))
    oaep = ["rsa_padding_mode:oaep", "rsa_oaep_md:sha256", "rsa_mgf1_md:sha256"]
    options = [part for option in oaep for part in ("-pkeyopt", option)]
    openssl("pkeyutl", "-decrypt", "-inkey", "key.pem", *options, "-in", "wrapped", "-out", "cek")
    cek = (tmp_path / "cek").read_bytes()
    decryptor = Cipher(
        algorithms.AES(cek), modes.GCM(base64url.decode(nonce), base64url.decode(tag))
    ).decryptor()
    decryptor.authenticate_additional_data(header)
    token = decryptor.update(base64url.decode(content)) + decryptor.finalize()
    assert json.loads(base64url.decode(token.split(b".")[0]))["iss"] == "P-RSA"


def test_digests_agree(openssl: Run, tmp_path: Path) -> None:
    for size in (0, 1, 63, 64, 65, 5000):
        data = secrets.token_bytes(size)
        assert sm3_hex(data).encode() in openssl("dgst", "-sm3", stdin=data)
        assert sha256_hex(data).encode() in openssl("dgst", "-sha256", stdin=data)


def test_sm2_signatures_agree(sm2: Run, partners: Partners, tmp_path: Path) -> None:
    one = partners.platforms["P-SM2"]
    write_pair(tmp_path, partners, "P-SM2")
    public_pem(sm2, tmp_path)
    (tmp_path / "data").write_bytes(DATA)
    (tmp_path / "ours").write_bytes(one.sign_text(DATA))
    verify = ("dgst", "-sm3", *DISTID, "-verify", "pub.pem", "-signature", "ours", "data")
    assert b"OK" in sm2(*verify)
    for _ in range(5):
        sm2("dgst", "-sm3", *DISTID, "-sign", "key.pem", "-out", "theirs", "data")
        assert signing.is_signed(one.sign_cert.public_key, (tmp_path / "theirs").read_bytes(), DATA)
    (tmp_path / "data").write_bytes(DATA[1:])
    assert b"failure" in sm2(*verify, ok=False).lower()


def test_sm2_encryption_agrees(sm2: Run, partners: Partners, tmp_path: Path) -> None:
    write_pair(tmp_path, partners, "P-SM2")
    public_pem(sm2, tmp_path)
    key = partners.platforms["P-SM2"].sign_key
    public = partners.platforms["P-SM2"].sign_cert.public_key
    for size in (1, 16, 32, 100):
        plain = secrets.token_bytes(size)
        (tmp_path / "ours").write_bytes(public.encrypt(plain))  # type: ignore[union-attr,call-arg]
        sm2("pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "ours", "-out", "plain")
        assert (tmp_path / "plain").read_bytes() == plain
        sm2("pkeyutl", "-encrypt", "-pubin", "-inkey", "pub.pem", "-in", "plain", "-out", "theirs")
        assert key.decrypt((tmp_path / "theirs").read_bytes()) == plain  # type: ignore[union-attr,call-arg]


def test_sm4_cbc_agrees(openssl: Run, tmp_path: Path) -> None:
    key, iv = secrets.token_bytes(16), secrets.token_bytes(16)
    options = ("enc", "-sm4-cbc", "-K", key.hex(), "-iv", iv.hex())
    theirs = openssl(*options, stdin=DATA)
    size = 16 - len(DATA) % 16
    encryptor = Cipher(algorithms.SM4(key), modes.CBC(iv)).encryptor()
    assert encryptor.update(DATA + bytes((size,)) * size) + encryptor.finalize() == theirs
    assert openssl(*options, "-d", stdin=theirs) == DATA


def test_openssl_opens_a_gm_envelope_part_by_part(sm2: Run, partners: Partners, tmp_path: Path) -> None:
    """The key by SM2, the content by SM4-CBC, the signature over the attributes by SM2 with SM3."""
    envelope = gmcms.read_envelope(partners.seal(CASES[3]))
    (tmp_path / "key.pem").write_bytes(private_pem(partners.gateway["sm2"].decrypt_key))
    (tmp_path / "wrapped").write_bytes(envelope.keys[0][1])
    sm2("pkeyutl", "-decrypt", "-inkey", "key.pem", "-in", "wrapped", "-out", "cek")
    cek = (tmp_path / "cek").read_bytes()
    plain = sm2(
        "enc", "-d", "-sm4-cbc", "-K", cek.hex(), "-iv", envelope.parameter.hex(), stdin=envelope.cipher
    )
    signed = gmcms.read_signed(plain, wrapped=True)
    assert signed.size == len(plain)
    (tmp_path / "cert.pem").write_bytes(
        sm2("x509", "-inform", "DER", "-outform", "PEM", stdin=signed.certificate)
    )
    public_pem(sm2, tmp_path)
    (tmp_path / "attributes").write_bytes(signed.signed_part)
    (tmp_path / "signature").write_bytes(signed.signature)
    verify = ("dgst", "-sm3", *DISTID, "-verify", "pub.pem", "-signature", "signature", "attributes")
    assert b"OK" in sm2(*verify)


def test_we_open_what_openssl_made_part_by_part(sm2: Run, partners: Partners, tmp_path: Path) -> None:
    """openssl signs the attributes, encrypts the content and the key; only the structure is ours."""
    signer, receiver = partners.platforms["P-SM2"], partners.gateway["sm2"]
    envelope = gmcms.read_envelope(partners.seal(CASES[4]))
    inner = _decrypt(envelope, *_find_recipient(envelope, receiver))
    signed = gmcms.read_signed(inner, wrapped=True)
    (tmp_path / "key.pem").write_bytes(private_pem(signer.sign_key))
    (tmp_path / "attributes").write_bytes(signed.signed_part)
    sm2("dgst", "-sm3", *DISTID, "-sign", "key.pem", "-out", "signature", "attributes")
    own = signer.sign_cert
    rebuilt = gmcms.write_signed(
        signed.content, own.der, own.issuer_and_serial, signed.signed_part,
        (tmp_path / "signature").read_bytes(),
    )  # fmt: skip
    key, iv = secrets.token_bytes(16), secrets.token_bytes(16)
    cipher = sm2("enc", "-sm4-cbc", "-K", key.hex(), "-iv", iv.hex(), stdin=rebuilt)
    (tmp_path / "cert.pem").write_bytes(receiver.decrypt_cert.pem)
    public_pem(sm2, tmp_path)
    (tmp_path / "cek").write_bytes(key)
    sm2("pkeyutl", "-encrypt", "-pubin", "-inkey", "pub.pem", "-in", "cek", "-out", "wrapped")
    data = gmcms.write_envelope(
        receiver.decrypt_cert.issuer_and_serial, (tmp_path / "wrapped").read_bytes(), iv, cipher
    )
    found = partners.unseal(CASES[3], data)
    assert found.claims.sender == "P-SM2"


def test_openssl_reads_our_structures(openssl: Run, partners: Partners) -> None:
    listing = openssl("asn1parse", "-inform", "DER", stdin=partners.seal(CASES[3]))
    assert b"1.2.156.10197.6.1.4.2.3" in listing
    attribute = openssl("asn1parse", "-inform", "DER", stdin=gmcms.CLAIMS)
    assert b"2.25.164878127468583766917223695240399070353" in attribute


@pytest.mark.parametrize("node", ["P-EC", "P-RSA", "P-ED", "P-SM2"])
def test_openssl_accepts_our_certificates(node: str, sm2: Run, partners: Partners, tmp_path: Path) -> None:
    kind = {"P-EC": "ec", "P-RSA": "rsa", "P-ED": "ec", "P-SM2": "sm2"}[node]
    (tmp_path / "root.pem").write_bytes(partners.authorities[kind].certificate.pem)
    one = partners.platforms[node]
    for name, certificate in (("sign.pem", one.sign_cert), ("encrypt.pem", one.decrypt_cert)):
        (tmp_path / name).write_bytes(certificate.pem)
        distid = ("-vfyopt", "distid:1234567812345678") if kind == "sm2" else ()
        at = ("-attime", str(int(NOW.timestamp())))
        output = sm2("verify", "-x509_strict", *at, *distid, "-CAfile", "root.pem", name)
        assert b"OK" in output
        text = sm2("x509", "-in", name, "-noout", "-serial")
        assert certificate.serial_hex.upper().encode() in text


def test_we_read_an_sm2_certificate_that_openssl_made(sm2: Run, partners: Partners, tmp_path: Path) -> None:
    sm2("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-out", "key.pem")
    sm2(
        "req", "-new", "-x509", "-sm3", *DISTID, "-key", "key.pem", "-subj", "/CN=root", "-days", "30",
        "-addext", "keyUsage=critical,keyCertSign", "-out", "root.pem",
    )  # fmt: skip
    root = load_certificate((tmp_path / "root.pem").read_bytes())
    key = load_private_key((tmp_path / "key.pem").read_bytes())
    assert (root.kind, root.is_authority, root.is_issued_by(root)) == ("sm2", True, True)
    assert signing.is_pair(key, root.public_key)


def test_openssl_reads_our_keys(sm2: Run, partners: Partners) -> None:
    for node in ("P-EC", "P-RSA", "P-ED", "P-SM2"):
        one = partners.platforms[node]
        for options in (("-outform", "DER"), ("-traditional",), ()):
            if node in ("P-ED", "P-SM2") and options == ("-traditional",):
                continue  # it writes no older form of these
            again = sm2("pkey", *options, stdin=private_pem(one.sign_key))
            assert signing.is_pair(load_private_key(again), one.sign_cert.public_key)


def test_we_read_an_sm2_key_in_its_older_form(sm2: Run) -> None:
    key = load_private_key(sm2("ecparam", "-name", "SM2", "-genkey", "-noout"))
    assert signing.kind_of(key) == "sm2"
    other = load_private_key(sm2("ecparam", "-name", "prime256v1", "-genkey", "-noout"))
    assert signing.kind_of(other) == "ec"


def test_der_is_what_openssl_writes(openssl: Run) -> None:
    for value in (0, 1, 127, 128, 255, 256, 2**64, 2**255):
        listing = openssl("asn1parse", "-inform", "DER", stdin=der.write_integer(value))
        assert int(listing.rpartition(b":")[2], 16) == value
