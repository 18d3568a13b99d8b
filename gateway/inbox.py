"""Pull mode, for platforms that cannot be called: they lease what waits for them, sealed, and confirm it.

A lease is a claim like a worker's: bound in time, its token goes with every write, and only heads of lines are
leased, so a line keeps its order. What is not confirmed in time comes again under the same delivery key; the third
time it is quarantined (promise 8, section 2). A platform recognises the key, as one that is called does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from gateway.connectors import ConnectorWorld
from gateway.connectors.seals import seal
from gateway.errors import DeliveryError
from gateway.message import DeliveryState
from gateway.outcomes import Outcomes, Verdict, parcel_of
from gateway.settings import Platform, Settings
from gateway.store.contract import ALL_RECEIVERS, Claimed, Store

log = structlog.get_logger("inbox")
MOST = 100
_STEP = 4  # claimed at once, until enough bytes are together
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Leased:
    """One delivery, sealed for its receiver as if it were sent."""

    claimed: Claimed
    sealed: bytes
    lease_s: float


@dataclass(frozen=True, slots=True)
class Word:
    """What a platform says of a delivery that it leased. `code` "" : it has it. `final`: it will never take it."""

    id: int
    lease: str
    code: str = ""
    text: str = ""
    final: bool = False


@dataclass(slots=True)
class Confirmed:
    """Ids: `taken` are done (now or before), `failed` go back or are dead, `lost` were confirmed too late and
    come again, `unknown` are nothing of this platform's."""

    taken: list[int] = field(default_factory=list)
    failed: list[int] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    unknown: list[int] = field(default_factory=list)


class Inbox:
    """`worlds`: how each platform that fetches is sealed for, by id."""

    def __init__(
        self, settings: Settings, store: Store, outcomes: Outcomes, worlds: Mapping[str, ConnectorWorld]
    ):
        self.settings = settings
        self.store = store
        self.outcomes = outcomes
        self.worlds = worlds

    async def is_paused(self, node: str) -> bool:
        return any(row.receiver in (ALL_RECEIVERS, node) for row in await self.store.pauses())

    async def lease(self, platform: Platform, most: int) -> list[Leased]:
        """Up to `most` heads of lines that are due; nothing while the platform is paused."""
        if await self.is_paused(platform.id):
            return []
        leased: list[Leased] = []
        size = 0
        while len(leased) < most and size < _MOST_BYTES:
            step = min(_STEP, most - len(leased))
            claimed = await self.store.claim(
                f"inbox {platform.id}", step, platform.connector.lease_s,
                rooms={platform.id: step}, make_notice=self.outcomes.make_notice,
            )  # fmt: skip
            if not claimed:
                break
            sealed = [await self._sealed(platform, one) for one in claimed]
            leased += [one for one in sealed if one is not None]
            size += sum(len(one.rendered) for one in claimed)
        return leased

    async def _sealed(self, platform: Platform, claimed: Claimed) -> Leased | None:
        """None where it cannot be sealed: that is its own outcome, and keeps nothing else from the platform."""
        try:
            sealed = seal(self.worlds[platform.id], parcel_of(claimed))
        except DeliveryError as error:
            log.warning("not leased", delivery=claimed.delivery_id, receiver=platform.id, code=error.code)
            state = DeliveryState.DEAD if error.permanent else DeliveryState.READY
            verdict = Verdict(state, error.code, error.text, unknown=claimed.outcome_unknown)
            await self.store.record(self.outcomes.result(claimed, verdict, 0))
            return None
        return Leased(claimed, sealed, platform.connector.lease_s)

    async def confirm(self, platform: Platform, words: Sequence[Word]) -> Confirmed:
        """Each word on its own: one that comes too late stops no other. The same word again is the same answer."""
        told = Confirmed()
        for word in words:
            await self._confirm(platform, word, told)
        return told

    async def _confirm(self, platform: Platform, word: Word, told: Confirmed) -> None:
        claimed = await self.store.held(word.id, word.lease, platform.id)
        if claimed is not None:
            result = self.outcomes.result(claimed, _verdict(word), 0)
            if await self.store.record(result):
                (told.failed if word.code else told.taken).append(word.id)
                return
        row = await self.store.delivery(word.id)
        if row is None or row.receiver != platform.id:
            told.unknown.append(word.id)
        elif row.state is DeliveryState.DONE and not word.code:
            told.taken.append(word.id)
        elif word.code and row.last_code == _code(word):
            told.failed.append(word.id)
        else:
            told.lost.append(word.id)


def _verdict(word: Word) -> Verdict:
    if not word.code:
        return Verdict(DeliveryState.DONE, status=200)
    state = DeliveryState.DEAD if word.final else DeliveryState.READY
    return Verdict(state, _code(word), word.text)


def _code(word: Word) -> str:
    return f"receiver.{word.code}"
