"""What the two sub-platforms 分平台 have in common: deals go up, notices and results come down, people jump.

What is sent is written in the platform's own form by the subclass; `number` is the standard's type.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gateway.client import Reply
from gateway.message import Head, Record
from gateway.sandbox import numbers
from gateway.sandbox.forms import Forms, biz_key, digest_of
from gateway.sandbox.inbox import Arrived, PushedPlatform
from gateway.sandbox.ledger import ACKNOWLEDGED
from gateway.sandbox.people import Organisation, Person
from gateway.sandbox.place import GENERAL, SandboxPlatform
from gateway.sandbox.trade import Deal

# A format wants a head; where the envelope carries all that it writes, this one says nothing.
NO_HEAD = Head(*[""] * 15)


class SubPlatform(PushedPlatform):
    """A sub-platform. `forms_folder` is its folder under schemas/platforms."""

    forms_folder = ""
    jump_url = ""

    def __init__(self, place: SandboxPlatform):
        super().__init__(place)
        self.forms = Forms(place.schemas_dir / "platforms" / self.forms_folder)

    # what a subclass writes
    async def submit(self, number: str, record: Record) -> tuple[Reply, str]:
        """Sends a record of the platform's own form; the reply and the key it went under."""
        raise NotImplementedError

    def project(self, deal: Deal) -> Record | None:
        """2001; None where the platform knows no projects."""
        raise NotImplementedError

    def tender(self, deal: Deal) -> Record:
        raise NotImplementedError

    def section(self, deal: Deal) -> Record:
        raise NotImplementedError

    def award(self, deal: Deal) -> Record:
        raise NotImplementedError

    def contract(self, deal: Deal) -> Record:
        raise NotImplementedError

    def exception(self, deal: Deal, reason: str) -> Record:
        raise NotImplementedError

    def subject(self, one: Organisation, contact: str) -> Record:
        raise NotImplementedError

    def query(self, number: str, requester: Person, query_id: str) -> Record:
        """6001 for one application."""
        raise NotImplementedError

    def ticket(self, ticket: str) -> Record:
        """1002."""
        raise NotImplementedError

    def read_answer(self, payload: bytes) -> Record:
        """The answer to a 1002 or 6001, in the platform's own names."""
        raise NotImplementedError

    # sending
    async def send(self, number: str, record: Record, key: str, *, to: Sequence[str] = (GENERAL,)) -> Reply:
        """Submits and, once the gateway has taken it over, writes it down under its business key."""
        reply, idem_key = await self.submit(number, record)
        self.ledger.append(
            ACKNOWLEDGED,
            number,
            idem_key,
            digest=digest_of(number, record),
            biz_key=key,
            body=record,
            answer=reply.message_id,
            to=to,
        )
        return reply

    def messages_of(self, deal: Deal, *, below: bool = False) -> list[tuple[str, Record, str]]:
        """(type, record, business key) of a deal in the order in which it came about; `below`: only what
        stands under a tender that was published before."""
        found: list[tuple[str, Record, str]] = []
        project = self.project(deal)
        if not below:
            if project is not None:
                found.append(("2001", project, deal.project))
            found.append(("2006", self.tender(deal), deal.tender))
        found.append(("2007", self.section(deal), deal.unified))
        found.append(("2002", self.award(deal), deal.unified))
        found.append(("2003", self.contract(deal), deal.contract))
        return found

    async def issue_jump(self, person: Person, context: str, target_url: str = "") -> str:
        """A ticket that takes the person to the general platform without signing in again."""
        return await self.client.issue_ticket(person.as_subject(), GENERAL, context, target_url)

    async def redeem(self, ticket: str) -> dict[str, Any]:
        """Who came with a ticket from another platform."""
        return await self.client.redeem_ticket(ticket)

    async def redeem_message(self, ticket: str) -> Record:
        """The same by a message of the standard (1002), answered at once in the platform's own form."""
        reply, _ = await self.submit("1002", self.ticket(ticket))
        return self.read_answer(reply.payload)

    async def ask_progress(self, app_no: str, requester: Person) -> Record:
        """6001 for one application: its ITEM, {} where there is none for this requester."""
        query_id = f"Q-{self.node}-{numbers.digits(12)}"
        reply, _ = await self.submit("6001", self.query(app_no, requester, query_id))
        found = (self.read_answer(reply.payload).get("ITEMS") or {}).get("ITEM") or []
        first: Record = found[0] if isinstance(found, list) and found else found or {}
        return first

    # receiving
    def act(self, arrived: Arrived) -> None:
        """Keeps the newest of each type under its business key, as the platform's users see it."""
        self.book.put(arrived.number, arrived.biz_key, arrived.record)

    def own_key(self, number: str, record: Record) -> str:
        return biz_key(number, record, upper=True)
