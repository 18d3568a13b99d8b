"""The integrators' guide, in both languages: every command in it is run, in its order, and does what it says.

A block of `sh` is one shell script; `<!-- exit N -->` before it says how it ends (0 otherwise). Each line of the
`text` block behind it stands in its output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.unit.mapping.draft.books import PROJECT, book

ROOT = Path(__file__).parent.parent.parent
GUIDES = (ROOT / "docs" / "mapping.md", ROOT / "docs" / "mapping.zh.md")
_BLOCK = re.compile(r"(?:<!-- exit (\d) -->\n)?```sh\n(.*?)```(?:\n+```text\n(.*?)```)?", re.DOTALL)


@dataclass(frozen=True)
class Step:
    script: str
    status: int
    lines: tuple[str, ...]


def steps(guide: Path) -> list[Step]:
    return [
        Step(script, int(status or 0), tuple(shown.splitlines()))
        for status, script, shown in _BLOCK.findall(guide.read_text(encoding="utf-8"))
    ]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder as the guide assumes it, with the reader's own spreadsheet."""
    for name in ("config", "schemas", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / name)
    (tmp_path / "fields.xlsx").write_bytes(book({"500": [["项目（PROJECT）"], *PROJECT]}))
    return tmp_path


def test_every_command_of_the_guide_does_what_it_says(place: Path) -> None:
    found = steps(GUIDES[0])  # those of the other language are the same, see below
    assert len(found) >= 11
    commands = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "LANG": "C.UTF-8"}
    environment.pop("GATEWAY_ROOT", None)
    for step in found:
        done = subprocess.run(
            ["bash", "-eu", "-c", step.script],
            cwd=place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        output = done.stdout + done.stderr
        assert done.returncode == step.status, f"{step.script}\n{output}"
        for line in step.lines:
            assert line in output, f"{step.script}\n{line!r} is not in:\n{output}"


def test_both_languages_run_the_same_commands() -> None:
    english, chinese = map(steps, GUIDES)
    assert english == chinese


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_every_command_that_the_guide_names_is_there(guide: Path) -> None:
    from gateway.cli.mapping import mapping

    named = set(re.findall(r"gateway mapping ([a-z]+)", guide.read_text(encoding="utf-8")))
    assert named == set(mapping.commands)
