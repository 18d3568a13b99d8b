"""Payment applications and pushes in the standard's words, as the general platform's portal fills them in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from gateway import clock
from gateway.message import Record
from gateway.sandbox import numbers
from gateway.sandbox.files import File, certificate_pdf, invoice_ofd, scan_of
from gateway.sandbox.people import AUTHORITY_NAME, Organisation, Person
from gateway.sandbox.trade import Deal

_TAX = Decimal("0.09")
_FEN = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice over `amount` 元 with its file; `record` is the item of 3001 but for UsedAmount."""

    record: Record
    file: File
    amount: str


@dataclass(frozen=True, slots=True)
class Entry:
    """Where the person came from: the platform, and whether by a jump."""

    node: str
    by_jump: bool = False


def new_e_invoice(deal: Deal, amount: str) -> Invoice:
    """A fully digital invoice 数电票, kind 31."""
    number = numbers.invoice_number(clock.d8()[:4])
    file = invoice_ofd(number, amount)
    own: Record = {"InvoiceKind": "31", "EInvoiceNo": number}
    return _invoice(deal, amount, own, file, scanned=False)


def new_scanned_invoice(deal: Deal, amount: str) -> Invoice:
    """A classic invoice 增值税普通发票 that was scanned, kind 04."""
    number = numbers.digits(8)
    own: Record = {
        "InvoiceKind": "04",
        "InvoiceCode": f"0310{numbers.digits(8)}",
        "InvoiceNo": number,
        "CheckCode": numbers.digits(20),
    }
    return _invoice(deal, amount, own, scan_of(number), scanned=True)


def _invoice(deal: Deal, amount: str, own: Record, file: File, *, scanned: bool) -> Invoice:
    total = Decimal(amount)
    without = (total / (1 + _TAX)).quantize(_FEN)
    record: Record = {
        **own,
        "IssueDate": clock.d8(),
        "SellerTaxNo": deal.winner.code,
        "SellerName": deal.winner.name,
        "BuyerTaxNo": deal.tenderer.code,
        "BuyerName": deal.tenderer.name,
        "AmountWithoutTax": f"{without:.2f}",
        "TaxAmount": f"{total - without:.2f}",
        "AmountWithTax": f"{total:.2f}",
        "RedFlag": "0",
        "ScanFlag": "1" if scanned else "0",
        **_file(file),
    }
    return Invoice(record, file, amount)


def _file(file: File) -> Record:
    return {
        "FileId": file.id,
        "FileName": file.name,
        "Digest": file.digest,
        "FileType": file.kind,
        "FileSize": str(len(file.data)),
    }


def attachment_record(file: File) -> Record:
    return _file(file)


def application_record(
    no: str,
    deal: Deal,
    invoices: Sequence[Invoice],
    applicant: Person,
    entry: Entry,
    *,
    period: int,
    wages: str = "0",
    attachments: Sequence[File] = (),
) -> Record:
    """3001. The amount is the invoices' sum; `wages` 元 of it go to the wage account."""
    total = sum((Decimal(invoice.amount) for invoice in invoices), Decimal(0))
    record: Record = {
        "PayAppNo": no,
        "StYear": clock.d8()[:4],
        "AdmDivCode": deal.adm_div,
        "ProjectKind": deal.kind,
        "ContractNo": deal.contract,
        "UnifiedDealCode": deal.unified,
        "BidSectionCode": deal.section,
        "TendererCode": deal.tenderer.code,
        "TendererName": deal.tenderer.name,
        "EntryNode": entry.node,
        "EntryKind": "2" if entry.by_jump else "1",
        "PayKind": "02",
        "PlanNo": "1",
        "PeriodNo": str(period),
        "AppAmount": f"{total:.2f}",
        "CurrencyCode": "156",
        "Payees": {"Payee": _payees(deal.winner, total, Decimal(wages))},
        "UseDes": f"第{period}期进度款",
        "Applicant": applicant.name,
        "ApplicantPhone": "13800001234",
        "ApplyTime": clock.t14(),
        "Invoices": {
            "Invoice": [{**one.record, "UsedAmount": f"{Decimal(one.amount):.2f}"} for one in invoices]
        },
        "InvoiceTotal": f"{total:.2f}",
    }
    if attachments:
        record["Attachments"] = {"Attachment": [attachment_record(file) for file in attachments]}
    return record


def _payees(winner: Organisation, total: Decimal, wages: Decimal) -> list[Record]:
    shares = [(winner.accounts[0], total - wages, "01")]
    if wages:
        shares.append((winner.accounts[1], wages, "02"))
    return [
        {
            "PayeeCode": winner.code,
            "PayeeName": winner.name,
            "AcctNo": account.no,
            "AcctName": account.name,
            "AcctBankName": account.bank_name,
            "AcctBankNo": account.bank_no,
            "Amount": f"{amount:.2f}",
            "FeeKind": kind,
        }
        for account, amount, kind in shares
    ]


def review_record(
    application: Record, reviewer: Person, entry: Entry, *, round: int, node: str, result: str, opinion: str
) -> Record:
    """4001 of one person. Result 1 pass, 2 return, 3 refuse; a pass carries what the treasury needs."""
    record: Record = {
        "PayAppNo": application["PayAppNo"],
        "ReviewRound": str(round),
        "TendererCode": application["TendererCode"],
        "EntryNode": entry.node,
        "EntryKind": "2" if entry.by_jump else "1",
        "ReviewNode": node,
        "ReviewResult": result,
        "Opinion": opinion,
        "ReviewerId": reviewer.user_id,
        "ReviewerName": reviewer.name,
        "ReviewTime": clock.t14(),
    }
    if result == "1":
        record |= {
            "ApprovedAmount": application["AppAmount"],
            "AgencyCode": "125001",
            "AgencyName": application["TendererName"],
            "ExpFuncCode": "2140106",
            "GovExpEcoCode": "50209",
            "DepExpEcoCode": "30213",
        }
    return record


def push_record(application: Record, reviews: Sequence[Record], voucher_no: str, *, round: int) -> Record:
    """4002: the approved application for the authority's queue at the treasury."""
    approved = reviews[-1]["ApprovedAmount"]
    record: Record = {
        "PayAppNo": application["PayAppNo"],
        "ReviewRound": str(round),
        "StYear": application["StYear"],
        "AdmDivCode": application["AdmDivCode"],
        "MofDivCode": f"{application['AdmDivCode']}000",
        "ProjectKind": application["ProjectKind"],
        "VoucherNo": voucher_no,
        "VouDate": clock.d8(),
        "TendererCode": application["TendererCode"],
        "SupDepCode": "125",
        "SupDepName": AUTHORITY_NAME,
        "AgencyCode": "125001",
        "AgencyName": application["TendererName"],
        "FundTypeCode": "1111",
        "FundTypeName": "本级财力安排",
        "BgtTypeCode": "21",
        "ExpFuncCode": "2140106",
        "ExpFuncName": "公路养护",
        "GovExpEcoCode": "50209",
        "GovExpEcoName": "维修（护）费",
        "DepExpEcoCode": "30213",
        "DepExpEcoName": "维修（护）费",
        "PayTypeCode": "11",
        "PayTypeName": "财政直接支付",
        "SetModeCode": "1",
        "SetModeName": "电子转账支付",
        "BusinessTypeCode": "1" if len(application["Payees"]["Payee"]) == 1 else "4",
        "PayAmt": approved,
        "CurrencyCode": "156",
        "Payees": application["Payees"],
        "PaySummaryName": application["UseDes"],
        "ContractNo": application["ContractNo"],
        "UnifiedDealCode": application["UnifiedDealCode"],
        "TrackingId": f"{application['AdmDivCode']}-{application['StYear']}-{application['PayAppNo'][-5:]}",
        "Invoices": application["Invoices"],
        "ReviewRecords": {"ReviewRecord": [_reviewed(review) for review in reviews]},
    }
    if "Attachments" in application:
        record["Attachments"] = application["Attachments"]
    return record


def _reviewed(review: Record) -> Record:
    names = ("ReviewNode", "ReviewResult", "Opinion", "ReviewerId", "ReviewerName", "ReviewTime")
    return {name: review[name] for name in names if name in review}


def new_certificate() -> File:
    return certificate_pdf()
