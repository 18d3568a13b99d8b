"""Folders behind SFTP (asyncssh). The server's key must be known, time is bounded, one connection serves all calls.

A connection that breaks while a name is given leaves it open whether it was given: that is told as unknown, and the
next attempt looks. There is no way to sync a folder over SFTP: what a server says is done is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import posixpath
import secrets
import stat
from collections.abc import AsyncIterator, Sequence
from urllib.parse import unquote, urlsplit

import asyncssh

from gateway.connectors.contract import ConnectorWorld
from gateway.connectors.folders import Entry, FolderError, NotAFile, hidden

_ALIVE_S, _ALIVE_TIMES = 15, 3
_LOST = (asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, OSError)
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)
_MAY_BE_THERE = (
    asyncssh.SFTPFailure,
    asyncssh.SFTPFileAlreadyExists,
)  # what a server says of a name that is taken

_KEEPS_ITS_TIME = (
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPOpUnsupported,
    asyncssh.SFTPFailure,
    asyncssh.SFTPNoSuchFile,
)


class SftpFolders:
    """Connects when it is first asked for something, and again after a connection was lost."""

    def __init__(self, world: ConnectorWorld):
        connector = world.platform.connector
        address = urlsplit(connector.url)
        self.host, self.port = address.hostname or "", address.port or 22
        self.user = unquote(address.username or "")
        self.root = unquote(address.path) or "."
        self.timeout_s = connector.timeout_s
        self.login = world.login
        self._connection: asyncssh.SSHClientConnection | None = None
        self._sftp: asyncssh.SFTPClient | None = None
        self._connecting = asyncio.Lock()

    async def prepare(self, folders: Sequence[str]) -> None:
        async with self._calling() as call:
            for path in folders:
                parts = path.split("/")
                for count in range(1, len(parts) + 1):
                    await _make(call.sftp, self._at("/".join(parts[:count])))

    async def files(self, folder: str) -> list[Entry]:
        async with self._calling() as call:
            found = await call.sftp.readdir(self._at(folder))
        entries = [
            Entry(str(one.filename), one.attrs.size or 0, float(one.attrs.mtime or 0))
            for one in found
            if _is_regular(one.attrs)
        ]
        return sorted(entries, key=lambda one: one.name)

    async def read(self, path: str, most_bytes: int) -> bytes | None:
        async with self._calling() as call:
            try:
                if not _is_regular(await call.sftp.lstat(self._at(path))):
                    raise NotAFile(f"{path} is not a regular file")
                async with call.sftp.open(self._at(path), "rb", encoding=None) as opened:
                    data = await opened.read(most_bytes + 1)
            except asyncssh.SFTPNoSuchFile:
                return None
            return data if isinstance(data, bytes) else data.encode()

    async def put(self, path: str, data: bytes) -> bool:
        async with self._calling() as call:
            if await self._exists(call, path):
                return False
            written = await self._write(call, path, data)
            call.may_be_done = True
            try:
                await call.sftp.rename(written, self._at(path))
            except _MAY_BE_THERE:
                call.may_be_done = False
                with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                    await call.sftp.remove(written)
                if not await self._exists(call, path):
                    raise
                return False
            return True

    async def replace(self, path: str, data: bytes) -> None:
        async with self._calling() as call:
            written = await self._write(call, path, data)
            try:
                await call.sftp.posix_rename(written, self._at(path))
            except asyncssh.SFTPOpUnsupported:
                with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                    await call.sftp.remove(self._at(path))
                await call.sftp.rename(written, self._at(path))

    async def claim(self, path: str, to: str) -> bool:
        async with self._calling() as call:
            try:
                await call.sftp.posix_rename(self._at(path), self._at(to))
            except asyncssh.SFTPOpUnsupported:
                return await self._rename(call, path, to)
            except asyncssh.SFTPNoSuchFile:
                return False
            return True

    async def move(self, path: str, to: str) -> bool:
        async with self._calling() as call:
            with contextlib.suppress(*_KEEPS_ITS_TIME):
                await call.sftp.utime(self._at(path))
            return await self._rename(call, path, to)

    async def remove(self, path: str) -> None:
        async with self._calling() as call:
            with contextlib.suppress(asyncssh.SFTPNoSuchFile):
                await call.sftp.remove(self._at(path))

    async def close(self) -> None:
        connection, self._connection, self._sftp = self._connection, None, None
        if connection is not None:
            connection.close()
            await connection.wait_closed()

    def _at(self, path: str) -> str:
        return posixpath.join(self.root, path)

    async def _exists(self, call: _Call, path: str) -> bool:
        try:
            await call.sftp.lstat(self._at(path))
        except asyncssh.SFTPNoSuchFile:
            return False
        return True

    async def _rename(self, call: _Call, path: str, to: str) -> bool:
        if await self._exists(call, to):
            return False
        try:
            await call.sftp.rename(self._at(path), self._at(to))
        except asyncssh.SFTPNoSuchFile:
            return False
        except _MAY_BE_THERE:
            if not await self._exists(call, to):
                raise
            return False
        return True

    async def _write(self, call: _Call, path: str, data: bytes) -> str:
        """The hidden name under which all of it is written, and synced where the server can."""
        written = self._at(hidden(path, secrets.token_hex(8)))
        try:
            async with call.sftp.open(written, "xb") as opened:
                await opened.write(data)
                with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                    await opened.fsync()
        except asyncssh.SFTPError:
            with contextlib.suppress(asyncssh.SFTPError):
                await call.sftp.remove(written)
            raise
        return written

    @contextlib.asynccontextmanager
    async def _calling(self) -> AsyncIterator[_Call]:
        """A bounded use of the connection; whatever fails is a FolderError that says what is known."""
        call = _Call()
        try:
            async with asyncio.timeout(self.timeout_s):
                call.use(await self._connected())
                yield call
        except TimeoutError as error:
            self._forget()
            text = f"no answer within {self.timeout_s:g} s"
            raise FolderError("delivery.timeout", text, unknown=call.may_be_done) from error
        except _LOST as error:
            self._forget()
            code = "delivery.broken-off" if call.is_connected else "delivery.unreachable"
            raise FolderError(code, _words(error), unknown=call.may_be_done) from error
        except _FULL as error:
            raise FolderError("delivery.folder", f"no room there: {_words(error)}") from error
        except asyncssh.SFTPError as error:
            raise FolderError("delivery.folder", _words(error)) from error
        except asyncssh.Error as error:  # its key is not known, or ours is not taken
            self._forget()
            raise FolderError("delivery.login", _words(error)) from error

    async def _connected(self) -> asyncssh.SFTPClient:
        async with self._connecting:
            if self._sftp is None or self._connection is None or self._connection.is_closed():
                self._forget()
                self._connection = await self._connect()
                self._sftp = await self._connection.start_sftp_client(path_errors="surrogateescape")
            return self._sftp

    async def _connect(self) -> asyncssh.SSHClientConnection:
        login = self.login
        try:
            own = [asyncssh.import_private_key(login.key, login.passphrase or None)] if login.key else None
            known = asyncssh.import_known_hosts(login.known_hosts)
        except ValueError as error:
            raise FolderError("delivery.login", _words(error)) from error
        # Nothing but what is configured: no agent, no keys or settings of the account that runs the gateway.
        return await asyncssh.connect(
            self.host, self.port, username=self.user, client_keys=own, password=login.password or None,
            known_hosts=known, agent_path=None, config=None,
            gss_host=None, keepalive_interval=_ALIVE_S, keepalive_count_max=_ALIVE_TIMES,
            connect_timeout=self.timeout_s, login_timeout=self.timeout_s,
        )  # fmt: skip

    def _forget(self) -> None:
        """The next call connects anew."""
        if self._connection is not None:
            self._connection.abort()
        self._connection = self._sftp = None


class _Call:
    """One use of the connection. `may_be_done`: from here on a break leaves open what came of it."""

    def __init__(self) -> None:
        self.may_be_done = False
        self._sftp: asyncssh.SFTPClient | None = None

    def use(self, sftp: asyncssh.SFTPClient) -> None:
        self._sftp = sftp

    @property
    def is_connected(self) -> bool:
        return self._sftp is not None

    @property
    def sftp(self) -> asyncssh.SFTPClient:
        if self._sftp is None:
            raise LookupError("not connected")
        return self._sftp


async def _make(sftp: asyncssh.SFTPClient, path: str) -> None:
    try:
        about = await sftp.lstat(path)
    except asyncssh.SFTPNoSuchFile:
        with contextlib.suppress(*_MAY_BE_THERE):  # another process made it just now
            await sftp.mkdir(path)
        return
    if about.permissions is not None and not stat.S_ISDIR(about.permissions):
        raise FolderError("delivery.folder", f"{path} is no folder")


def _is_regular(about: asyncssh.SFTPAttrs) -> bool:
    return about.permissions is not None and stat.S_ISREG(about.permissions)


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
