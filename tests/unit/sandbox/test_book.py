"""A book keeps what a platform knows over a restart."""

from __future__ import annotations

from pathlib import Path

from gateway.sandbox.book import Book


def test_a_book_reads_back_the_newest_of_each_record(tmp_path: Path) -> None:
    book = Book(tmp_path / "b.jsonl")
    book.put("case", "1", {"state": "new"})
    book.put("case", "2", {"state": "new"})
    book.put("case", "1", {"state": "paid"})
    book.put("case", "2", None)
    assert book.next_number("voucher") == 1
    book.close()
    again = Book(tmp_path / "b.jsonl")
    assert again.all("case") == {"1": {"state": "paid"}}
    assert again.next_number("voucher") == 2
    assert again.get("case", "2") is None


def test_half_a_line_after_a_crash_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "b.jsonl"
    book = Book(path)
    book.put("case", "1", {"state": "new"})
    book.close()
    with path.open("ab") as file:
        file.write('["case","1",{"state":"付'.encode()[:-1])
    again = Book(path)
    again.put("case", "2", {})
    again.close()
    assert list(Book(path).all("case")) == ["1", "2"]
