"""The gateway's processes, started, killed and asked as the machine and its operators do it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from gateway.torture.database import free_port
from gateway.torture.receivers import ANSWER_WITHIN_S
from gateway.torture.wrongclock import SteppingClock, find_library

START_S = 900.0  # bounds a hang; a machine that is busy with other things starts a process slowly
LEASE_S = 3
SENDERS = ("GGZY-ZPT", "GGZY-JSGC")
_ROUTES = """routes:
  - {type: "1001", sender: GGZY-ZPT, to: [GGZY-JSGC]}
  - {type: "1001", sender: GGZY-JSGC, to: [GGZY-ZPT]}
"""
_GATEWAY = {
    "retry": "{first_s: 0.3, factor: 1.5, most_s: 2, attempts: 100000}",
    "breaker": "{failures: 8, first_s: 0.2, most_s: 1}",
    "lease_s": str(LEASE_S),
    "workers": "64",
    "min_free_bytes": "0",
}


def prepare(root: Path, folder: Path) -> None:
    """A copy of the configuration in which two platforms speak the standard's own form to each other."""
    shutil.copytree(root / "config", folder / "config")
    for name in ("schemas", "mappings"):
        (folder / name).symlink_to(root / name)
    (folder / "config" / "routes.yaml").write_text(_ROUTES, encoding="utf-8")
    for name in ("construction", "general"):
        _rewrite(
            folder / "config" / "platforms" / f"{name}.yaml",
            {
                "profile": "general", "format": "standard-json", "key_kind": "ec",
                "algorithms": "{sign: ES256, encrypt: ECDH-ES+A256KW}",
                "connector": f'{{kind: http, url: "http://127.0.0.1:9/", timeout_s: {ANSWER_WITHIN_S}, concurrency: 32}}',
            },
        )  # fmt: skip
    _rewrite(folder / "config" / "gateway.yaml", _GATEWAY)


def _rewrite(path: Path, fields: Mapping[str, str]) -> None:
    text = path.read_text(encoding="utf-8")
    for name, value in fields.items():
        text = re.sub(rf"^{name}:.*\n", "", text, flags=re.MULTILINE) + f"{name}: {value}\n"
    path.write_text(text, encoding="utf-8")


class Node:
    """One `gateway serve`, again and again on the same port, which `session` reaches. `within`: the words that run it
    elsewhere than here, where its commands run."""

    def __init__(
        self,
        name: str,
        folder: Path,
        data: Path,
        receivers: Mapping[str, int],
        session: aiohttp.ClientSession,
        store_url: str = "",
        within: Sequence[str] = (),
    ):
        self.name = name
        self.session = session
        self._within = within
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = folder / f"{name}.log"
        library = find_library()
        self._clock = SteppingClock(library, folder / f"{name}.clock") if library else None
        self._environ = {
            **os.environ,
            "GATEWAY_ROOT": str(folder),
            "GATEWAY_DATA_DIR": str(data),
            "GATEWAY_PORT": str(self.port),
            "GATEWAY_NODE": name,
            **({"GATEWAY_STORE_URL": store_url} if store_url else {}),
            **{
                "GATEWAY_URL_" + platform.replace("-", "_"): f"http://127.0.0.1:{port}/in/{{type}}"
                for platform, port in receivers.items()
            },
        }
        self.process: asyncio.subprocess.Process | None = None
        self.is_sound = False  # this process has no failpoint, and its clock is right

    @property
    def can_step(self) -> bool:
        """Can its clock be stepped while it runs?"""
        return self._clock is not None

    async def start(self, *, failpoint: str = "", clock_s: int = 0, steps: bool = False) -> bool:
        """Is it ready? No: it died before. `clock_s`: its clock is wrong by so much from the start; `steps`: its clock is
        right, and `step_clock` may be called."""
        more = {"GATEWAY_FAILPOINT": failpoint, "GATEWAY_CLOCK_OFFSET_S": str(clock_s)}
        self.is_sound = not failpoint and not clock_s and not steps
        if steps and self._clock is not None:
            self._clock.step(0)
            more |= self._clock.environ
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *self._within, sys.executable, "-m", "gateway", "serve", "--announce", "--log-level", "warning", "--no-poll",
                "--while-stdin",  # it must not outlive its driver
                env=self._environ | more, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            return (await self.process.stdout.readline()).startswith(b"listening")

    def step_clock(self, by_s: int) -> None:
        assert self._clock is not None
        self._clock.step(by_s)

    def last_words(self) -> str:
        """The end of what it and those before it wrote to standard error."""
        return self._log.read_text(errors="replace")[-1500:] if self._log.exists() else ""

    def late_writes(self) -> int:
        """Outcomes that the store refused, since the lease had run out and been taken by another."""
        return self._log.read_bytes().count(b'"lease lost"') if self._log.exists() else 0

    @property
    def is_alive(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def died(self, within_s: float) -> bool:
        """Waits for its end."""
        assert self.process is not None
        try:
            async with asyncio.timeout(within_s):
                await self.process.wait()
        except TimeoutError:
            return False
        return True

    def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()

    async def stop(self) -> int:
        """As an operator stops it; its exit status."""
        assert self.process is not None
        if self.process.returncode is None:
            self.process.terminate()
        return await self.process.wait()

    async def command(self, *words: str) -> str:
        """What `gateway WORDS…` prints on the same configuration."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway", *words,
            env=self._environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, told = await process.communicate()
        if process.returncode not in (0, 1):
            raise RuntimeError(f"gateway {' '.join(words)}: {told.decode()[-500:]}")
        return out.decode()

    async def deliveries(self) -> dict[str, int]:
        """By state, as the gateway itself counts them."""
        async with self.session.get(f"{self.url}/readyz") as response:
            told: dict[str, Any] = json.loads(await response.read())
        return {state: count for state, count in told.get("deliveries", {}).items() if count}
