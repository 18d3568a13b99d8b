"""One standard for all tests of this folder: it is immutable."""

from __future__ import annotations

import pytest

from gateway.standard import Standard
from tests.unit.standard.material import load


@pytest.fixture(scope="session")
def standard() -> Standard:
    return load()
