"""Terms of messages and of what is asked: whatever a text holds is found, and an amount by its first digits alone."""

from __future__ import annotations

import random

import pytest

from gateway.store.terms import (
    Either,
    Every,
    Term,
    amount_terms,
    asked_amount,
    asked_text,
    holds,
    in_fts5,
    in_tsquery,
    terms_of,
    terms_of_text,
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "asked", "found"),
    [
        ("沪建 HT-2026-000123", "沪建", True),
        ("沪建 HT-2026-000123", "建沪", False),
        ("沪建 HT-2026-000123", "沪", True),
        ("沪建 HT-2026-000123", "浦", True),  # one character alone is left to who looks at the text
        ("沪建 HT-2026-000123", "ht-2026-0001", True),
        ("沪建 HT-2026-000123", "t-2026", False),
        ("沪建 HT-2026-000123", "h", False),
        ("沪建 HT-2026-000123", "2026-00", False),  # shorter than a piece
        ("沪建 HT-2026-000123", "HT-2026-00012", True),
        ("沪建 HT-2026-000123", "00012-x", False),
        ("20240701000123", "2024070100012", True),
        ("20240701000123", "20240701000124", False),
        ("20240701000123", "07010001", False),
        ("ＡＢ１２", "ab12", True),
        ("第7有限", "第7", True),
        ("91310000MA1K00001X", "91310000M", True),
        ("91310000MA1K00001X", "91310000MA1", True),
        ("91310000MA1K00001X", "91310000B", False),
        ("91310000MA1K00001X", "91310000MA2", False),
        ("91310", "91310", True),
        ("91310", "913100", False),
    ],
)
def test_words_are_found_by_their_beginnings_and_chinese_by_pairs(text: str, asked: str, found: bool) -> None:
    assert holds(asked_text(asked), terms_of_text(text)) is found


def test_an_amount_is_found_in_every_span_that_holds_it() -> None:
    drawn = random.Random(7)
    for _ in range(3000):
        least, most = sorted(drawn.randrange(10 ** drawn.randrange(1, 13)) for _ in range(2))
        inside = drawn.randint(least, most)
        asked = asked_amount(least, most)
        assert holds(asked, amount_terms(inside)), (least, inside, most)
        assert len(asked.parts) <= 300
    assert not holds(asked_amount(1000, 1999), amount_terms(2000))
    assert not holds(asked_amount(1000, 1999), amount_terms(10000))
    assert holds(asked_amount(0, 1 << 60), amount_terms(0))


@pytest.mark.parametrize(
    "asked", [asked_amount(100, 1 << 60), asked_amount(2_000_00, 987_654_32), asked_text("91310000MA1")]
)
def test_what_is_asked_is_whole_terms(asked: Either | Every) -> None:
    """Of terms that begin so, SQLite merges the messages of all before it gives one; and few terms say it."""
    assert "*" not in in_fts5(asked) + in_tsquery(asked, "@")
    assert len(asked.parts) <= 40


def test_what_is_asked_is_said_in_both_languages_and_terms_need_no_quoting() -> None:
    asked = Every((Term("养护"), Either((Term("x0x12"), Term("sab")))))
    assert in_fts5(asked) == '("养护" AND ("x0x12" OR "sab"))'
    assert in_tsquery(asked, "@") == "('@养护' & ('@x0x12' | '@sab'))"
    odd = "'\";:*\\-- \0 () a'b \ud800".encode("utf-8", "replace").decode()
    assert all(term.isalnum() for term in terms_of("3001", odd, odd, -5, odd, (odd,)))
