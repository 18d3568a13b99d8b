"""Signature wrapping and its relatives: whoever can encrypt for us (anybody) rearranges a signed message."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from lxml import etree

from gateway import xmltree
from gateway.errors import MessageError
from gateway.security import wss as suite
from gateway.security import wssdecrypt
from gateway.security import wssnames as n
from gateway.security.identity import Identity
from gateway.security.suite import Peer, SealError, Unsealed
from gateway.security.wssdecrypt import encode
from gateway.security.wssparts import locate
from tests.unit.security.partners import CASES, NOW, PAYLOAD, Partners, claims_of

CASE = CASES[5]
EVIL = "<Evil/>"
Change = Callable[[etree._Element], None]
NS = {"S": n.SOAP12, "g": n.SEAL, "wsse": n.WSSE, "wsu": n.WSU, "ds": n.DS, "xenc": n.XENC}


def element(text: str) -> etree._Element:
    """Prefixes as in NS."""
    declared = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())
    return etree.fromstring(f"<x{declared}>{text}</x>")[0]


def find(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path, NS)
    assert found is not None, path
    return found


def open_all(partners: Partners, sealed: bytes) -> etree._Element:
    """The envelope with its Body decrypted and without the EncryptedKey: as its sender signed it."""
    root = xmltree.parse(sealed)
    root = wssdecrypt.decrypt(root, locate(root), partners.gateway["rsa"], max_bytes=1 << 20)
    key = find(root, "S:Header/wsse:Security/xenc:EncryptedKey")
    find(root, "S:Header/wsse:Security").remove(key)
    return root


def close(partners: Partners, root: etree._Element, content: bytes | None = None) -> bytes:
    """Encrypts the content of the (last) Body for the gateway, as anybody can."""
    body = root[-1]
    if content is None:
        content = (body.text or "").encode() + b"".join(etree.tostring(child) for child in body)
    peer, key = Peer("GW", {}, partners.gateway["rsa"].decrypt_cert), b"k" * 32
    for child in list(body):
        body.remove(child)
    body.text = None
    body.append(etree.fromstring(suite._data(key, content)))
    wsse = f'<x xmlns:wsse="{n.WSSE}">{suite._key(key, peer)}</x>'
    find(root, "S:Header/wsse:Security").insert(0, etree.fromstring(wsse)[0])
    return etree.tostring(root)


def attack(partners: Partners, change: Change, sealed: bytes | None = None) -> Unsealed:
    root = open_all(partners, sealed or partners.seal(CASE))
    change(root)
    return partners.unseal(CASE, close(partners, root))


def refused(partners: Partners, change: Change) -> str:
    with pytest.raises(SealError) as error:
        attack(partners, change)
    assert error.value.result == "20001"
    return error.value.cause_text


def sign_anew(root: etree._Element, signer: Identity, info: str) -> None:
    """Puts any SignedInfo at all under a right signature of `signer`."""
    signature = find(root, "S:Header/wsse:Security/ds:Signature")
    fresh = etree.fromstring(info)
    signature.replace(signature[0], fresh)
    canonical = etree.tostring(signature[0], method="c14n", exclusive=True)
    signature[1].text = encode(signer.sign_text(canonical))


def info_of(
    root: etree._Element,
    paths: Sequence[str] = ("S:Body", "S:Header/wsse:Security/wsu:Timestamp", "S:Header/g:Head"),
    *,
    replaced: Sequence[tuple[str, str]] = (),
) -> str:
    """A SignedInfo over the elements at `paths`, with texts replaced."""
    references = ""
    for path in paths:
        part = find(root, path)
        references += suite._reference(
            part.get(n.ID, ""), etree.tostring(part, method="c14n", exclusive=True)
        )
    text = (
        f'<ds:SignedInfo xmlns:ds="{n.DS}"><ds:CanonicalizationMethod Algorithm="{n.EXC_C14N}"/>'
        f'<ds:SignatureMethod Algorithm="{n.RSA_SHA256}"/>{references}</ds:SignedInfo>'
    )
    for old, new in replaced:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def test_the_way_of_these_tests_makes_a_right_message(partners: Partners) -> None:
    assert attack(partners, lambda root: None).claims == claims_of("P-RSA")

    def again(root: etree._Element) -> None:
        sign_anew(root, partners.platforms["P-RSA"], info_of(root))

    assert attack(partners, again).claims == claims_of("P-RSA")


# Wrapping: what is signed goes elsewhere, something else takes its place.


def move_to(root: etree._Element, part: etree._Element, place: str) -> None:
    holder = element("<wrapper/>")
    holder.append(part)
    find(root, place).append(holder)


def swap_body(root: etree._Element, *, new_id: str, old_id: str, place: str) -> None:
    signed = root[1]
    fake = element(f'<S:Body wsu:Id="{new_id}">{EVIL}</S:Body>')
    root.replace(signed, fake)
    signed.set(n.ID, old_id)
    move_to(root, signed, place)


@pytest.mark.parametrize("place", ["S:Header", "S:Header/wsse:Security", "S:Header/g:Head"])
@pytest.mark.parametrize(("new_id", "old_id"), [("body", "body"), ("evil", "body"), ("body", "moved")])
def test_a_body_that_was_moved_away_is_not_read_in_its_old_place(
    place: str, new_id: str, old_id: str, partners: Partners
) -> None:
    assert refused(partners, lambda root: swap_body(root, new_id=new_id, old_id=old_id, place=place))


def test_a_second_body_is_refused_before_and_behind(partners: Partners) -> None:
    for at in (1, 2):
        for name in ("body", "evil"):
            fake = element(f'<S:Body wsu:Id="{name}">{EVIL}</S:Body>')
            assert refused(partners, lambda root, at=at, fake=fake: root.insert(at, fake))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new"), [("S:Body", "S:Other"), ("S:Header", "S:Other"), ("S:Envelope", "S:Other")]
)
def test_an_envelope_of_other_parts_is_refused(old: str, new: str, partners: Partners) -> None:
    sealed = partners.seal(CASE).decode().replace(old, new).encode()
    with pytest.raises(SealError) as error:
        partners.unseal(CASE, sealed)
    assert "envelope" in error.value.cause_text


def test_a_body_before_the_header_is_refused(partners: Partners) -> None:
    root = xmltree.parse(partners.seal(CASE))
    root.append(root[0])
    with pytest.raises(SealError):
        partners.unseal(CASE, etree.tostring(root))


def test_a_second_element_in_the_body_is_refused(partners: Partners) -> None:
    assert refused(partners, lambda root: root[1].append(element(EVIL)))
    assert refused(partners, lambda root: root[1].insert(0, element(EVIL)))

    def two_signed(root: etree._Element) -> None:
        root[1].append(element(EVIL))
        sign_anew(root, partners.platforms["P-RSA"], info_of(root))

    assert "exactly one element" in refused(partners, two_signed)


def test_changed_content_is_refused(partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        root[1][0][0].text = "SQ-310000-2"

    assert "not what was signed" in refused(partners, change)


@pytest.mark.parametrize("part", ["S:Header/g:Head", "S:Header/wsse:Security/wsu:Timestamp"])
@pytest.mark.parametrize("name", ["same", "evil"])
def test_head_and_timestamp_cannot_be_replaced(part: str, name: str, partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        signed = find(root, part)
        parent = signed.getparent()
        assert parent is not None
        fake = copy.deepcopy(signed)
        fake[0].text = "Q-RSA" if part.endswith("Head") else "2026-05-04T03:02:02Z"
        if name != "same":
            fake.set(n.ID, name)
        parent.replace(signed, fake)
        move_to(root, signed, "S:Header")

    assert refused(partners, change)

    def doubled(root: etree._Element) -> None:
        signed = find(root, part)
        fake = copy.deepcopy(signed)
        fake.set(n.ID, "evil")
        signed.addprevious(fake)

    assert "exactly one" in refused(partners, doubled)


def test_ids_that_change_places_are_refused(partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        head, body = find(root, "S:Header/g:Head"), root[1]
        head.set(n.ID, "body")
        body.set(n.ID, "head")

    assert refused(partners, change)


@pytest.mark.parametrize("name", [n.ID, "Id", "ID", "{http://www.w3.org/XML/1998/namespace}id"])
def test_an_id_that_stands_twice_is_refused(name: str, partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        root[1][0].set(name, "timestamp")
        sign_anew(root, partners.platforms["P-RSA"], info_of(root))

    assert "twice" in refused(partners, change)


def test_missing_parts_are_refused(partners: Partners) -> None:
    for path in (
        "S:Header/g:Head",
        "S:Header/wsse:Security",
        "S:Header/wsse:Security/wsu:Timestamp",
        "S:Header/wsse:Security/ds:Signature",
        "S:Header/wsse:Security/wsse:BinarySecurityToken",
        "S:Header/wsse:Security/ds:Signature/ds:SignatureValue",
        "S:Header/wsse:Security/ds:Signature/ds:KeyInfo",
        "S:Header/wsse:Security/ds:Signature/ds:SignedInfo",
    ):

        def change(root: etree._Element, path: str = path) -> None:
            part = find(root, path)
            parent = part.getparent()
            assert parent is not None
            if path.endswith("Security"):
                # The tests' way to encrypt needs the header; an empty one lacks everything.
                for child in list(part):
                    part.remove(child)
            else:
                parent.remove(part)

        assert refused(partners, change)


# A right signature over the wrong things.


@pytest.mark.parametrize(
    "paths",
    [
        ["S:Body"],
        ["S:Body", "S:Header/g:Head"],
        ["S:Body", "S:Header/wsse:Security/wsu:Timestamp"],
        ["S:Header/g:Head", "S:Header/wsse:Security/wsu:Timestamp"],
        [],
        ["S:Body", "S:Body", "S:Header/g:Head", "S:Header/wsse:Security/wsu:Timestamp"],
    ],
    ids=str,
)
def test_a_signature_that_does_not_cover_exactly_all_parts_is_refused(
    paths: list[str], partners: Partners
) -> None:
    assert refused(partners, lambda root: sign_anew(root, partners.platforms["P-RSA"], info_of(root, paths)))


def test_the_token_may_be_covered_too(partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        paths = [
            "S:Header/wsse:Security/wsse:BinarySecurityToken",
            "S:Header/g:Head",
            "S:Header/wsse:Security/wsu:Timestamp",
            "S:Body",
        ]
        sign_anew(root, partners.platforms["P-RSA"], info_of(root, paths))

    assert attack(partners, change).claims == claims_of("P-RSA")


def test_prefixes_may_be_included_as_other_stacks_do(partners: Partners) -> None:
    """InclusiveNamespaces PrefixList, which WSS4J writes by default: prefixes declared above, used by values."""
    text = etree.tostring(open_all(partners, partners.seal(CASE)))
    root = xmltree.parse(text.replace(b"<S:Envelope ", b'<S:Envelope xmlns:q="urn:q" ', 1))
    plain = etree.tostring(root[1], method="c14n", exclusive=True)
    included = etree.tostring(root[1], method="c14n", exclusive=True, inclusive_ns_prefixes=["q"])
    assert b'xmlns:q="urn:q"' in included
    old, new = (encode(hashlib.sha256(canonical).digest()) for canonical in (plain, included))
    parameter = f'<i:InclusiveNamespaces xmlns:i="{n.EXC_C14N}" PrefixList="q"/></ds:Transform>'
    info = info_of(root, replaced=[(old, new), ("</ds:Transform>", parameter)])
    sign_anew(root, partners.platforms["P-RSA"], info)
    assert partners.unseal(CASE, close(partners, root)).claims == claims_of("P-RSA")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (n.RSA_SHA256, n.DS + "rsa-sha1"),
        (n.RSA_SHA256, n.DS + "hmac-sha1"),
        (n.RSA_SHA256, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        (n.RSA_SHA256, ""),
        (n.SHA256, n.DS + "sha1"),
        ('URI="#body"', 'URI=""'),
        ('URI="#body"', 'URI="http://127.0.0.1/body"'),
        ('URI="#body"', 'URI="file:///etc/passwd"'),
        ('URI="#body"', "URI=\"#xpointer(id('body'))\""),
        ('URI="#body"', 'URI="#token2"'),
        ('URI="#body"', ""),
        (f'<ds:CanonicalizationMethod Algorithm="{n.EXC_C14N}"', '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"'),
        (f'<ds:Transform Algorithm="{n.EXC_C14N}"', f'<ds:Transform Algorithm="{n.EXC_C14N}WithComments"'),
        (f'<ds:Transform Algorithm="{n.EXC_C14N}"', '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"'),
        (f'<ds:Transform Algorithm="{n.EXC_C14N}"', '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"'),
        ("<ds:Transforms>", f'<ds:Transforms><ds:Transform Algorithm="{n.DS}enveloped-signature"/>'),
        ("</ds:Transform>", "<ds:XPath>//x</ds:XPath></ds:Transform>"),
        ("</ds:Transforms>", f'<ds:Transform Algorithm="{n.DS}enveloped-signature"/></ds:Transforms>'),
        ("<ds:Reference ", "<ds:Manifest/><ds:Reference "),
    ],
    ids=lambda text: text.rpartition("/")[2][:40],
)  # fmt: skip
def test_other_algorithms_transforms_and_places_are_refused(old: str, new: str, partners: Partners) -> None:
    """Under a right signature of a registered platform, so that only the form can be the reason."""

    def change(root: etree._Element) -> None:
        sign_anew(root, partners.platforms["P-RSA"], info_of(root, replaced=[(old, new)]))

    assert "signature does not hold" not in refused(partners, change)


def test_key_info_must_point_to_the_token(partners: Partners) -> None:
    path = "S:Header/wsse:Security/ds:Signature/ds:KeyInfo/wsse:SecurityTokenReference/wsse:Reference"
    assert "KeyInfo" in refused(partners, lambda root: find(root, path).set("URI", "#other"))

    def second_token(root: etree._Element) -> None:
        token = find(root, "S:Header/wsse:Security/wsse:BinarySecurityToken")
        other = copy.deepcopy(token)
        other.set(n.ID, "other")
        token.addnext(other)

    assert "exactly one" in refused(partners, second_token)


def test_a_key_value_inside_the_message_is_not_used(partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        info = find(root, "S:Header/wsse:Security/ds:Signature/ds:KeyInfo")
        info.replace(info[0], element("<ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue>"))

    assert refused(partners, change)


def test_what_must_be_understood_and_is_not_is_refused(partners: Partners) -> None:
    understood = element("<g:Other>x</g:Other>")
    assert attack(partners, lambda root: root[0].append(understood)).payload
    for value in ("1", "true"):
        must = element(f'<g:Other S:mustUnderstand="{value}"/>')
        assert "understood" in refused(partners, lambda root, must=must: root[0].append(must))  # type: ignore[misc]
    other = element("<wsse:UsernameToken/>")
    assert "belong" in refused(partners, lambda root: find(root, "S:Header/wsse:Security").append(other))


# Encryption.


def changed_text(partners: Partners, old: str, new: str) -> bytes:
    sealed = partners.seal(CASE).decode()
    assert old in sealed, old
    return sealed.replace(old, new, 1).encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (n.AES256_GCM, n.XENC + "aes256-cbc"),
        (n.AES256_GCM, n.XENC11 + "aes128-gcm"),
        (f'Type="{n.CONTENT}"', f'Type="{n.XENC}Element"'),
        (n.OAEP_MGF1P, n.XENC + "rsa-1_5"),
        (n.OAEP_MGF1P, n.OAEP11),
        (f'{n.OAEP_MGF1P}"><ds:DigestMethod Algorithm="{n.SHA256}"', f'{n.OAEP_MGF1P}"><ds:DigestMethod Algorithm="{n.DS}sha1"'),
        ("<xenc:CipherValue>", '<xenc:CipherReference URI="http://127.0.0.1/"/><xenc:CipherValue>'),
        ("<S:Body ", "<S:Extra/><S:Body "),
        ("</xenc:EncryptedData>", "</xenc:EncryptedData><x/>"),
        ("</xenc:EncryptedData>", "</xenc:EncryptedData>text"),
        ("</xenc:EncryptedKey>", f'</xenc:EncryptedKey><xenc:EncryptedKey xmlns:xenc="{n.XENC}"/>'),
        ("<S:Envelope", '<!DOCTYPE x [<!ENTITY a "b">]><S:Envelope'),
        (n.SOAP12, "urn:other"),
        (n.THUMBPRINT + '">', n.THUMBPRINT + '">AA'),
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_an_envelope_that_is_encrypted_otherwise_is_refused(old: str, new: str, partners: Partners) -> None:
    with pytest.raises(SealError):
        partners.unseal(CASE, changed_text(partners, old, new))


def test_encrypted_data_elsewhere_is_refused(partners: Partners) -> None:
    def to_header(root: etree._Element) -> None:
        root[0].append(root[1][0])

    def doubled(root: etree._Element) -> None:
        fake = copy.deepcopy(root[1][0])
        fake.set("Id", "data2")
        root[0].append(fake)

    def deeper(root: etree._Element) -> None:
        holder = element("<wrapper/>")
        holder.append(root[1][0])
        root[1].append(holder)

    for change in (to_header, doubled, deeper):
        root = xmltree.parse(partners.seal(CASE))
        change(root)
        with pytest.raises(SealError) as error:
            partners.unseal(CASE, etree.tostring(root))
        assert "exactly one EncryptedData" in error.value.cause_text


def test_a_body_in_clear_is_refused(partners: Partners) -> None:
    root = open_all(partners, partners.seal(CASE))
    with pytest.raises(SealError) as error:
        partners.unseal(CASE, etree.tostring(root))
    assert "EncryptedData" in error.value.cause_text


@pytest.mark.parametrize(
    "content",
    [
        b"</S:Body><S:Body><Evil/>",
        b"<Evil/></S:Body><S:Body>" + PAYLOAD,
        b"<Evil/></S:Body></S:Envelope>",
        b"",
        b"text",
        b"<a></b>",
        b"\xff\xfe",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        b"<a>&undefined;</a>",
        b"<xenc:EncryptedData xmlns:xenc='http://www.w3.org/2001/04/xmlenc#'/>",
        b"<a>" * 40 + b"</a>" * 40,
    ],
    ids=lambda content: repr(content[:30]),
)
def test_what_is_inside_cannot_break_out(content: bytes, partners: Partners) -> None:
    root = open_all(partners, partners.seal(CASE))
    with pytest.raises(SealError):
        partners.unseal(CASE, close(partners, root, content))


def test_the_key_may_stand_inside_the_encrypted_data(partners: Partners) -> None:
    """As XML Encryption alone writes it, without WS-Security's header."""
    root = xmltree.parse(partners.seal(CASE))
    key = find(root, "S:Header/wsse:Security/xenc:EncryptedKey")
    info = find(root, "S:Body/xenc:EncryptedData/ds:KeyInfo")
    info.replace(info[0], key)
    assert partners.unseal(CASE, etree.tostring(root)).claims == claims_of("P-RSA")


def test_the_message_says_which_of_several_identities_it_is_for(partners: Partners) -> None:
    """As while the gateway's keys are rotated: old and new at once."""
    old, new = partners.gateway["rsa"], partners.issue("rsa", usage="encrypt", name="GW")
    for receiver in (old, new):
        sealed = partners.seal(CASE, receiver=receiver)
        assert suite.wss.unseal(sealed, [old, new], partners.trust, NOW).claims == claims_of("P-RSA")
        unnamed = sealed.replace(n.THUMBPRINT.encode(), b"urn:other")
        with pytest.raises(SealError) as error:
            suite.wss.unseal(unnamed, [old, new], partners.trust, NOW)
        assert "does not say to which" in error.value.cause_text
        assert suite.wss.unseal(unnamed, receiver, partners.trust, NOW).claims == claims_of("P-RSA")


def test_the_newer_name_of_oaep_is_read_too(partners: Partners) -> None:
    root = open_all(partners, partners.seal(CASE))
    data = close(partners, root)
    public = partners.gateway["rsa"].decrypt_cert.public_key
    wrapped = encode(public.encrypt(b"k" * 32, wssdecrypt._OAEP11))  # type: ignore[union-attr,call-arg]
    root = xmltree.parse(data)
    key = find(root, "S:Header/wsse:Security/xenc:EncryptedKey")
    method = key[0]
    method.set("Algorithm", n.OAEP11)
    etree.SubElement(method, n.MGF).set("Algorithm", n.MGF1_SHA256)
    find(key, "xenc:CipherData/xenc:CipherValue").text = wrapped
    assert partners.unseal(CASE, etree.tostring(root)).claims == claims_of("P-RSA")


# What is sealed and how it comes out.


def test_an_expired_timestamp_is_told_as_stale(partners: Partners) -> None:
    sealed = partners.seal(CASE)
    partners.unseal(CASE, sealed, at=NOW + timedelta(seconds=300))
    with pytest.raises(MessageError) as error:
        partners.unseal(CASE, sealed, at=NOW + timedelta(seconds=301))
    assert (error.value.result, isinstance(error.value, SealError)) == ("20005", False)


def test_timestamp_and_head_must_agree(partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        find(root, "S:Header/wsse:Security/wsu:Timestamp")[0].text = "2026-05-04T03:02:02Z"
        sign_anew(root, partners.platforms["P-RSA"], info_of(root))

    assert "different times" in refused(partners, change)

    def nonsense(root: etree._Element) -> None:
        find(root, "S:Header/wsse:Security/wsu:Timestamp")[0].text = "2026-05-04"
        sign_anew(root, partners.platforms["P-RSA"], info_of(root))

    assert "instant" in refused(partners, nonsense)


@pytest.mark.parametrize("what", ["order", "more", "nested", "empty", "time"])
def test_a_head_that_is_not_as_it_should_be_is_refused(what: str, partners: Partners) -> None:
    def change(root: etree._Element) -> None:
        head = find(root, "S:Header/g:Head")
        if what == "order":
            head.append(head[0])
        elif what == "more":
            head.append(element("<g:More/>"))
        elif what == "nested":
            head[0].append(element("<g:Src>Q-RSA</g:Src>"))
        elif what == "empty":
            head[5].text = None
        else:
            head[4].text = "20269999999999"
        sign_anew(root, partners.platforms["P-RSA"], info_of(root))

    assert refused(partners, change)


@pytest.mark.parametrize(
    "payload",
    [
        b"<a/>",
        b'<?xml version="1.0" encoding="GBK"?><a>\xc9\xcf\xba\xa3</a>',
        b"<a>\n  <b x='1' a=\"2\"/>\r\n&#13;&lt;</a>",
        f'<S:Fault xmlns:S="{n.SOAP12}"><S:Code/></S:Fault>'.encode(),
        f'<wsu:x xmlns:wsu="{n.WSU}" xmlns:unused="urn:u"/>'.encode(),
        b'<S:x xmlns:S="urn:another"/>',
        b'<a xmlns="urn:a"><b xmlns=""/></a>',
        b"<a><!-- gone --><?gone too?>text</a>",
    ],
    ids=repr,
)
def test_any_element_comes_out_in_canonical_form(payload: bytes, partners: Partners) -> None:
    found = partners.unseal(CASE, partners.seal(CASE, payload))
    assert found.payload == xmltree.canonical(xmltree.parse(payload))


@pytest.mark.parametrize("payload", [b"", b"{}", b"<a>", b"<a/><b/>", b"<!DOCTYPE a><a/>"], ids=repr)
def test_what_is_not_one_xml_element_cannot_be_sealed(payload: bytes, partners: Partners) -> None:
    with pytest.raises(ValueError, match="XML"):
        partners.seal(CASE, payload)


def test_the_soap_version_is_the_peers(partners: Partners) -> None:
    assert n.SOAP12.encode() in partners.seal(CASE)
    assert n.SOAP11.encode() in partners.seal(CASES[6])
    assert partners.unseal(CASES[6], partners.seal(CASES[6])).payload == xmltree.canonical(
        xmltree.parse(PAYLOAD)
    )
