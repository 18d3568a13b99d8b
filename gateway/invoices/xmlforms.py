"""Two XML forms of an invoice: 数电票 (root EInvoice, no namespace) and the classic e-invoice (root eInvoice,
namespace of edrm 2019). Paths are of local names: prefixes and the namespace's year differ between issuers.
"""

from __future__ import annotations

from lxml import etree

from gateway.errors import MessageError
from gateway.invoices import fields
from gateway.invoices.limits import Limits, over
from gateway.invoices.model import Kind, Reading, Source
from gateway.message import Record
from gateway.xmltree import local, parse

_DATA = "EInvoiceData"
_TOTALS = f"{_DATA}/BasicInformation"
_LABELS = "Header/InherentLabel"
_RED = f"{_DATA}/SpecificInformation/RedEInvoice"
# field ← path
_E_INVOICE: dict[str, str] = {
    "InvoiceNo": "TaxSupervisionInfo/InvoiceNumber",
    "IssueDate": "TaxSupervisionInfo/IssueTime",
    "SellerTaxNo": f"{_DATA}/SellerInformation/SellerIdNum",
    "SellerName": f"{_DATA}/SellerInformation/SellerName",
    "BuyerTaxNo": f"{_DATA}/BuyerInformation/BuyerIdNum",
    "BuyerName": f"{_DATA}/BuyerInformation/BuyerName",
    "AmountWithoutTax": f"{_TOTALS}/TotalAmWithoutTax",
    "TaxAmount": f"{_TOTALS}/TotalTaxAm",
    "AmountWithTax": f"{_TOTALS}/TotalTax-includedAmount",
    "OriginalEInvoiceNo": f"{_RED}/OriginalInvoiceCode",
}
_E_ITEM: dict[str, str] = {
    "ItemName": "ItemName", "Spec": "SpecMod", "Unit": "MeaUnits", "Quantity": "Quantity",
    "UnitPrice": "UnPrice", "Amount": "Amount", "TaxRate": "TaxRate", "TaxAmount": "ComTaxAm",
    "TaxClassCode": "TaxClassificationCode",
}  # fmt: skip
CLASSIC: dict[str, str] = {
    "InvoiceCode": "InvoiceCode",
    "InvoiceNo": "InvoiceNo",
    "IssueDate": "IssueDate",
    "CheckCode": "InvoiceCheckCode",
    "SellerTaxNo": "Seller/SellerTaxID",
    "SellerName": "Seller/SellerName",
    "BuyerTaxNo": "Buyer/BuyerTaxID",
    "BuyerName": "Buyer/BuyerName",
    "AmountWithoutTax": "TaxExclusiveTotalAmount",
    "TaxAmount": "TaxTotalAmount",
    "AmountWithTax": "TaxInclusiveTotalAmount",
}
CLASSIC_ITEM: dict[str, str] = {
    "ItemName": "Item", "Spec": "Specification", "Unit": "MeasurementDimension", "Quantity": "Quantity",
    "UnitPrice": "Price", "Amount": "Amount", "TaxRate": "TaxScheme", "TaxAmount": "TaxAmount",
    "TaxClassCode": "Code",
}  # fmt: skip
ITEMS = "GoodsInfos/GoodsInfo"
_KINDS = {"01": "31", "02": "32"}  # GeneralOrSpecialVAT → kind of invoice


def find(element: etree._Element, path: str) -> etree._Element | None:
    """The first element at a path of local names."""
    return next(iter(find_all(element, path)), None)


def find_all(element: etree._Element, path: str) -> list[etree._Element]:
    found = [element]
    for name in path.split("/"):
        found = [child for one in found for child in one if local(child.tag) == name]
    return found


def text_at(element: etree._Element, path: str) -> str:
    found = find(element, path)
    return "" if found is None else (found.text or "").strip()


def parse_xml(data: bytes, place: str) -> etree._Element:
    """The root, bounded and hardened by xmltree; MessageError names the place in the file."""
    try:
        return parse(data)
    except MessageError as error:
        raise MessageError([fault.in_words_of(place) for fault in error.faults]) from error


def kind_of_root(root: etree._Element) -> Kind:
    return {"EInvoice": Kind.E_INVOICE, "eInvoice": Kind.CLASSIC}.get(local(root.tag), Kind.UNKNOWN)


def read_xml(root: etree._Element, place: str, limits: Limits) -> list[Reading]:
    """The readings of an invoice in XML, none of any other XML. A classic one holds its QR text too."""
    kind = kind_of_root(root)
    if kind is Kind.E_INVOICE:
        return [_read_e_invoice(root, place, limits)]
    return [_read_classic(root, place, limits)] if kind is Kind.CLASSIC else []


def _read_e_invoice(root: etree._Element, place: str, limits: Limits) -> Reading:
    raw = {field: text_at(root, path) for field, path in _E_INVOICE.items()}
    raw["IssueDate"] = raw["IssueDate"] or text_at(root, f"{_TOTALS}/RequestTime")
    raw["InvoiceKind"] = _KINDS.get(text_at(root, f"{_LABELS}/GeneralOrSpecialVAT/LabelCode"), "")
    blue = text_at(root, f"{_LABELS}/InIssuType/LabelCode")
    raw["RedFlag"] = {"Y": "0", "N": "1"}.get(blue, "1" if raw["OriginalEInvoiceNo"] else "")
    lines = _items(find_all(root, f"{_DATA}/IssuItemInformation"), _E_ITEM, place, limits)
    words = text_at(root, f"{_TOTALS}/TotalTax-includedAmountInChinese")
    other = text_at(root, "Header/EIid")
    record = fields.with_items(fields.clean(raw), lines)
    return Reading(Source.E_INVOICE, place, record, words, (other,) if other else ())


def _read_classic(root: etree._Element, place: str, limits: Limits) -> Reading:
    raw = {field: text_at(root, path) for field, path in CLASSIC.items()}
    red = text_at(root, "OriginalInvoiceNo") or raw["AmountWithTax"].startswith("-")
    raw["RedFlag"] = "1" if red else "0"
    raw["QrText"] = text_at(root, "GraphCode")
    lines = _items(find_all(root, ITEMS), CLASSIC_ITEM, place, limits)
    words = text_at(root, "TaxInclusiveTotalAmountWithWords")
    return Reading(Source.CLASSIC, place, fields.with_items(fields.clean(raw), lines), words)


def _items(elements: list[etree._Element], paths: dict[str, str], place: str, limits: Limits) -> list[Record]:
    if len(elements) > limits.items:
        zh, en = f"明细超过 {limits.items} 行", f"more than {limits.items} lines"
        raise over("many-lines", zh, en, place)
    return [
        fields.clean_item({field: text_at(element, path) for field, path in paths.items()})
        for element in elements
    ]
