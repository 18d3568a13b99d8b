"""How much of a file is read. Beyond a bound the reader stops and says so; it never reads on."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.errors import MessageError


@dataclass(frozen=True, slots=True)
class Limits:
    """The largest real invoice known here has 40 entries, 260 KB unpacked; scans reach some megabytes.

    `ratio`: unpacked to packed, looked at from `ratio_from_bytes` on. `child_…`: what the process may use
    that reads PDF and pixels.
    """

    file_bytes: int = 64 * 1024 * 1024
    entries: int = 2_000
    entry_bytes: int = 16 * 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024
    ratio: int = 200
    ratio_from_bytes: int = 256 * 1024
    parsed_bytes: int = 16 * 1024 * 1024  # of XML, an entry counted as often as it is read
    bodies: int = 4
    signatures: int = 8
    seal_bytes: int = 1024 * 1024
    certificate_bytes: int = 16 * 1024
    items: int = 2_000
    pages: int = 200
    attachments: int = 16
    images: int = 16
    image_pixels: int = 40_000_000
    text_chars: int = 1_000_000
    pdf_stream_bytes: int = 16 * 1024 * 1024
    child_cpu_s: int = 10
    child_wall_s: float = 30.0
    child_bytes: int = 1024 * 1024 * 1024


LIMITS = Limits()
TOO_MUCH = "10002"  # CT-RESULT of every bound that a file breaks


def over(what: str, zh: str, en: str, place: str = "") -> MessageError:
    """10002, `invoice.too-<what>`: the bound that a file breaks."""
    return MessageError.of(f"invoice.too-{what}", zh, en, result=TOO_MUCH, path=place)
