"""Agreement with xmlsec, as command and as library, and with signxml: XML signatures and encryption.

Neither knows WS-Security's token references, so they are given the key; both find what is signed by id.
Debian's xmlsec1 (1.2) has RSA-OAEP with SHA-1 only, so the key of a message is unwrapped by the library,
which brings xmlsec 1.3, and the command is given the key of the content.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import signxml as untyped_signxml
import xmlsec as untyped_xmlsec
from lxml import etree

from gateway import xmltree
from gateway.security import wss as suite
from gateway.security import wssnames as n
from gateway.security.authority import private_pem
from gateway.security.suite import Peer, SealError
from tests.interop.conftest import Run
from tests.unit.security.partners import CASES, NOW, PAYLOAD, Partners, claims_of
from tests.unit.security.test_wss import NS, close, find, info_of, open_all

# Their stubs lack most of what they have.
xmlsec: Any = untyped_xmlsec
signxml: Any = untyped_signxml
CASE = CASES[5]
SECURITY = "S:Header/wsse:Security"
SIGNATURE = f"{SECURITY}/ds:Signature"
SIGNED = ("S:Body", f"{SECURITY}/wsu:Timestamp", "S:Header/g:Head")
IDS = tuple(
    part
    for uri, name in ((n.SOAP12, "Body"), (n.WSU, "Timestamp"), (n.SEAL, "Head"))
    for part in ("--id-attr:Id", f"{uri}:{name}")
)


def template(root: etree._Element) -> None:
    """Empties the digests and the signature, for somebody else to fill."""
    for value in root.iter(n.DIGEST_VALUE, n.SIGNATURE_VALUE):
        value.text = None


def write_keys(place: Path, partners: Partners) -> None:
    one = partners.platforms["P-RSA"]
    (place / "key.pem").write_bytes(private_pem(one.sign_key))
    (place / "cert.pem").write_bytes(one.sign_cert.pem)
    (place / "receiver.key").write_bytes(private_pem(partners.gateway["rsa"].decrypt_key))
    (place / "receiver.crt").write_bytes(partners.gateway["rsa"].decrypt_cert.pem)


def test_the_command_verifies_what_we_sign(xmlsec1: Run, partners: Partners, tmp_path: Path) -> None:
    write_keys(tmp_path, partners)
    root = open_all(partners, partners.seal(CASE))
    verify = ("--verify", "--pubkey-cert-pem", "cert.pem", *IDS, "signed.xml")
    (tmp_path / "signed.xml").write_bytes(etree.tostring(root))
    assert b"OK" in xmlsec1(*verify)
    for path in SIGNED:
        changed = xmltree.parse(etree.tostring(root))
        find(changed, path)[0].text = "changed"
        (tmp_path / "signed.xml").write_bytes(etree.tostring(changed))
        xmlsec1(*verify, ok=False)


def test_we_verify_what_the_command_signs(xmlsec1: Run, partners: Partners, tmp_path: Path) -> None:
    write_keys(tmp_path, partners)
    root = open_all(partners, partners.seal(CASE))
    template(root)
    (tmp_path / "template.xml").write_bytes(etree.tostring(root))
    xmlsec1("--sign", "--privkey-pem", "key.pem", *IDS, "--output", "signed.xml", "template.xml")
    signed = xmltree.parse((tmp_path / "signed.xml").read_bytes())
    found = partners.unseal(CASE, close(partners, signed))
    assert found.claims == claims_of("P-RSA")
    assert found.payload == xmltree.canonical(xmltree.parse(PAYLOAD))


def session_key(partners: Partners, sealed: bytes) -> bytes:
    """The content key, unwrapped by the xmlsec library."""
    root = xmltree.parse(sealed)
    manager = xmlsec.KeysManager()
    manager.add_key(
        xmlsec.Key.from_memory(private_pem(partners.gateway["rsa"].decrypt_key), xmlsec.KeyFormat.PEM)
    )
    context = xmlsec.EncryptionContext(manager)
    return bytes(context.decrypt(find(root, f"{SECURITY}/xenc:EncryptedKey")))


def test_the_library_unwraps_our_key_and_the_command_decrypts_our_content(
    xmlsec1: Run, partners: Partners, tmp_path: Path
) -> None:
    sealed = partners.seal(CASE)
    key = session_key(partners, sealed)
    assert len(key) == 32
    root = xmltree.parse(sealed)
    data = find(root, "S:Body/xenc:EncryptedData")
    data.remove(find(data, "ds:KeyInfo"))
    (tmp_path / "sealed.xml").write_bytes(etree.tostring(root))
    (tmp_path / "cek").write_bytes(key)
    xmlsec1(
        "--decrypt", "--aeskey", "cek", "--node-name", f"{n.XENC}:EncryptedData", "--output", "plain.xml",
        "sealed.xml",
    )  # fmt: skip
    plain = xmltree.parse((tmp_path / "plain.xml").read_bytes())
    assert xmltree.canonical(find(plain, "S:Body")[0]) == xmltree.canonical(xmltree.parse(PAYLOAD))


def test_the_library_decrypts_and_verifies_a_whole_message(partners: Partners) -> None:
    """As a partner with xmlsec would: it follows the RetrievalMethod to the key, then checks the signature."""
    root = xmltree.parse(partners.seal(CASE))
    manager = xmlsec.KeysManager()
    manager.add_key(
        xmlsec.Key.from_memory(private_pem(partners.gateway["rsa"].decrypt_key), xmlsec.KeyFormat.PEM)
    )
    xmlsec.tree.add_ids(find(root, f"{SECURITY}/xenc:EncryptedKey"), ["Id"])
    xmlsec.EncryptionContext(manager).decrypt(find(root, "S:Body/xenc:EncryptedData"))
    verify_by_library(partners, root)
    find(root, "S:Body")[0][0].text = "changed"
    with pytest.raises(xmlsec.Error):
        verify_by_library(partners, root)


def verify_by_library(partners: Partners, root: etree._Element) -> None:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(partners.platforms["P-RSA"].sign_cert.pem, xmlsec.KeyFormat.CERT_PEM)
    for path in SIGNED:
        context.register_id(find(root, path), "Id", n.WSU)
    context.verify(find(root, SIGNATURE))


def test_we_open_what_the_library_signed_and_encrypted(partners: Partners) -> None:
    """Everything but the envelope by xmlsec; it puts the key inside the EncryptedData."""
    root = open_all(partners, partners.seal(CASE))
    template(root)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(
        private_pem(partners.platforms["P-RSA"].sign_key), xmlsec.KeyFormat.PEM
    )
    for path in SIGNED:
        context.register_id(find(root, path), "Id", n.WSU)
    context.sign(find(root, SIGNATURE))
    found = partners.unseal(CASE, encrypt_by_library(partners, root))
    assert found.claims == claims_of("P-RSA")


def encrypt_by_library(partners: Partners, root: etree._Element, *, digest: str = n.SHA256) -> bytes:
    manager = xmlsec.KeysManager()
    receiver = partners.gateway["rsa"].decrypt_cert.pem
    manager.add_key(xmlsec.Key.from_memory(receiver, xmlsec.KeyFormat.CERT_PEM))
    data = xmlsec.template.encrypted_data_create(
        root, xmlsec.Transform.AES256_GCM, type=xmlsec.EncryptionType.CONTENT, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    key = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
    xmlsec.template.encrypted_data_ensure_cipher_value(key)
    etree.SubElement(key[0], n.DIGEST_METHOD).set("Algorithm", digest)
    context = xmlsec.EncryptionContext(manager)
    context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
    context.encrypt_xml(data, find(root, "S:Body"))
    return etree.tostring(root)


def test_what_the_library_encrypts_by_sha1_is_refused(partners: Partners) -> None:
    root = open_all(partners, partners.seal(CASE))
    with pytest.raises(SealError) as error:
        partners.unseal(CASE, encrypt_by_library(partners, root, digest=n.DS + "sha1"))
    assert "SHA-256" in error.value.cause_text


def test_signxml_verifies_what_we_sign(partners: Partners) -> None:
    """A third opinion, over a signature with the same SignedInfo; signxml does not read token references."""
    root = open_all(partners, partners.seal(CASE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that ids are not unique by schema, which we check ourselves
        results = signxml.XMLVerifier().verify(
            root,
            x509_cert=partners.platforms["P-RSA"].sign_cert.pem.decode(),
            expect_config=signxml.SignatureConfiguration(
                location=f"./{{{n.SOAP12}}}Header/{{{n.WSSE}}}Security/", expect_references=3
            ),
            id_attribute="Id",
        )
    assert {str(result.signed_xml.tag) for result in results if result.signed_xml is not None} == {
        f"{{{n.SOAP12}}}Body", n.TIMESTAMP, n.HEAD,
    }  # fmt: skip


def test_our_canonical_texts_are_what_the_library_canonicalises(partners: Partners) -> None:
    """The envelope is written as text that is its own canonical form; SignedInfo made from it must agree."""
    root = open_all(partners, partners.seal(CASE))
    info = find(root, f"{SIGNATURE}/ds:SignedInfo")
    written = etree.tostring(info, method="c14n", exclusive=True)
    assert written == etree.tostring(etree.fromstring(info_of(root)), method="c14n", exclusive=True)


def test_a_reply_of_ours_is_opened_by_the_library_too(partners: Partners) -> None:
    platform = partners.platforms["P-RSA"]
    claims = claims_of("GW", receiver="P-RSA", issued_at=int(NOW.timestamp()))
    peer = Peer("P-RSA", {"soap": "1.1"}, platform.decrypt_cert)
    root = xmltree.parse(suite.wss.seal(PAYLOAD, claims, partners.gateway["rsa"], peer))
    manager = xmlsec.KeysManager()
    manager.add_key(xmlsec.Key.from_memory(private_pem(platform.decrypt_key), xmlsec.KeyFormat.PEM))
    xmlsec.tree.add_ids(next(root.iter(n.ENCRYPTED_KEY)), ["Id"])
    xmlsec.EncryptionContext(manager).decrypt(next(root.iter(n.ENCRYPTED_DATA)))
    context = xmlsec.SignatureContext()
    certificate = partners.gateway["rsa"].sign_cert.pem
    context.key = xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM)
    for part in (root[1], next(root.iter(n.TIMESTAMP)), next(root.iter(n.HEAD))):
        context.register_id(part, "Id", n.WSU)
    context.verify(next(root.iter(n.SIGNATURE)))
    assert NS["S"] not in etree.tostring(root).decode()
