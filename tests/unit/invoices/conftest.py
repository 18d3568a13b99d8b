"""One issuer for all seals, and the real files that lie beside the project on the owners' machines."""

from __future__ import annotations

import pytest

from ..formats.conftest import real_file
from .making import Issuer

__all__ = ["real_file"]


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    return Issuer()
