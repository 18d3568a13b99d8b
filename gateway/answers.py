"""The requests that want an answer at once: a ticket's redemption (1002) and progress (6001)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway import clock
from gateway.errors import MessageError
from gateway.message import Claims, Record
from gateway.payments.ground import Application
from gateway.payments.progress import is_visible, item
from gateway.security.tickets import ticket_hash
from gateway.settings import Platform
from gateway.standard import Standard
from gateway.store.contract import Store, TicketRow

_DAY_MS = 86_400_000


class Answers:
    """Looks things up for a platform; what it may not see does not exist for it."""

    def __init__(self, store: Store, standard: Standard):
        self.store = store
        self.standard = standard

    @asynccontextmanager
    async def redeem(self, platform: Platform, body: Record, claims: Claims) -> AsyncIterator[Record]:
        """1902 for a 1002: who signed in, for the platform that the ticket was issued for. Once; where the
        1002 is refused after all, the ticket is as good as before."""
        if body.get("TargetSystem", platform.id) != platform.id:
            raise _bad_ticket()
        ticket = ticket_hash(body["Ticket"])
        row = await self.store.redeem_ticket(ticket, platform.id, clock.now_ms(), body.get("ClientIp", ""))
        if row is None:
            raise _bad_ticket()
        try:
            yield ticket_reply(row)
        except MessageError:
            await self.store.return_ticket(ticket)
            raise

    @asynccontextmanager
    async def progress(self, platform: Platform, body: Record, claims: Claims) -> AsyncIterator[Record]:
        """6002 for a 6001: the cases that platform and requester may both see, with their trace."""
        page, size = int(body["PageNo"]), int(body["PageSize"])
        found = [
            application
            for application in await self._matching(body)
            if is_visible(
                application,
                await self.store.contract(application.contract_no),
                platform.id,
                platform.kind,
                body["RequesterCode"],
            )
        ]
        if body["QueryType"] == "1" and not found:
            raise MessageError.of(
                "progress.unknown",
                "支付申请不存在或无权查看",
                "no such payment application, or not yours to see",
                result="30003",
                path="PayAppNo",
            )
        names = self.standard.codes.get("status")
        shown = found[(page - 1) * size : page * size]
        items = [item(one, await self.store.trace(one.no), names.name) for one in shown]
        reply: Record = {
            "QueryId": body["QueryId"],
            "Result": "00000",
            "Total": str(len(found)),
            "PageNo": str(page),
        }
        if items:
            reply["Items"] = {"Item": items}
        yield reply

    async def _matching(self, body: Record) -> list[Application]:
        match body["QueryType"]:
            case "1":
                one = await self.store.application(body.get("PayAppNo", ""))
                return [one] if one else []
            case "2":
                return list(
                    (await self.store.applications(contract_no=body.get("ContractNo", ""), limit=1000))[1]
                )
            case "3":
                return list(
                    (await self.store.applications(deal=body.get("UnifiedDealCode", ""), limit=1000))[1]
                )
            case _:
                since = int(clock.parse_t(body["DateFrom"]).timestamp() * 1000) if body.get("DateFrom") else 0
                until = (
                    int(clock.parse_t(body["DateTo"]).timestamp() * 1000) + _DAY_MS
                    if body.get("DateTo")
                    else 0
                )
                party = body.get("LegalCode") or body["RequesterCode"]
                return list(
                    (await self.store.applications(party=party, since=since, until=until, limit=1000))[1]
                )


def ticket_reply(row: TicketRow) -> Record:
    """The Body of 1902."""
    subject = dict(row.subject)
    return {
        "Result": "00000",
        **{
            name: subject[name]
            for name in ("UserId", "LegalCode", "LegalName", "UserName", "Roles", "AuthMethod")
            if subject.get(name)
        },
        "AuthTime": clock.t14_of(row.issued_at),
        "ExpireTime": clock.t14_of(row.expires_at),
        "SessionId": subject.get("SessionId", ""),
    }


def _bad_ticket() -> MessageError:
    return MessageError.of(
        "ticket.invalid",
        "票据无效、已使用或已过期",
        "the ticket is unknown, used, expired or for another platform",
        result="20006",
        path="Ticket",
    )
