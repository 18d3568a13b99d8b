"""Daily reconciliation: both sides' 7001 against what the gateway carried (5001, 5003), each difference as 7002.

For every day and treasury: read the lines from the store → compare with what the general platform and the
treasury told → store the outcome → answer every statement that is whole. An answer is sent again only where it
says something else than the last one did, so a day that is reconciled again is told once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import structlog

from gateway import clock
from gateway.arrivals import ArrivalMaker
from gateway.message import GATEWAY_NODE, Record
from gateway.ownmessages import own_message
from gateway.payments import reconciling as rules
from gateway.payments.reconciling import Compared, Difference, Line, Statement
from gateway.settings import Platform
from gateway.store.contract import MessageFilter, MessageRow, ReconciledDifference, Reconciliation, Store
from gateway.store.keepingrows import AGREED, DIFFERENT, WAITING

log = structlog.get_logger("reconciling")
REQUEST, REPLY = "7001", "7002"
_MONEY = ("5001", "5003")
_MOST_LINES = 499  # of a voucher; the standard has room for more
_PAGE = 500
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class _Side:
    platform: Platform
    statements: tuple[Statement, ...]

    def whole(self, day: str) -> tuple[Statement, ...]:
        return tuple(one for one in self.statements if one.covers(day) and one.is_complete)

    @property
    def lines(self) -> list[Line]:
        return [line for one in self.statements if one.is_complete for line in one.lines]


class Reconciler:
    """One a process; what it does twice, or two do at a time, is done once. `looks`: every day by itself, and
    not only where this process took lines: of siblings one does."""

    def __init__(self, store: Store, maker: ArrivalMaker, *, looks: bool = True):
        self.store = store
        self.maker = maker
        self.settings = maker.settings
        self.own = maker.settings.gateway.reconcile
        self.looks = looks
        self._woken = asyncio.Event()
        self._stopped = False

    # the part
    async def wake(self) -> None:
        """A 7001 was stored."""
        self._woken.set()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    async def run(self) -> None:
        """Days that somebody told lines of, as soon as they are told; every day once its cut-off is past."""
        was_told = True
        if not self.looks:
            await self._woken.wait()
            self._woken.clear()
        while not self._stopped:
            await self.catch_up(clock.now(), was_told=was_told)
            try:
                await asyncio.wait_for(self._woken.wait(), self.own.every_s if self.looks else None)
                was_told = True
            except TimeoutError:
                was_told = False
            self._woken.clear()

    async def catch_up(self, now: datetime, *, was_told: bool) -> None:
        """The last `look_back_days`: what does not agree yet, and where lines were told, all of them."""
        for back in range(self.own.look_back_days, -1, -1):
            day = now.date() - timedelta(days=back)
            for treasury in self.settings.coverage.treasuries(day):
                known = await self.store.reconciliation(clock.d8(day), treasury)
                if known is not None and known.state == AGREED and not was_told:
                    continue
                await self._look_at(day, treasury, now)

    async def _look_at(self, day: date, treasury: str, now: datetime) -> None:
        here, sides = await self._carried(day, treasury), await self._sides(day, treasury)
        told = clock.d8(day)
        is_told = any(side.whole(told) for side in sides)
        is_due = self._is_over(day, treasury, now) and any(line.day == told for line in here)
        if is_told or is_due:
            await self._reconcile(told, treasury, here, sides)

    def _is_over(self, day: date, treasury: str, now: datetime) -> bool:
        """Is the day's cut-off past, and the time for the statements too?"""
        division = next(row.adm_div for row in self.settings.coverage.rows if row.treasury == treasury)
        ends = self.settings.calendar.cut_off(division, day) or time(23, 59)
        due = datetime.combine(day, ends, clock.SHANGHAI) + timedelta(minutes=self.own.after_cut_off_min)
        return now >= due

    # one day
    async def reconcile(self, day: date) -> list[Reconciliation]:
        """Every treasury that pays something on the day; what came of each."""
        return [await self.reconcile_one(day, one) for one in self.settings.coverage.treasuries(day)]

    async def reconcile_one(self, day: date, treasury: str) -> Reconciliation:
        """Compares, stores, and answers what is whole."""
        here, sides = await self._carried(day, treasury), await self._sides(day, treasury)
        return await self._reconcile(clock.d8(day), treasury, here, sides)

    async def _reconcile(
        self, told: str, treasury: str, here: Sequence[Line], sides: Sequence[_Side]
    ) -> Reconciliation:
        compared = [
            rules.compare(side.platform.id, here, side.lines, told, told)
            for side in sides
            if side.whole(told)
        ]
        row = _row(told, treasury, here, sides, compared)
        differences = [one for each in compared for one in each.differences]
        changed = await self.store.put_reconciliation(
            row, [_stored(number, one) for number, one in enumerate(differences, 1)]
        )
        if changed:
            log.log(
                20 if row.state == AGREED else 30, "reconciled", day=told, treasury=treasury, state=row.state
            )
        for side in sides:
            for statement in side.whole(told):
                await self._answer(side.platform, statement, here, sides)
        return row

    async def _carried(self, day: date, treasury: str) -> list[Line]:
        """The lines that the treasury's 5001 and 5003 told, around the day: each as it was told first."""
        found: list[Line] = []
        for number in _MONEY:
            for row in await self._messages(number, treasury, day):
                line = rules.carried_line(number, self.maker.standard.read(number, row.body))
                if line is not None:
                    found.append(line)
        return rules.first_of_each(found)

    async def _sides(self, day: date, treasury: str) -> list[_Side]:
        """The general platform, then the treasury."""
        sides = []
        for platform in self.settings.platforms.values():
            if platform.kind == "general" or platform.id == treasury:
                bodies = [
                    self.maker.standard.read(REQUEST, row.body)
                    for row in await self._messages(REQUEST, platform.id, day)
                ]
                mine = [body for body in bodies if self._is_about(body, platform, treasury)]
                sides.append(_Side(platform, tuple(rules.read_statements(mine))))
        return sorted(sides, key=lambda side: side.platform.kind != "general")

    def _is_about(self, body: Record, platform: Platform, treasury: str) -> bool:
        if platform.kind == "treasury":
            return True
        rows = self.settings.coverage.rows
        return any(row.treasury == treasury and row.adm_div == body.get("AdmDivCode") for row in rows)

    async def _messages(self, number: str, sender: str, day: date) -> list[MessageRow]:
        """Those received from `look_back_days` before the day until as long after it, oldest first."""
        start = int(datetime.combine(day, time(), clock.SHANGHAI).timestamp() * 1000)
        room = self.own.look_back_days * _DAY_MS
        found: list[MessageRow] = []
        before = ""
        while True:
            wanted = MessageFilter(
                type=number, sender=sender, since=start - room, until=start + room + _DAY_MS, before=before,
                limit=_PAGE,
            )  # fmt: skip
            page = await self.store.search_page(wanted)
            found += page.rows
            if not page.older:
                return found[::-1]
            before = page.older

    # what is said of it
    async def _answer(
        self, platform: Platform, statement: Statement, here: Sequence[Line], sides: Sequence[_Side]
    ) -> None:
        if REPLY not in platform.receives:
            return
        told: list[tuple[Difference, str]] = []
        for side in sides:
            if side.platform.id != platform.id and not side.whole(statement.begin):
                continue
            compared = rules.compare(side.platform.id, here, side.lines, statement.begin, statement.end)
            told += [(one, rules.reason(one, side.platform.name)) for one in compared.differences]
        for pack in statement.packs:
            await self._say(platform, rules.answer(statement, pack, told, _MOST_LINES))

    async def _say(self, platform: Platform, body: Record) -> None:
        """7002 in the gateway's own name, where it is not what was said last."""
        made = own_message(self.maker, REPLY, body, platform.id, 1)
        last = await self.store.find_message(GATEWAY_NODE, REPLY, made.biz_key)
        if last is not None and last.fingerprint == made.fingerprint:
            return
        if last is not None:
            made = own_message(self.maker, REPLY, body, platform.id, last.biz_version + 1)
        outcome = await self.store.accept(made)
        if outcome.kind not in ("accepted", "replayed", "duplicate"):
            raise LookupError(f"7002 for {platform.id} was not stored: {outcome.kind}")


def _row(
    day: str, treasury: str, here: Sequence[Line], sides: Sequence[_Side], compared: Sequence[Compared]
) -> Reconciliation:
    own = [line for line in here if line.day == day]
    differences = [one for each in compared for one in each.differences]
    waiting = " ".join(side.platform.id for side in sides if not side.whole(day))
    totals = sum(not one.adds_up for side in sides for one in side.whole(day))
    counts = {kind: sum(one.kind == kind for one in differences) for kind in rules.KINDS}
    equal = (
        frozenset.intersection(*(each.equal for each in compared))
        if compared and not waiting
        else frozenset()
    )
    state = DIFFERENT if differences or totals else WAITING if waiting else AGREED
    sums = [_sums(side, day) for side in sides]
    return Reconciliation(
        day, treasury, state, len(own), sum(line.key in equal for line in own), counts[rules.MISSING_HERE],
        counts[rules.MISSING_THERE], counts[rules.AMOUNT], counts[rules.DATE], totals, waiting,
        sum(line.fen for line in own), *sums[0], *sums[-1],
    )  # fmt: skip


def _sums(side: _Side, day: str) -> tuple[int, int]:
    lines = [line for one in side.whole(day) for line in one.lines if line.day == day]
    return len(lines), sum(line.fen for line in lines)


def _stored(number: int, one: Difference) -> ReconciledDifference:
    here, there, line = one.here, one.there, one.line
    return ReconciledDifference(
        number, one.side, one.kind, line.app_no, line.voucher_no, line.detail_id, line.bank_no,
        here.day if here else "", here.fen if here else 0, there.day if there else "", there.fen if there else 0,
    )  # fmt: skip
