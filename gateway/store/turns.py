"""Turns at what one process should do at a time: kept as notes, "until" in steady ms before the holder's name."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, or_

from gateway.store.case_tables import note
from gateway.store.statements import Statement, insert
from gateway.store.transaction import Transaction

_DIGITS = 16
_insert = insert(note).values(name=bindparam("named"), value=bindparam("held"))
_holder = func.substr(note.c.value, _DIGITS + 2)
_TAKE = Statement(
    _insert.on_conflict_do_update(
        index_elements=["name"],
        set_={"value": _insert.excluded["value"]},
        where=or_(
            _holder == bindparam("holder"),
            note.c.value < bindparam("now"),
            note.c.value > bindparam("latest"),  # longer than any turn: a clock was set back
        ),
    ).returning(note.c.value)
)
_GIVE_BACK = Statement(
    delete(note).where(note.c.name == bindparam("named"), _holder == bindparam("by_holder"))
)


async def take(work: Transaction, name: str, holder: str, for_s: float) -> bool:
    """False: another has it."""
    until_ms = work.steady_ms + int(for_s * 1000)
    found = await _TAKE.rows(
        work.connection, named=_named(name), held=f"{_padded(until_ms)} {holder}", holder=holder,
        now=_padded(work.steady_ms), latest=_padded(until_ms + 1),
    )  # fmt: skip
    return bool(found)


async def give_back(work: Transaction, name: str, holder: str) -> None:
    await _GIVE_BACK.run(work.connection, named=_named(name), by_holder=holder)


def _named(name: str) -> str:
    return f"turn: {name}"


def _padded(ms: int) -> str:
    return f"{ms:0{_DIGITS}}"
