"""Drives child.py: one process a file, ended when its time, memory or answer is too much.

Pure but for this process: bytes go in and a record comes out, and the child has no file, no argument and no
variable of the environment to work with.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import orjson

from gateway.errors import MessageError
from gateway.invoices.child import EXHAUSTED
from gateway.invoices.limits import Limits, over

_CHILD = Path(__file__).with_name("child.py")
What = Literal["pdf", "images"]


def read_contained(what: What, parts: list[bytes], limits: Limits) -> dict[str, Any]:
    """The child's answer. MessageError 10001 for what it could not read, 10002 for what was too much."""
    job = orjson.dumps(
        {"what": what, "sizes": [len(part) for part in parts], "limits": dataclasses.asdict(limits)}
    )
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_CHILD)],
            input=b"".join((job, b"\n", *parts)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=limits.child_wall_s,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _too_costly() from error
    # A negative status is a signal: the kernel's, for the seconds or the bytes.
    if done.returncode < 0 or done.returncode == EXHAUSTED:
        raise _too_costly()
    if done.returncode:
        raise MessageError.of(
            "invoice.unreadable",
            "文件损坏，无法读取",
            "the file is damaged and cannot be read",
            result="10001",
        )
    answer: dict[str, Any] = orjson.loads(done.stdout)
    return answer


def _too_costly() -> MessageError:
    return over(
        "costly", "读取文件超出时间或内存上限", "reading the file takes more time or memory than allowed"
    )
