"""A gateway in a process of its own, killed and started at will, on one port and one data folder."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
START_S = 120  # bounds a hang; a machine that is busy with other tests starts a process slowly


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


class GatewayProcess:
    """`folder` holds config/, schemas/, mappings/ (see gateway.bench.endtoend.prepare) and gets var/.
    `under`: the words of a program that starts it, and is not in the way of signals."""

    def __init__(
        self,
        folder: Path,
        urls: dict[str, str] | None = None,
        *,
        poll: bool = False,
        workers: int = 1,
        under: tuple[str, ...] = (),
    ):
        self.folder = folder
        self.under = under
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.words = ([] if poll else ["--no-poll"]) + (["--workers", str(workers)] if workers > 1 else [])
        self.environ = {
            **os.environ,
            "GATEWAY_ROOT": str(folder),
            "GATEWAY_DATA_DIR": str(folder / "var"),
            "GATEWAY_PORT": str(self.port),
            **{"GATEWAY_URL_" + node.replace("-", "_"): url for node, url in (urls or {}).items()},
        }
        self.process: asyncio.subprocess.Process | None = None

    async def command(self, *words: str) -> tuple[int, str]:
        """Runs `gateway WORDS…` on the same configuration; (exit status, what it printed)."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *words,
            env=self.environ, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode()

    async def start(self) -> None:
        words = ["serve", "--announce", "--log-level", "error", *self.words]
        self.process = await asyncio.create_subprocess_exec(
            *self.under,
            sys.executable,
            "-m",
            "gateway",
            *words,
            env=self.environ,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            line = await self.process.stdout.readline()
        assert line.startswith(b"listening"), line

    async def kill(self) -> None:
        """kill -9: no goodbye."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        if self.process is not None and self.process.returncode is None:
            await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        async with asyncio.timeout(30):
            await self.process.wait()

    def children(self) -> set[int]:
        """The processes that it started; none where it is gone, which may be seen here before the loop tells it."""
        assert self.process is not None
        pid = self.process.pid
        try:
            return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
        except FileNotFoundError:
            return set()
