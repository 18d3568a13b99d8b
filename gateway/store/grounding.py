"""Loads the ground that a batch is judged on, and writes back what the accepted messages changed on it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, and_, delete, select, text, tuple_, union, union_all

from gateway.payments.ground import (
    Application,
    BusinessObject,
    Contract,
    Ground,
    InvoiceUse,
    Needs,
)
from gateway.store import case_tables as tables
from gateway.store import rows
from gateway.store.statements import (
    Connection,
    Statement,
    add_to,
    as_given,
    given,
    given_values,
    insert_into,
    is_given,
    put_into,
)


def _open_and_locked(query: Select[Any], of: Table) -> tuple[Statement, Statement]:
    return Statement(query), Statement(query.with_for_update(of=of))


# What is asked for in two ways is named by a union: PostgreSQL takes no index for an OR.
_application, _contract, _use = tables.application, tables.contract, tables.invoice_use
_holders = _application.alias("holder")
_APPLICATIONS = _open_and_locked(
    select(_application)
    .where(
        _application.c.no.in_(
            union_all(
                given_values("applications"),
                select(_holders.c.no).where(
                    is_given(_holders.c.node_key, "nodes"), text(f"holder.{tables.HOLDS_NODE}")
                ),
            )
        )
    )
    .order_by(_application.c.no),
    _application,
)
_of_deal = _contract.alias("of_deal")
_CONTRACTS = _open_and_locked(
    select(_contract)
    .where(
        _contract.c.no.in_(
            union_all(
                given_values("contracts"),
                select(_of_deal.c.no).where(is_given(_of_deal.c.unified_deal_code, "deals")),
            )
        )
    )
    .order_by(_contract.c.message_id),  # of several contracts of a deal the newest counts
    _contract,
)
_used = _use.alias("used")
_uses = select(_used.c.invoice, _used.c.app_no)
_named = union(
    _uses.where(is_given(_used.c.app_no, "applications"), text("used.live = 1")),
    _uses.where(is_given(_used.c.invoice, "invoices"), text("used.live = 1")),
).subquery("named")
_USES = _open_and_locked(
    select(_use)
    .select_from(
        _named.join(_use, and_(_use.c.invoice == _named.c.invoice, _use.c.app_no == _named.c.app_no))
    )
    .where(_use.c.live == 1)
    .order_by(_use.c.invoice, _use.c.app_no),
    _use,
)
_pairs = given("kind", "key")
_object = tables.business_object
_OBJECTS = _open_and_locked(
    select(_object)
    .select_from(_pairs.join(_object, and_(_object.c.kind == _pairs.c.kind, _object.c.key == _pairs.c.key)))
    .order_by(_object.c.kind, _object.c.key),
    _object,
)
_PUT_CONTRACT = put_into(tables.contract)
_PUT_APPLICATION = put_into(tables.application)
_PUT_OBJECT = put_into(tables.business_object)
_PUT_USE = put_into(tables.invoice_use)
_ADD_PARTY = add_to(tables.application_party)
_party = tables.application_party.c
_DROP_PARTIES = Statement(
    delete(tables.application_party).where(
        is_given(_party.app_no),
        tuple_(_party.party, _party.app_no).not_in(select(given("party", "app_no", name="kept"))),
    )
)
_INSERT_STEP = insert_into(tables.trace, without=["id"])


async def lock_ground(connection: Connection, needs: Needs) -> None:
    """Nobody else judges by these names until the transaction ends: what is not there yet has no row to lock."""
    names: list[tuple[str, ...]] = [
        (kind, name)
        for kind, found in (
            ("application", needs.applications),
            ("contract", needs.contracts),
            ("deal", needs.deals),
            ("invoice", needs.invoices),
            ("node", needs.nodes),
        )
        for name in found
    ]
    await connection.lock("ground", [*names, *(("object", *one) for one in needs.objects)])


async def load_ground(connection: Connection, needs: Needs, *, locked: bool = False) -> Ground:
    """The rows that `needs` names, with what belongs to them: the contracts and live invoice uses of the
    applications, the contracts of the deals, the applications that hold the payment nodes. `locked`: nobody
    else changes them until the transaction ends."""
    ground = Ground()
    contracts = set(needs.contracts)
    applications: list[Application] = []
    if needs.applications or needs.nodes:
        found = await _APPLICATIONS[locked].rows(
            connection, applications=as_given(needs.applications), nodes=as_given(needs.nodes)
        )
        applications = [rows.application_row(row) for row in found]
        contracts.update(one.contract_no for one in applications)
    if contracts or needs.deals:
        found = await _CONTRACTS[locked].rows(
            connection, contracts=as_given(contracts), deals=as_given(needs.deals)
        )
        ground.load(rows.contract_row(row) for row in found)
    ground.load(applications)
    if applications or needs.invoices:
        numbers = as_given(one.no for one in applications)
        found = await _USES[locked].rows(connection, applications=numbers, invoices=as_given(needs.invoices))
        ground.load(rows.use_row(row) for row in found)
    if needs.objects:
        found = await _OBJECTS[locked].rows(connection, given=as_given(needs.objects))
        ground.load(rows.object_row(row) for row in found)
    return ground


async def save_ground(connection: Connection, ground: Ground) -> None:
    """Writes the rows that kept messages changed, and their trace in order."""
    changed = list(ground.changed.values())
    if not changed and not ground.trace:
        return
    applications = [row for row in changed if isinstance(row, Application)]
    await _PUT_CONTRACT.many(
        connection, [rows.contract_values(row) for row in changed if isinstance(row, Contract)]
    )
    await _PUT_APPLICATION.many(connection, [rows.application_values(row) for row in applications])
    await _PUT_OBJECT.many(
        connection, [rows.object_values(row) for row in changed if isinstance(row, BusinessObject)]
    )
    await _PUT_USE.many(connection, [rows.use_values(row) for row in changed if isinstance(row, InvoiceUse)])
    if applications:
        parties = [(party, one.no) for one in applications for party in {one.tenderer, *one.payees} if party]
        await _ADD_PARTY.many(connection, parties)
        await _DROP_PARTIES.run(
            connection, given=as_given(one.no for one in applications), kept=as_given(parties)
        )
    await _INSERT_STEP.many(connection, [rows.step_values(step) for step in ground.trace])
