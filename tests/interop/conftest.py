from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.security.partners import Partners

Run = Callable[..., bytes]


@pytest.fixture(scope="session")
def partners(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    return Partners.make(tmp_path_factory.mktemp("certs"))


def command(name: str, place: Path) -> Run:
    """Runs the command in `place`; its output. Skips where the command is missing."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"the command {name} is not installed")

    def run(*arguments: str, stdin: bytes = b"", ok: bool = True) -> bytes:
        done = subprocess.run([found, *arguments], input=stdin, capture_output=True, cwd=place, timeout=60)
        assert (done.returncode == 0) == ok, (arguments, done.stdout, done.stderr)
        return done.stdout + done.stderr

    return run


@pytest.fixture
def openssl(tmp_path: Path) -> Run:
    return command("openssl", tmp_path)


@pytest.fixture
def xmlsec1(tmp_path: Path) -> Run:
    return command("xmlsec1", tmp_path)
