"""Folders behind SFTP, at asyncssh's own server: whole files under their names, whatever the connection does."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import asyncssh
import pytest

from gateway.connectors.drop import DropConnector, file_name
from gateway.connectors.folders import FolderError, NotAFile
from gateway.connectors.sftpfolders import SftpFolders
from gateway.connectorsettings import ConnectorSettings, DropSettings, LoginSettings
from gateway.errors import DeliveryError
from gateway.logins import Login
from gateway.settings import Settings

from .partners import parcel, partner
from .running import running
from .test_drops import EVERY_S, SUB, answer, drop, ended, names, project, sealed, until
from .test_pressure import send, with_platform

PASSWORD = "correct horse"


@cache
def host_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


@cache
def own_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


class Door(asyncssh.SSHServer):
    """Lets the gateway in by its key or its password."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("gateway", PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "gateway" and key.public_data == own_key().public_data


class Desk(asyncssh.SFTPServer):
    """A server's files below `root`, which does what a test wants once at a step."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], root: Path, trouble: dict[str, str]):
        self.trouble = trouble
        super().__init__(channel, chroot=os.fsencode(root))

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        what = "" if b"/notes/" in newpath else self.trouble.pop("rename", "")
        if what != "break before":
            super().rename(oldpath, newpath)
        if what:
            self.connection.abort()

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:  # type: ignore[override]
        match self.trouble.pop("write", ""):
            case "break":
                self.close(file_obj)
                self.connection.abort()
                raise asyncssh.SFTPConnectionLost("gone")
            case "full":
                raise asyncssh.SFTPNoSpaceOnFilesystem("no room")
            case "hang":
                await asyncio.sleep(1.5)  # longer than the gateway waits
        return super().write(file_obj, offset, data)  # type: ignore[return-value]


@contextlib.asynccontextmanager
async def serving(root: Path, trouble: dict[str, str]) -> AsyncIterator[int]:
    """The port."""
    acceptor = await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Door, server_host_keys=[host_key()],
        sftp_factory=lambda channel: Desk(channel, root, trouble),
    )  # fmt: skip
    try:
        yield acceptor.get_port()
    finally:
        acceptor.close()
        await acceptor.wait_closed()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "server"
    (folder / "exchange").mkdir(parents=True)
    return folder


@pytest.fixture
def trouble() -> dict[str, str]:
    return {}


@pytest.fixture
async def port(root: Path, trouble: dict[str, str]) -> AsyncIterator[int]:
    async with serving(root, trouble) as found:
        yield found


def known(port: int, key: asyncssh.SSHKey | None = None) -> str:
    public = (key or host_key()).export_public_key().decode()
    return f"[127.0.0.1]:{port} {public}"


def login(port: int, **changes: str) -> Login:
    own = Login(key=own_key().export_private_key().decode(), known_hosts=known(port))
    return replace(own, **changes)  # type: ignore[arg-type]


def url(port: int) -> str:
    return f"sftp://gateway@127.0.0.1:{port}/exchange"


async def connector(port: int, timeout_s: float = 5, **changes: str) -> DropConnector:
    own = partner(SUB)
    settings = ConnectorSettings.model_construct(kind="sftp", url=url(port), timeout_s=timeout_s)
    world = own.world(None, "")  # type: ignore[arg-type]
    platform = own.platform.model_copy(update={"connector": settings})
    world = replace(world, platform=platform, login=login(port, **changes))
    return DropConnector(world, SftpFolders(world))


async def test_messages_go_both_ways_over_sftp(tmp_path: Path, root: Path, port: int) -> None:
    (tmp_path / "known_hosts").write_text(known(port))
    (tmp_path / "password").write_text(PASSWORD + "\n")
    login = LoginSettings(known_hosts=str(tmp_path / "known_hosts"), password=f"file:{tmp_path / 'password'}")
    own = ConnectorSettings(kind="sftp", url=url(port), drop=DropSettings(every_s=EVERY_S), login=login)
    number, data, key = project()
    place = root / "exchange"

    def change(settings: Settings) -> Settings:
        calm = {node: one.model_copy(update={"poll": None}) for node, one in settings.platforms.items()}
        return with_platform(SUB, connector=own)(replace(settings, platforms=calm))

    async with running(tmp_path / "data", change=change, poll=True) as there:
        sent = await send(there)
        await until(lambda: names(place / "out"))
        (row,) = [one for one in await there.store.deliveries(sent.message_id) if one.receiver == SUB]
        assert (await ended(there, row.id)).state == "done"
        opened = partner(SUB).open((place / "out" / names(place / "out")[0]).read_bytes())
        assert opened.claims.idem_key == row.delivery_key
        for count, name in enumerate(("a", "b"), 1):
            drop(place, name, sealed(number, data, key))
            await until(lambda count=count: len(names(place / "in/done")) == count)  # type: ignore[misc]
        found = await there.store.find_by_key(SUB, key)
        assert found is not None and found.transport == "sftp"
        assert answer(place, "a")[1] == answer(place, "b")[1]
        assert answer(place, "a")[1]["Message"]["Id"] == found.id  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"known_hosts": ""}, "delivery.login"),
        ({"known_hosts": "other"}, "delivery.login"),
        ({"key": "", "password": "wrong"}, "delivery.login"),
        ({"key": "nonsense"}, "delivery.login"),
    ],
)
async def test_who_is_not_known_gets_nothing(
    port: int, root: Path, changes: dict[str, str], code: str
) -> None:
    if changes.get("known_hosts"):
        changes = {"known_hosts": known(port, own_key())}
    one = await connector(port, **changes)
    with pytest.raises(DeliveryError) as caught:
        await one.send(parcel("3001"))
    assert (caught.value.code, caught.value.unknown, caught.value.permanent) == (code, False, False)
    assert list((root / "exchange").iterdir()) == []
    await one.close()


@pytest.mark.parametrize(
    ("step", "what", "code", "unknown", "again"),
    [
        ("write", "break", "delivery.broken-off", False, "accepted"),
        ("write", "full", "delivery.folder", False, "accepted"),
        ("write", "hang", "delivery.timeout", False, "accepted"),
        ("rename", "break before", "delivery.broken-off", True, "accepted"),
        ("rename", "break after", "delivery.broken-off", True, "already"),
    ],
)
async def test_a_connection_that_fails_in_the_middle_leaves_one_file_in_the_end(
    port: int, root: Path, trouble: dict[str, str], step: str, what: str, code: str, unknown: bool, again: str
) -> None:
    one, message = await connector(port, timeout_s=1), parcel("3001")
    await one.send(parcel("3001"))  # makes folders and connection
    place = root / "exchange/out"
    (first,) = names(place)
    trouble[step] = what
    with pytest.raises(DeliveryError) as caught:
        await one.send(message)
    assert (caught.value.code, caught.value.unknown) == (code, unknown)
    said = await one.send(message)
    assert getattr(said, again)
    assert sorted(names(place)) == sorted([first, file_name(one.world, message)])
    assert partner(SUB).open((place / file_name(one.world, message)).read_bytes()).payload == message.payload
    await one.close()


async def test_a_server_that_is_away_is_told_as_such() -> None:
    one = await connector(1)
    with pytest.raises(DeliveryError) as caught:
        await one.send(parcel("3001"))
    assert (caught.value.code, caught.value.unknown) == ("delivery.unreachable", False)


async def test_folders_behind_sftp_do_what_folders_on_a_disk_do(port: int, root: Path) -> None:
    folders = (await connector(port)).folders
    place = root / "exchange"
    await folders.prepare(["out", "out/done"])
    await folders.prepare(["out", "out/done"])
    assert await folders.put("out/a", b"first") and not await folders.put("out/a", b"second")
    await folders.replace("out/b", b"1")
    await folders.replace("out/b", b"2")
    (place / "out/link").symlink_to(place / "out/a")
    assert [(one.name, one.size) for one in await folders.files("out")] == [("a", 5), ("b", 1)]
    for name in ("link", "done"):
        with pytest.raises(NotAFile):
            await folders.read(f"out/{name}", 9)
    assert await folders.read("out/a", 2) == b"fir" and await folders.read("out/none", 2) is None
    os.utime(place / "out/a", (1, 1))
    assert await folders.move("out/a", "out/done/a") and (place / "out/done/a").stat().st_mtime > 1
    assert not await folders.move("out/a", "out/done/c")
    assert not await folders.move("out/b", "out/done/a")
    assert await folders.claim("out/b", "out/done/b") and not await folders.claim("out/b", "out/done/d")
    await folders.remove("out/done/b")
    await folders.remove("out/done/b")
    assert (place / "out/link").is_symlink() and names(place / "out/done") == ["a"]
    (place / "file").write_bytes(b"")
    with pytest.raises(FolderError):
        await folders.prepare(["file"])
    await folders.close()
