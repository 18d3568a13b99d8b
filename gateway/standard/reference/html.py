"""All pages as one HTML page that needs nothing from elsewhere and runs no script."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from gateway.standard.reference.pages import Block, Both, Heading, Page, Paragraph

_CODE = re.compile("`([^`]*)`")
_STYLE = """:root{color-scheme:light dark}*{box-sizing:border-box}
body{font:14px/1.6 "PingFang SC","Microsoft YaHei","Noto Sans CJK SC",system-ui,sans-serif;margin:0;display:flex}
nav{position:sticky;top:0;height:100vh;overflow:auto;width:270px;flex:none;padding:16px;border-right:1px solid #8884}
nav a{display:block;padding:2px 0;color:inherit;text-decoration:none}nav a:hover{text-decoration:underline}
main{padding:8px 28px 60px;min-width:0;max-width:1400px}section{border-bottom:1px solid #8884;padding-bottom:20px}
table{border-collapse:collapse;width:100%;margin:10px 0}th,td{border:1px solid #8884;padding:4px 8px;text-align:left;
vertical-align:top;overflow-wrap:anywhere}th{background:#8882;overflow-wrap:normal}
th [lang=en]{display:block;font-weight:400}code{font-size:12.5px}[lang=en]{opacity:.8}
h1 [lang=en],h2 [lang=en],h3 [lang=en]{font-weight:400;margin-left:.6em}
@media(max-width:800px){body{display:block}nav{position:static;width:auto;height:auto}}@media print{nav{display:none}}"""


def render_html(pages: Sequence[Page]) -> str:
    """The first page's title is the document's."""
    title = " ".join(pages[0].title)
    links = "\n".join(f'<a href="#{page.anchor}">{escape(page.title[0])}</a>' for page in pages)
    sections = "\n".join(map(_section, pages))
    return (
        '<!doctype html>\n<html lang="zh-CN">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<nav>\n{links}\n</nav>\n<main>\n{sections}\n</main>\n</body>\n</html>\n"
    )


def _section(page: Page) -> str:
    return f'<section id="{page.anchor}">\n<h1>{_both(page.title)}</h1>\n{render_blocks(page)}\n</section>'


def render_blocks(page: Page) -> str:
    """What a page says below its title, as HTML; nothing in it needs a style or a script."""
    return "\n".join(map(_block, page.blocks))


def _both(text: Both) -> str:
    return "".join(
        f'<span lang="{lang}">{_inline(part)}</span>'
        for lang, part in zip(("zh", "en"), text, strict=True)
        if part
    )


def _inline(text: str) -> str:
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"<h{block.level}>{_both(block.text)}</h{block.level}>"
    if isinstance(block, Paragraph):
        zh, en = block.text
        return "\n".join(
            f'<p lang="{lang}">{_inline(part)}</p>' for lang, part in (("zh", zh), ("en", en)) if part
        )
    head = "".join(f"<th>{_both(one)}</th>" for one in block.head)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{_inline(cell)}</td>" for cell in row) + "</tr>" for row in block.rows
    )
    return f"<table>\n<tr>{head}</tr>\n{rows}\n</table>"
