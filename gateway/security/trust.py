"""Whose certificates are believed: registered to a platform AND issued by a configured root AND in time.

Chaining to a root is never enough by itself: the root issues certificates to others too. The roots are
anchors: an intermediate CA that issues to platforms is given as one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from gateway.security.certificate import Certificate
from gateway.security.refusals import SealError


class Trust:
    """Built once at start; several certificates a platform at once, so that keys can be rotated.

    ValueError if one certificate is registered to two platforms.
    """

    def __init__(
        self, certificates: Mapping[str, Iterable[Certificate]], roots: Iterable[Certificate]
    ) -> None:
        self._roots = tuple(roots)
        self._known: dict[str, tuple[str, Certificate]] = {}
        self._issued: dict[bytes, str] = {}
        self._anchors: dict[str, Certificate] = {}
        for platform, several in certificates.items():
            for certificate in several:
                self._register(platform, certificate)

    def _register(self, platform: str, certificate: Certificate) -> None:
        thumbprint = certificate.thumbprint
        known = self._known.get(thumbprint)
        if known is not None and known[0] != platform:
            raise ValueError(f"certificate {thumbprint} is registered to {known[0]} and to {platform}")
        self._known[thumbprint] = (platform, certificate)
        self._issued[certificate.issuer_and_serial] = thumbprint
        anchor = next((root for root in self._roots if certificate.is_issued_by(root)), None)
        if anchor is not None:
            self._anchors[thumbprint] = anchor

    def registered(self) -> Iterator[tuple[str, Certificate]]:
        """Every (platform, certificate), by platform."""
        return iter(sorted(self._known.values(), key=lambda pair: (pair[0], pair[1].not_after)))

    def find(self, thumbprint: str) -> tuple[str, Certificate] | None:
        """(platform, certificate) by base64url SHA-256 thumbprint."""
        return self._known.get(thumbprint)

    def find_issued(self, issuer_and_serial: bytes) -> tuple[str, Certificate] | None:
        """(platform, certificate) by the DER of IssuerAndSerialNumber, as CMS names it."""
        thumbprint = self._issued.get(issuer_and_serial)
        return self._known[thumbprint] if thumbprint is not None else None

    def check(self, certificate: Certificate, platform: str, at: datetime) -> None:
        """SealError unless the certificate is this platform's, chains to a root, and both are in time."""
        known = self._known.get(certificate.thumbprint)
        if known is None or known[0] != platform:
            raise SealError(f"certificate {certificate.thumbprint} is not registered to {platform}")
        anchor = self._anchors.get(certificate.thumbprint)
        if anchor is None:
            raise SealError(f"certificate {certificate.thumbprint} of {platform} chains to no root")
        if not certificate.is_valid_at(at):
            raise SealError(f"certificate {certificate.thumbprint} of {platform} is not valid at {at}")
        if not anchor.is_valid_at(at):
            raise SealError(f"the root of certificate {certificate.thumbprint} is not valid at {at}")

    def check_signer(self, certificate: Certificate, platform: str, at: datetime) -> None:
        """`check`, and the certificate must be one that may sign messages (not one for TLS alone)."""
        self.check(certificate, platform, at)
        if not certificate.may_sign:
            raise SealError(f"certificate {certificate.thumbprint} of {platform} is not for signing")
