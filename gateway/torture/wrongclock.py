"""A process's clock that steps while it runs: libfaketime under it, told by a file. The boot clock goes on as it is."""

from __future__ import annotations

from pathlib import Path

_LIBRARIES = Path("/usr/lib"), "*/faketime/libfaketimeMT.so.1"


def find_library() -> str:
    """Where Debian's package puts it; "" where it is not installed."""
    folder, pattern = _LIBRARIES
    found = sorted(folder.glob(pattern))
    return str(found[0]) if found else ""


class SteppingClock:
    """The clock of whatever is started with `environ`. `library`: of libfaketime."""

    def __init__(self, library: str, file: Path):
        self._file = file
        self.step(0)
        self.environ = {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }

    def step(self, by_s: int) -> None:
        """From now on it is so much fast, or slow."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{by_s:+d}\n", encoding="ascii")
        fresh.rename(self._file)
