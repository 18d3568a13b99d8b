"""What holds for every suite alike: what comes out, and what is refused, always in the same words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import xmltree
from gateway.errors import MessageError
from gateway.security.identity import Identity
from gateway.security.keys import make_authority
from gateway.security.suite import MAX_PAYLOAD_BYTES, Peer, SealError, check_claims, suites
from gateway.security.trust import Trust
from tests.unit.security.partners import (
    CASES,
    LATER,
    NOW,
    OTHER,
    PAYLOAD,
    Case,
    Partners,
    claims_of,
)

every_case = pytest.mark.parametrize("case", CASES, ids=str)


def refused(error: pytest.ExceptionInfo[SealError]) -> str:
    """The cause, after checking that nothing of it can be seen from outside."""
    (fault,) = error.value.faults
    assert (fault.code, fault.result, error.value.status) == ("seal.invalid", "20001", 401)
    assert str(error.value) == ": the seal does not hold"
    assert error.value.cause_text
    return error.value.cause_text


def test_there_are_three_suites() -> None:
    assert list(suites) == ["gm", "jose", "wss"]
    assert {suites.get(name).content_type for name in suites} == {
        "application/jose", "application/soap+xml", "application/pkcs7-mime",
    }  # fmt: skip


@every_case
def test_what_is_sealed_comes_out(case: Case, partners: Partners) -> None:
    found = partners.unseal(case, partners.seal(case))
    assert found.payload == xmltree.canonical(xmltree.parse(PAYLOAD))
    assert found.claims == claims_of(case.node)
    assert found.certificate == partners.platforms[case.node].sign_cert


@every_case
def test_a_reply_comes_out_at_the_platform(case: Case, partners: Partners) -> None:
    gateway, platform = partners.gateway[case.kind], partners.platforms[case.node]
    claims = claims_of("GW", receiver=case.node, msg_type="8001")
    peer = Peer(case.node, case.algorithms, platform.decrypt_cert)
    sealed = case.with_suite.seal(PAYLOAD, claims, gateway, peer)
    trust = Trust({"GW": [one.sign_cert for one in partners.gateway.values()]}, partners.roots)
    assert case.with_suite.unseal(sealed, platform, trust, NOW).claims == claims


@every_case
def test_two_seals_of_the_same_have_nothing_in_common_to_see(case: Case, partners: Partners) -> None:
    first, second = partners.seal(case), partners.seal(case)
    assert first != second
    assert b"SQ-310000-1" not in first


@every_case
def test_a_change_anywhere_is_refused_or_changes_nothing(case: Case, partners: Partners) -> None:
    sealed = partners.seal(case)
    whole = partners.unseal(case, sealed)
    text = case.suite != "gm"
    accepted = 0
    for place in range(0, len(sealed), max(1, len(sealed) // 150)):
        old = sealed[place]
        new = (ord("B") if old == ord("A") else ord("A")) if text else old ^ 0x01
        changed = sealed[:place] + bytes((new,)) + sealed[place + 1 :]
        try:
            found = partners.unseal(case, changed)
        except SealError:
            continue
        # Names of elements and ids outside the signature may change; what is read may not.
        assert (found.payload, found.claims, found.certificate) == (
            whole.payload, whole.claims, whole.certificate,
        )  # fmt: skip
        accepted += 1
    assert accepted <= {"jose": 0, "gm": 3, "wss": 15}[case.suite]


@every_case
def test_what_is_cut_or_is_nothing_of_the_kind_is_refused(case: Case, partners: Partners) -> None:
    sealed = partners.seal(case)
    cut = [sealed[: len(sealed) * tenth // 10] for tenth in range(10)]
    nonsense = [
        b"",
        b".",
        b"....",
        b"\xff" * 40,
        b"{}",
        b"<a/>",
        b"<a",
        b"0\x80",
        sealed + b"x",
        b"x" + sealed,
    ]
    for data in [*cut, *nonsense]:
        with pytest.raises(SealError) as error:
            partners.unseal(case, data)
        refused(error)


@every_case
def test_what_is_sealed_for_another_is_refused(case: Case, partners: Partners) -> None:
    sealed = partners.seal(case, receiver=partners.platforms[OTHER[case.node]])
    with pytest.raises(SealError) as error:
        partners.unseal(case, sealed)
    refused(error)


@every_case
def test_a_certificate_that_only_chains_to_the_root_is_refused(case: Case, partners: Partners) -> None:
    sealed = partners.seal(case, signer=partners.issue(case.kind, name=case.node))
    with pytest.raises(SealError) as error:
        partners.unseal(case, sealed)
    assert "not registered" in refused(error)


@every_case
def test_the_certificate_of_another_platform_is_refused(case: Case, partners: Partners) -> None:
    """The other is registered, and its signature is right; but it says that it is this one."""
    other = partners.platforms[OTHER[case.node]]
    sealed = partners.seal(case, signer=other, claims=claims_of(case.node))
    with pytest.raises(SealError) as error:
        partners.unseal(case, sealed)
    assert f"not registered to {case.node}" in refused(error)


@every_case
def test_a_registered_certificate_without_a_trusted_root_is_refused(case: Case, partners: Partners) -> None:
    stranger = make_authority("ec" if case.kind == "ed25519" else case.kind, NOW)
    trust = partners.trusting(case.node, roots=[stranger.certificate])
    with pytest.raises(SealError) as error:
        partners.unseal(case, partners.seal(case), trust=trust)
    assert "no root" in refused(error)


@every_case
def test_a_certificate_is_refused_before_and_after_its_time(case: Case, partners: Partners) -> None:
    sealed = partners.seal(case)
    for at in (NOW - timedelta(days=2), NOW + timedelta(days=731), LATER):
        with pytest.raises(SealError) as error:
            partners.unseal(case, sealed, at=at)
        assert "not valid at" in refused(error)


@every_case
def test_two_certificates_at_once_serve_while_keys_are_rotated(case: Case, partners: Partners) -> None:
    fresh = partners.issue(case.kind, name=case.node)
    trust = partners.trusting(case.node, fresh.sign_cert)
    for signer in (partners.platforms[case.node], fresh):
        sealed = partners.seal(case, signer=signer)
        assert partners.unseal(case, sealed, trust=trust).certificate == signer.sign_cert


@every_case
def test_a_certificate_for_tls_or_encryption_signs_no_message(case: Case, partners: Partners) -> None:
    for usage in ("tls-client", "encrypt"):
        wrong = partners.issue(case.kind, usage=usage, name=case.node)
        trust = partners.trusting(case.node, wrong.sign_cert)
        with pytest.raises(SealError) as error:
            partners.unseal(case, partners.seal(case, signer=wrong), trust=trust)
        assert "not for signing" in refused(error)


@every_case
def test_a_signature_by_another_key_than_the_certificates_is_refused(case: Case, partners: Partners) -> None:
    mine, other = partners.platforms[case.node], partners.issue(case.kind)
    forged = Identity(case.node, other.sign_key, mine.sign_cert, mine.decrypt_key, mine.decrypt_cert)
    with pytest.raises(SealError) as error:
        partners.unseal(case, partners.seal(case, signer=forged))
    assert "signature does not hold" in refused(error)


@every_case
def test_what_cannot_be_sealed_says_so(case: Case, partners: Partners) -> None:
    for claims in (claims_of(""), claims_of(case.node, jti=""), claims_of(case.node, idem_key="键")):
        with pytest.raises(ValueError, match="claim"):
            partners.seal(case, claims=claims)
    with pytest.raises(ValueError, match="at most"):
        partners.seal(case, b"x" * (MAX_PAYLOAD_BYTES + 1))
    wrong = replace(case, algorithms={"sign": "none"})
    with pytest.raises(ValueError, match="sign"):
        partners.seal(wrong)
    wrong = replace(case, algorithms={"encrypt": "none"})
    with pytest.raises(ValueError, match=r"none|encrypt"):
        partners.seal(wrong)


@every_case
def test_keys_of_another_kind_do_not_seal(case: Case, partners: Partners) -> None:
    wrong = {"jose": "P-SM2", "gm": "P-RSA", "wss": "P-EC"}[case.suite]
    with pytest.raises(ValueError):
        partners.seal(Case(case.suite, case.node), signer=partners.platforms[wrong])
    with pytest.raises(ValueError):
        partners.seal(Case(case.suite, case.node), receiver=partners.platforms[wrong])


@every_case
def test_large_payloads_pass(case: Case, partners: Partners) -> None:
    payload = b"<a>" + b"0123456789abcdef" * 65536 * 6 + b"</a>"
    assert partners.unseal(case, partners.seal(case, payload)).payload == payload


def test_claims_are_checked_against_here_and_now() -> None:
    claims = claims_of("P-EC")
    check_claims(claims, receiver="GW", at=NOW)
    check_claims(claims, receiver="GW", at=NOW, sender="P-EC", msg_type="3001", idem_key="k<1>&2")
    for wrong in (
        {"receiver": "P-RSA"},
        {"receiver": "GW", "sender": "P-RSA"},
        {"receiver": "GW", "msg_type": "3002"},
        {"receiver": "GW", "idem_key": "other"},
        {"receiver": "GW", "idem_key": ""},
    ):
        with pytest.raises(MessageError) as error:
            check_claims(claims, at=NOW, **wrong)  # type: ignore[arg-type]
        assert error.value.result == "20007"
        assert error.value.status == 403


def test_what_is_stale_or_from_the_future_hears_our_time() -> None:
    claims = claims_of("P-EC")
    for moment in (NOW + timedelta(seconds=300), NOW - timedelta(seconds=300)):
        check_claims(claims, receiver="GW", at=moment)
    for moment in (NOW + timedelta(seconds=301), NOW - timedelta(seconds=301)):
        with pytest.raises(MessageError) as error:
            check_claims(claims, receiver="GW", at=moment)
        assert error.value.result == "20005"
        assert (moment + timedelta(hours=8)).strftime("%Y%m%d%H%M%S") in str(error.value)
    with pytest.raises(MessageError):
        check_claims(claims, receiver="GW", at=NOW + timedelta(seconds=61), max_age_s=60)
