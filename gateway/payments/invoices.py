"""Invoices over all applications and platforms: whose they are, whether they are good, how much of them is used.

An invoice is the same at any platform by each of its numbers; a scan, whose number somebody keyed, also by
its file's digest. What was once listed with an amount keeps that amount while an application lives on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.message import Record
from gateway.payments.case import Case, Finding, fen, items, yuan
from gateway.payments.ground import BusinessObject, Contract, Ground, InvoiceUse

_DIGEST = "digest:"
# CT-INVCHECK: false, cancelled, reversed, not found. A document without a number is not at the tax bureau.
_BAD_RESULTS = frozenset({"2", "3", "4", "5"})
_NOT_FOUND = "5"


def number_keys(invoice: Record) -> tuple[str, ...]:
    """Every number that an invoice carries: the digital one, code and number of a classic one."""
    keys = []
    if invoice.get("EInvoiceNo"):
        keys.append(str(invoice["EInvoiceNo"]))
    if invoice.get("InvoiceCode") and invoice.get("InvoiceNo"):
        keys.append(f"{invoice['InvoiceCode']}|{invoice['InvoiceNo']}")
    return tuple(keys)


def invoice_keys(invoice: Record) -> tuple[str, ...]:
    """All that makes an invoice the same: its numbers, then `digest:<hex>` of a scan or of what has none."""
    numbers = number_keys(invoice)
    if numbers and invoice.get("ScanFlag") != "1":
        return numbers
    return (*numbers, f"{_DIGEST}{invoice.get('Digest', '')}")


def listed(body: Record) -> list[Record]:
    return items(body, "Invoices", "Invoice")


def keys_in(body: Record) -> frozenset[str]:
    return frozenset(key for invoice in listed(body) for key in invoice_keys(invoice))


def objects_of(keys: frozenset[str]) -> frozenset[tuple[str, str]]:
    """What is known of invoices beside their use: checks and reversals."""
    return frozenset((kind, key) for key in keys for kind in ("invoice-check", "reversal"))


def check_invoices(
    case: Case, ground: Ground, finding: Finding, contract: Contract | None
) -> list[InvoiceUse]:
    """3001: every invoice on its own, against its contract, and against its use elsewhere; the uses."""
    app_no = case.body["PayAppNo"]
    uses: dict[str, InvoiceUse] = {}
    for index, invoice in enumerate(listed(case.body), 1):
        at = f"Invoices/Invoice[{index}]"
        keys = invoice_keys(invoice)
        if contract is not None:
            _check_parties(invoice, at, finding, contract)
        check_good(ground, finding, invoice, at)
        if keys[0] in uses:
            finding.refuse("invoice-twice", at, found=keys[0])
        _check_use(ground, finding, invoice, at, app_no)
        _check_scan(ground, finding, invoice, at, app_no)
        total, used = fen(invoice["AmountWithTax"]), fen(invoice["UsedAmount"])
        for key in keys:
            before = uses.get(key)
            uses[key] = InvoiceUse(
                key,
                app_no,
                total + (before.total_fen if before else 0),
                used + (before.used_fen if before else 0),
            )
    return list(uses.values())


def check_good(ground: Ground, finding: Finding, invoice: Record, at: str) -> None:
    """Neither red nor cancelled, as far as its last check and later red-letter invoices say."""
    if invoice.get("RedFlag") == "1":
        finding.refuse("red-invoice", f"{at}/RedFlag")
    keys = invoice_keys(invoice)
    if any(_is_bad(ground, key) for key in keys) or _left(ground, invoice) <= 0:
        finding.refuse("invoice-cancelled", at, found=keys[0])


def _is_bad(ground: Ground, key: str) -> bool:
    check = ground.find("invoice-check", key)
    result = check.data.get("result", "") if check else ""
    return result in _BAD_RESULTS and not (result == _NOT_FOUND and key.startswith(_DIGEST))


def _left(ground: Ground, invoice: Record) -> int:
    """What later red-letter invoices left of it, in fen. A red one itself is judged by its flag."""
    total = fen(invoice["AmountWithTax"])
    if total <= 0:
        return 1
    found = (ground.find("reversal", key) for key in number_keys(invoice))
    reversed_fen = max((sum(map(int, one.data.values())) for one in found if one), default=0)
    return total - reversed_fen


def _check_use(ground: Ground, finding: Finding, invoice: Record, at: str, app_no: str) -> None:
    total, used = fen(invoice["AmountWithTax"]), fen(invoice["UsedAmount"])
    keys = number_keys(invoice) or invoice_keys(invoice)
    others = {use.app_no: use for key in keys for use in ground.uses_of(key) if use.app_no != app_no}
    different = next((use for use in others.values() if use.total_fen != total), None)
    if different is not None:
        expected = yuan(different.total_fen)
        finding.refuse(
            "invoice-amount-differs", f"{at}/AmountWithTax", expected=expected, found=yuan(total),
            app=different.app_no,
        )  # fmt: skip
    left = min([_left(ground, invoice), *(use.total_fen for use in others.values())])
    left -= sum(use.used_fen for use in others.values())
    if used > left:
        expected = f"<= {yuan(max(left, 0))}"
        finding.refuse("invoice-used-up", f"{at}/UsedAmount", expected=expected, found=yuan(used))


def _check_scan(ground: Ground, finding: Finding, invoice: Record, at: str, app_no: str) -> None:
    """A scan that another application uses must be there for the very invoice that it is for here."""
    keys, numbers = invoice_keys(invoice), number_keys(invoice)
    if not numbers or not keys[-1].startswith(_DIGEST):
        return
    same = {use.app_no for key in numbers for use in ground.uses_of(key)}
    for use in ground.uses_of(keys[-1]):
        if use.app_no != app_no and use.app_no not in same:
            finding.refuse("scan-used", f"{at}/Digest", app=use.app_no)
            return


def _check_parties(invoice: Record, at: str, finding: Finding, contract: Contract) -> None:
    for name, code, parties in (
        ("SellerTaxNo", "seller-not-winner", contract.winners),
        ("BuyerTaxNo", "buyer-not-tenderer", contract.tenderers),
    ):
        if invoice[name] not in parties:
            finding.refuse(code, f"{at}/{name}", expected=";".join(parties), found=invoice[name])


def check_invoices_again(ground: Ground, finding: Finding, body: Record, own: Sequence[InvoiceUse]) -> None:
    """4002: the application's own invoices, each still good: it may be cancelled since (DECISIONS.md 31)."""
    applied = {use.invoice for use in own}
    for index, invoice in enumerate(listed(body), 1):
        at = f"Invoices/Invoice[{index}]"
        check_good(ground, finding, invoice, at)
        key = invoice_keys(invoice)[0]
        if key not in applied:
            finding.refuse("invoice-not-applied-for", at, found=key)


def judge_upload(case: Case, ground: Ground, finding: Finding) -> None:
    """3002: a red-letter invoice takes its amount from the invoice that it names."""
    body = case.body
    original = body.get("OriginalEInvoiceNo")
    if body["RedFlag"] != "1" or not original:
        return
    known = ground.find("reversal", original)
    data = {**(known.data if known else {}), invoice_keys(body)[0]: str(abs(fen(body["AmountWithTax"])))}
    ground.put(BusinessObject("reversal", original, case.sender, "", data, case.message_id))


def judge_check(case: Case, ground: Ground, finding: Finding) -> None:
    """3003: the newest result of an invoice's check counts; what comes late is stored, not applied."""
    body = case.body
    known = ground.find("invoice-check", body["InvoiceKey"])
    if known is not None and known.data.get("at", "") > body["CheckTime"]:
        finding.parked = "late"
        return
    data = {"result": body["Result"], "at": body["CheckTime"]}
    ground.put(BusinessObject("invoice-check", body["InvoiceKey"], case.sender, "", data, case.message_id))
