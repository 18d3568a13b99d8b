"""Seals, keys, trust, HTTP signatures, masking: pure, but for the explicit file access of `keys`.

Importing this package registers the suites jose, wss and gm.
"""

from __future__ import annotations

from gateway.security import gm, jose, keys, wss

__all__ = ["gm", "jose", "keys", "wss"]
