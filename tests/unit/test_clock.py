from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest


@pytest.mark.parametrize("offset_s", [600, -600])
def test_a_process_can_be_given_a_clock_that_is_wrong(offset_s: int) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from gateway import clock; print(clock.now_s(), clock.now().timestamp())"],
        env={**os.environ, "GATEWAY_CLOCK_OFFSET_S": str(offset_s)}, capture_output=True, check=True,
    )  # fmt: skip
    for found in map(float, told.stdout.split()):
        assert abs(found - time.time() - offset_s) < 30
