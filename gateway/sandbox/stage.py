"""The cases of the seven steps, carried by people over the running platforms, each step told as it happens.

A case asserts in the ledgers of every platform that it names. What must be refused is sent too, and
counted where it is refused for the right reason.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from gateway.client import Refused
from gateway.errors import DeliveryError, MessageError
from gateway.message import GATEWAY_NODE
from gateway.sandbox import Sandbox
from gateway.sandbox.ledger import ACKNOWLEDGED, APPLIED, Entry, Predicate
from gateway.sandbox.place import GENERAL
from gateway.sandbox.server import Platform
from gateway.sandbox.treasury import FAILED, TreasuryPlatform
from gateway.sandbox.vouchers import Outgoing

WAIT_S = 60.0
_ASKED_AT_ONCE = 8
STEPS = range(1, 8)
# The step of the process that each type belongs to in the table that is printed.
STEP_OF: dict[str, int] = {
    **dict.fromkeys(("1001", "1002", "1003", "1004"), 1),
    **dict.fromkeys(("2001", "2002", "2003", "2005", "2006", "2007"), 2),
    **dict.fromkeys(("3001", "3002", "3003", "3004"), 3),
    **dict.fromkeys(("4001", "4002"), 4),
    **dict.fromkeys(("4003", "4004", "8002"), 5),
    **dict.fromkeys(("5001", "5002", "5003", "5004"), 6),
    **dict.fromkeys(("6001", "6003", "7001", "7002"), 7),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the live table. `state`: delivered, answered, or the code that it was refused with; `ms`
    from the click to the receiver's ledger."""

    case: str
    step: int
    type: str
    sender: str
    receiver: str
    suite: str
    state: str
    ms: int


@dataclass(frozen=True, slots=True)
class StoryResult:
    """`steps_completed`: how many of the seven steps came out right in every case."""

    steps_completed: int
    cases: int
    refused_as_expected: int
    failures: list[str] = field(default_factory=list)


class CaseFailure(Exception):
    """A case did not come out as it must."""


OnStep = Callable[[Step], None]


class Story:
    """What all cases share: the platforms, the telling, the counting."""

    def __init__(self, sandbox: Sandbox, on_step: OnStep, *, wait_s: float = WAIT_S):
        self.sandbox = sandbox
        self.on_step = on_step
        self.wait_s = wait_s
        self.portal = sandbox.portal
        self.refused = 0
        self.cases = 0
        self.failures: list[str] = []
        self._done: set[int] = set()
        self._broken: set[int] = set()
        self._at: dict[str, int] = {}  # the step that each case has come to

    def result(self) -> StoryResult:
        right = [step for step in STEPS if step in self._done and step not in self._broken]
        return StoryResult(len(right), self.cases, self.refused, self.failures)

    def tell(
        self, case: str, number: str, sender: str, receiver: str, state: str, ms: int, step: int = 0
    ) -> None:
        place = step or STEP_OF[number]
        self._done.add(place)
        self._at[case] = place
        node = receiver if sender == GATEWAY_NODE else sender
        suite = self.sandbox.get(node).suite
        self.on_step(Step(case, place, number, sender, receiver, suite, state, ms))

    def watch(self, case: str) -> Watch:
        return Watch(self, case)

    @contextmanager
    def case(self, name: str) -> Iterator[str]:
        """Counts a case; what goes wrong in it is a failure of the story, not the end of it."""
        try:
            yield name
        except (
            CaseFailure,
            Refused,
            DeliveryError,
            MessageError,
            LookupError,
            TimeoutError,
        ) as error:
            text = f"{name}: {error or type(error).__name__}"
            self.failures.append(text)
            self._broken.add(self._at.get(name, 1))
        else:
            self.cases += 1

    async def refuse(
        self, case: str, number: str, sender: str, result: str, call: Awaitable[Any], *, step: int = 0
    ) -> Refused:
        """Awaits a call that must be refused with this code of CT-RESULT."""
        started = time.monotonic()
        try:
            await call
        except Refused as refused:
            if refused.result != result:
                raise CaseFailure(f"{number} was refused with {refused} instead of {result}") from refused
            self.refused += 1
            ms = int((time.monotonic() - started) * 1000)
            self.tell(case, number, sender, GATEWAY_NODE, f"refused {result}", ms, step)
            return refused
        raise CaseFailure(f"{number} was accepted, though it must be refused with {result}")

    def expect(self, true: bool, text: str) -> None:
        if not true:
            raise CaseFailure(text)


class Watch:
    """Looks at every ledger from the moment when it was made: what came before does not count."""

    def __init__(self, story: Story, case: str):
        self.story = story
        self.case = case
        self.started = time.monotonic()
        self.marks = {node: len(one.ledger.entries) for node, one in story.sandbox.platforms.items()}

    async def arrived(
        self, number: str, sender: str, receiver: str, biz_key: str = "", test: Predicate | None = None
    ) -> Entry:
        """The message took effect at the receiver; CaseFailure if it does not in time."""

        def fits(entry: Entry) -> bool:
            return (
                entry.kind == APPLIED
                and entry.type == number
                and (not biz_key or entry.biz_key == biz_key)
                and (test is None or test(entry))
            )

        entry = await self._wait(receiver, fits, f"{number} from {sender} did not arrive at {receiver}")
        ms = int((time.monotonic() - self.started) * 1000)
        self.story.tell(self.case, number, sender, receiver, "delivered", ms)
        return entry

    async def taken_over(self, treasury: TreasuryPlatform, voucher: Outgoing) -> None:
        """The gateway polled and confirmed a treasury's voucher, and the general platform has it."""
        await self.signed_in(treasury, voucher)
        await self.arrived(voucher.number, treasury.node, GENERAL, voucher.biz_key)

    async def signed_in(self, treasury: TreasuryPlatform, voucher: Outgoing) -> None:
        """The gateway polled and confirmed a treasury's voucher."""

        def fits(entry: Entry) -> bool:
            mine = entry.type == voucher.number and entry.biz_key == voucher.biz_key
            return mine and entry.kind in (ACKNOWLEDGED, FAILED)

        text = f"voucher {voucher.vt_code} {voucher.no} was not signed in"
        entry = await self._wait(treasury.node, fits, text)
        if entry.kind == FAILED:
            raise CaseFailure(f"voucher {voucher.vt_code} {voucher.no} was refused: {entry.answer}")

    async def _wait(self, node: str, fits: Predicate, text: str) -> Entry:
        ledger = self.story.sandbox.get(node).ledger
        try:
            return await ledger.wait_for(fits, self.story.wait_s, after=self.marks[node])
        except TimeoutError as error:
            failures = "; ".join(self.story.sandbox.failures[-3:])
            raise CaseFailure(f"{text} within {self.story.wait_s:g} s {failures}".strip()) from error


async def settled(sandbox: Sandbox, timeout_s: float) -> list[str]:
    """Waits until every receiver has what was taken over for it, and the gateway says so too; what is
    still missing then, in words."""
    deadline = time.monotonic() + timeout_s
    while pending := sandbox.effects().pending:
        ledger = sandbox.get(pending[0][0]).ledger
        try:
            await ledger.wait_for(lambda entry: True, deadline - time.monotonic(), after=len(ledger.entries))
        except TimeoutError:
            return [f"{number} {key} never came to {node}" for node, number, key in pending[:5]]
    room = asyncio.Semaphore(_ASKED_AT_ONCE)
    asked = (
        _await_delivered(one, entry, room, deadline)
        for one in sandbox.platforms.values()
        for entry in one.ledger.find(ACKNOWLEDGED, test=lambda entry: bool(entry.to and entry.answer))
    )
    return [text for text in await asyncio.gather(*asked) if text]


async def _await_delivered(platform: Platform, entry: Entry, room: asyncio.Semaphore, deadline: float) -> str:
    """ "" once the sender is told that its message was delivered, else what it is told."""
    async with room:
        while True:
            told = await platform.client.message(entry.answer)
            if told["State"] == "delivered":
                return ""
            if time.monotonic() > deadline or told["State"] == "stuck":
                return f"{entry.type} {entry.biz_key} of {platform.node} is {told['State']}"
            await asyncio.sleep(0.05)
