"""Messages to measure with: award results of construction, about 4 KB and 130 values each."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Sequence
from pathlib import Path

from gateway.formats import formats

WINNERS = 50


def payloads(root: Path, count: int, winners: int = WINNERS) -> tuple[list[tuple[str, bytes]], list[bytes]]:
    """(project, tender project, section), and `count` award results: of about 4 KB and 130 values each, with
    fewer winners as much less."""
    before = [
        (number, _golden(root, name).encode("utf-8"))
        for number, name in (("2001", "ProjectSync"), ("2006", "TenderProjectSync"), ("2007", "SectionSync"))
    ]
    award = _golden(root, "AwardResultSync")
    award = _replace(
        award, "WIN_BIDDER_NAME", ";".join(f"上海市政养护工程第{n}有限公司" for n in range(1, winners + 1))
    )
    award = _replace(award, "WIN_BIDDER_CODE", ";".join(_codes(winners)))
    award = re.sub(r"<UNION_(NAME|CODE)>.*?</UNION_\1>", "", award)
    stem = secrets.token_hex(4)
    made = []
    for serial in range(count):
        text = _replace(award, "DATA_KEY", f"9120513{time.strftime('%Y%m%d')}{serial:07d}")
        text = _replace(text, "NOTICE_SERIAL", f"B{stem}{serial}")
        made.append(text.encode("utf-8"))
    return before, made


def _golden(root: Path, name: str) -> str:
    """The input of the first golden case that comes out well."""
    folder = root / "mappings" / "construction" / "cases" / f"{name}.in"
    for path in sorted(folder.glob("*.input.xml")):
        if path.with_name(path.name.replace(".input.xml", ".output.json")).exists():
            return path.read_text(encoding="utf-8-sig")
    raise FileNotFoundError(f"no golden case under {folder}")


def _replace(text: str, tag: str, value: str) -> str:
    filled, count = re.subn(rf"<{tag}>.*?</{tag}>", f"<{tag}>{value}</{tag}>", text, flags=re.S)
    return filled if count else text.replace("</CONTEXT>", f"<{tag}>{value}</{tag}></CONTEXT>")


def _codes(count: int) -> Sequence[str]:
    """Valid credit codes, made by the rule of GB 32100."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    made: list[str] = []
    serial = 0
    while len(made) < count:
        serial += 1
        body = f"MA{serial:06d}"
        weights = (3, 7, 9, 10, 5, 8, 4, 2)
        total = sum(int(letter, 36) * weight for letter, weight in zip(body, weights, strict=True))
        organisation = body + "0123456789X0"[11 - total % 11]
        code = "91310000" + organisation
        total = sum(letters.index(letter) * pow(3, place, 31) for place, letter in enumerate(code))
        if "X" in organisation or any(letter not in letters for letter in code):
            continue
        made.append(code + letters[(31 - total % 31) % 31])
    return made


def key_of(data: bytes) -> str:
    """The idempotency key that the DES envelope yields."""
    return formats.get("des").decode(data).head["IdemKey"]
