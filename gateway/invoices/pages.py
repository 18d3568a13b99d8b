"""The text on the pages of an OFD: TextObject by TextObject, as the pages draw it (GB/T 33190 section 11)."""

from __future__ import annotations

from collections.abc import Container, Iterator

from gateway.invoices import values
from gateway.invoices.limits import over
from gateway.invoices.model import Reading, Source
from gateway.invoices.package import Package
from gateway.invoices.xmlforms import find_all
from gateway.xmltree import local

Text = tuple[str, str, str, str]


def page_texts(package: Package, document: str, wanted: Container[str] | None = None) -> Iterator[Text]:
    """(page id, object id, text, entry) of the pages in `wanted`, or all. MessageError beyond a bound."""
    root = package.parse(document)
    pages = [one for one in find_all(root, "Pages/Page") if wanted is None or one.get("ID", "") in wanted]
    if len(pages) > package.limits.pages:
        most = package.limits.pages
        raise over("many-pages", f"超过 {most} 页", f"more than {most} pages", document)
    for page in pages:
        place = package.find(page.get("BaseLoc", ""), document.rpartition("/")[0])
        if place is None:
            continue
        for one in package.parse(place).iter():
            if local(one.tag) == "TextObject":
                codes = "".join(code.text or "" for code in find_all(one, "TextCode"))
                yield page.get("ID", ""), one.get("ID", ""), codes.strip(), place


def read_words(package: Package, document: str) -> Reading | None:
    """The total in words, where the pages have one and only one text that is an amount in words."""
    found = {
        (text, place)
        for _, _, text, place in page_texts(package, document)
        if text and values.words_fen(text) is not None
    }
    if len({text for text, _ in found}) != 1:
        return None
    text, place = min(found)
    return Reading(Source.PAGE_TEXT, place, {}, text)
