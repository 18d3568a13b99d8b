"""Bytes ⇄ record, for every format that a platform speaks. Pure; `formats` is the registry.

A format knows nothing of message types or of the standard's fields: a mapping does.
"""

from __future__ import annotations

from gateway.formats.contract import Format
from gateway.formats.des import Des
from gateway.formats.json import Json
from gateway.formats.jsontext import read_json, write_json
from gateway.formats.mof import MofVoucher, join, split
from gateway.formats.rows import Csv, Fixed
from gateway.formats.standard_json import StandardJson
from gateway.formats.standard_xml import StandardXml
from gateway.formats.voucher_files import (
    VoucherFileBlock,
    VoucherFileBlocks,
    join_file_blocks,
    read_file_block,
    voucher_file_blocks,
)
from gateway.formats.xml import Xml
from gateway.registry import Registry

formats: Registry[Format] = Registry("format")
_ALL: tuple[Format, ...] = (
    StandardJson(),
    StandardXml(),
    Xml(),
    Xml("xml-gbk", "gbk"),
    Xml("xml-gb18030", "gb18030"),
    Xml("xml-bare", wrapped=False),
    Des(),
    MofVoucher(),
    Json(),
    Csv(),
    Csv("csv-gbk", encoding="gbk"),
    Fixed(),
)
for _format in _ALL:
    formats.add(_format.name, _format)

__all__ = [
    "Format",
    "VoucherFileBlock",
    "VoucherFileBlocks",
    "formats",
    "join",
    "join_file_blocks",
    "read_file_block",
    "read_json",
    "split",
    "voucher_file_blocks",
    "write_json",
]
