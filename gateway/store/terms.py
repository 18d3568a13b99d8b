"""The terms under which a message is found, and what is asked in them; pure, the same for both databases.

Chinese (anything beyond ASCII) goes in as pairs of neighbouring characters. A run of Latin letters and digits
goes in by pieces of four, each with its place, and by how its later pieces begin, so that a word is found by its
beginning, however long. What is exact (type, platforms, application) goes in hashed under a letter of its own, an
amount by its length with none, one, two and three of its digits. What is asked are always whole terms: for terms
that begin so, SQLite would merge the messages of them all before it gave the first. A term is made of letters and
digits alone, so no query language has to be escaped.
"""

from __future__ import annotations

import hashlib
import operator
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

_RUNS = re.compile(r"[a-z0-9]+|[^\x00-\x7f\W]+")
_PIECE = 4
_DIGITS = 3  # of an amount that its term says
_LONGEST_AMOUNT = 18


@dataclass(frozen=True, slots=True)
class Term:
    text: str


@dataclass(frozen=True, slots=True)
class Every:
    """All of them; of none: everything."""

    parts: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """Any of them; of none: nothing."""

    parts: tuple[Asked, ...]


Asked = Term | Every | Either


def fold(text: str) -> str:
    """As texts are compared: small letters, wide forms as plain ones."""
    if not text.isascii() and not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return text.lower()


def terms_of_text(text: str) -> set[str]:
    terms: set[str] = set()
    for run in _RUNS.findall(fold(text)):
        terms.update(_terms_of_run(run))
    return terms


@lru_cache(maxsize=2048)  # names and codes come again and again
def _terms_of_run(run: str) -> tuple[str, ...]:
    if run.isascii():
        return (*_pieces(run), *_beginnings(run))
    return (run,) if len(run) == 1 else tuple(map(operator.add, run, run[1:]))


def _pieces(run: str) -> list[str]:
    return [f"x{at:x}x{run[at : at + _PIECE]}" for at in range(0, len(run), _PIECE)]


def _beginnings(run: str) -> list[str]:
    """Of its pieces behind the first."""
    places = range(_PIECE, len(run), _PIECE)
    return [_beginning(run[:end]) for at in places for end in range(at + 1, min(at + _PIECE, len(run) + 1))]


def _beginning(run: str) -> str:
    """How its last piece, which is not whole, stands for all that begin so."""
    at = len(run) - len(run) % _PIECE
    return f"y{at:x}x{run[at:]}"


@lru_cache(maxsize=4096)
def facet(kind: str, value: str) -> str:
    """`kind`: t type, s sender, r receiver, a application."""
    return kind + hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=6).hexdigest()


def amount_terms(fen: int) -> list[str]:
    digits = str(max(fen, 0))
    return [f"m{len(digits):02}{digits[:said]}" for said in range(min(len(digits), _DIGITS) + 1)]


def terms_of(
    type_: str, sender: str, application: str, amount_fen: int | None, text: str, receivers: Iterable[str]
) -> set[str]:
    """All terms of a message."""
    terms = terms_of_text(text)
    terms.add(facet("t", type_))
    terms.add(facet("s", sender))
    terms.update(facet("r", one) for one in receivers)
    if application:
        terms.add(facet("a", application))
    if amount_fen is not None:
        terms.update(amount_terms(amount_fen))
    return terms


def asked_text(text: str) -> Every:
    """Messages whose text may hold `text`: its pairs are there, and its Latin words; the last run of a word by its
    beginning, unless it is shorter than a piece (too many words begin so). Without a part where nothing of it
    is in the index."""
    parts: dict[Asked, None] = {}
    for word in fold(text).split():
        runs = _RUNS.findall(word)
        for place, run in enumerate(runs, 1):
            if not run.isascii():
                if len(run) > 1:  # of one character alone everything that holds it would be read
                    parts |= dict.fromkeys(map(Term, _terms_of_run(run)))
                continue
            *whole, last = _pieces(run)
            if place == len(runs) and len(run) > _PIECE and len(run) % _PIECE:
                last = _beginning(run)
            parts |= dict.fromkeys(map(Term, (*whole, last)))
    return Every(tuple(parts))


def asked_amount(least_fen: int, most_fen: int) -> Either:
    """Amounts that may lie between the two (inclusive), by their first digits."""
    starts: list[Asked] = []
    for length in range(1, _LONGEST_AMOUNT + 1):
        low, high = 10 ** (length - 1) if length > 1 else 0, 10**length - 1
        if low > most_fen or high < least_fen:
            continue
        said = min(length, _DIGITS)
        first, last = (
            int(str(max(low, least_fen))[:said]), int(str(min(high, most_fen))[:said]),
        )  # fmt: skip
        starts += [Term(f"m{length:02}{one}") for one in _cover(first, last, said)]
    return Either(tuple(starts))


def _cover(first: int, last: int, said: int) -> list[str]:
    """The fewest beginnings of numbers with `said` digits that cover first … last."""
    least, most = 10 ** (said - 1) if said > 1 else 0, 10**said - 1
    if (first, last) == (least, most):
        return [""]
    found: list[str] = []
    at = first
    while at <= last:
        size = next(
            size for size in (100, 10, 1) if size < 10**said and at % size == 0 and at + size - 1 <= last
        )  # fmt: skip
        found.append(str(at // size))
        at += size
    return found


def holds(asked: Asked, terms: Collection[str]) -> bool:
    """Does a message with these terms answer it?"""
    if isinstance(asked, Term):
        return asked.text in terms
    check = all if isinstance(asked, Every) else any
    return check(holds(part, terms) for part in asked.parts)


def in_fts5(asked: Asked) -> str:
    """As FTS5 asks."""
    return _said(asked, lambda term: f'"{term.text}"', (" AND ", " OR "))


def in_tsquery(asked: Asked, mark: str) -> str:
    """As PostgreSQL asks; each term stands behind `mark`."""
    return _said(asked, lambda term: f"'{mark}{term.text}'", (" & ", " | "))


def _said(asked: Asked, leaf: Callable[[Term], str], words: Sequence[str]) -> str:
    if isinstance(asked, Term):
        return leaf(asked)
    word = words[0] if isinstance(asked, Every) else words[1]
    return "(" + word.join(_said(part, leaf, words) for part in asked.parts) + ")"
