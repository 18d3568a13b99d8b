"""http-message-signatures (RFC 9421) as second opinion, in both directions."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import Any

import http_message_signatures as other
import pytest

from gateway.security.authority import private_pem
from gateway.security.httpsig import content_digest, sign_request, verify_request
from tests.unit.security.partners import NOW, Partners

URI = "https://gateway.example/v1/applications?a=%20b&c"
BODY = b'{"a": 1}'
ALGORITHMS = {
    "P-EC": other.algorithms.ECDSA_P256_SHA256,
    "P-RSA": other.algorithms.RSA_V1_5_SHA256,
    "P-ED": other.algorithms.ED25519,
}


@dataclass
class Request:
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)


class Keys(other.HTTPSignatureKeyResolver):
    def __init__(self, partners: Partners):
        self.by_id = {one.sign_cert.thumbprint: one for one in partners.platforms.values()}

    def resolve_public_key(self, key_id: str) -> Any:
        return self.by_id[key_id].sign_cert.public_key

    def resolve_private_key(self, key_id: str) -> Any:
        return private_pem(self.by_id[key_id].sign_key)


@pytest.mark.parametrize("node", sorted(ALGORITHMS))
def test_the_library_verifies_what_we_sign(node: str, partners: Partners) -> None:
    request = Request("POST", URI, {"Content-Type": "application/json", "On-Behalf-Of": "X"})
    now = datetime.datetime.now(datetime.UTC)
    added = sign_request(
        "POST", URI, request.headers, BODY, partners.platforms[node], int(now.timestamp()), "n-1"
    )
    request.headers.update(added)
    verifier = other.HTTPMessageVerifier(signature_algorithm=ALGORITHMS[node], key_resolver=Keys(partners))
    (result,) = verifier.verify(request, max_age=datetime.timedelta(seconds=60))
    assert {name.strip('"') for name in result.covered_components} >= {
        "@method", "@authority", "@path", "@query", "content-digest", "on-behalf-of", "content-type",
    }  # fmt: skip
    request.url = URI.replace("=%20b", "=c")
    with pytest.raises(other.InvalidSignature):
        verifier.verify(request, max_age=datetime.timedelta(seconds=60))


@pytest.mark.parametrize("node", [*sorted(ALGORITHMS), "P-RSA/pss"])
@pytest.mark.parametrize("target", [("@target-uri",), ("@authority", "@path", "@query")], ids=str)
def test_we_verify_what_the_library_signs(node: str, target: tuple[str, ...], partners: Partners) -> None:
    name, _, pss = node.partition("/")
    algorithm = other.algorithms.RSA_PSS_SHA512 if pss else ALGORITHMS[name]
    request = Request("POST", URI, {"Content-Digest": content_digest(BODY), "On-Behalf-Of": "X"})
    signer = other.HTTPMessageSigner(signature_algorithm=algorithm, key_resolver=Keys(partners))
    signer.sign(
        request, key_id=partners.platforms[name].sign_cert.thumbprint, created=NOW, nonce="n-2",
        covered_component_ids=("@method", *target, "content-digest", "on-behalf-of"),
        use_existing_digest=True,
    )  # fmt: skip
    call = verify_request("POST", URI, request.headers, partners.trust, NOW)
    assert (call.platform, call.nonce, call.content_digest) == (name, "n-2", content_digest(BODY))
