"""AEAD on several cores: OpenSSL lets go of the interpreter, so threads do the chunks of one piece at once."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

Numbered = tuple[int, bytes]


def in_threads(work: Callable[[Numbered], bytes], chunks: Iterable[Numbered]) -> Iterable[bytes]:
    """`work` on every chunk, in order; while the first results are used, the rest is made."""
    listed = list(chunks)
    return _pool().map(work, listed) if len(listed) > 1 else map(work, listed)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="chunks")
