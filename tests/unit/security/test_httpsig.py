"""HTTP message signatures: what is covered, how long it holds, and whose it is."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from gateway.errors import MessageError
from gateway.security import structured
from gateway.security.httpsig import (
    VerifiedCall,
    content_digest,
    has_digest,
    read_time,
    sign_request,
    sign_time,
    verify_request,
)
from gateway.security.identity import Identity
from gateway.security.refusals import SealError
from tests.unit.security.partners import NOW, Partners

URI = "https://gateway.example:8450/v1/applications?contract_no=A%20b&page=1"
CREATED = int(NOW.timestamp())
BODY = b'{"a": 1}'
SENT = {"Content-Type": "application/json", "On-Behalf-Of": "91310000132260250X", "Accept": "*/*"}


def sign(signer: Identity, **changed: Any) -> dict[str, str]:
    """Every header field that is sent."""
    given = {
        "method": "POST",
        "target_uri": URI,
        "headers": SENT,
        "body": BODY,
        "identity": signer,
        "created": CREATED,
        "nonce": "n-1",
        **changed,
    }
    return {**given["headers"], **sign_request(**given)}


def verify(partners: Partners, headers: Any, **changed: Any) -> VerifiedCall:
    given = {"method": "POST", "target_uri": URI, "trust": partners.trust, "at": NOW, **changed}
    return verify_request(headers=headers, **given)


def refused(partners: Partners, headers: Any, **changed: Any) -> str:
    with pytest.raises(SealError) as error:
        verify(partners, headers, **changed)
    assert error.value.result == "20001"
    return error.value.cause_text


@pytest.mark.parametrize("node", ["P-EC", "P-RSA", "P-ED", "P-SM2"])
def test_a_signed_call_says_who_called(node: str, partners: Partners) -> None:
    signer = partners.platforms[node]
    call = verify(partners, sign(signer))
    assert call == VerifiedCall(node, "n-1", CREATED, content_digest(BODY), signer.sign_cert)


def test_names_of_fields_are_read_in_any_case_and_from_a_multidict(partners: Partners) -> None:
    headers = sign(partners.platforms["P-EC"])
    assert verify(partners, {name.upper(): value for name, value in headers.items()}).platform == "P-EC"
    assert verify(partners, CIMultiDict(headers)).platform == "P-EC"


def test_a_call_without_a_body_has_no_digest(partners: Partners) -> None:
    headers = sign(partners.platforms["P-EC"], body=b"", headers={}, method="GET")
    assert "Content-Digest" not in headers
    assert verify(partners, headers, method="GET").content_digest is None


def test_the_digest_of_a_stream_is_given(partners: Partners) -> None:
    digest = content_digest(b"large")
    assert verify(partners, sign(partners.platforms["P-EC"], body=digest)).content_digest == digest


@pytest.mark.parametrize(
    "changed",
    [
        {"method": "PUT"},
        {"method": "post"},
        {"target_uri": URI.replace("gateway.example", "other.example")},
        {"target_uri": URI.replace(":8450", ":8451")},
        {"target_uri": URI.replace("applications", "application")},
        {"target_uri": URI.replace("page=1", "page=2")},
        {"target_uri": URI.partition("?")[0]},
        {"target_uri": URI.replace("%20", "+")},
        {"target_uri": "https://[bad/"},
        {"target_uri": "https://h:port/"},
    ],
    ids=str,
)
def test_another_method_or_target_is_refused(changed: dict[str, str], partners: Partners) -> None:
    assert refused(partners, sign(partners.platforms["P-EC"]), **changed)


def test_a_proxy_that_ends_tls_changes_nothing(partners: Partners) -> None:
    """The scheme is not covered; the default port is no part of the authority, nor is its case."""
    signer = partners.platforms["P-EC"]
    assert verify(partners, sign(signer), target_uri=URI.replace("https:", "http:")).platform == "P-EC"
    headers = sign(signer, target_uri="https://Gateway.Example:443/v1/x")
    assert verify(partners, headers, target_uri="http://gateway.example/v1/x").platform == "P-EC"


@pytest.mark.parametrize("name", ["Content-Digest", "On-Behalf-Of", "Content-Type"])
def test_a_changed_or_missing_field_is_refused(name: str, partners: Partners) -> None:
    headers = sign(partners.platforms["P-EC"])
    assert refused(partners, {**headers, name: headers[name] + "x"})
    assert refused(partners, {key: value for key, value in headers.items() if key != name})


@pytest.mark.parametrize("name", ["Content-Digest", "On-Behalf-Of", "Content-Range", "Idempotency-Key"])
def test_a_field_with_meaning_cannot_be_added(name: str, partners: Partners) -> None:
    headers = sign(partners.platforms["P-EC"], headers={}, body=b"")
    assert verify(partners, headers).platform == "P-EC"
    assert "not covered" in refused(partners, {**headers, name: "x"})


def test_other_fields_may_be_added_on_the_way(partners: Partners) -> None:
    headers = sign(partners.platforms["P-EC"])
    assert verify(partners, {**headers, "Via": "1.1 proxy", "Accept": "text/html"}).platform == "P-EC"


def test_it_holds_for_sixty_seconds_to_both_sides(partners: Partners) -> None:
    headers = sign(partners.platforms["P-EC"])
    for seconds in (-60, 0, 60):
        verify(partners, headers, at=NOW + timedelta(seconds=seconds))
    for seconds in (-61, 61):
        with pytest.raises(MessageError) as error:
            verify(partners, headers, at=NOW + timedelta(seconds=seconds))
        assert error.value.result == "20005"


def test_whose_it_is_is_decided_by_registration(partners: Partners) -> None:
    assert "not registered" in refused(partners, sign(partners.issue("ec", name="P-EC")))
    tls = partners.issue("ec", usage="tls-client", name="P-EC")
    trust = partners.trusting("P-EC", tls.sign_cert)
    assert "not for signing" in refused(partners, sign(tls), trust=trust)
    mine, other = partners.platforms["P-EC"], partners.platforms["Q-EC"]
    forged = Identity("P-EC", other.sign_key, mine.sign_cert, mine.decrypt_key, mine.decrypt_cert)
    assert "does not hold" in refused(partners, sign(forged))
    after = NOW + timedelta(days=800)
    assert "not valid" in refused(partners, sign(mine, created=int(after.timestamp())), at=after)


def edit(headers: dict[str, str], name: str, pattern: str, text: str) -> dict[str, str]:
    changed = re.sub(pattern, text, headers[name], count=1)
    assert changed != headers[name]
    return {**headers, name: changed}


@pytest.mark.parametrize(
    ("name", "pattern", "text"),
    [
        ("Signature-Input", r"created=\d+", f"created={CREATED + 1}"),
        ("Signature-Input", r'nonce="n-1"', 'nonce="n-2"'),
        ("Signature-Input", r'nonce="n-1"', 'nonce=""'),
        ("Signature-Input", r';nonce="n-1"', ""),
        ("Signature-Input", r";created=\d+", ""),
        ("Signature-Input", r"created=\d+", f'created="{CREATED}"'),
        ("Signature-Input", r"created=\d+", f"created={CREATED}.5"),
        ("Signature-Input", r'keyid="[^"]*"', 'keyid="x"'),
        ("Signature-Input", r';keyid="[^"]*"', ""),
        ("Signature-Input", r'alg="[^"]*"', 'alg="hmac-sha256"'),
        ("Signature-Input", r'alg="[^"]*"', 'alg="rsa-v1_5-sha256"'),
        ("Signature-Input", r'alg="[^"]*"', 'alg="none"'),
        ("Signature-Input", r';alg="[^"]*"', ""),
        ("Signature-Input", r"$", ";unknown=1"),
        ("Signature-Input", r"$", ";nonce=2"),
        ("Signature-Input", r'"@method" ', ""),
        ("Signature-Input", r' "@query"', ""),
        ("Signature-Input", r' "@path"', ""),
        ("Signature-Input", r' "content-digest"', ""),
        ("Signature-Input", r' "content-digest"', ' "content-digest";bs'),
        ("Signature-Input", r'"@method"', '"@method" "@method"'),
        ("Signature-Input", r'"@method"', '"@status" "@method"'),
        ("Signature-Input", r'"@method"', '"absent" "@method"'),
        ("Signature-Input", r"^gateway", "other"),
        ("Signature-Input", r"^gateway=", ""),
        ("Signature-Input", r"$", ', second=("@method");created=1'),
        ("Signature", r"=:", "=:AAAA"),
        ("Signature", r":$", ""),
        ("Signature", r"^gateway=.*$", "gateway=::"),
        ("Signature", r"^gateway=.*$", "gateway=?1"),
        ("Signature", r"$", ", gateway=:AAAA:"),
    ],
    ids=lambda text: text[:30],
)
def test_changed_parameters_are_refused(name: str, pattern: str, text: str, partners: Partners) -> None:
    assert refused(partners, edit(sign(partners.platforms["P-EC"]), name, pattern, text))


def test_an_unsigned_call_is_refused(partners: Partners) -> None:
    headers = sign(partners.platforms["P-EC"])
    assert "not signed" in refused(partners, {})
    for name in ("Signature", "Signature-Input"):
        assert "not signed" in refused(
            partners, {key: value for key, value in headers.items() if key != name}
        )


def by_hand(
    partners: Partners, node: str, components: tuple[str, ...], base: list[str], **parameters: Any
) -> dict[str, str]:
    """A signature as another implementation may make it."""
    signer = partners.platforms[node]
    given = {"created": CREATED, "nonce": "n-1", "keyid": signer.sign_cert.thumbprint, **parameters}
    text = structured.write_list(components, given)
    data = "\n".join([*base, f'"@signature-params": {text}']).encode()
    signature = signer.sign_text(data)
    if given.get("alg") == "rsa-pss-sha512":
        key = signer.sign_key
        assert isinstance(key, rsa.RSAPrivateKey)
        signature = key.sign(data, padding.PSS(padding.MGF1(hashes.SHA512()), 64), hashes.SHA512())
    value = base64.b64encode(signature).decode()
    return {"Signature-Input": f"x={text}", "Signature": f"x=:{value}:"}


def test_a_caller_may_cover_the_target_uri_and_sign_by_pss(partners: Partners) -> None:
    components, base = ("@method", "@target-uri"), ['"@method": GET', f'"@target-uri": {URI}']
    headers = by_hand(partners, "P-RSA", components, base, alg="rsa-pss-sha512")
    assert verify(partners, headers, method="GET").platform == "P-RSA"
    assert "does not hold" in refused(
        partners, headers, method="GET", target_uri=URI.replace("https", "http")
    )
    renamed = edit(headers, "Signature-Input", ";alg=.*$", "")
    assert "does not hold" in refused(partners, renamed, method="GET")


LINES = {
    "@method": '"@method": GET',
    "@target-uri": f'"@target-uri": {URI}',
    "@authority": '"@authority": gateway.example:8450',
    "@path": '"@path": /v1/applications',
    "@query": '"@query": ?contract_no=A%20b&page=1',
}


@pytest.mark.parametrize(
    ("components", "right"),
    [
        (("@method", "@target-uri"), True),
        (("@method", "@authority", "@path", "@query"), True),
        (("@query", "@path", "@authority", "@method", "@target-uri"), True),
        ((), False),
        (("@method",), False),
        (("@target-uri",), False),
        (("@authority", "@path", "@query"), False),
        (("@method", "@authority", "@path"), False),
        (("@method", "@authority", "@query"), False),
        (("@method", "@path", "@query"), False),
        (("@method", "@target-uri", "@method"), False),
    ],
    ids=str,
)
def test_a_right_signature_must_cover_method_and_whole_target(
    components: tuple[str, ...], right: bool, partners: Partners
) -> None:
    headers = by_hand(partners, "P-RSA", components, [LINES[name] for name in components])
    if right:
        assert verify(partners, headers, method="GET").platform == "P-RSA"
    else:
        assert "covered" in refused(partners, headers, method="GET")


@pytest.mark.parametrize(
    "algorithm", ["ecdsa-p256-sha256", "ed25519", "hmac-sha256", "sm2-sm3", "none", "", 5]
)
def test_a_right_signature_under_another_algorithms_name_is_refused(
    algorithm: str | int, partners: Partners
) -> None:
    components = ("@method", "@target-uri")
    headers = by_hand(partners, "P-RSA", components, [LINES[name] for name in components], alg=algorithm)
    assert "algorithm" in refused(partners, headers, method="GET")


@pytest.mark.parametrize(
    "changed",
    [{"unknown": 1}, {"nonce": ""}, {"nonce": "n" * 129}, {"nonce": 5}, {"keyid": 5}, {"created": "1"}, {"expires": "1"}],
    ids=str,
)  # fmt: skip
def test_a_right_signature_with_wrong_parameters_is_refused(
    changed: dict[str, Any], partners: Partners
) -> None:
    components = ("@method", "@target-uri")
    headers = by_hand(partners, "P-RSA", components, [LINES[name] for name in components], **changed)
    assert refused(partners, headers, method="GET")


def test_what_expired_is_stale(partners: Partners) -> None:
    components, base = ("@method", "@target-uri"), ['"@method": GET', f'"@target-uri": {URI}']
    given = {"alg": "rsa-pss-sha512", "expires": CREATED + 5}
    headers = by_hand(partners, "P-RSA", components, base, **given)
    verify(partners, headers, method="GET", at=NOW + timedelta(seconds=5))
    with pytest.raises(MessageError) as error:
        verify(partners, headers, method="GET", at=NOW + timedelta(seconds=6))
    assert error.value.result == "20005"


def test_a_body_is_held_against_its_digest() -> None:
    value = content_digest(BODY)
    assert value.startswith("sha-256=:")
    assert has_digest(value, BODY)
    assert has_digest(f"sha-512=:AAAA:, {value}", BODY)
    assert not has_digest(value, BODY + b" ")
    assert not has_digest("sha-512=:AAAA:", BODY)
    assert not has_digest("nonsense", BODY)
    assert not has_digest(None, BODY)
    assert has_digest(None, b"")
    assert not has_digest(value, b"")


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a=", "a=(", 'a=("b"', 'a=("b)', 'a=("b""c")', "a=(b)", "a=(1)", 'a=("b");', 'a=("b");x', 'a=("b");x=',
        'a=("b");x=1.5', 'a=("b");x=?1', 'a=("b");x=:AA:', 'a=("b") c', 'a=("b"),', 'a=("b"),,b=()', "A=()", '1a=()',
        'a=("é")', 'a=("\\x")', 'a=("b");x=1;x=2', "a=(), a=()", 'a=("b";p=1)', "x" * 9000,
    ],
    ids=lambda text: text[:20],
)  # fmt: skip
def test_fields_that_are_not_structured_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        structured.read_lists(text)


def test_an_inner_list_keeps_its_text() -> None:
    text = '( "a"  "b\\"c" );x=1; y="z\\\\"'
    found = structured.read_lists(f"k={text}, other=()")
    assert found["k"] == structured.InnerList(("a", 'b"c'), {"x": 1, "y": "z\\"}, text)
    assert found["other"] == structured.InnerList((), {}, "()")


visible = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=20)


@given(
    st.lists(visible, max_size=4),
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True), visible | st.integers(-999, 999)),
)
def test_what_is_written_is_read_back(items: list[str], parameters: dict[str, str | int]) -> None:
    text = structured.write_list(tuple(items), parameters)
    found = structured.read_lists(f"sig={text}")["sig"]
    assert (found.items, found.parameters, found.text) == (tuple(items), parameters, text)


@pytest.mark.parametrize("node", ["P-EC", "P-RSA", "P-ED", "P-SM2"])
def test_a_time_that_was_told_holds_for_its_call_and_teller_alone(node: str, partners: Partners) -> None:
    teller = partners.platforms[node]
    told = sign_time(401, teller, CREATED + 600, "n-1")

    def read(status: int = 401, by: str = node, nonce: str = "n-1", **changed: str) -> int | None:
        return read_time(status, {**told, **changed}, partners.trust, by, nonce, NOW)

    assert read() == CREATED + 600
    assert read(status=200) is read(by="Q-EC") is read(nonce="n-2") is None
    later = told["Signature-Input"].replace(str(CREATED + 600), str(CREATED + 601))
    assert read(**{"Signature-Input": later}) is None
    assert read_time(401, {}, partners.trust, node, "n-1", NOW) is None
    call = sign(teller, created=CREATED, nonce="n-1")
    assert read_time(401, call, partners.trust, node, "n-1", NOW) is None, "what a caller signed is no answer"
