"""Tokens with which scripts act for a user, and the searches that a user keeps."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, select, update

from gateway.store import account_tables as tables
from gateway.store.accountrows import NewAct, SavedFilter, TokenRow
from gateway.store.statements import Connection, Statement, add_to, put_into
from gateway.store.transaction import Transaction

_token, _filter = tables.console_token, tables.saved_filter
_ADD_TOKEN = add_to(_token)
_TOKEN = Statement(select(_token).where(_token.c.hash == bindparam("of_hash")))
_TOKENS = Statement(select(_token).order_by(_token.c.name, _token.c.made_at, _token.c.hash))
_USED = Statement(
    update(_token).values(used_at=bindparam("now")).where(_token.c.hash == bindparam("of_hash"))
)
_END_TOKEN = Statement(delete(_token).where(_token.c.hash == bindparam("of_hash")))
END_TOKENS = Statement(delete(_token).where(_token.c.name == bindparam("of_name")))
_FORGET = Statement(delete(_token).where(_token.c.ends_at <= bindparam("now")))
_PUT_FILTER = put_into(_filter)
_FILTERS = Statement(select(_filter).where(_filter.c.name == bindparam("of_name")).order_by(_filter.c.title))
_DROP_FILTER = Statement(
    delete(_filter).where(_filter.c.name == bindparam("of_name"), _filter.c.title == bindparam("of_title"))
)


async def add_token(work: Transaction, row: TokenRow, act: NewAct) -> None:
    """Those that are over are forgotten on the way."""
    await _FORGET.run(work.connection, now=work.at_ms)
    values = (row.hash, row.name, row.purpose, row.made_at, row.ends_at, row.used_at)
    await _ADD_TOKEN.many(work.connection, [values])
    work.audit(act)


async def find_token(connection: Connection, hash_: str) -> TokenRow | None:
    found = await _TOKEN.rows(connection, of_hash=hash_)
    return TokenRow(*found[0]) if found else None


async def tokens(connection: Connection) -> list[TokenRow]:
    return [TokenRow(*row) for row in await _TOKENS.rows(connection)]


async def use_token(work: Transaction, hash_: str) -> None:
    await _USED.run(work.connection, now=work.at_ms, of_hash=hash_)


async def end_token(work: Transaction, hash_: str, act: NewAct) -> bool:
    """False: there is none."""
    if not await _END_TOKEN.run(work.connection, of_hash=hash_):
        return False
    work.audit(act)
    return True


async def save_filter(work: Transaction, row: SavedFilter, most: int) -> bool:
    """Replaces one of the same title. False: the user keeps `most` others already."""
    await work.connection.lock("filters", [(row.name,)])
    others = [one for one in await filters(work.connection, row.name) if one.title != row.title]
    if len(others) >= most:
        return False
    await _PUT_FILTER.many(work.connection, [(row.name, row.title, row.query, row.saved_at)])
    return True


async def filters(connection: Connection, name: str) -> Sequence[SavedFilter]:
    """By title."""
    return [SavedFilter(*row) for row in await _FILTERS.rows(connection, of_name=name)]


async def drop_filter(work: Transaction, name: str, title: str) -> None:
    await _DROP_FILTER.run(work.connection, of_name=name, of_title=title)
