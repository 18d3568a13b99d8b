"""The index of words on PostgreSQL: a tsvector under GIN, its terms marked by blocks of messages.

GIN gives no order: of a common word it would read every message that ever held it. So each term stands behind
its block (BLOCK numbers), blocks are asked newest first, and a page costs one block, however many there are.

Numbers are given before their transactions end, so a message may turn up below others that are in already:
what is not older than SETTLED_S is looked at again, and told by the rows of the index themselves.

Rows of another form than FORM are as good as none: during a rolling upgrade nodes of before add such ones still.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, text

from gateway import clock
from gateway.store.contract import StoreUnavailable
from gateway.store.notes import NOTE
from gateway.store.postgres_connection import Broken, Unreachable, answered
from gateway.store.postgres_link import close, connect
from gateway.store.statements import Connection, Statement
from gateway.store.terms import Asked, in_tsquery, terms_of
from gateway.store.wordindex import BATCH, Candidate

BLOCK = 1 << 14
SETTLED_S = 60  # three times what a transaction may last
FORM = 2  # of the terms; another number, and everything is indexed anew
_AT_IT = 0x776F_7264  # the advisory lock of whoever indexes
_MARK = "@"
_PLACE = f"words {FORM}"  # a note of each form: nodes of another one set their own
_LOW = f"SELECT coalesce((SELECT value FROM note WHERE name = '{_PLACE}')::bigint, 0)"
_INDEXED = (
    f"SELECT 1 FROM message_words WHERE message_words.seq = message.seq AND message_words.form = {FORM}"
)
_UNINDEXED = f"NOT EXISTS ({_INDEXED})"
# Above $1 twice: else the planner takes what is indexed below for what is above, and reads all that is left each time.
_FRESH = f"""
SELECT seq, id, type, sender, application, amount_fen, search FROM message
WHERE seq > $1 AND NOT EXISTS ({_INDEXED} AND message_words.seq > $1) ORDER BY seq LIMIT $2"""
_RECEIVERS = "SELECT message_id, receiver FROM delivery WHERE message_id = ANY($1::text[])"
_ADD = f"""
INSERT INTO message_words (seq, id, words, form) SELECT each.seq, each.id, each.words::tsvector, {FORM}
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS each(seq, id, words)
ON CONFLICT (seq) DO UPDATE SET words = excluded.words, form = excluded.form"""
# Everything up to here is in the index, and old enough that nothing below can turn up.
_SETTLE = f"""
INSERT INTO note (name, value) SELECT '{_PLACE}', least(
    coalesce((SELECT min(seq) - 1 FROM message WHERE seq > $1 AND accepted_at >= $2), $3),
    coalesce((SELECT min(seq) - 1 FROM message WHERE seq > $1 AND seq <= $3 AND {_UNINDEXED}), $3))::text
ON CONFLICT (name) DO UPDATE SET value = excluded.value"""
_DROP_PURGED = """
DELETE FROM message_words WHERE seq IN (SELECT seq FROM message_words
    WHERE seq < coalesce((SELECT min(seq) FROM message), 0) ORDER BY seq LIMIT $1)"""
_FIND = Statement(
    text(f"""
WITH RECURSIVE block(number) AS (
    SELECT (SELECT max(seq) FROM message_words WHERE seq < :below) / {BLOCK}
    UNION ALL
    SELECT (SELECT max(seq) FROM message_words WHERE seq < block.number * {BLOCK}) / {BLOCK}
    FROM block WHERE block.number * {BLOCK} >= :least
)
SELECT message.seq, message.id, message.state, message.application, message.received_at, message.amount_fen, message.search
FROM (
    SELECT one.seq, one.id FROM block CROSS JOIN LATERAL (
        SELECT message_words.seq, message_words.id FROM message_words
        WHERE message_words.words @@ CAST(replace(:said, '{_MARK}', CAST(block.number AS text)) AS tsquery)
            AND message_words.form = {FORM}
        ORDER BY message_words.seq DESC OFFSET 0
    ) AS one
    WHERE block.number IS NOT NULL AND one.seq < :below AND one.seq >= :least LIMIT :most
) AS found JOIN message ON message.id = found.id AND message.seq = found.seq ORDER BY message.seq DESC
""").bindparams(
        bindparam("below", type_=BigInteger), bindparam("least", type_=BigInteger),
        bindparam("said", type_=Text), bindparam("most", type_=BigInteger),
    )
)  # fmt: skip


class PostgresWords:
    """`reader`: for searches. What is indexed goes over a connection of its own."""

    without = _UNINDEXED

    def __init__(self, url: str, reader: Connection):
        self._url = url
        self._reader = reader
        self._raw: Any = None

    async def indexed_to(self) -> int:
        found = await NOTE.rows(self._reader, named=_PLACE)
        return int(found[0][0]) if found else 0

    async def find(self, asked: Asked, below: int, least: int, limit: int) -> Sequence[Candidate]:
        said = in_tsquery(asked, _MARK)
        rows = await _FIND.rows(self._reader, below=below, least=least, said=said, most=limit)
        return [Candidate(*row) for row in rows]

    async def follow(self, most: int = BATCH) -> int:
        try:
            if self._raw is None or self._raw.is_closed():
                self._raw = await connect(self._url)
            return await self._follow(most)
        except (Unreachable, Broken) as error:
            raise StoreUnavailable(f"the index of words: {error}") from error

    async def close(self) -> None:
        await close(self._raw)
        self._raw = None

    async def _follow(self, most: int) -> int:
        raw = self._raw
        if not await answered(raw.fetchval("SELECT pg_try_advisory_lock($1)", _AT_IT)):
            return 0
        try:
            low = await answered(raw.fetchval(_LOW))
            rows = await answered(raw.fetch(_FRESH, low, most))
            if rows:
                await self._add(rows)
            last = (
                max(low, rows[-1]["seq"])
                if rows
                else await answered(raw.fetchval("SELECT coalesce(max(seq), 0) FROM message_words"))
            )
            if rows or last > low:
                before_ms = clock.now_ms() - SETTLED_S * 1000
                await answered(raw.execute(_SETTLE, low, before_ms, last))
            await answered(raw.execute(_DROP_PURGED, most))
            return len(rows)
        finally:
            await answered(raw.execute("SELECT pg_advisory_unlock($1)", _AT_IT))

    async def _add(self, rows: Sequence[Any]) -> None:
        receivers: dict[str, list[str]] = defaultdict(list)
        ids = [row["id"] for row in rows]
        for message_id, receiver in await answered(self._raw.fetch(_RECEIVERS, ids)):
            receivers[message_id].append(receiver)
        said = await asyncio.to_thread(_said, rows, receivers)
        await answered(self._raw.execute(_ADD, [row["seq"] for row in rows], ids, said))


def _said(rows: Sequence[Any], receivers: dict[str, list[str]]) -> list[str]:
    """Vectors as PostgreSQL reads them."""
    found = []
    for seq, id_, type_, sender, application, fen, text_ in rows:
        mark = str(seq // BLOCK)
        terms = terms_of(type_, sender, application, fen, text_, receivers.get(id_, ()))
        found.append(" ".join([mark + term for term in terms]))
    return found
