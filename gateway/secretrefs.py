"""Secrets that the configuration only refers to: `env:NAME` or `file:PATH`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

SECRET = r"^((env:[A-Za-z_][A-Za-z0-9_]*)|(file:.+))?$"


def read_secret(reference: str, at: Callable[[str], Path], environ: Mapping[str, str]) -> str:
    """What stands there; `at` finds a relative path. OSError, UnicodeDecodeError, or ValueError where it is empty."""
    kind, _, place = reference.partition(":")
    value = environ.get(place, "") if kind == "env" else at(place).read_text(encoding="utf-8").strip()
    if not value:
        raise ValueError("it is empty")
    return value
