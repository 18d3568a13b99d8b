"""What a person does with many deliveries that wait for one: found by filter, foreseen, done, told of one by one.

What is foreseen is the act itself, done and undone in the store: the same rules, the same mapping, no second
opinion. Each delivery is an act of its own: one that is refused stops no other.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace

from gateway.arrivals import ArrivalMaker
from gateway.errors import GatewayError
from gateway.notices import make_discard_notice
from gateway.store.contract import (
    COMMAND_LINE,
    DeliveryRow,
    RequestItem,
    RequestRow,
    Store,
    StuckFilter,
)

ACTIONS = ("replay", "new-effect", "done", "discard")
_PAGE = 200


@dataclass(frozen=True, slots=True)
class Act:
    """`sure`: discard even where a payment's outcome is unknown."""

    action: str
    actor: str
    reason: str
    sure: bool = False
    origin: str = COMMAND_LINE


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came, or would come, of an act on `row`: the state, or why it is refused."""

    row: DeliveryRow
    result: str
    is_refused: bool = False


class Resolver:
    """Does acts on a store. `make`: the maker of arrivals, asked for only where an act needs one, because its
    mappings take a while to compile."""

    def __init__(self, store: Store, make: Callable[[], ArrivalMaker]):
        self.store = store
        self._make = make
        self._maker: ArrivalMaker | None = None

    @property
    def maker(self) -> ArrivalMaker:
        if self._maker is None:
            self._maker = self._make()
        return self._maker

    async def resolve(self, row: DeliveryRow, act: Act, *, dry: bool = False) -> DeliveryRow:
        """The row after the act, or as it would be. LookupError, ResolveRefused, MessageError."""
        renewed = await self.maker.renew(row) if act.action == "new-effect" else None
        notice, sure = None, act.sure
        if act.action == "discard":
            message = await self.store.get_message(row.message_id)
            if message is None:
                raise LookupError(f"no message {row.message_id}")
            notice = make_discard_notice(self.maker, row, message, act.reason)
            sure = sure or not self.maker.standard.catalogue.get(row.type).money
        return await self.store.resolve(
            row.id, act.action, act.actor, act.reason, renewed, notice=notice, sure=sure, origin=act.origin, dry=dry
        )  # fmt: skip

    async def attempt(self, row: DeliveryRow, act: Act, *, dry: bool = False) -> Outcome:
        """What came of it; a refusal is an outcome, a fault of ours is not."""
        try:
            return Outcome(row, str((await self.resolve(row, act, dry=dry)).state))
        except (GatewayError, LookupError) as error:
            return Outcome(row, str(error), is_refused=True)

    async def foresee(self, rows: Sequence[DeliveryRow], act: Act) -> list[Outcome]:
        """What would come of each, one by one; nothing of it stays."""
        return [await self.attempt(row, act, dry=True) for row in rows]

    async def carry_out(self, request: RequestRow) -> AsyncIterator[RequestItem]:
        """Does what is left of a request that runs, telling the store of each delivery, and ends it. What was
        done and not told of, because the process died between, the store refuses to do again."""
        act = Act(request.action, request.actor, request.reason, request.is_sure, f"request {request.id}")
        for item in await self.store.request_items(request.id):
            if item.result:
                continue
            row = await self.store.delivery(item.delivery_id)
            if row is None:
                told = replace(item, result=f"no delivery {item.delivery_id}", is_refused=True)
            else:
                outcome = await self.attempt(row, act)
                told = replace(item, result=outcome.result, is_refused=outcome.is_refused)
            await self.store.tell_request(request.id, [told])
            yield told
        await self.store.end_request(request.id, origin=act.origin)


async def find_all(store: Store, wanted: StuckFilter, limit: int) -> list[DeliveryRow]:
    """At most `limit` deliveries that wait for a person, oldest first."""
    found: list[DeliveryRow] = []
    while len(found) < limit:
        after = found[-1].id if found else 0
        page = await store.find_stuck(replace(wanted, after=after, limit=min(_PAGE, limit - len(found))))
        if not page:
            break
        found.extend(page)
    return found
