"""Tags of an OFD invoice (Tag_Invoice.xml): a tree of field names whose leaves point at text on the pages.

    <InvoiceNo><ObjectRef PageRef="10">70</ObjectRef></InvoiceNo>

A classic invoice groups the lines (GoodsInfos/GoodsInfo); a 数电票 gives each column as one list of objects.
"""

from __future__ import annotations

from lxml import etree

from gateway.invoices import fields
from gateway.invoices.limits import over
from gateway.invoices.model import Reading, Source
from gateway.invoices.package import Package
from gateway.invoices.pages import page_texts
from gateway.invoices.xmlforms import CLASSIC, CLASSIC_ITEM, ITEMS, find, find_all
from gateway.message import Record
from gateway.xmltree import local

Texts = dict[tuple[str, str], str]


def read_tags(package: Package, document: str, place: str) -> Reading | None:
    """The reading of one tag file; None where it points at nothing. MessageError beyond a bound."""
    root = package.parse(place)
    wanted = {one.get("PageRef", "") for one in root.iter() if local(one.tag) == "ObjectRef"}
    if not wanted:
        return None
    texts = {(page, number): text for page, number, text, _ in page_texts(package, document, wanted)}
    raw = {name: _text(find(root, path), texts) for name, path in CLASSIC.items()}
    groups = find_all(root, ITEMS)
    if len(groups) > package.limits.items:
        most = package.limits.items
        raise over("many-lines", f"明细超过 {most} 行", f"more than {most} lines", place)
    lines = [_line(group, texts) for group in groups] if groups else _columns(root, texts)
    record = fields.with_items(fields.clean(raw), [line for line in lines if line])
    return Reading(Source.TAGS, place, record) if record else None


def _line(group: etree._Element, texts: Texts) -> Record:
    return fields.clean_item({name: _text(find(group, path), texts) for name, path in CLASSIC_ITEM.items()})


def _columns(root: etree._Element, texts: Texts) -> list[Record]:
    """Lines from columns; only where every column has a text for every line, as nothing else pairs them."""
    columns = {name: _parts(find(root, path), texts) for name, path in CLASSIC_ITEM.items()}
    count = len(columns["Amount"])
    whole = {name: parts for name, parts in columns.items() if len(parts) == count}
    return [fields.clean_item({name: parts[row] for name, parts in whole.items()}) for row in range(count)]


def _parts(element: etree._Element | None, texts: Texts) -> list[str]:
    if element is None:
        return []
    keys = [(one.get("PageRef", ""), (one.text or "").strip()) for one in find_all(element, "ObjectRef")]
    return [texts[key] for key in keys if key in texts]


def _text(element: etree._Element | None, texts: Texts) -> str:
    return "".join(_parts(element, texts))
