"""Does an invoice agree with itself? Sums, tax, the total in words, check digits, days, and the sources."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from gateway.errors import Fault
from gateway.invoices import fields, qrtext, values
from gateway.invoices.model import Reading
from gateway.message import Record
from gateway.standard import checks

SUM, DIGIT, INVALID = "30004", "30001", "30005"
_PARTIES = ("SellerTaxNo", "BuyerTaxNo")
# Lines are rounded one by one; the tax service itself tolerates some fen.
_ROUNDING = Decimal("0.06")
# First two digits of GB/T 2260: the provinces. Digits 3 and 4 of a 数电票 number.
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
    ]
)


def check_reading(reading: Reading, invoice: Record, today: date) -> tuple[list[Fault], list[Fault]]:
    """What is wrong within one source, and what is merely odd. `invoice`: all sources together, for a total in
    words that stands alone."""
    record, place = reading.record, reading.place
    faults = [
        *_check_totals(record, place),
        *_check_words(reading, {**invoice, **record}),
        *_check_day(record, place, today),
        *_check_parties(record, place),
        *_check_numbers(reading),
    ]
    warnings = [*_doubt_lines(record, place), *_doubt_number(record, place), *_doubt_red(record, place)]
    return faults, warnings


def find_lacking(invoice: Record) -> list[Fault]:
    """What every invoice says and this one does not: its number, its total with tax."""
    zh, en = "文件中没有发票的该项内容", "the file does not say this of an invoice"
    names = [] if invoice.get("EInvoiceNo") or invoice.get("InvoiceNo") else ["InvoiceNo"]
    names += [] if invoice.get("AmountWithTax") else ["AmountWithTax"]
    return [Fault("invoice.incomplete", name, zh, en, INVALID) for name in names]


def check_sources(readings: Sequence[Reading]) -> list[Fault]:
    """Every field that two sources of one file tell differently; the first source is the measure."""
    faults: list[Fault] = []
    first: dict[str, Reading] = {}
    for reading in readings:
        for field in fields.COMPARED:
            value = reading.record.get(field)
            if value is None:
                continue
            other = first.setdefault(field, reading)
            if not fields.same(field, str(other.record[field]), str(value)):
                faults.append(_differ(field, other, reading))
    with_lines = [reading for reading in readings if fields.items_of(reading.record)]
    for reading in with_lines[1:]:
        if _amounts(reading) != _amounts(with_lines[0]):
            faults.append(_differ("Items", with_lines[0], reading))
    return faults


def _amounts(reading: Reading) -> list[tuple[str, str]]:
    return [(line.get("Amount", ""), line.get("TaxAmount", "")) for line in fields.items_of(reading.record)]


def _differ(field: str, one: Reading, other: Reading) -> Fault:
    values_ = [
        str(each.record.get(field, ""))[:100] if field != "Items" else each.place for each in (one, other)
    ]
    zh, en = f"与 {one.place} 不一致", f"differs from {one.place}"
    return Fault(
        "invoice.sources-differ", f"{other.place}#{field}", zh, en, INVALID,
        expected=values_[0], found=values_[1],
    )  # fmt: skip


def _check_totals(record: Record, place: str) -> Iterator[Fault]:
    without, tax, total = (values.fen(record.get(field)) for field in fields.AMOUNTS)
    for field in fields.AMOUNTS:
        if field in record and values.fen(record[field]) is None:
            zh, en = "不是金额", "is no amount"
            yield Fault("invoice.amount", f"{place}#{field}", zh, en, "10003", found=str(record[field])[:40])
    if without is not None and tax is not None and total is not None and without + tax != total:
        zh, en = "价税合计应等于金额与税额之和", "the total is the amount and the tax together"
        yield _sum("invoice.total", f"{place}#AmountWithTax", zh, en, without + tax, total)
    lines = fields.items_of(record)
    for line_field, field, wanted in (
        ("Amount", "AmountWithoutTax", without),
        ("TaxAmount", "TaxAmount", tax),
    ):
        # 免税 and *** stand where there is no tax.
        parts = [values.fen(line.get(line_field)) or 0 for line in lines]
        if lines and wanted is not None and sum(parts) != wanted:
            zh, en = f"{field} 应等于各明细行之和", f"{field} is the sum of the lines"
            yield _sum("invoice.lines", f"{place}#{field}", zh, en, sum(parts), wanted)


def _sum(code: str, place: str, zh: str, en: str, expected_fen: int, found_fen: int) -> Fault:
    expected, found = (f"{Decimal(each).scaleb(-2):.2f}" for each in (expected_fen, found_fen))
    return Fault(code, place, zh, en, SUM, expected=expected, found=found)


def _check_words(reading: Reading, record: Record) -> Iterator[Fault]:
    total, said = values.fen(record.get("AmountWithTax")), values.words_fen(reading.words)
    if not reading.words or total is None or said == total:
        return
    # Red letters are told by the colour on some forms: the words then have no sign.
    if said is not None and -said == total and record.get("RedFlag") == "1":
        return
    zh, en = "大写金额与小写不符", "the total in words is another one than in figures"
    yield Fault(
        "invoice.words", f"{reading.place}#AmountWithTax", zh, en, SUM,
        expected=str(record["AmountWithTax"]), found=reading.words[:60],
    )  # fmt: skip


def _check_day(record: Record, place: str, today: date) -> Iterator[Fault]:
    day = record.get("IssueDate")
    if day is None:
        return
    if not values.is_day(day):
        zh, en = "开票日期不是日历上的日期", "the date of issue is no day of the calendar"
        yield Fault("invoice.day", f"{place}#IssueDate", zh, en, "10003", found=str(day)[:40])
    elif day > f"{today:%Y%m%d}":
        zh, en = "开票日期在将来", "it is issued in the future"
        yield Fault("invoice.day", f"{place}#IssueDate", zh, en, INVALID, found=day)


def _check_parties(record: Record, place: str) -> Iterator[Fault]:
    for field in _PARTIES:
        code = record.get(field)
        if code is not None and not checks.is_party(str(code)):
            zh, en = (
                "校验位不符，应为统一社会信用代码",
                "has a wrong check digit for a unified social credit code",
            )
            yield Fault("invoice.check-digit", f"{place}#{field}", zh, en, DIGIT, found=str(code)[:40])


def _check_numbers(reading: Reading) -> Iterator[Fault]:
    """Digits and their count; and the same number where a source writes it twice."""
    record, place = reading.record, reading.place
    forms = {
        "EInvoiceNo": (20,),
        "OriginalEInvoiceNo": (20,),
        "InvoiceCode": (10, 12),
        "InvoiceNo": (8,),
        "CheckCode": (20,),
    }
    for field, lengths in forms.items():
        text = str(record.get(field, ""))
        if text and not (text.isascii() and text.isdecimal() and len(text) in lengths):
            expected = " / ".join(map(str, lengths))
            zh, en = f"应为 {expected} 位数字", f"is not {expected} digits"
            yield Fault("invoice.number", f"{place}#{field}", zh, en, DIGIT, found=text[:40])
    own = record.get("EInvoiceNo") or record.get("InvoiceNo")
    for other in reading.others:
        if own is not None and other != own:
            zh, en = "同一文件内发票号码不一致", "the file writes its number in two ways"
            yield Fault("invoice.number", place, zh, en, INVALID, expected=str(own)[:40], found=other[:40])


def _doubt_number(record: Record, place: str) -> Iterator[Fault]:
    number = str(record.get("EInvoiceNo", ""))
    if len(number) != 20:
        return
    if number[2:4] not in _PROVINCES:
        zh, en = "号码第 3、4 位不是省级代码", "digits 3 and 4 of the number are no province"
        yield Fault("invoice.province", f"{place}#EInvoiceNo", zh, en, DIGIT, found=number[2:4])
    day = str(record.get("IssueDate", ""))
    if len(day) == 8 and number[:2] != day[2:4]:
        zh, en = "号码前两位不是开票年份", "the number does not begin with the year of issue"
        yield Fault("invoice.year", f"{place}#EInvoiceNo", zh, en, DIGIT, expected=day[2:4], found=number[:2])


def _doubt_red(record: Record, place: str) -> Iterator[Fault]:
    total = values.fen(record.get("AmountWithTax"))
    if total is not None and "RedFlag" in record and (total < 0) != (record["RedFlag"] == "1"):
        zh, en = "金额正负与红字标志不符", "the sign of the total does not fit the red-letter mark"
        yield Fault("invoice.red", f"{place}#RedFlag", zh, en, INVALID, found=str(record["RedFlag"]))
    if (
        record.get("RedFlag") == "1"
        and record.get("InvoiceKind") in qrtext.DIGITAL
        and not record.get("OriginalEInvoiceNo")
    ):
        zh, en = "红字发票没有写明原蓝字发票", "a red-letter invoice names no original"
        yield Fault("invoice.red", f"{place}#OriginalEInvoiceNo", zh, en, INVALID)


def _doubt_lines(record: Record, place: str) -> Iterator[Fault]:
    """Tax by the rate, amount by quantity and price; lawful exceptions exist (差额征税), so no faults."""
    for number, line in enumerate(fields.items_of(record), 1):
        amount, tax, count, price = (
            values.number(str(line.get(name, "")))
            for name in ("Amount", "TaxAmount", "Quantity", "UnitPrice")
        )
        where = f"{place}#Items/Item[{number}]"
        if _is_off(amount, rate := values.rate(str(line.get("TaxRate", ""))), tax):
            zh, en = f"税额与税率 {rate} 不符", f"the tax is not the rate's ({rate})"
            yield Fault("invoice.line-tax", f"{where}/TaxAmount", zh, en, SUM, found=str(tax))
        if _is_off(count, price, amount):
            zh, en = "金额不等于数量乘单价", "the amount is not quantity times price"
            yield Fault("invoice.line-amount", f"{where}/Amount", zh, en, SUM, found=str(amount))


def _is_off(one: Decimal | None, other: Decimal | None, product: Decimal | None) -> bool:
    """All three are known, and the third is not the product of the others."""
    if one is None or other is None or product is None:
        return False
    return abs(one * other - product) > _ROUNDING
