"""Against what was keyed: the record of a message 3002, or one invoice of a 3001, field by field."""

from __future__ import annotations

from gateway.errors import Fault
from gateway.invoices import fields
from gateway.invoices.model import Kind
from gateway.message import Record

# FileType of the standard (code table file-type) → the kinds that it may be
_FILE_TYPES: dict[str, tuple[Kind, ...]] = {
    "01": (Kind.OFD,),
    "02": (Kind.E_INVOICE, Kind.CLASSIC),
    "03": (Kind.PDF,),
    "04": (Kind.JPEG, Kind.PNG),
}


def compare_invoice(read: Record, keyed: Record) -> tuple[list[Fault], list[Fault]]:
    """Faults where a field was keyed otherwise than the file says; warnings where the file does not say it."""
    faults, warnings = [], []
    for field in fields.COMPARED:
        wanted = str(keyed.get(field, ""))
        if not wanted:
            continue
        if field not in read:
            zh, en = "文件中没有该项", "the file does not say it"
            warnings.append(Fault("invoice.not-in-file", field, zh, en, expected=wanted[:100]))
        elif not fields.same(field, wanted, str(read[field])):
            zh, en = "填报与文件不一致", "was keyed otherwise than the file says"
            found, expected = wanted[:100], str(read[field])[:100]
            faults.append(
                Fault("invoice.keyed-differs", field, zh, en, "30005", expected=expected, found=found)
            )
    return faults, warnings


def compare_file(kind: Kind, size_bytes: int, digest: str, is_scan: bool, keyed: Record) -> list[Fault]:
    """FileSize, Digest, FileType and ScanFlag of a 3002 against the bytes themselves."""
    said = {
        "FileSize": str(size_bytes), "Digest": digest, "ScanFlag": "1" if is_scan else "0",
    }  # fmt: skip
    faults = [
        _differs(field, value, str(keyed[field]))
        for field, value in said.items()
        if field in keyed and str(keyed[field]) != value
    ]
    file_type = str(keyed.get("FileType", ""))
    if file_type in _FILE_TYPES and kind not in _FILE_TYPES[file_type]:
        faults.append(_differs("FileType", kind.value, file_type))
    return faults


def _differs(field: str, expected: str, found: str) -> Fault:
    zh, en = "与文件本身不符", "is not what the file is"
    return Fault("invoice.file-differs", field, zh, en, "30010", expected=expected, found=found[:100])
