"""A page of the reference before it is Markdown or HTML: headings, paragraphs, tables, in both languages.

Texts may hold `code` in backticks; everything else in them is plain.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Both = tuple[str, str]  # Chinese, English
YES = "✓"


@dataclass(frozen=True, slots=True)
class Heading:
    text: Both
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    text: Both


@dataclass(frozen=True, slots=True)
class Table:
    head: tuple[Both, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Paragraph | Table


@dataclass(frozen=True, slots=True)
class Page:
    """`path`: of its Markdown, below the folder of the reference; `anchor`: in the HTML page."""

    path: str
    anchor: str
    title: Both
    blocks: tuple[Block, ...] = field(default=())
