"""The second factor: one-time codes by time (RFC 6238: SHA-1, six digits, 30 s) and codes for when the device is lost.

cryptography has TOTP and is here already; a window of one step to either side allows for clocks.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_S = 30
_DIGITS = 6
_WINDOW = (0, -1, 1)
_SECRET_BYTES = 20  # RFC 4226 section 4, R6
RECOVERY_CODES = 10
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """Base32, as authenticators read it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code_at(secret: str, at_s: float) -> str:
    return _totp(secret).generate(int(at_s)).decode()


def find_step(secret: str, code: str, at_s: float) -> int | None:
    """The time step whose code this is; None where it is none of now. Whoever calls refuses a step that was
    used before (RFC 6238 section 5.2)."""
    digits = "".join(code.split())
    if not (digits.isascii() and digits.isdigit() and len(digits) == _DIGITS):
        return None
    step = int(at_s) // STEP_S
    for near in _WINDOW:
        if hmac.compare_digest(code_at(secret, (step + near) * STEP_S), digits):
            return step + near
    return None


def provisioning_uri(secret: str, name: str, issuer: str) -> str:
    """The `otpauth:` address that a QR code holds."""
    return _totp(secret).get_provisioning_uri(name, issuer)


def new_recovery_codes() -> list[str]:
    """Shown once; `recovery_hash` of each is kept. Fifty bits and more each: no slow hash needed."""
    return [
        "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    ]


def recovery_hash(code: str) -> str:
    letters = "".join(one for one in code.lower() if one.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()


def _totp(secret: str) -> TOTP:
    return TOTP(base64.b32decode(secret), _DIGITS, SHA1(), STEP_S)
