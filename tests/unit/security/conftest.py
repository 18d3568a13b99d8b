from __future__ import annotations

import pytest

from tests.unit.security.partners import Partners


@pytest.fixture(scope="session")
def partners(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    return Partners.make(tmp_path_factory.mktemp("certs"))
