"""Functions on text and lists of text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping, Sequence

from gateway.mapping.values import MAX_ITEMS, Wrong, check_length

ENCODINGS = {"characters": "", "gbk": "gbk", "gb18030": "gb18030", "utf-8": "utf-8"}
MAX_PATTERN_INPUT = 500
_VARIABLE = re.compile(r"[*+]|\{(\d*),(\d*)\}")


def upper(text: str) -> str:
    """In capitals, and never longer: the schema's bound for the source holds for the result too."""
    return _letter_by_letter(text, text.upper(), str.upper)


def lower(text: str) -> str:
    return _letter_by_letter(text, text.lower(), str.lower)


def _letter_by_letter(text: str, changed: str, change: Callable[[str], str]) -> str:
    if len(changed) == len(text):
        return changed
    return "".join(new if len(new := change(one)) == 1 else one for one in text)


def split(separator: str) -> Callable[[str], list[str]]:
    def run(text: str) -> list[str]:
        if text.count(separator) >= MAX_ITEMS:
            raise Wrong("too-large", "项数过多", f"more than {MAX_ITEMS} items", expected=str(MAX_ITEMS))
        return text.split(separator)

    return run


def join(separator: str) -> Callable[[Sequence[str]], str | None]:
    def run(texts: Sequence[str]) -> str | None:
        found = [text for text in texts if text]
        check_length(sum(map(len, found)) + len(separator) * len(found))
        return separator.join(found) or None

    return run


def substring(start: int, length: int | None) -> Callable[[str], str]:
    first = start - 1
    last = None if length is None else first + length
    return lambda text: text[first:last]


def slice_text(start: int, length: int | None) -> str:
    """The same in Python's own words."""
    return f"{start - 1}:{'' if length is None else start - 1 + length}"


def pad(width: int, letter: str, side: str) -> Callable[[str], str]:
    if side == "right":
        return lambda text: text.ljust(width, letter)
    return lambda text: text.rjust(width, letter)


def replace(old: str, new: str) -> Callable[[str], str]:
    growth = max(0, len(new) - len(old))

    def run(text: str) -> str:
        check_length(growth and len(text) + growth * text.count(old))
        return text.replace(old, new)

    return run


def matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)

    def run(text: str) -> bool:
        if len(text) > MAX_PATTERN_INPUT:
            raise Wrong(
                "too-large",
                f"超过 {MAX_PATTERN_INPUT} 个字符，不能按格式判断",
                f"longer than {MAX_PATTERN_INPUT} characters, too long for a pattern",
                expected=str(MAX_PATTERN_INPUT),
            )
        return compiled.fullmatch(text) is not None

    return run


def check_pattern(pattern: str) -> None:
    """ValueError for a pattern that is not one, or could take for ever: repeated groups, references back,
    more than two parts of open length."""
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        raise ValueError(f"not a pattern: {error}") from error
    bare = re.sub(r"\\.|\[\^?\]?(\\.|[^\]\\])*\]", "x", pattern)
    if re.search(r"\\[1-9]|\(\?(?!:)", re.sub(r"\\\\", "", pattern)):
        raise ValueError("references and (?…) are not allowed")
    if re.search(r"\)([*+{])", bare):
        raise ValueError("a group must not be repeated")
    wide = [one for one in _VARIABLE.finditer(bare) if one[0] in "*+" or _spread(one) > 8]
    if len(wide) > 2:
        raise ValueError("at most two parts may be of open length")


def _spread(found: re.Match[str]) -> int:
    low, high = int(found[1] or 0), int(found[2] or 1_000_000)
    return high - low


def cut(most: int, encoding: str) -> Callable[[str], str]:
    codec = ENCODINGS[encoding.lower()]
    if not codec:
        return lambda text: text[:most]

    def run(text: str) -> str:
        raw = _encoded(text, codec)
        if len(raw) <= most:
            return text
        # The incremental decoder keeps back the bytes of a character that the cut goes through.
        return codecs.getincrementaldecoder(codec)().decode(raw[:most], final=False)

    return run


def fit(most: int, encoding: str) -> Callable[[str], str]:
    codec = ENCODINGS[encoding.lower()]

    def run(text: str) -> str:
        length = len(_encoded(text, codec)) if codec else len(text)
        if length > most:
            zh, en = (
                (f"{codec.upper()} 字节", f"bytes of {codec.upper()}") if codec else ("字符", "characters")
            )
            raise Wrong(
                "too-long",
                f"超过 {most} 个{zh}",
                f"longer than {most} {en}",
                result="30007",
                expected=str(most),
                found=str(length),
            )
        return text

    return run


def _encoded(text: str, codec: str) -> bytes:
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        letter = text[error.start]
        raise Wrong(
            "outside-encoding",
            f"含有 {codec.upper()} 以外的字符 {letter}",
            f"{letter} (U+{ord(letter):04X}) is outside of {codec.upper()}",
            result="30008",
            found=letter,
        ) from error


def code(rows: Mapping[str, str], table: str) -> Callable[[str, str | None], str]:
    """The row's value; the alternative where there is no row, a refusal that lists the rows where there
    is no alternative either."""
    legal = ", ".join(list(rows)[:40])

    def run(text: str, otherwise: str | None = None) -> str:
        found = rows.get(text)
        if found is not None:
            return found
        if otherwise:
            return otherwise
        raise Wrong(
            "unknown-code",
            f"不在代码表 {table} 中，可用: {legal}",
            f"not in code table {table}; legal: {legal}",
            result="30002",
            expected=legal,
            found=text,
        )

    return run
