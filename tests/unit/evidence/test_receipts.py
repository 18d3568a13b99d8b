"""Receipts: made from rows alone, checked offline; every single change is noticed."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from gateway.evidence import EvidenceLog, ReceiptInvalid, leaf_of, make_receipt, verify_receipt
from gateway.merkle import Frontier
from gateway.message import MessageState
from gateway.store.contract import LeafPlace, MessageRow
from tests.store.samples import new_log, verify


def row(number: int) -> MessageRow:
    return MessageRow(
        id=f"M{number}", type="3001", sender="GGZY-ZPT", idem_key=f"键-{number}", biz_key="PA", biz_version=1,
        oper_type="1", fingerprint="f" * 64, state=MessageState.ACCEPTED, application="PA", received_at=1,
        content_type="application/json", original=b"o", body=b"b", head=b"{}", suite="jose", cert="c", jti="j",
        transport="rest", answer=b"", note="", origin_id="", accepted_at=1_700_000_000_000 + number,
    )  # fmt: skip


def sealed_rows(*batches: int) -> list[MessageRow]:
    """Rows with their places, sealed in batches of these sizes."""
    log, frontier = new_log(), Frontier()
    rows: list[MessageRow] = []
    for size in batches:
        batch = [row(len(rows) + number) for number in range(size)]
        made = log.seal_batch(frontier, batch)
        for at, one in enumerate(batch):
            place = LeafPlace(
                made.log_id, frontier.size + at, made.leaves[at], made.paths[at], made.frontier.size, made.root,
                made.signed_at, made.signature, made.key_id,
            )  # fmt: skip
            rows.append(replace(one, place=place))
        frontier = made.frontier
    return rows


def test_a_receipt_verifies_and_survives_json() -> None:
    for one in sealed_rows(1, 5, 2):
        receipt = json.loads(json.dumps(make_receipt(one)))
        verified = verify_receipt(receipt, verify, "receipt-key")
        assert (verified.message_id, verified.accepted_at) == (one.id, one.accepted_at)
        assert one.place is not None
        assert (verified.index, verified.size) == (one.place.index, one.place.size)


def test_the_leaf_is_canonical_json() -> None:
    assert leaf_of(row(1)).decode() == (
        '{"accepted_at":1700000000001,"fingerprint":"' + "f" * 64 + '","idem_key":"键-1","message_id":"M1",'
        '"sender":"GGZY-ZPT","type":"3001"}'
    )


def changes(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every leaf of a receipt."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in changes(inner, (*path, key))]
    if isinstance(value, list):
        return [found for at, inner in enumerate(value) for found in changes(inner, (*path, at))]
    return [path]


RECEIPT = make_receipt(sealed_rows(3, 4)[4])


@pytest.mark.parametrize("path", changes(RECEIPT))
def test_any_change_is_noticed(path: tuple[Any, ...]) -> None:
    forged = copy.deepcopy(RECEIPT)
    place = forged
    for key in path[:-1]:
        place = place[key]
    old = place[path[-1]]
    place[path[-1]] = old + 1 if isinstance(old, int) else ("0" if old[0] != "0" else "1") + old[1:]
    with pytest.raises(ReceiptInvalid):
        verify_receipt(forged, verify, "receipt-key")
    place[path[-1]] = None
    with pytest.raises(ReceiptInvalid):
        verify_receipt(forged, verify, "receipt-key")
    del place[path[-1]]
    with pytest.raises(ReceiptInvalid):
        verify_receipt(forged, verify, "receipt-key")


def test_another_message_with_the_same_path_is_noticed() -> None:
    first, second = sealed_rows(2)
    forged = {**make_receipt(first), "message": make_receipt(second)["message"]}
    with pytest.raises(ReceiptInvalid, match="path"):
        verify_receipt(forged, verify, "receipt-key")


def test_fields_that_are_not_signed_are_refused() -> None:
    forged = copy.deepcopy(RECEIPT)
    forged["message"]["amount"] = "1"
    with pytest.raises(ReceiptInvalid):
        verify_receipt(forged, verify, "receipt-key")


def test_another_gateways_signature_does_not_hold() -> None:
    with pytest.raises(ReceiptInvalid, match="signature"):
        verify_receipt(RECEIPT, lambda text, signature: False, "receipt-key")


def test_without_a_place_there_is_no_receipt() -> None:
    with pytest.raises(LookupError, match="M1"):
        make_receipt(row(1))


@pytest.mark.parametrize("log_id", ["", "a\nb"])
def test_a_log_id_is_one_line(log_id: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        EvidenceLog(log_id, lambda text: b"", "k")
