"""One payment case and what can happen to it, act by act; the cases are sequences of these acts.

An act is done when every platform that it names has it in its ledger.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.message import GATEWAY_NODE, Record
from gateway.sandbox.applications import Entry, Invoice, new_e_invoice
from gateway.sandbox.files import File
from gateway.sandbox.ledger import APPLIED, Predicate
from gateway.sandbox.ledger import Entry as LedgerEntry
from gateway.sandbox.people import Organisation, Person
from gateway.sandbox.place import GENERAL
from gateway.sandbox.reactions import MARKET_SUBJECT, TENDEREE
from gateway.sandbox.stage import Story, Watch
from gateway.sandbox.sub import SubPlatform
from gateway.sandbox.trade import Deal
from gateway.sandbox.treasury import TreasuryPlatform
from gateway.sandbox.vouchers import Outgoing


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in a case: the deal with its parties, the platform that registered it, who pays."""

    deal: Deal
    sub: SubPlatform
    treasury: TreasuryPlatform
    applicant: Person
    handler: Person
    head: Person


def cast_of(deal: Deal, sub: SubPlatform, treasury: TreasuryPlatform) -> Cast:
    """People of the deal's two parties; who reviews is never who applied, and two persons review."""
    return Cast(
        deal,
        sub,
        treasury,
        deal.winner.person("李明"),
        deal.tenderer.person("吴伟"),
        deal.tenderer.person("周敏"),
    )


class Acts:
    """The acts of one case. `record` is the application once there is one."""

    def __init__(self, story: Story, case: str, cast: Cast):
        self.story = story
        self.case = case
        self.cast = cast
        self.portal = story.portal
        self.record: Record = {}
        self.owner = cast.sub.node
        self._asked = 0

    @property
    def no(self) -> str:
        return str(self.record["PayAppNo"])

    @property
    def treasury(self) -> TreasuryPlatform:
        return self.cast.treasury

    def watch(self) -> Watch:
        return self.story.watch(self.case)

    # the seamless jump
    async def jump(self, person: Person, context: str) -> Entry:
        """The person goes from the sub-platform to the general platform with a one-time ticket."""
        started = time.monotonic()
        ticket = await self.cast.sub.issue_jump(person, context)
        who = await self.story.sandbox.general.client.redeem_ticket(ticket)
        right = (who["UserId"], who["LegalCode"], who["Source"], who["BizContext"])
        self.story.expect(
            right == (person.user_id, person.legal_code, self.owner, context),
            f"1002: the ticket told {right}",
        )
        ms = int((time.monotonic() - started) * 1000)
        self.story.tell(self.case, "1002", self.owner, GENERAL, "answered", ms)
        return Entry(str(who["Source"]), by_jump=True)

    async def enter(self, person: Person, *, by_jump: bool) -> Entry:
        return await self.jump(person, self.cast.deal.unified) if by_jump else Entry(GENERAL)

    # 3 application
    async def apply(
        self,
        amount: str = "100000.00",
        *,
        by_jump: bool = False,
        invoices: Sequence[Invoice] = (),
        attachments: Sequence[File] = (),
        wages: str = "0",
    ) -> None:
        entry = await self.enter(self.cast.applicant, by_jump=by_jump)
        used = list(invoices) or [new_e_invoice(self.cast.deal, amount)]
        watch = self.watch()
        self.record = await self.portal.apply(
            self.cast.deal, used, self.cast.applicant, entry, wages=wages, attachments=attachments
        )
        await watch.arrived("3001", GENERAL, self.owner, self.no)

    async def check_invoices(self, invoices: Sequence[Invoice]) -> None:
        for invoice in invoices:
            started = time.monotonic()
            await self.portal.check_invoice(invoice, self.no)
            ms = int((time.monotonic() - started) * 1000)
            for number in ("3002", "3003"):
                self.story.tell(self.case, number, GENERAL, GATEWAY_NODE, "registered", ms)

    async def fetch_files(self) -> None:
        """The contract's sub-platform reads the invoices; a platform without a grant does not."""
        sandbox = self.story.sandbox
        other = sandbox.procurement if self.owner != sandbox.procurement.node else sandbox.construction
        for invoice in self.record["Invoices"]["Invoice"]:
            digest = f"sm3:{invoice['Digest']}"
            size = sum([len(piece) async for piece in self.cast.sub.client.download(digest)])
            self.story.expect(size == int(invoice["FileSize"]), f"3001: {digest} came with {size} bytes")
            stolen = anext(other.client.download(digest))
            await self.story.refuse(self.case, "3002", other.node, "30010", stolen)

    async def correct(self) -> None:
        """The market subject submits the returned application again, corrected."""
        watch = self.watch()
        self.record = await self.portal.correct(self.record, UseDes=f"{self.record['UseDes']}（更正）")
        await watch.arrived("3001", GENERAL, self.owner, self.no)

    async def withdraw(self, *, pushed: bool = False) -> None:
        watch = self.watch()
        treasury = self.treasury.node if pushed else ""
        await self.portal.withdraw(self.record, "发票开具有误，撤回后重新申请", treasury)
        if pushed:
            await watch.arrived("3004", GENERAL, treasury, self.no)
        else:
            ms = int((time.monotonic() - watch.started) * 1000)
            self.story.tell(self.case, "3004", GENERAL, GATEWAY_NODE, "registered", ms)

    # 4 the tenderee's review and the push
    async def review(
        self,
        *,
        node: str = "03",
        result: str = "1",
        opinion: str = "工程量属实，同意支付",
        by_jump: bool = False,
    ) -> None:
        person = self.cast.handler if node == "01" else self.cast.head
        entry = await self.enter(person, by_jump=by_jump)
        watch = self.watch()
        review = await self.portal.review(
            self.record, person, entry, result=result, node=node, opinion=opinion
        )
        key = f"{self.no}|{review['ReviewRound']}|{node}"
        await watch.arrived("4001", GENERAL, self.owner, key)

    async def approve(self, *, by_jump: bool = False) -> None:
        """Two persons of the tenderer pass it."""
        await self.review(node="01", opinion="已核对计量支付证书", by_jump=by_jump)
        await self.review(by_jump=by_jump)

    async def turn_down(self, *, final: bool) -> None:
        """The tenderee returns (2) or refuses (3); the market subject hears of it."""
        opinion = "不符合付款条件，不予支付" if final else "附件不全，请补充计量支付证书"
        await self.review(node="03", result="3" if final else "2", opinion=opinion)
        watch = self.watch()
        await self.portal.return_to_subject(self.record, opinion)
        await watch.arrived(
            "4004", GENERAL, self.owner, test=self.notice("01", [(self.cast.deal.winner, MARKET_SUBJECT)])
        )

    async def push(self) -> None:
        """4002 reaches the treasury, with every file that the application names."""
        watch = self.watch()
        body = await self.portal.push(self.record, self.treasury.node)
        key = f"{self.no}|{body['VoucherNo']}"
        await watch.arrived("4002", GENERAL, self.treasury.node, key)
        others = body["Attachments"]["Attachment"] if "Attachments" in body else []
        for file in (*body["Invoices"]["Invoice"], *others):
            self.story.expect(
                self.treasury.has_file(file["Digest"]), f"4002 came without the file {file['FileName']}"
            )

    # 5 the authority
    async def hand_over(self, act: Callable[[], list[Outgoing]]) -> Watch:
        """A person at the treasury acts; the vouchers are polled, confirmed and passed on."""
        watch = self.watch()
        for voucher in act():
            await watch.taken_over(self.treasury, voucher)
        return watch

    async def take_over(self, *, asking: bool = False) -> None:
        """签收成功, and the authority begins; `asking`: somebody looks in between."""
        await self.hand_over(lambda: self.treasury.desk.takes_over(self.no))
        if asking:
            await self.progress("41")
        watch = await self.hand_over(lambda: self.treasury.desk.starts_review(self.no))
        await watch.arrived("6003", GENERAL, self.owner, test=self.field("NewStatus", "42"))

    async def refuse_takeover(self) -> None:
        """签收失败: the general platform tells the tenderee."""
        watch = await self.hand_over(
            lambda: self.treasury.desk.refuse_takeover(self.no, "预算单位编码与指标不一致")
        )
        told = self.notice("06", [(self.cast.deal.tenderer, TENDEREE)])
        await watch.arrived("4004", GENERAL, self.owner, test=told)

    async def authority_approves(self) -> None:
        await self.hand_over(lambda: self.treasury.desk.authority_approves(self.no))

    async def authority_returns(self) -> None:
        """Back to the general platform, which tells tenderee and market subject."""
        watch = await self.hand_over(
            lambda: self.treasury.desk.authority_returns(self.no, "工程量与计量支付证书不符")
        )
        deal = self.cast.deal
        told = self.notice("02", [(deal.tenderer, TENDEREE), (deal.winner, MARKET_SUBJECT)])
        await watch.arrived("4004", GENERAL, self.owner, test=told)

    async def withdrawal_granted(self) -> None:
        await self.hand_over(lambda: self.treasury.desk.agrees_to_withdrawal(self.no))

    # 6 the payment office and the bank
    async def office_returns(self) -> None:
        watch = await self.hand_over(
            lambda: self.treasury.desk.office_returns(self.no, "用款计划不足，退回主管部门")
        )
        told = self.notice("05", [(self.cast.deal.tenderer, TENDEREE)])
        await watch.arrived("4004", GENERAL, self.owner, test=told)

    async def send_to_bank(self) -> None:
        watch = await self.hand_over(lambda: self.treasury.desk.sends_to_bank(self.no))
        await watch.arrived("6003", GENERAL, self.owner, test=self.field("NewStatus", "60"))

    async def pay(self, part: str = "") -> None:
        """The bank pays, in full or `part` 元 of it; the results go on to the sub-platform."""
        made: list[Outgoing] = []

        def act() -> list[Outgoing]:
            made.extend(self.treasury.desk.bank_pays(self.no, part))
            return made

        watch = await self.hand_over(act)
        result = self.field("PayResult", "3" if part else "1")
        for voucher in made:
            await watch.arrived("5004", GENERAL, self.owner, voucher.biz_key, result)
        if not part:
            deal = self.cast.deal
            told = self.notice("04", [(deal.tenderer, TENDEREE), (deal.winner, MARKET_SUBJECT)])
            await watch.arrived("4004", GENERAL, self.owner, test=told)

    async def bank_fails(self) -> None:
        """5001/2 and then 5002; the sub-platform hears of both."""
        deal = self.cast.deal
        watch = await self.hand_over(lambda: self.treasury.desk.bank_fails(self.no, "收款账户状态异常"))
        await watch.arrived("5004", GENERAL, self.owner, test=self.field("PayResult", "2"))
        failed = self.notice("03", [(deal.tenderer, TENDEREE), (deal.winner, MARKET_SUBJECT)])
        await watch.arrived("4004", GENERAL, self.owner, test=failed)
        await self.office_returns()

    async def refund(self, amount: str = "") -> None:
        made: list[Outgoing] = []

        def act() -> list[Outgoing]:
            made.extend(self.treasury.desk.refunds(self.no, "账号与户名不符，银行退票", amount))
            return made

        watch = await self.hand_over(act)
        self.story.expect(bool(made), "5003: there was nothing to refund")
        for voucher in made:
            await watch.arrived("5003", GENERAL, self.owner, voucher.biz_key)
        if amount:
            refunded = [self._refunded(one.biz_key) for one in made]
            self.story.expect(refunded == [f"-{amount}"], f"5003: {refunded} came back instead of {amount}")

    def _refunded(self, biz_key: str) -> str:
        """What the sub-platform was told of a refund, in 元."""
        found = self.cast.sub.ledger.find(APPLIED, "5003", biz_key)
        return str(found[0].body.get("REFUND_AMT", ""))

    async def pay_to_the_end(self) -> None:
        """From the authority's queue to the payee's account, with a look at every stage."""
        await self.take_over(asking=True)
        await self.progress("42")
        await self.authority_approves()
        await self.progress("50")
        await self.send_to_bank()
        await self.progress("60")
        await self.pay()
        await self.progress("70")

    # 7 progress
    async def progress(self, state: str) -> None:
        """Asked at the general platform, by a jump from the sub-platform, and by the sub-platform itself:
        the state must be the same, and the trace must end with it."""
        person = self.cast.applicant if self._asked % 2 == 0 else self.cast.head
        self._asked += 1
        general = self.story.sandbox.general
        await self._seen(state, GENERAL, lambda: general.client.progress(self.no, person.legal_code))
        await self.jump(person, self.no)
        await self._seen(state, GENERAL, lambda: general.client.progress(self.no, person.legal_code))
        started = time.monotonic()
        item = await self.cast.sub.ask_progress(self.no, person)
        told = {
            "Status": item.get("STATUS"),
            "StatusName": item.get("STATUS_NAME"),
            "Trace": item.get("TRACE"),
        }
        self._check_item(state, told, "STEP", "RESULT")
        ms = int((time.monotonic() - started) * 1000)
        self.story.tell(self.case, "6001", self.owner, GATEWAY_NODE, f"answered {state}", ms)

    async def _seen(self, state: str, node: str, ask: Callable[[], object]) -> None:
        started = time.monotonic()
        item = await ask()  # type: ignore[misc]
        self._check_item(state, item, "Step", "Result")
        ms = int((time.monotonic() - started) * 1000)
        self.story.tell(self.case, "6001", node, GATEWAY_NODE, f"answered {state}", ms)

    def _check_item(self, state: str, item: Record, element: str, result: str) -> None:
        listed = (item.get("Trace") or {}).get(element) or []
        steps = listed if isinstance(listed, list) else [listed]
        found = item.get("Status")
        self.story.expect(found == state, f"6001 told state {found} instead of {state} for {self.no}")
        moves = [step[result] for step in steps if step[result] != _UNAPPLIED]
        right = bool(moves) and moves[-1] == item.get("StatusName")
        self.story.expect(right, f"6001 told a trace of {self.no} that does not end in {state}: {moves[-1:]}")

    # what must be in a sub-platform's ledger
    def field(self, name: str, value: str) -> Predicate:
        """An entry about this application with a field of this value."""

        def fits(entry: LedgerEntry) -> bool:
            return entry.body.get("PAY_APP_NO") == self.no and entry.body.get(_TAGS[name]) == value

        return fits

    def notice(self, kind: str, to: Sequence[tuple[Organisation, str]]) -> Predicate:
        """A 4004 of this kind about this application, to exactly these."""
        wanted = sorted((one.code, role) for one, role in to)

        def fits(entry: LedgerEntry) -> bool:
            body = entry.body
            if body.get("PAY_APP_NO") != self.no or body.get("NOTICE_TYPE") != kind:
                return False
            listed = (body.get("RECIPIENTS") or {}).get("RECIPIENT") or []
            several = listed if isinstance(listed, list) else [listed]
            return sorted((one["LEGAL_CODE"], one["ROLE"]) for one in several) == wanted

        return fits


_UNAPPLIED = "已存未用"  # a fact that was stored and moved nothing
_TAGS = {"NewStatus": "NEW_STATUS", "PayResult": "PAY_RESULT"}
