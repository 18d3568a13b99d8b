"""Loads the ground that a batch is judged on, and writes back what the accepted messages changed on it."""

from __future__ import annotations

import sqlite3

from sqlalchemy import and_, delete, or_, select, text, tuple_

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
from gateway.store.statements import Statement, as_given, given, insert_into, is_given, put_into

_APPLICATIONS = Statement(
    select(tables.application).where(
        or_(
            is_given(tables.application.c.no, "applications"),
            and_(is_given(tables.application.c.node_key, "nodes"), text(tables.HOLDS_NODE)),
        )
    )
)
_CONTRACTS = Statement(
    select(tables.contract)
    .where(
        or_(
            is_given(tables.contract.c.no, "contracts"),
            is_given(tables.contract.c.unified_deal_code, "deals"),
        )
    )
    .order_by(tables.contract.c.message_id)  # of several contracts of a deal the newest counts
)
_USES = Statement(
    select(tables.invoice_use).where(
        text("live = 1"),
        or_(
            is_given(tables.invoice_use.c.app_no, "applications"),
            is_given(tables.invoice_use.c.invoice, "invoices"),
        ),
    )
)
_pairs = given("kind", "key")
_object = tables.business_object
_OBJECTS = Statement(
    select(_object).select_from(
        _pairs.join(_object, and_(_object.c.kind == _pairs.c.kind, _object.c.key == _pairs.c.key))
    )
)
_PUT_CONTRACT = put_into(tables.contract)
_PUT_APPLICATION = put_into(tables.application)
_PUT_OBJECT = put_into(tables.business_object)
_PUT_USE = put_into(tables.invoice_use)
_PUT_PARTY = put_into(tables.application_party)
_party = tables.application_party.c
_DROP_PARTIES = Statement(
    delete(tables.application_party).where(
        is_given(_party.app_no),
        tuple_(_party.party, _party.app_no).not_in(select(given("party", "app_no", name="kept"))),
    )
)
_INSERT_STEP = insert_into(tables.trace, without=["id"])


def load_ground(connection: sqlite3.Connection, needs: Needs) -> Ground:
    """The rows that `needs` names, with what belongs to them: the contracts and live invoice uses of the
    applications, the contracts of the deals, the applications that hold the payment nodes."""
    ground = Ground()
    contracts = set(needs.contracts)
    applications: list[Application] = []
    if needs.applications or needs.nodes:
        found = _APPLICATIONS.rows(
            connection, applications=as_given(needs.applications), nodes=as_given(needs.nodes)
        )
        applications = [rows.application_row(row) for row in found]
        contracts.update(one.contract_no for one in applications)
    if contracts or needs.deals:
        found = _CONTRACTS.rows(connection, contracts=as_given(contracts), deals=as_given(needs.deals))
        ground.load(rows.contract_row(row) for row in found)
    ground.load(applications)
    if applications or needs.invoices:
        numbers = as_given(one.no for one in applications)
        found = _USES.rows(connection, applications=numbers, invoices=as_given(needs.invoices))
        ground.load(rows.use_row(row) for row in found)
    if needs.objects:
        found = _OBJECTS.rows(connection, given=as_given(needs.objects))
        ground.load(rows.object_row(row) for row in found)
    return ground


def save_ground(connection: sqlite3.Connection, ground: Ground) -> None:
    """Writes the rows that kept messages changed, and their trace in order."""
    changed = list(ground.changed.values())
    if not changed and not ground.trace:
        return
    applications = [row for row in changed if isinstance(row, Application)]
    _PUT_CONTRACT.many(
        connection, [rows.contract_values(row) for row in changed if isinstance(row, Contract)]
    )
    _PUT_APPLICATION.many(connection, [rows.application_values(row) for row in applications])
    _PUT_OBJECT.many(
        connection, [rows.object_values(row) for row in changed if isinstance(row, BusinessObject)]
    )
    _PUT_USE.many(connection, [rows.use_values(row) for row in changed if isinstance(row, InvoiceUse)])
    if applications:
        parties = [(party, one.no) for one in applications for party in {one.tenderer, *one.payees} if party]
        _PUT_PARTY.many(connection, parties)
        _DROP_PARTIES.run(connection, given=as_given(one.no for one in applications), kept=as_given(parties))
    _INSERT_STEP.many(connection, [rows.step_values(step) for step in ground.trace])
