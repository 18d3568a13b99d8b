"""From a place in the target to the sender's own place: how a fault is told in the sender's words.

While a mapping is checked, paths carry `[#2]` where the index of the item of scope 2 will stand.
"""

from __future__ import annotations

import re

_MARK = re.compile(r"\[#(\d+)\]")
_INDEX = re.compile(r"\[(\d+)\]")


def unmarked(path: str) -> str:
    return _MARK.sub("", path)


def without_indexes(path: str) -> str:
    """`Bidders/Bidder[2]/Code` → `Bidders/Bidder/Code`."""
    return _INDEX.sub("", path)


class Sources:
    """Target path → source path, both with marks."""

    def __init__(self) -> None:
        self._found: dict[str, tuple[str, str]] = {}

    def remember(self, target: str, source: str) -> None:
        if source:
            self._found[unmarked(target)] = (target, source)

    def source_of(self, path: str) -> str:
        """`Bidders/Bidder[2]/Code` → the sender's path, of the nearest place around that has one."""
        plain = without_indexes(path)
        while plain and plain not in self._found:
            plain = plain.rpartition("/")[0]
        if not plain:
            return ""
        target, source = self._found[plain]
        indexes: dict[str, str] = {}
        for marked, given in zip(target.split("/"), path.split("/"), strict=False):
            mark, index = _MARK.search(marked), _INDEX.search(given)
            if mark and index:
                indexes[mark[1]] = f"[{index[1]}]"
        return _MARK.sub(lambda mark: indexes.get(mark[1], ""), source)
