"""What a driver that was killed could not take down: folders that carry its process id, and what runs and is mounted there."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

PREFIX = f"gateway-torture-{os.getpid()}-"
_OURS = re.compile(r"gateway-torture-(\d+)-.*")


def is_over(pid: int) -> bool:
    """Has the process ended?"""
    return not Path(f"/proc/{pid}").exists()


def sweep_folders() -> None:
    """Ends the databases, unmounts the disks and removes the folders of drivers that are dead."""
    for folder in Path(tempfile.gettempdir()).iterdir():
        found = _OURS.fullmatch(folder.name)
        if found and is_over(int(found[1])):
            _end_database(folder / "postgres" / "data")
            subprocess.run(["umount", "-l", str(folder / "data")], capture_output=True, check=False)
            shutil.rmtree(folder, ignore_errors=True)


def _end_database(data: Path) -> None:
    """As by `-m immediate`, and only a process that says itself that it is this database's."""
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, IndexError):
        return
    if os.fsencode(data) in words:
        os.kill(pid, signal.SIGQUIT)
