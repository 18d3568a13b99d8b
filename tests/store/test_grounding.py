"""The ground: the rows that rules read, loaded for a whole batch; changes kept or dropped with the message."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.errors import Fault
from gateway.payments.ground import (
    Application,
    BusinessObject,
    Contract,
    Ground,
    InvoiceUse,
    Needs,
    TraceStep,
)
from gateway.store.contract import LastVersion, Store, Verdict
from tests.store.samples import Judge, accept_id, message

CONTRACT = Contract(
    "C1", "GGZY-JSGC", "DEAL-1", "S1", ("T1", "T2"), ("W1",), 100_00, "310000", "01", "1", message_id="m"
)
APPLICATION = Application(
    "PA-1", "C1", "20", "GGZY-JSGC", "T1", ("W1", "W2"), "310000", "01", "2026", 60_00, 60_00, 1, 2, 3, 4, "1",
    "CZ", "V1", "asked", 5, 6, 1000, "m", "C1|1|1", {"CZ": 3},
)  # fmt: skip
STEP = TraceStep("PA-1", "3001", "10", "20", 5, "node", "1", "why", "org", False, "m")
FAULT = Fault("x", "y", "z", "z")


def puts(*rows: object, steps: tuple[TraceStep, ...] = ()) -> Judge:
    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        for row in rows:
            ground.put(row)  # type: ignore[arg-type]
        for step in steps:
            ground.add_step(step)
        return Verdict()

    return judge


async def read(store: Store, needs: Needs) -> Ground:
    seen: list[Ground] = []

    def judge(ground: Ground, last: LastVersion | None) -> Verdict:
        seen.append(ground)
        return Verdict(faults=(FAULT,))

    await store.accept(message("read", needs=needs, judge=judge))
    return seen[0]


async def fill(store: Store) -> None:
    rows = (
        CONTRACT, APPLICATION, BusinessObject("project", "P1", "O", "up", {"name": "中"}, "m"),
        InvoiceUse("INV", "PA-1", 100, 40), InvoiceUse("INV", "PA-0", 100, 30, False),
        InvoiceUse("INV", "PA-7", 100, 20),
    )  # fmt: skip
    await accept_id(store, message("fill", judge=puts(*rows, steps=(STEP,))))


async def test_every_kind_of_row_comes_back_as_it_was_put(store: Store) -> None:
    await fill(store)
    assert await store.contract("C1") == CONTRACT and await store.contract("C2") is None
    assert await store.application("PA-1") == APPLICATION and await store.application("PA-2") is None
    assert await store.find_object("project", "P1") == BusinessObject(
        "project", "P1", "O", "up", {"name": "中"}, "m"
    )
    assert await store.trace("PA-1") == [STEP]
    assert await store.find_object("project", "P2") is None and await store.trace("PA-2") == []


async def test_an_application_brings_its_contract_and_its_live_invoice_uses(store: Store) -> None:
    await fill(store)
    ground = await read(store, Needs(applications=frozenset({"PA-1"})))
    assert ground.application("PA-1") == APPLICATION and ground.contract("C1") == CONTRACT
    assert ground.uses_by("PA-1") == [InvoiceUse("INV", "PA-1", 100, 40)]


async def test_deals_nodes_invoices_and_objects_bring_what_belongs_to_them(store: Store) -> None:
    await fill(store)
    ground = await read(store, Needs(deals=frozenset({"DEAL-1"})))
    assert ground.contract_of_deal("DEAL-1") == CONTRACT and ground.application("PA-1") is None
    ground = await read(store, Needs(nodes=frozenset({"C1|1|1"})))
    assert ground.application_at_node("C1|1|1") == APPLICATION
    ground = await read(store, Needs(invoices=frozenset({"INV"})))
    assert sorted(use.app_no for use in ground.uses_of("INV")) == ["PA-1", "PA-7"]
    ground = await read(store, Needs(objects=frozenset({("project", "P1"), ("project", "P2")})))
    assert ground.find("project", "P1") is not None and ground.find("project", "P2") is None


async def test_an_ended_application_does_not_hide_the_open_one_at_its_node(store: Store) -> None:
    await fill(store)
    ended = replace(APPLICATION, no="PA-2", state="90", open_fen=0)
    await accept_id(store, message("ended", judge=puts(ended)))
    ground = await read(store, Needs(frozenset({"PA-1", "PA-2"}), nodes=frozenset({"C1|1|1"})))
    assert ground.application_at_node("C1|1|1") == APPLICATION


async def test_a_refused_message_leaves_nothing_on_the_ground(store: Store) -> None:
    await fill(store)

    def spoil(ground: Ground, last: LastVersion | None) -> Verdict:
        ground.put(replace(CONTRACT, open_fen=99))
        ground.put(replace(APPLICATION, no="PA-9", open_fen=9))
        ground.add_step(STEP)
        return Verdict(faults=(FAULT,))

    def crash(ground: Ground, last: LastVersion | None) -> Verdict:
        spoil(ground, last)
        raise ZeroDivisionError

    needs = Needs(contracts=frozenset({"C1"}))
    seen: list[Contract | None] = []

    def look(ground: Ground, last: LastVersion | None) -> Verdict:
        seen.append(ground.contract("C1"))
        return Verdict()

    await asyncio.gather(
        *(store.accept(message(judge.__name__, needs=needs, judge=judge)) for judge in (spoil, crash, look)),
        return_exceptions=True,
    )
    assert seen == [CONTRACT] and await store.contract("C1") == CONTRACT
    assert await store.application("PA-9") is None and await store.trace("PA-1") == [STEP]


async def test_a_balance_is_never_overdrawn_by_messages_of_one_batch(store: Store) -> None:
    await fill(store)

    def draw(ground: Ground, last: LastVersion | None) -> Verdict:
        contract = ground.contract("C1")
        assert contract is not None
        if contract.open_fen + 30_00 > contract.price_fen:
            return Verdict(faults=(FAULT,))
        ground.put(replace(contract, open_fen=contract.open_fen + 30_00))
        return Verdict()

    needs = Needs(contracts=frozenset({"C1"}))
    arrivals = [message(f"draw {number}", needs=needs, judge=draw) for number in range(10)]
    outcomes = await asyncio.gather(*map(store.accept, arrivals))
    assert [outcome.kind for outcome in outcomes] == [*["accepted"] * 3, *["refused"] * 7]
    assert await store.contract("C1") == replace(CONTRACT, open_fen=90_00)


async def test_applications_are_found_by_contract_deal_party_and_time(store: Store) -> None:
    rows = [
        replace(APPLICATION, no=f"PA-{n}", contract_no=f"C{n % 2 + 1}", payees=(f"W{n}",), opened_at=1000 + n)
        for n in range(6)
    ]
    await accept_id(
        store,
        message("fill", judge=puts(CONTRACT, replace(CONTRACT, no="C2", unified_deal_code="D2"), *rows)),
    )

    async def found(**conditions: object) -> tuple[int, list[str]]:
        total, page = await store.applications(**conditions)  # type: ignore[arg-type]
        return total, [row.no for row in page]

    assert await found() == (6, [f"PA-{n}" for n in (5, 4, 3, 2, 1, 0)])
    assert await found(limit=2, offset=3) == (6, ["PA-2", "PA-1"])
    assert await found(contract_no="C1") == (3, ["PA-4", "PA-2", "PA-0"])
    assert await found(deal="D2") == (3, ["PA-5", "PA-3", "PA-1"])
    assert (
        await found(party="W3") == (1, ["PA-3"])
        and (await found(party="T1"))[0] == 6
        and (await found(party="X"))[0] == 0
    )
    assert await found(since=1002, until=1004) == (2, ["PA-3", "PA-2"])
    await accept_id(store, message("payee changed", judge=puts(replace(rows[3], payees=("W9",)))))
    assert await found(party="W3") == (0, []) and await found(party="W9") == (1, ["PA-3"])
