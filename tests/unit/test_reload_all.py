"""What somebody asks of one worker at the console is for all of them, and wrong mappings are for none."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.app import load_translator, reload_all
from gateway.seat import Seat
from gateway.settings import load_settings

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("workers", "broken", "told"), [(1, False, 0), (2, False, 1), (2, True, 0)])
async def test_the_parent_is_told_if_there_are_siblings_and_nothing_is_wrong(
    workers: int, broken: bool, told: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("config", "schemas", "mappings"):
        shutil.copytree(ROOT / name, tmp_path / name)
    settings = replace(load_settings(ROOT, environ={}), root=tmp_path)
    translator = load_translator(settings)
    if broken:
        next((tmp_path / "mappings").glob("*/*.in.yaml")).write_text("fields: [", encoding="utf-8")
    signals: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: signals.append((pid, number)))
    findings = await reload_all(settings, translator, asyncio.Lock(), Seat(1, workers))
    assert signals == [(os.getppid(), signal.SIGHUP)] * told
    assert any(one.severity == "error" for one in findings) == broken
