"""A month of Shanghai, by which messages are parted, archived and purged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from gateway import clock
from gateway.store.tables import NUMBERS_A_MONTH

_FIRST_YEAR = 2020
_TEXT = re.compile(r"(20[2-9]\d)-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """`number` counts from January 2020, as gateway_month() of the database does."""

    number: int

    @classmethod
    def of(cls, moment: datetime) -> Month:
        local = moment.astimezone(clock.SHANGHAI)
        return cls((local.year - _FIRST_YEAR) * 12 + local.month - 1)

    @classmethod
    def parse(cls, text: str) -> Month:
        """`yyyy-MM`; ValueError for anything else."""
        match = _TEXT.fullmatch(text)
        if match is None:
            raise ValueError(f"expected a month as yyyy-MM, got {text[:20]!r}")
        return cls((int(match[1]) - _FIRST_YEAR) * 12 + int(match[2]) - 1)

    @classmethod
    def of_id(cls, message_id: str) -> Month:
        """The month in which a ULID was made."""
        return cls.of(clock.from_ms(clock.ms_of_id(message_id)))

    def __str__(self) -> str:
        return f"{_FIRST_YEAR + self.number // 12}-{self.number % 12 + 1:02}"

    @property
    def name(self) -> str:
        """As the parts of tables are named."""
        return str(self).replace("-", "_")

    @property
    def next(self) -> Month:
        return Month(self.number + 1)

    @property
    def first_id(self) -> str:
        """What every ULID of the month and later is not below."""
        return clock.first_id(self.first_ms)

    @property
    def first_ms(self) -> int:
        start = datetime(_FIRST_YEAR + self.number // 12, self.number % 12 + 1, 1, tzinfo=clock.SHANGHAI)
        return int(start.timestamp() * 1000)

    @property
    def numbers(self) -> range:
        """The numbers that PostgreSQL gives in the month."""
        return range(self.number * NUMBERS_A_MONTH, (self.number + 1) * NUMBERS_A_MONTH)
