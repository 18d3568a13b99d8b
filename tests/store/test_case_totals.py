"""Applications by state and within bounds; their sums by day in Shanghai, division, kind and state."""

from __future__ import annotations

from datetime import datetime

from gateway.clock import SHANGHAI
from gateway.payments.authorities import Authorities, Authority
from gateway.payments.ground import Application, Ground, Needs
from gateway.rights import Scope
from gateway.store.contract import CaseTotal, LastVersion, Store, Verdict
from tests.store.samples import accept_id, message


def at(day: int, hour: int) -> int:
    return int(datetime(2026, 10, day, hour, 30, tzinfo=SHANGHAI).timestamp() * 1000)


def case(no: str, state: str, adm_div: str, opened_at: int, **more: int) -> Application:
    return Application(
        no, "C", state, "O", "T", ("P",), adm_div, "01", "2026", 1_000, 0, opened_at=opened_at, node_key=no, **more
    )  # fmt: skip


CASES = (
    case("A", "70", "310000", at(1, 0), approved_fen=900, paid_fen=900, refunded_fen=100),
    case("B", "70", "310000", at(1, 23), approved_fen=800, paid_fen=800),
    case("C", "40", "310000", at(2, 0)),
    case("D", "40", "310115", at(2, 0)),
)


async def fill(store: Store) -> None:
    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        for one in CASES:
            ground.put(one)
        return Verdict()

    await accept_id(store, message(judge=judge, needs=Needs(applications=frozenset(one.no for one in CASES))))


async def test_a_day_of_sums_is_a_day_in_shanghai(store: Store) -> None:
    await fill(store)
    first = (datetime(2026, 10, 1) - datetime(1970, 1, 1)).days
    assert list(await store.application_totals()) == [
        CaseTotal(first, "310000", "01", "70", 2, 2_000, 1_700, 1_700, 100),
        CaseTotal(first + 1, "310000", "01", "40", 1, 1_000, 0, 0, 0),
        CaseTotal(first + 1, "310115", "01", "40", 1, 1_000, 0, 0, 0),
    ]


async def test_what_is_looked_for_never_widens_the_bounds(store: Store) -> None:
    await fill(store)
    own = Scope(divisions=("310115",))
    totals = await store.application_totals(scope=own, also=Scope(divisions=("310000",)))
    assert totals == []
    assert (await store.applications(scope=own, also=Scope(divisions=("310000",))))[0] == 0
    table = Authorities((Authority("", "310000", "CITY", "city"), Authority("", "310115", "EAST", "east")))
    total, rows = await store.applications(also=Scope(authorities=("EAST",)), authorities=table)
    assert (total, [one.no for one in rows]) == (1, ["D"])


async def test_applications_are_found_by_states(store: Store) -> None:
    await fill(store)
    total, rows = await store.applications(states=("40", "42"), until=at(3, 0))
    assert (total, {one.no for one in rows}) == (2, {"C", "D"})
    assert (await store.applications(states=("-",)))[0] == 0
