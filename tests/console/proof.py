"""The receipt key of the console's tests, with its certificate where the gateway has its own."""

from __future__ import annotations

import functools
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from gateway import clock
from gateway.evidence import EvidenceLog
from gateway.message import GATEWAY_NODE
from gateway.security.keys import load_certificate
from tests.store.samples import KEY, sign


@functools.cache
def certificate(days: int = 365) -> bytes:
    """PEM, that ends an hour after so many days."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, GATEWAY_NODE)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(clock.now() - timedelta(days=30))
        .not_valid_after(clock.now() + timedelta(days=days, hours=1))
        .sign(KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def proving_log(certs: Path) -> EvidenceLog:
    """A log whose receipts the certificate in the folder proves."""
    place = certs / GATEWAY_NODE
    place.mkdir(parents=True)
    (place / "receipt.crt").write_bytes(certificate())
    return EvidenceLog("GW-1", sign, load_certificate(certificate()).thumbprint)
