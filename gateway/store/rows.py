"""From database rows to the rows of the contract, and back. Column order is that of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.merkle import HASH_BYTES
from gateway.message import DeliveryState, MessageState
from gateway.payments.ground import Application, BusinessObject, Contract, InvoiceUse, TraceStep
from gateway.store.contract import DeliveryRow, LeafPlace, MessageRow

Row = Sequence[Any]


def text_of(value: Any) -> str:
    """JSON text of lists and maps that rules read."""
    return orjson.dumps(value).decode()


def split_hashes(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES))


# The columns of MESSAGE_COLUMNS (queries.py): a message, its contents, its leaf and that leaf's checkpoint.
def message_row(row: Row) -> MessageRow:
    (
        id_, type_, sender, idem_key, biz_key, biz_version, oper_type, fingerprint, state, application,
        received_at, accepted_at, content_type, suite, cert, jti, transport, note, origin_id, search,
        head, answer, body, original, *leaf,
    ) = row  # fmt: skip
    return MessageRow(
        id_, type_, sender, idem_key, biz_key, biz_version, oper_type, fingerprint, MessageState(state),
        application, received_at, content_type, original, body, head, suite, cert, jti, transport, answer,
        note, origin_id, search, place_of(leaf), accepted_at,
    )  # fmt: skip


def place_of(row: Row) -> LeafPlace | None:
    """Of a leaf and its checkpoint, which an outer join may have missed."""
    log_id, leaf_index, leaf, tree_size, path, root, signed_at, signature, key_id = row
    if leaf is None:
        return None
    return LeafPlace(
        log_id, leaf_index, leaf, split_hashes(path), tree_size, root, signed_at, signature, key_id
    )


# The columns of DELIVERY_COLUMNS (queries.py): a delivery and its form.
def delivery_row(row: Row) -> DeliveryRow:
    values = list(row)
    values[4] = DeliveryState(values[4])
    return DeliveryRow(*values)


def contract_row(row: Row) -> Contract:
    values = list(row)
    values[4:6] = tuple(orjson.loads(values[4])), tuple(orjson.loads(values[5]))
    return Contract(*values)


def contract_values(row: Contract) -> Row:
    return (
        row.no, row.owner, row.unified_deal_code, row.section_code, text_of(row.tenderers),
        text_of(row.winners), row.price_fen, row.adm_div, row.project_kind, row.project_level, row.state,
        row.open_fen, row.paid_fen, row.message_id,
    )  # fmt: skip


def application_row(row: Row) -> Application:
    values = list(row)
    values[5] = tuple(orjson.loads(values[5]))
    values[24] = orjson.loads(values[24])
    return Application(*values)


def application_values(row: Application) -> Row:
    return (
        row.no, row.contract_no, row.state, row.owner, row.tenderer, text_of(row.payees), row.adm_div,
        row.project_kind, row.st_year, row.app_fen, row.open_fen, row.approved_fen, row.paid_fen,
        row.refunded_fen, row.round, row.review_result, row.treasury, row.voucher_no, row.withdrawal,
        row.version, row.state_at, row.opened_at, row.message_id, row.node_key, text_of(row.seqs),
    )  # fmt: skip


def object_row(row: Row) -> BusinessObject:
    kind, key, owner, parent, data, message_id = row
    return BusinessObject(kind, key, owner, parent, orjson.loads(data), message_id)


def object_values(row: BusinessObject) -> Row:
    return row.kind, row.key, row.owner, row.parent, text_of(row.data), row.message_id


def use_row(row: Row) -> InvoiceUse:
    invoice, app_no, total_fen, used_fen, live = row
    return InvoiceUse(invoice, app_no, total_fen, used_fen, bool(live))


def use_values(row: InvoiceUse) -> Row:
    return row.invoice, row.app_no, row.total_fen, row.used_fen, int(row.live)


def step_row(row: Row) -> TraceStep:
    values = list(row)
    values[9] = bool(values[9])
    return TraceStep(*values)


def step_values(row: TraceStep) -> Row:
    return (
        row.app_no, row.msg_no, row.old_state, row.new_state, row.at, row.node, row.result, row.reason,
        row.org, int(row.applied), row.message_id,
    )  # fmt: skip
