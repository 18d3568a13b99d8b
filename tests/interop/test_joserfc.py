"""joserfc as second opinion on the suite jose, in both directions."""

from __future__ import annotations

import json
import warnings
from typing import Any

import pytest
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from gateway.security.authority import private_pem
from gateway.security.claimset import claims_as_members
from gateway.security.identity import Identity
from gateway.security.refusals import SealError
from gateway.security.signing import PrivateKey, kind_of
from tests.unit.security.partners import CASES, Case, Partners, claims_of

jose_case = pytest.mark.parametrize("case", CASES[:3], ids=str)
PAYLOAD = b"<a>\xe4\xb8\x8a\xe6\xb5\xb7</a>" * 100
SIGN = {"ec": "ES256", "rsa": "RS256", "ed25519": "EdDSA"}
WRAP = {"ec": "ECDH-ES+A256KW", "rsa": "RSA-OAEP-256"}


def jwk_of(key: PrivateKey) -> Any:
    kind: Any = {"ec": ECKey, "rsa": RSAKey, "ed25519": OKPKey}[kind_of(key)]
    return kind.import_key(private_pem(key))


def registries() -> tuple[jws.JWSRegistry, jwe.JWERegistry]:
    signing = jws.JWSRegistry(algorithms=[*SIGN.values()], strict_check_header=False)
    encryption = jwe.JWERegistry(algorithms=[*WRAP.values(), "A256GCM"], strict_check_header=False)
    return signing, encryption


@jose_case
def test_joserfc_opens_what_we_seal(case: Case, partners: Partners) -> None:
    signing, encryption = registries()
    receiver: Identity = partners.gateway[case.kind]
    signer = partners.platforms[case.node]
    sealed = partners.seal(case, PAYLOAD)
    outer = jwe.decrypt_compact(sealed, jwk_of(receiver.decrypt_key), registry=encryption)
    header = outer.protected or {}
    assert header["kid"] == receiver.decrypt_cert.thumbprint
    assert header["cty"] == "jose"
    assert outer.plaintext is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RFC 9864 will rename EdDSA
        inner = jws.deserialize_compact(outer.plaintext, jwk_of(signer.sign_key), registry=signing)
    assert inner.payload == PAYLOAD
    assert inner.headers() == {
        "alg": SIGN[case.kind],
        "kid": signer.sign_cert.thumbprint,
        **claims_as_members(claims_of(case.node)),
    }


@jose_case
def test_we_open_what_joserfc_seals(case: Case, partners: Partners) -> None:
    signing, encryption = registries()
    signer, receiver = partners.platforms[case.node], partners.gateway[case.kind]
    header = {
        "alg": SIGN[case.kind], "kid": signer.sign_cert.thumbprint, "typ": "JOSE",
        **claims_as_members(claims_of(case.node)),
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        token = jws.serialize_compact(header, PAYLOAD, jwk_of(signer.sign_key), registry=signing)
    wrap = WRAP[receiver.decrypt_cert.kind]
    outer = {"alg": wrap, "enc": "A256GCM", "kid": receiver.decrypt_cert.thumbprint, "cty": "jose"}
    sealed = jwe.encrypt_compact(outer, token.encode(), jwk_of(receiver.decrypt_key), registry=encryption)
    found = partners.unseal(case, sealed.encode())
    assert (found.payload, found.claims) == (PAYLOAD, claims_of(case.node))


@pytest.mark.parametrize("party", ["apu", "apv"])
def test_party_info_goes_into_the_key_as_joserfc_derives_it(party: str, partners: Partners) -> None:
    signing, encryption = registries()
    case = CASES[0]
    signer, receiver = partners.platforms[case.node], partners.gateway["ec"]
    header = {"alg": "ES256", "kid": signer.sign_cert.thumbprint, **claims_as_members(claims_of(case.node))}
    token = jws.serialize_compact(header, PAYLOAD, jwk_of(signer.sign_key), registry=signing)
    outer = {
        "alg": "ECDH-ES+A256KW",
        "enc": "A256GCM",
        "kid": receiver.decrypt_cert.thumbprint,
        party: "QWxpY2U",
    }
    sealed = jwe.encrypt_compact(outer, token.encode(), jwk_of(receiver.decrypt_key), registry=encryption)
    assert partners.unseal(case, sealed.encode()).payload == PAYLOAD


def test_a_json_serialisation_with_several_recipients_is_refused(partners: Partners) -> None:
    sealed = partners.seal(CASES[0]).split(b".")
    protected, key, nonce, content, tag = (part.decode() for part in sealed)
    value = {
        "protected": protected, "iv": nonce, "ciphertext": content, "tag": tag,
        "recipients": [{"encrypted_key": key}, {"encrypted_key": key}],
    }  # fmt: skip
    with pytest.raises(SealError):
        partners.unseal(CASES[0], json.dumps(value).encode())
