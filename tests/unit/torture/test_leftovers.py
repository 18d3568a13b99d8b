from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from gateway.torture.leftovers import PREFIX, sweep_folders


def test_folders_of_dead_drivers_are_removed_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    left, own, other = (
        tmp_path / name for name in (f"gateway-torture-{dead.pid}-x", f"{PREFIX}x", "gateway-torture-notes")
    )
    for folder in (left, own, other):
        (folder / "gateway").mkdir(parents=True)
    assert f"gateway-torture-{os.getpid()}-" == PREFIX
    sweep_folders()
    assert not left.exists() and own.exists() and other.exists()
