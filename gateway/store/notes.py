"""What the store notes for itself, by name."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from gateway.store.case_tables import note
from gateway.store.statements import Connection, Statement, put_into

NOTE = Statement(select(note.c.value).where(note.c.name == bindparam("named")))
PUT_NOTE = put_into(note)
LOG_SUFFIX = "evidence-log"  # a restore leaves it: how the names of the evidence logs end from then on


async def find_note(connection: Connection, name: str) -> str:
    """ "" where there is none."""
    found = await NOTE.rows(connection, named=name)
    return str(found[0][0]) if found else ""
