"""What people do at the general platform: register, apply, review, withdraw. Each method is one click.

The portal remembers what it was told (`book`), so that the next click knows the case.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway import clock
from gateway.client import Reply
from gateway.message import Record
from gateway.sandbox.applications import (
    Entry,
    Invoice,
    application_record,
    attachment_record,
    push_record,
    review_record,
)
from gateway.sandbox.files import File
from gateway.sandbox.general import GeneralPlatform
from gateway.sandbox.people import Account, Organisation, Person, account_record, subject_record
from gateway.sandbox.reactions import MARKET_SUBJECT, notice
from gateway.sandbox.trade import Deal


class Portal:
    """The portal of one general platform. `subs` and `treasuries` are who subscribes to shared data."""

    def __init__(self, general: GeneralPlatform, subs: Sequence[str], treasuries: Sequence[str]):
        self.general = general
        self.book = general.book
        self.subs = tuple(subs)
        self.treasuries = tuple(treasuries)

    # 1 login and shared subjects
    async def register(self, one: Organisation) -> Reply:
        """A subject registers at the general platform, which tells all others."""
        self.book.put("subject", one.code, subject_record(one))
        return await self.general.send("1001", subject_record(one), to=(*self.subs, *self.treasuries))

    async def register_account(self, one: Organisation, account: Account) -> Reply:
        return await self.general.send("1004", account_record(one, account), to=self.treasuries)

    async def log_out(self, person: Person) -> Reply:
        record = {
            "UserId": person.user_id,
            "SessionId": person.session_id,
            "Action": "1",
            "ActionTime": clock.t14(),
        }
        return await self.general.send("1003", record, to=self.subs)

    # 3 application
    def new_application_no(self, region: str) -> str:
        """SQ-<region>-<yyyyMMdd>-<5 digits>."""
        day = clock.d8()
        return f"SQ-{region}-{day}-{self.book.next_number(f'SQ|{region}|{day}'):05d}"

    async def upload(self, file: File) -> None:
        """An attachment streams to the gateway; who receives a message that names it may fetch it."""
        await self.general.client.upload(file.data)

    async def apply(
        self,
        deal: Deal,
        invoices: Sequence[Invoice],
        applicant: Person,
        entry: Entry,
        *,
        wages: str = "0",
        attachments: Sequence[File] = (),
    ) -> Record:
        """Opens an application: files first, then 3001. Returns its record."""
        owner = self.owner_of(deal)
        for file in (*(invoice.file for invoice in invoices), *attachments):
            await self.upload(file)
        record = application_record(
            self.new_application_no(deal.adm_div),
            deal,
            invoices,
            applicant,
            entry,
            period=self.book.next_number(f"period|{deal.contract}"),
            wages=wages,
            attachments=attachments,
        )
        await self.general.send("3001", record, to=(owner,))
        self.keep_application(record)
        return record

    async def correct(self, record: Record, **changes: Any) -> Record:
        """Submits a returned application again, corrected (OperType 2)."""
        corrected = {**record, "ApplyTime": clock.t14(), **changes}
        owner = self.book.get("contract", record["ContractNo"])["Owner"]
        await self.general.send("3001", corrected, to=(owner,), oper_type="2")
        self.keep_application(corrected)
        return corrected

    async def check_invoice(self, invoice: Invoice, app_no: str) -> None:
        """3002 registers an invoice's data, 3003 tells how its check at the tax bureau came out."""
        names = (
            "InvoiceKind", "EInvoiceNo", "InvoiceCode", "InvoiceNo", "CheckCode", "IssueDate", "SellerTaxNo",
            "SellerName", "BuyerTaxNo", "BuyerName", "AmountWithoutTax", "TaxAmount", "AmountWithTax",
            "RedFlag", "ScanFlag",
        )  # fmt: skip
        file = attachment_record(invoice.file)
        data = {name: invoice.record[name] for name in names if name in invoice.record}
        await self.general.send("3002", {"PayAppNo": app_no, **file, **data})
        record = invoice.record
        key = record.get("EInvoiceNo") or f"{record['InvoiceCode']}|{record['InvoiceNo']}"
        scanned = record["ScanFlag"] == "1"
        checked = {
            "InvoiceKey": key,
            "CheckTime": clock.t14(),
            "CheckMethod": "2",
            "SignVerify": "3" if scanned else "1",
            "Duplicate": "0",
            "Result": "1",
        }
        await self.general.send("3003", checked)

    async def withdraw(self, record: Record, reason: str, treasury: str = "") -> Reply:
        """3004; `treasury` is who must be asked, once the application was pushed."""
        voucher = self._application(record["PayAppNo"]).get("VoucherNo", "")
        body: Record = {
            "PayAppNo": record["PayAppNo"],
            **({"VoucherNo": voucher} if voucher and treasury else {}),
            "Reason": reason,
            "WithdrawTime": clock.t14(),
        }
        return await self.general.send("3004", body, to=(treasury,) if treasury else ())

    # 4 review and push
    async def review(
        self,
        record: Record,
        reviewer: Person,
        entry: Entry,
        *,
        result: str = "1",
        node: str = "03",
        opinion: str = "工程量属实，同意支付",
    ) -> Record:
        """4001 of one person at one node; a new round begins with node 01."""
        known = self._application(record["PayAppNo"])
        begins = node == "01" or not known["Reviews"] or known["Pushed"]
        round = known["Round"] + 1 if begins else known["Round"]
        reviews = [] if begins else known["Reviews"]
        review = review_record(
            record, reviewer, entry, round=round, node=node, result=result, opinion=opinion
        )
        await self.general.send("4001", review, to=(self._owner(record),))
        self._change(
            record["PayAppNo"],
            Round=round,
            Reviews=[*reviews, review],
            Pushed=False,
            ApprovedAmount=review.get("ApprovedAmount", known["ApprovedAmount"]),
        )
        return review

    async def return_to_subject(self, record: Record, reason: str) -> None:
        """4004/01 after the tenderee's return or refusal, to the market subject through its sub-platform."""
        body = notice(self.book, self._application(record["PayAppNo"]), "01", reason, [MARKET_SUBJECT])
        await self.general.send("4004", body, to=(self._owner(record),))

    async def push(self, record: Record, treasury: str) -> Record:
        """4002 under a new voucher number. Returns its record."""
        known = self._application(record["PayAppNo"])
        serial = self.book.next_number(f"voucher|{clock.d8()}")
        voucher_no = f"ZF{clock.d8()}{serial:06d}"
        body = push_record(record, known["Reviews"], voucher_no, round=known["Round"])
        await self.general.send("4002", body, to=(treasury,))
        self._change(record["PayAppNo"], VoucherNo=voucher_no, Pushed=True)
        return body

    async def push_as_if(self, record: Record, review: Record) -> None:
        """A push that rests on a review which never took place: for what must be refused."""
        voucher_no = f"ZF{clock.d8()}{self.book.next_number(f'voucher|{clock.d8()}'):06d}"
        await self.general.send("4002", push_record(record, [review], voucher_no, round=1))

    # what the portal knows
    def keep_application(self, record: Record) -> None:
        old = self.book.get("application", record["PayAppNo"]) or {}
        fresh = {
            "PayAppNo": record["PayAppNo"],
            "ContractNo": record["ContractNo"],
            "TendererCode": record["TendererCode"],
            "PayeeCode": record["Payees"]["Payee"][0]["PayeeCode"],
            "ApprovedAmount": record["AppAmount"],
            "Round": old.get("Round", 0),
            "Reviews": [],
            "Pushed": False,
            "VoucherNo": old.get("VoucherNo", ""),
        }
        self.book.put("application", record["PayAppNo"], fresh)

    def owner_of(self, deal: Deal) -> str:
        """The sub-platform that registered the contract; LookupError where none has."""
        contract = self.book.get("contract", deal.contract)
        if contract is None:
            raise LookupError(f"contract {deal.contract} has not arrived at the general platform")
        return str(contract["Owner"])

    def _owner(self, record: Record) -> str:
        return str(self.book.get("contract", record["ContractNo"])["Owner"])

    def _application(self, no: str) -> dict[str, Any]:
        known: dict[str, Any] = self.book.get("application", no)
        return known

    def _change(self, no: str, **changes: Any) -> None:
        self.book.put("application", no, {**self._application(no), **changes})
