"""What tests of several floors need alike: the gateway's receipt key; the options of all tests."""

from __future__ import annotations

import pytest

from gateway.keeping.manifest import Certificates
from gateway.message import GATEWAY_NODE
from gateway.security import keys


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-layouts",
        action="store_true",
        help="keep the console's layouts as they are now (tests/console/layouts)",
    )


@pytest.fixture(scope="module")
def receipt(tmp_path_factory: pytest.TempPathFactory) -> keys.Identity:
    folder = tmp_path_factory.mktemp("certs")
    keys.write_development_certificates(folder, {})
    return keys.load_identity_from(GATEWAY_NODE, folder / GATEWAY_NODE / "receipt")


@pytest.fixture
def known(receipt: keys.Identity) -> Certificates:
    return Certificates([receipt.sign_cert])
