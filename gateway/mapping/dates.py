"""Functions on dates and times. A time without a zone is Beijing time; one with a zone is converted to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache

from gateway.mapping.values import Wrong

DATE = "yyyyMMdd"
DATETIME = "yyyyMMddHHmmss"
BEIJING = timezone(timedelta(hours=8))
_FIELDS = {
    "yyyy": r"(?P<year>[0-9]{4})",
    "MM": r"(?P<month>[0-9]{2})",
    "dd": r"(?P<day>[0-9]{2})",
    "HH": r"(?P<hour>[0-9]{2})",
    "mm": r"(?P<minute>[0-9]{2})",
    "ss": r"(?P<second>[0-9]{2})",
    "SSS": r"(?P<milli>[0-9]{3})",
    "XXX": r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})",
}
_TOKEN = re.compile(r"yyyy|MM|dd|HH|mm|ss|SSS|XXX|'[^']*'|[A-Za-z]|.", re.DOTALL)


def check_format(form: str, *, time: bool) -> None:
    """ValueError for a format with unknown letters or without the fields that are needed."""
    found = []
    for token in _TOKEN.findall(form):
        if token in _FIELDS:
            found.append(token)
        elif token.isalpha() and token.isascii() and token not in ("T", "Z"):
            raise ValueError(f"{token!r} is no field of a date; there are {' '.join(_FIELDS)}, 'text'")
    if len(set(found)) != len(found):
        raise ValueError("a field stands twice")
    needed = {"yyyy", "MM", "dd"} | ({"HH", "mm"} if time else set())
    if missing := needed - set(found):
        raise ValueError(f"needs {' '.join(sorted(missing))}")


def convert(form: str, to: str) -> Callable[[str], str]:
    """Text in one format → text in another."""
    read, write = _reader(form), _writer(to)

    def run(text: str) -> str:
        found = read.fullmatch(text)
        if found is None:
            raise Wrong("not-a-date", f"不是日期，应为 {form}", f"not a date; {form} is expected",
                        expected=form, found=text)  # fmt: skip
        try:
            return write(_moment(found.groupdict()))
        except (ValueError, OverflowError):
            raise Wrong("not-a-date", "没有这一天或时刻", "there is no such day or time",
                        expected=form, found=text) from None  # fmt: skip

    return run


def _moment(fields: dict[str, str | None]) -> datetime:
    def of(name: str, otherwise: int = 0) -> int:
        return int(fields.get(name) or otherwise)

    zone = fields.get("zone")
    moment = datetime(
        of("year"),
        of("month"),
        of("day"),
        of("hour"),
        of("minute"),
        of("second"),
        of("milli") * 1000,
        BEIJING,
    )
    if not zone:
        return moment
    if zone == "Z":
        return moment.replace(tzinfo=UTC).astimezone(BEIJING)
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return moment.replace(tzinfo=timezone(-offset if zone[0] == "-" else offset)).astimezone(BEIJING)


def example(form: str) -> str:
    """A time as a format writes it."""
    return _writer(form)(datetime(2024, 1, 31, 9, 30, tzinfo=BEIJING))


@lru_cache(maxsize=256)
def _reader(form: str) -> re.Pattern[str]:
    return re.compile("".join(_FIELDS.get(one) or re.escape(one.strip("'")) for one in _TOKEN.findall(form)))


@lru_cache(maxsize=256)
def _writer(form: str) -> Callable[[datetime], str]:
    tokens = _TOKEN.findall(form)

    def write(moment: datetime) -> str:
        fields = {
            "yyyy": f"{moment.year:04}",
            "MM": f"{moment.month:02}",
            "dd": f"{moment.day:02}",
            "HH": f"{moment.hour:02}",
            "mm": f"{moment.minute:02}",
            "ss": f"{moment.second:02}",
            "SSS": f"{moment.microsecond // 1000:03}",
            "XXX": "+08:00",
        }
        return "".join(fields.get(one, one.strip("'")) for one in tokens)

    return write
