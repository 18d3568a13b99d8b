"""A trace of a gateway's syscalls, and where things stand in it."""

from __future__ import annotations

import re
from pathlib import Path

TRACED = "fsync,fdatasync,rename,renameat,renameat2,link,linkat,write,writev,sendto,sendmsg"
_LINE = re.compile(r"(\d+) +(.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed> ?(.*)")


def tracer(trace: Path) -> tuple[str, ...]:
    """The words of a strace that writes to `trace` and is not in the way of signals."""
    return (
        "strace", "-D", "-f", "--seccomp-bpf", "-qq", "-y", "-s", "24", "-e", f"trace={TRACED}", "-o", str(trace),
    )  # fmt: skip


def ended_calls(trace: str) -> list[str]:
    """The calls in the order in which they ended, each written as if nothing had come in between."""
    begun: dict[str, str] = {}
    ended: list[str] = []
    for line in trace.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            continue
        task, text = match.groups()
        if text.endswith("<unfinished ...>"):
            begun[task] = text.removesuffix("<unfinished ...>").rstrip()
        elif resumed := _RESUMED.fullmatch(text):
            ended.append(begun.pop(task, "") + resumed[1])
        else:
            ended.append(text)
    return ended


def place(calls: list[str], *parts: str, after: int = -1) -> int:
    """Where the first such call stands."""
    for index, call in enumerate(calls):
        if index > after and all(part in call for part in parts):
            return index
    raise AssertionError(f"{parts} is not in the trace after {after}:\n" + "\n".join(calls[-60:]))
