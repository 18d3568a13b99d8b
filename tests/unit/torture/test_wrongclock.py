"""The clock of a torture's process is stepped while it runs, and its boot clock is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.torture.wrongclock import SteppingClock, find_library

LIBRARY = find_library()
SAYS = "import time\nwhile input(): print(time.time(), time.monotonic(), flush=True)"


@pytest.mark.skipif(not LIBRARY, reason="libfaketime is not installed")
def test_a_process_sees_its_clock_step_and_its_boot_clock_go_on(tmp_path: Path) -> None:
    clock = SteppingClock(LIBRARY, tmp_path / "clock")
    with subprocess.Popen(
        [sys.executable, "-c", SAYS],
        env=os.environ | clock.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        seen = []
        for by_s in (0, 600, -600):
            clock.step(by_s)
            process.stdin.write("what time is it\n")
            process.stdin.flush()
            seen.append(tuple(map(float, process.stdout.readline().split())))
        process.stdin.write("\n")
        process.stdin.flush()
    (first, began), (fast, _), (slow, ended) = seen
    assert 595 < fast - first < 640 and -605 < slow - first < -560 and 0 <= ended - began < 40
