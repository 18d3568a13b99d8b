"""Samples of every message type: valid, realistic, and consistent within one story.

A story (`story.py`) is one payment case from its parties to its end, made up from a seed. Each type has a
function that tells its part of it. A chain is a whole story in the order in which the parties would send it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from gateway.message import Record
from gateway.standard.sampling import application, payment, service, trade, words
from gateway.standard.sampling.story import Story
from gateway.standard.sampling.telling import tell
from gateway.standard.sampling.writing import Made
from gateway.standard.standard import Standard

__all__ = ["Sample", "Sampler", "Story"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A message of a chain: `sender` sends `record`, a `number`."""

    number: str
    sender: str
    record: Record


class Sampler:
    """Tells stories of one seed. The same seed, index and code tables give the same samples for ever."""

    def __init__(self, standard: Standard, seed: str = "1"):
        self._standard = standard
        self._codes = standard.codes
        self._seed = seed
        nodes = self._codes.get("node").rows.values()
        self._treasuries = {row.parent: row.code for row in nodes if row.parent}
        regions = self._codes.get("region").rows.values()
        self._districts = [row for row in regions if row.parent == words.CITY and row.name_en]

    def record(self, number: str, index: int = 0) -> Record:
        """A sample of a type, from the story of that index; LookupError for an unknown type."""
        kind = self._standard.catalogue.get(number)
        story = self._story(index)
        dice = random.Random(f"{story.seed}/{kind.number}")
        return self._record(kind.number, self._tellers(dice)[kind.number](story))

    def chain(self, index: int = 0, upto: str = "") -> Iterator[Sample]:
        """The story of that index from its subjects to the payment result and the answer to a query;
        with `upto`, to the first message of that type."""
        last = self._standard.catalogue.get(upto).number if upto else ""
        story = self._story(index)
        for number, sender, made in self._told(story, random.Random(story.seed)):
            yield Sample(number, sender, self._record(number, made))
            if number == last:
                return

    def _story(self, index: int) -> Story:
        return tell(f"{self._seed}:{index}", self._treasuries, self._districts)

    def _record(self, number: str, made: Made) -> Record:
        return self._standard.from_elements(number, made)

    def _tellers(self, dice: random.Random) -> dict[str, Callable[[Story], Made]]:
        codes = self._codes
        return {
            "1001": lambda story: trade.subject(story, story.lead, dice),
            "1002": lambda story: service.ticket(story, dice),
            "1902": service.ticket_reply,
            "1003": service.logout,
            "1004": lambda story: trade.account(story, story.lines[-1].account),
            "2001": trade.project,
            "2002": trade.award,
            "2003": trade.contract,
            "2004": lambda story: trade.change(story, dice),
            "2005": trade.void,
            "2006": trade.tender,
            "2007": trade.section,
            "3001": application.application,
            "3002": lambda story: application.upload(story, dice.choice(story.invoices)),
            "3003": lambda story: application.check(story, dice.choice(story.invoices)),
            "3004": application.withdrawal,
            "4001": lambda story: application.review(story, dice),
            "4002": lambda story: application.push(story, codes),
            "4003": payment.authority_review,
            "4004": payment.notice,
            "5001": lambda story: payment.result(story, 0),
            "5002": lambda story: payment.returned(story, dice),
            "5003": payment.refund,
            "5004": lambda story: payment.forwarded(story, 0),
            "6001": payment.query,
            "6002": lambda story: payment.progress(story, codes),
            "6003": lambda story: payment.status(story, dice.choice((1, 2))),
            "7001": payment.reconciliation,
            "7002": lambda story: payment.reconciled(story, dice),
            "8001": service.acknowledgement,
            "8002": service.receipt,
            "9001": service.heartbeat,
            "9002": lambda story: service.certificate(story, dice),
            "9003": lambda story: service.code_table(story, codes),
        }

    def _told(self, story: Story, dice: random.Random) -> Iterator[tuple[str, str, Made]]:
        """(number, sender, message): steps 1 to 7 in their order."""
        general, platform, treasury = words.GENERAL, story.platform_node, story.treasury
        for one in story.winners:
            yield "1001", general, trade.subject(story, one, dice)
        for line in story.lines:
            yield "1004", general, trade.account(story, line.account)
        if not story.is_procurement:
            yield "2001", platform, trade.project(story)
        yield "2006", platform, trade.tender(story)
        yield "2007", platform, trade.section(story)
        yield "2002", platform, trade.award(story)
        yield "2003", platform, trade.contract(story)
        for invoice in story.invoices:
            yield "3002", general, application.upload(story, invoice)
        yield "3001", general, application.application(story)
        for invoice in story.invoices:
            yield "3003", general, application.check(story, invoice)
        yield "4001", general, application.review(story, dice)
        yield "4002", general, application.push(story, self._codes)
        yield "8002", treasury, service.receipt(story)
        yield "6003", treasury, payment.status(story, 1)
        yield "4003", treasury, payment.authority_review(story)
        yield "6003", treasury, payment.status(story, 2)
        for at in range(len(story.lines)):
            yield "5001", treasury, payment.result(story, at)
            yield "5004", general, payment.forwarded(story, at)
        yield "4004", general, payment.notice(story)
        yield "6001", platform, payment.query(story)
        yield "6002", words.GATEWAY, payment.progress(story, self._codes)
