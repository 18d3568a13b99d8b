"""The garbage collector of a process that has loaded what it keeps for good."""

from __future__ import annotations

import gc


def keep_what_is_loaded() -> None:
    """What is there now stays: the collector need not walk it again and again beside the messages (standard and
    mappings: 0.17 s each time, measured)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
