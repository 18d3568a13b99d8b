"""Passwords are hashed in threads: a few at once, so many wait, and of one origin no more than its share.

Whoever asks in vain as fast as it can keeps out those alone who come from where it does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

from gateway.errors import GatewayError

Result = TypeVar("Result")
_AT_ONCE = 2  # 64 MiB and a core each
MOST_WAITING, MOST_OF_ONE = 32, 8


class TooManyHashes(GatewayError):
    """More passwords wait to be checked than a machine should spend itself on; come again."""


class Hashing:
    """One a process."""

    def __init__(self) -> None:
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting: Counter[str] = Counter()

    async def do(self, origin: str, work: Callable[..., Result], *given: str) -> Result:
        """`origin`: as the audit has it. TooManyHashes where too many are waiting."""
        share = share_of(origin)
        if self._waiting[share] >= MOST_OF_ONE or self._waiting.total() >= MOST_WAITING:
            raise TooManyHashes("too many passwords wait to be checked")
        self._waiting[share] += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(work, *given)
        finally:
            self._waiting[share] -= 1
            self._waiting += Counter()  # without those of whom none waits


def share_of(origin: str) -> str:
    """The peer, and whom it stands for by its own word, the last one: what comes before that is the asker's."""
    peer, _, said = origin.partition(" ")
    return f"{peer} {said.rpartition(',')[2].strip(' )').removeprefix('(for ')}".strip()
