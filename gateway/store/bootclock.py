"""Time that no step of the wall clock moves: seconds of the boot clock, and steady milliseconds.

A lease ends by the boot clock, which counts on through suspend and starts anew with a reboot; `boot_id`
tells one boot from another. Steady milliseconds are the boot clock set to the wall clock once a boot, so
that times to come (`due_at`) can be kept across reboots and still read like a time of day.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from gateway import clock

_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def boot_s() -> float:
    """Seconds since the machine started."""
    return time.clock_gettime(_CLOCK)


def boot_id() -> str:
    """The name of this boot; where the system gives none, of this process, so that no old lease lives on."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """`base_ms`: what to add to the boot clock. All processes on one database share it."""

    boot: str
    base_ms: int

    @classmethod
    def started_now(cls) -> SteadyClock:
        return cls(boot_id(), clock.now_ms() - int(boot_s() * 1000))

    def now_ms(self) -> int:
        return self.base_ms + int(boot_s() * 1000)
