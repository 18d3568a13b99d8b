from __future__ import annotations

import ast
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import failpoints

ROOT = Path(__file__).parents[2]


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[int, int]]]:
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: calls.append((pid, number)))
    yield calls
    failpoints.arm({})


def test_the_nth_time_kills_and_no_other(killed: list[tuple[int, int]]) -> None:
    failpoints.arm({"GATEWAY_FAILPOINT": "accept.before-commit:2"})
    for _ in range(4):
        failpoints.reach("accept.written")
        failpoints.reach_each(["record", "accept", "accept"], "before-commit")
        failpoints.reach_each(["accept"], "after-commit")
        if killed:
            break
    else:
        pytest.fail("it lives")
    assert _ == 1
    assert killed == [(os.getpid(), signal.SIGKILL)]


def test_nothing_is_armed_by_itself(killed: list[tuple[int, int]]) -> None:
    failpoints.arm({})
    for name in failpoints.PLACES:
        failpoints.reach(name)
    assert killed == []


@pytest.mark.parametrize("value", ["accept.before-commit", "accept.before-commit:0", "nowhere:1", ":1"])
def test_a_place_that_is_none_is_told(value: str) -> None:
    with pytest.raises(ValueError, match="GATEWAY_FAILPOINT"):
        failpoints.arm({"GATEWAY_FAILPOINT": value})


def test_every_place_is_one_that_the_code_comes_to() -> None:
    named: set[str] = set()
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or not node.args:
                continue
            last = node.args[-1]
            if not isinstance(last, ast.Constant):
                continue
            if node.func.id == "reach":
                named.add(last.value)
            if node.func.id == "reach_each":
                named |= {f"{kind}.{last.value}" for kind in ("accept", "record", "claim", "act")}
    assert named == failpoints.PLACES
