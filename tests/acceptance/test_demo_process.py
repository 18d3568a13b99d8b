"""`gateway demo` as a process: its end tells what it came to; interrupted at any moment it says so, and leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .harness import ROOT


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for left in processes_of(tmp_path):
        os.kill(left, signal.SIGKILL)


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    environ = {**os.environ, "TMPDIR": str(folder), "GATEWAY_ROOT": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "gateway", *words],
        cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def processes_of(folder: Path) -> list[int]:
    """Processes whose environment names the folder."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if str(folder).encode() in place.read_bytes():
                found.append(int(place.parent.name))
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return found


def read_until(process: subprocess.Popen[str], part: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if part in line:
            return
    raise AssertionError(f"ended without {part!r}")


def test_a_demo_that_came_out_right_ends_with_its_figures_and_0(folder: Path) -> None:
    process = start(folder, "demo", "--once", "--json")
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    said = json.loads(out.splitlines()[-1])
    assert list(said) == [
        "steps_completed", "cases", "messages_accepted", "deliveries_done", "deliveries_pending", "dead_letters",
        "effects_duplicated", "effects_lost", "refused_as_expected", "resends", "failures", "wall_s",
    ]  # fmt: skip
    assert said["steps_completed"] == 7
    none = ("deliveries_pending", "dead_letters", "effects_duplicated", "effects_lost", "failures")
    assert {name: said[name] for name in none} == dict.fromkeys(none, 0)
    some = ("cases", "messages_accepted", "deliveries_done", "refused_as_expected", "wall_s")
    assert all(said[name] > 0 for name in some), said
    assert processes_of(folder) == [] and list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("moment", "number"),
    [("", signal.SIGINT), ("gateway http", signal.SIGINT), ("2003", signal.SIGINT), ("2003", signal.SIGHUP)],
)
def test_an_interrupted_demo_is_no_success_and_leaves_nothing(
    folder: Path, moment: str, number: signal.Signals
) -> None:
    process = start(folder, "demo", "--once", "--json")
    read_until(process, moment) if moment else time.sleep(1.5)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode != 0 and '"steps_completed"' not in out
    assert processes_of(folder) == []


def test_a_killed_demo_takes_its_gateway_with_it(folder: Path) -> None:
    process = start(folder, "demo", "--once", "--json")
    read_until(process, "2003")
    process.kill()
    process.communicate(timeout=60)
    ends = time.monotonic() + 30
    while left := processes_of(folder):
        assert time.monotonic() < ends, left
        time.sleep(0.1)


def test_a_port_that_is_taken_is_said_in_one_line(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/gateway/messages/{{type}}"
        environ = {**os.environ, "GATEWAY_URL_GGZY_ZPT": url, "GATEWAY_DATA_DIR": str(folder)}
        process = subprocess.run(
            [sys.executable, "-m", "gateway", "demo"],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert process.returncode == 1 and "Traceback" not in process.stderr
    assert "does another demo run?" in process.stderr
