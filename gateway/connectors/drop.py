"""Platforms that are reached by files: the sealed message is laid into a folder, under a name made of its key.

It is accepted once the name is durable; what the platform makes of it comes as a message of its own (8002). The
same delivery has the same name on every attempt. Each attempt seals afresh, so what lies there already is compared
by the digests that were noted before each attempt: one of them means "delivered", another content is final.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from gateway.connectors.contract import Answer, Connector, ConnectorWorld, Parcel, connectors
from gateway.connectors.folders import FolderError, Folders, NotAFile
from gateway.connectors.localfolders import LocalFolders
from gateway.connectors.seals import seal
from gateway.errors import DeliveryError
from gateway.failpoints import reach

NOTES = "notes"  # below deliver_to: an empty file a seal, named by what was sealed and its SHA-256
TAKEN = ("done", "failed")  # where the platform may move what it has
_SUFFIX = {"jose": "jose", "gm": "p7m", "wss": "xml"}
_KEPT_S = 30 * 86_400  # notes, and what a crash left half written; no delivery is tried for so long
_TIDY_EVERY_S = 86_400
_MOST_BYTES = 64 * 1024 * 1024  # of a file that is compared


def open_folders(world: ConnectorWorld) -> Folders:
    """The place that a platform's url names."""
    connector = world.platform.connector
    return PLACES[connector.kind](world)


def _local(world: ConnectorWorld) -> Folders:
    connector = world.platform.connector
    return LocalFolders(Path(unquote(urlsplit(connector.url).path)), connector.timeout_s)


def _sftp(world: ConnectorWorld) -> Folders:
    from gateway.connectors.sftpfolders import SftpFolders  # SSH is large; few have such a platform

    return SftpFolders(world)


PLACES: dict[str, Callable[[ConnectorWorld], Folders]] = {"file": _local, "sftp": _sftp}


class DropConnector:
    def __init__(self, world: ConnectorWorld, folders: Folders):
        self.world = world
        self.folders = folders
        self.folder = world.platform.connector.drop.deliver_to
        self.knows_keys = world.platform.connector.options.get("knows_keys", 1) != 0
        self._tidied_s = -float(_TIDY_EVERY_S)

    async def send(self, parcel: Parcel) -> Answer:
        name = file_name(self.world, parcel)
        try:
            return await self._lay(name, parcel)
        except FolderError as error:
            self._tidied_s = -float(_TIDY_EVERY_S)  # its folders may have gone with it
            raise DeliveryError(error.code, error.text[:300], unknown=error.unknown) from error

    def can_ask(self, number: str) -> bool:
        return False  # a file that is gone was taken or never came

    async def ask(self, parcel: Parcel) -> Answer | None:
        raise NotImplementedError("the same name is laid there again instead")

    async def close(self) -> None:
        await self.folders.close()

    async def _lay(self, name: str, parcel: Parcel) -> Answer:
        await self._tidy()
        if await self._is_there(name):
            return Answer(b"", 0, already=True)
        data = seal(self.world, parcel)
        await self.folders.put(self._note(name, data), b"")
        reach("drop.noted")
        if await self.folders.put(f"{self.folder}/{name}", data) or await self._is_there(name):
            return Answer(b"", 0, accepted=True)
        raise DeliveryError("delivery.folder", f"{name} was there and is gone; it is looked at again")

    async def _is_there(self, name: str) -> bool:
        """Has it been delivered? DeliveryError (final) where something else lies under its name."""
        for place in ("", *(f"{one}/" for one in TAKEN)):
            path = f"{self.folder}/{place}{name}"
            try:
                data = await self.folders.read(path, _MOST_BYTES)
            except NotAFile as error:
                raise DeliveryError("delivery.key-taken", str(error)[:300], permanent=True) from error
            if data is None:
                continue
            if await self.folders.read(self._note(name, data), 0) is None:
                text = f"another content lies under the name {path}"
                raise DeliveryError("delivery.key-taken", text, permanent=True)
            return True
        return False

    def _note(self, name: str, data: bytes) -> str:
        return f"{self.folder}/{NOTES}/{name}.{hashlib.sha256(data).hexdigest()[:32]}"

    async def _tidy(self) -> None:
        """Once a day, and at first: makes the folders, drops what is of no use any more."""
        if time.monotonic() - self._tidied_s < _TIDY_EVERY_S:
            return
        notes = f"{self.folder}/{NOTES}"
        await self.folders.prepare([self.folder, notes, *(f"{self.folder}/{one}" for one in TAKEN)])
        before_s = time.time() - _KEPT_S
        for folder in (self.folder, notes):
            for entry in await self.folders.files(folder):
                if entry.changed_s < before_s and (folder == notes or entry.name.startswith(".")):
                    await self.folders.remove(f"{folder}/{entry.name}")
        self._tidied_s = time.monotonic()


def file_name(world: ConnectorWorld, parcel: Parcel) -> str:
    """TYPE-KEY.SUFFIX: the same for every attempt at one effect."""
    return f"{parcel.type}-{parcel.delivery_key}.{_SUFFIX[world.suite.name]}"


def make(world: ConnectorWorld) -> Connector:
    return DropConnector(world, open_folders(world))


for _kind in PLACES:
    connectors.add(_kind, make)
