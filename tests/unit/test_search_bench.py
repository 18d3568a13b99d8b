"""The search's figure is that of the worst question: no question is hidden among many that are quick."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import Any

import pytest
from click.testing import CliRunner

from gateway.bench import searching
from gateway.bench.searching import DEEP, Answers, p95, questions
from gateway.cli import bench as command


def test_the_p95_is_an_answer_that_was_given() -> None:
    assert p95(range(1, 21)) == 19 and p95([7.04]) == 7.0 and p95([1.0] * 19 + [300.0, 300.0]) == 300.0


def test_the_figure_is_the_worst_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_for: list[int] = []

    async def measure(root: Any, folder: Any, server: Any, rows: int) -> Any:
        asked_for.append(rows)
        answers = {
            "sqlite": Answers(2.0, {"all": 1.0, "key": 250.5}),
            "postgres": Answers(3.0, {"all": 301.0, "key": 2.5}),
        }
        return {
            "rows": rows,
            **{f"search_p95_ms_{name}": one.worst for name, one in answers.items()},
        }, answers

    monkeypatch.setattr(searching, "measure", measure)
    monkeypatch.setattr(command, "_server", lambda folder: nullcontext())
    told = CliRunner().invoke(command.bench, ["--only", "console", "--rows", "2000", "--json"])
    assert told.exit_code == 0, told.output
    *table, last = told.output.splitlines()
    assert json.loads(last) == {"rows": 2000, "search_p95_ms_sqlite": 250.5, "search_p95_ms_postgres": 301.0}
    assert [line.split() for line in table[:3]] == [
        ["key", "p95,", "ms:", "sqlite", "250.5", "postgres", "2.5"],
        ["all", "p95,", "ms:", "sqlite", "1.0", "postgres", "301.0"],
        ["all", "answers", "p95,", "ms:", "sqlite", "2.0", "postgres", "3.0"],
    ]
    assert asked_for == [2000]


def test_every_filter_is_asked_alone_and_beside_a_sender_or_a_type() -> None:
    """And deep pages are of questions that there are."""
    asked = questions(0, 1_000_000)
    assert set(DEEP) <= set(asked)
    shapes = {frozenset(_given(one)) for one in asked.values()}
    for name in ("text", "application", "code", "state", "receiver", "parked", "least_fen", "key"):
        assert any(name in shape and shape & {"sender", "type"} for shape in shapes), name


def _given(wanted: Any) -> list[str]:
    return [name for name in wanted.__slots__ if name != "limit" and getattr(wanted, name)]
