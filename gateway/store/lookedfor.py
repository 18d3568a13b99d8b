"""What is looked for, made of a filter: names that the log's own indexes know, terms for the index of words, and
what is checked of each candidate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, select, text

from gateway.message import MessageState
from gateway.store import case_tables, tables
from gateway.store.contract import MessageFilter
from gateway.store.statements import Connection, Statement, TextClause
from gateway.store.terms import (
    Asked,
    Either,
    Every,
    Term,
    asked_amount,
    asked_text,
    facet,
    fold,
    holds,
    terms_of_text,
)  # fmt: skip
from gateway.store.wordindex import Candidate

_MOST_NAMED = 1000
_MOST_APPLICATIONS = 500  # of one contract, deal or company; the newest
_NO_END = 1 << 60

# Every (sender, type) that there is: a walk over the index, one seek each.
_PAIRS = """
WITH RECURSIVE pair(sender, type) AS (
    SELECT * FROM (SELECT sender, type FROM message ORDER BY sender, type LIMIT 1) AS first
    UNION ALL
    SELECT next.sender, next.type FROM pair {next}
)
"""
_NEXT = """JOIN message AS next ON next.seq = coalesce(
        (SELECT seq FROM message WHERE sender = pair.sender AND type > pair.type ORDER BY type LIMIT 1),
        (SELECT seq FROM message WHERE sender > pair.sender ORDER BY sender, type LIMIT 1))"""
# Both in one comparison: PostgreSQL would look for a sender's next type among all messages of that type.
_NEXT_ON_POSTGRES = """CROSS JOIN LATERAL (SELECT sender, type FROM message
        WHERE (message.sender, message.type) > (pair.sender, pair.type) ORDER BY sender, type LIMIT 1) AS next"""
_SENDERS = "(SELECT DISTINCT sender FROM pair)"
_OF_SENDER = "own.sender = known.sender AND own.idem_key = :wanted"
_OF_PAIR = "own.sender = known.sender AND own.type = known.type AND own.biz_key"
_BOUND = {name: bindparam(name, type_=Text) for name in ("wanted", "parts", "within", "beyond")}
_MOST = bindparam("most", type_=BigInteger)


def _each(known: str, table: str, condition: str) -> str:
    return f"SELECT own.message_id FROM {known} AS known CROSS JOIN {table} AS own WHERE {condition}"


def _each_on_postgres(known: str, table: str, condition: str) -> str:
    """One after the other: nobody knows there how many a walk finds, and all keys would be read."""
    return (
        f"SELECT one.message_id FROM {known} AS known CROSS JOIN LATERAL"
        f" (SELECT own.message_id FROM {table} AS own WHERE {condition} OFFSET 0) AS one"
    )


def _keyed(next_: str, each: Callable[[str, str, str], str]) -> TextClause:
    return text(f"{_PAIRS.format(next=next_)} {each(_SENDERS, 'sender_key', _OF_SENDER)}").bindparams(
        _BOUND["wanted"]
    )


def _named(next_: str, each: Callable[[str, str, str], str]) -> TextClause:
    return text(f"""{_PAIRS.format(next=next_)}
SELECT id FROM (
    SELECT id FROM message WHERE id = :wanted
    UNION SELECT id FROM (SELECT id FROM message
        WHERE {tables.HAS_APPLICATION} AND application = :wanted ORDER BY seq DESC LIMIT :most) AS of_case
    UNION {each(_SENDERS, "sender_key", _OF_SENDER)}
    UNION SELECT message_id FROM ({each("pair", "business_key", f"{_OF_PAIR} = :parts")} LIMIT :most) AS of_key
    UNION SELECT message_id FROM (
        {each("pair", "business_key", f"{_OF_PAIR} >= :within AND own.biz_key < :beyond")} LIMIT :most) AS of_parts
) AS named LIMIT :most
""").bindparams(*_BOUND.values(), _MOST)


_KEYED = Statement(_keyed(_NEXT, _each), postgresql=_keyed(_NEXT_ON_POSTGRES, _each_on_postgres))
_NAMED = Statement(_named(_NEXT, _each), postgresql=_named(_NEXT_ON_POSTGRES, _each_on_postgres))
_a, _c, _party = case_tables.application.c, case_tables.contract.c, case_tables.application_party.c
_APPLICATIONS = {
    "contract": Statement(
        select(_a.no).where(_a.contract_no == bindparam("of")).order_by(_a.opened_at.desc()).limit(_MOST)
    ),
    "deal": Statement(
        select(_a.no)
        .where(_a.contract_no.in_(select(_c.no).where(_c.unified_deal_code == bindparam("of"))))
        .order_by(_a.opened_at.desc())
        .limit(_MOST)
    ),
    "company": Statement(
        select(_party.app_no)
        .where(_party.party == bindparam("of"))
        .order_by(_party.app_no.desc())
        .limit(_MOST)
    ),
}
_CONTRACTS = Statement(select(_c.no).where(_c.unified_deal_code == bindparam("of")).limit(_MOST))
Check = Callable[[Candidate, set[str] | None], bool]


@dataclass(frozen=True, slots=True)
class Look:
    """`ids`: none but these; None: any. `asked`: of the index of words; None: the log's own indexes answer.
    `checks`: what neither answers for certain. Without terms a candidate is one of the index of words."""

    ids: tuple[str, ...] | None
    asked: Asked | None
    checks: tuple[Check, ...]

    def is_it(self, one: Candidate) -> bool:
        return all(check(one, None) for check in self.checks)

    def is_it_unindexed(self, one: Candidate) -> bool:
        terms = terms_of_text(one.search) if self.checks else set()
        return all(check(one, terms) for check in self.checks)


async def make_look(connection: Connection, wanted: MessageFilter) -> Look:
    ids: set[str] | None = {wanted.id} if wanted.id else None
    if wanted.key:
        ids = _both(ids, await _KEYED.rows(connection, wanted=wanted.key))
    parts: list[Asked] = []
    checks: list[Check] = []
    word = wanted.text.strip()
    if word:
        named = await _NAMED.rows(connection, wanted=word, **_first_parts(word), most=_MOST_NAMED)
        if named:
            ids = _both(ids, named)
        else:
            parts += asked_text(word).parts
            checks.append(_names([word], frozenset()))
    for kind, value in (("contract", wanted.contract), ("deal", wanted.deal), ("company", wanted.company)):
        if value:
            asked, check = await _under(connection, kind, value.strip())
            parts.append(asked)
            checks.append(check)
    if wanted.least_fen or wanted.most_fen:
        most_fen = wanted.most_fen or _NO_END
        parts.append(asked_amount(wanted.least_fen, most_fen))
        checks.append(_amount(wanted.least_fen, most_fen))
    if wanted.receiver:
        parts.append(Term(facet("r", wanted.receiver)))
    # One sender's messages lie by type in the log's own index, and a type's not by time or state.
    is_asked = parts or wanted.sender or (wanted.type and (wanted.since or wanted.until or wanted.state))
    if not is_asked or ids is not None or _has_own_index(wanted):
        return Look(None if ids is None else tuple(ids), None, tuple(checks))
    for kind, value in (("t", wanted.type), ("s", wanted.sender)):
        if value:
            parts.append(Term(facet(kind, value)))
    return Look(None, Every(tuple(parts)), (*checks, *_plain(wanted)))


def _first_parts(word: str) -> dict[str, str]:
    """A business key, or its first parts whole: character by character anybody could read an account number
    out of a key (1004) by asking for its beginnings."""
    parts = word.rstrip("|") or word
    return {"parts": parts, "within": f"{parts}|", "beyond": f"{parts}}}"}  # } comes after |


def _has_own_index(wanted: MessageFilter) -> bool:
    """Is there an index of the log's own that leaves few?"""
    return bool(
        wanted.application
        or wanted.code
        or wanted.parked
        or wanted.state in (MessageState.ACCEPTED, MessageState.STUCK)
    )


def _both(ids: set[str] | None, rows: list[Any]) -> set[str]:
    found = {str(row[0]) for row in rows}
    return found if ids is None else ids & found


def _plain(wanted: MessageFilter) -> list[Check]:
    """What a candidate's own columns say; the log's own statement asks it anyway."""
    checks: list[Check] = []
    if wanted.state:
        checks.append(lambda one, _: one.state == wanted.state)
    if wanted.since:
        checks.append(lambda one, _: one.received_at >= wanted.since)
    if wanted.until:
        checks.append(lambda one, _: one.received_at < wanted.until)
    return checks


def _amount(least_fen: int, most_fen: int) -> Check:
    return lambda one, _: one.amount_fen is not None and least_fen <= one.amount_fen <= most_fen


async def _under(connection: Connection, kind: str, value: str) -> tuple[Asked, Check]:
    """Messages that name it, or belong to an application under it; of a deal, or to its contracts."""
    found = await _APPLICATIONS[kind].rows(connection, of=value, most=_MOST_APPLICATIONS)
    applications = frozenset(str(no) for (no,) in found)
    names = [value]
    if kind == "deal":
        contracts = await _CONTRACTS.rows(connection, of=value, most=_MOST_APPLICATIONS)
        names += [str(no) for (no,) in contracts]
    texts = [asked for asked in map(asked_text, names) if asked.parts]
    return Either((*texts, *(Term(facet("a", no)) for no in sorted(applications)))), _names(
        names, applications
    )


def _names(names: list[str], applications: frozenset[str]) -> Check:
    """Is any of the names in the text (all its words, as they stand), or the application one of these?"""
    wanted = [(fold(name).split(), asked_text(name)) for name in names]

    def check(one: Candidate, terms: set[str] | None) -> bool:
        if one.application in applications:
            return True
        said = fold(one.search)
        return any(
            all(word in said for word in words) and (terms is None or holds(asked, terms))
            for words, asked in wanted
        )

    return check
