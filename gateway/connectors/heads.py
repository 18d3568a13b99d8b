"""The headers of one attempt, as they are kept with it: what was sent, and what came with the answer.

Design rules. They are noted where they travel (`Parcel.heads`), so that an attempt that fails has them too. The
text is made once, when the attempt ends; no value of it stays in the process. What lets somebody in is never kept:
the name stands, its value is masked. Signatures are no secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

import orjson

MASKED = "***"
MOST_BYTES = 4096  # of the text
_MOST_KEPT = 1024  # characters of names that are kept together
_MOST_NAME, _MOST_VALUE = 100, 256  # characters, where not all has room
_SECRET = re.compile("authorization|x-auth|cookie|token|secret|passw|access-?key|api-?key|credential|session")
_Told = dict[str, str]


@dataclass(slots=True)
class Heads:
    """Names in any case; a name may come twice. For a broker, the message's properties stand among them."""

    sent: Mapping[str, str] = field(default_factory=dict)
    answered: Mapping[str, str] = field(default_factory=dict)

    def text(self) -> str:
        """JSON `{"sent": {name: value}, "answered": {…}}`, names in lower case, at most MOST_BYTES; where something
        had to go, `"cut": true` and "…" at the end of a value. "" where nothing travelled."""
        if not self.sent and not self.answered:
            return ""
        sent, answered = _told(self.sent), _told(self.answered)
        try:
            data = orjson.dumps({"sent": sent, "answered": answered})
        except orjson.JSONEncodeError:  # bytes that are no UTF-8 came through as lone surrogates
            sent, answered = _mended(sent), _mended(answered)
            data = orjson.dumps({"sent": sent, "answered": answered})
        return (data if len(data) <= MOST_BYTES else _cut(sent, answered)).decode()


def _told(headers: Mapping[str, str]) -> _Told:
    if not headers:
        return {}
    # Every message comes by here, and there is nearly never anything to mask or to join.
    given = tuple(headers)
    # What a stranger makes long is not kept.
    names, is_plain = (_names if sum(map(len, given)) <= _MOST_KEPT else _names.__wrapped__)(given)
    if not is_plain or len(names) != len(headers):  # a name that comes twice is iterated over once
        return _told_one_by_one(headers)
    return dict(zip(names, headers.values(), strict=True))


@lru_cache(maxsize=512)  # a receiver sends the same ones each time
def _names(given: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """(in lower case, whether each stands once and none is secret)."""
    names = tuple(map(str.lower, given))
    return names, len(set(names)) == len(names) and not _SECRET.search("\n".join(names))


def _told_one_by_one(headers: Mapping[str, str]) -> _Told:
    told: _Told = {}
    for given, value in headers.items():
        name = given.lower()
        if _SECRET.search(name):
            told[name] = MASKED
        else:
            told[name] = f"{told[name]}, {value}" if name in told else value
    return told


def _mended(told: _Told) -> _Told:
    return {name: value.encode("utf-8", "replace").decode() for name, value in told.items()}


def _cut(sent: _Told, answered: _Told) -> bytes:
    """As many as have room, those that were sent first."""
    room = MOST_BYTES - len(b'{"sent":{},"answered":{},"cut":true}')
    kept: list[_Told] = []
    for told in (sent, answered):
        some: _Told = {}
        for name, value in told.items():
            short = value if len(value) <= _MOST_VALUE else f"{value[:_MOST_VALUE]}…"
            room -= len(orjson.dumps({name[:_MOST_NAME]: short}))
            if room < 0:
                break
            some[name[:_MOST_NAME]] = short
        kept.append(some)
    return orjson.dumps({"sent": kept[0], "answered": kept[1], "cut": True})
