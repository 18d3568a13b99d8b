"""A ZIP package in memory, read within bounds (GB/T 33190 section 6: an OFD file is one).

The central directory is measured before zipfile builds objects of it. Two entries of one name, or of names
that differ in case alone, are refused: a verifier and a viewer could each read another one. Real packages do
write the same name in different case in different places (`TPLS`, `Tpls`), so a reference finds either.
"""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib

from lxml import etree

from gateway.digests import sm3
from gateway.errors import MessageError
from gateway.invoices.limits import Limits, over
from gateway.invoices.xmlforms import parse_xml

_END = b"PK\x05\x06"
_END_BYTES = 22
_LOCATOR_64 = b"PK\x06\x07"
_LOCATOR_64_BYTES = 20
# A directory's row has 46 bytes, a name and little else.
_ROW_BYTES = 512
_ENCRYPTED = 0x1
# What zipfile raises, where damaged numbers lead it astray.
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
)  # fmt: skip
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Package:
    """The entries of a package by name. MessageError 10001 for what is no sound ZIP, 10002 beyond a bound."""

    def __init__(self, data: bytes, limits: Limits):
        self.limits = limits
        _check_directory(data, limits)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except _DAMAGED as error:
            raise _broken(f"ZIP 目录损坏: {error}", f"the ZIP directory is damaged: {error}") from error
        self._infos = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}
        self._folded = {name.casefold(): name for name in self._infos}
        self._read: dict[str, bytes] = {}
        self._digests: dict[str, bytes] = {}
        self._parsed_bytes = 0
        self._check_entries()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._infos)

    def find(self, reference: str, folder: str = "") -> str | None:
        """The entry that a reference means, from the root if it begins with a slash, else from `folder`."""
        path = reference.strip()
        joined = path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path)
        name = posixpath.normpath(joined)
        return name if name in self._infos else self._folded.get(name.casefold())

    def read(self, name: str) -> bytes:
        """The bytes of an entry. MessageError where they cannot be unpacked or do not fit their CRC."""
        if name not in self._read:
            info = self._infos[name]
            try:
                with self._zip.open(info) as file:
                    # One byte more than declared: zipfile then compares the CRC, and never reads on.
                    self._read[name] = file.read(info.file_size + 1)
            except _DAMAGED as error:
                raise _broken(f"无法解压: {error}", f"cannot be unpacked: {error}", name) from error
        return self._read[name]

    def size_bytes(self, name: str) -> int:
        return self._infos[name].file_size

    def digest(self, name: str) -> bytes:
        """SM3 of an entry, computed once: a manifest may name one entry a hundred thousand times."""
        if name not in self._digests:
            self._digests[name] = sm3(self.read(name))
        return self._digests[name]

    def parse(self, name: str) -> etree._Element:
        """The root of an entry that is XML. MessageError beyond the bounds of one document, and of all."""
        data = self.read(name)
        self._parsed_bytes += len(data)
        if self._parsed_bytes > self.limits.parsed_bytes:
            most = self.limits.parsed_bytes
            raise over("costly", f"XML 总量超过 {most} 字节", f"more than {most} bytes of XML in all", name)
        return parse_xml(data, name)

    def _check_entries(self) -> None:
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        if len(infos) != len(self._folded):
            raise _broken("包内有同名条目", "two entries of the package have one name")
        if sum(info.file_size for info in infos) > self.limits.total_bytes:
            most = self.limits.total_bytes
            raise over("large", f"解压后超过 {most} 字节", f"unpacks to more than {most} bytes")
        for info in infos:
            _check_entry(info, self.limits)


def _check_entry(info: zipfile.ZipInfo, limits: Limits) -> None:
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
        raise _broken("条目加密或压缩方法不支持", "is encrypted or of an unknown method", info.filename)
    if info.file_size > limits.entry_bytes:
        most = limits.entry_bytes
        raise over("large", f"解压后超过 {most} 字节", f"unpacks to more than {most} bytes", info.filename)
    packed = max(info.compress_size, 1)
    if info.file_size > limits.ratio_from_bytes and info.file_size > packed * limits.ratio:
        zh, en = f"压缩比超过 {limits.ratio}", f"is packed more than {limits.ratio} to 1"
        raise over("dense", zh, en, info.filename)


def _check_directory(data: bytes, limits: Limits) -> None:
    """Before a single row is read: how many rows there are, how long they are."""
    at = data.rfind(_END, max(0, len(data) - _END_BYTES - 0xFFFF))
    if at < 0 or at + _END_BYTES > len(data):
        raise _broken("没有 ZIP 目录", "there is no ZIP directory")
    end = data[at : at + _END_BYTES]
    count, size = int.from_bytes(end[10:12], "little"), int.from_bytes(end[12:16], "little")
    if data[max(0, at - _LOCATOR_64_BYTES) : at].startswith(_LOCATOR_64) or count == 0xFFFF:
        raise over("many-entries", "不支持 ZIP64", "ZIP64 is more than an invoice needs")
    if count > limits.entries or size > limits.entries * _ROW_BYTES:
        raise over("many-entries", f"超过 {limits.entries} 个条目", f"more than {limits.entries} entries")


def _broken(zh: str, en: str, place: str = "") -> MessageError:
    return MessageError.of("invoice.package", zh, en, result="10001", path=place)
