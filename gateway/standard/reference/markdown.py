"""A page as Markdown: Chinese first, English beside it."""

from __future__ import annotations

from gateway.standard.reference.pages import Block, Both, Heading, Page, Paragraph

_NOTE = "<!-- Written by `gateway standard docs` from schemas, code tables and rules; do not edit. -->"


def render_markdown(page: Page) -> str:
    blocks = [_NOTE, f"# {_both(page.title)}", *map(_block, page.blocks)]
    return "\n\n".join(blocks) + "\n"


def _both(text: Both) -> str:
    return " · ".join(part for part in text if part)


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"{'#' * block.level} {_both(block.text)}"
    if isinstance(block, Paragraph):
        return "\n\n".join(part for part in block.text if part)
    lines = [_row([_both(one) for one in block.head]), _row(["---"] * len(block.head))]
    return "\n".join([*lines, *(_row(list(row)) for row in block.rows)])


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    """One line, no bar that would end the cell; a `<` outside of code would be markup."""
    parts = text.replace("\n", " ").replace("|", "\\|").split("`")
    return "`".join(part if at % 2 else part.replace("<", "&lt;") for at, part in enumerate(parts))
