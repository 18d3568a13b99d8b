"""The fields of message 3002 that a file can tell, and how each is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.invoices import values
from gateway.message import Record

Same = Callable[[str], object]


def _code(text: str) -> str:
    return values.name(text).upper()


# field → the form in which two values are the same
COMPARED: dict[str, Same] = {
    "InvoiceKind": _code,
    "EInvoiceNo": _code,
    "InvoiceCode": _code,
    "InvoiceNo": _code,
    "CheckCode": _code,
    "IssueDate": values.day,
    "SellerTaxNo": _code,
    "SellerName": values.name,
    "BuyerTaxNo": _code,
    "BuyerName": values.name,
    "AmountWithoutTax": values.amount,
    "TaxAmount": values.amount,
    "AmountWithTax": values.amount,
    "RedFlag": _code,
    "OriginalEInvoiceNo": _code,
}
AMOUNTS = ("AmountWithoutTax", "TaxAmount", "AmountWithTax")
MAX_CHARS = 500  # no field of the standard is longer than 200; a longer text only has to differ
_CLEANERS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys((*AMOUNTS, "Amount"), values.amount),
    "IssueDate": values.day,
    "CheckCode": lambda text: "".join(text.split()),
}
_ITEM_FIELDS = (
    "ItemName", "Spec", "Unit", "Quantity", "UnitPrice", "Amount", "TaxRate", "TaxAmount", "TaxClassCode",
)  # fmt: skip


def clean(raw: Mapping[str, str]) -> Record:
    """Field → text as found → a record: blank is absent, amounts and days in the standard's form, the
    number under the name that its length says."""
    found: Record = {}
    for field, text in raw.items():
        text = text.strip()[:MAX_CHARS]
        if text:
            found[field] = _CLEANERS[field](text) if field in _CLEANERS else text
    number = found.get("InvoiceNo", "")
    if len(number) == 20:
        found["EInvoiceNo"] = found.pop("InvoiceNo")
    return found


def clean_item(raw: Mapping[str, str]) -> Record:
    """One line, in the order of the schema."""
    cleaned = clean(raw)
    return {field: cleaned[field] for field in _ITEM_FIELDS if field in cleaned}


def same(field: str, one: str, other: str) -> bool:
    form = COMPARED[field]
    return form(one) == form(other)


def with_items(record: Record, items: list[Record]) -> Record:
    return {**record, "Items": {"Item": items}} if items else record


def items_of(record: Record) -> list[Record]:
    found = record.get("Items", {}).get("Item", [])
    return found if isinstance(found, list) else [found]
