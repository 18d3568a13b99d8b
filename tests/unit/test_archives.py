"""Archives and purging: what is written is read back and proven; what is not in one stays."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from gateway.evidence import EvidenceLog, make_receipt, verify_receipt
from gateway.keeping.archive import LINES, make_archive, read_lines, verify_archive
from gateway.keeping.manifest import NAME, Certificates, NotIntact, file_entry, write_manifest
from gateway.keeping.purge import Held, purge_month
from gateway.security import keys
from gateway.store import Store, open_store
from gateway.store.months import Month
from tests.store.samples import accept_id, says, to
from tests.store.test_keeping import MARCH, delivered, old_message

NOW = Month(MARCH.number + 24)


@pytest.fixture
async def store(tmp_path: Path, receipt: keys.Identity) -> AsyncIterator[Store]:
    log = EvidenceLog("GW-1", receipt.sign_text, receipt.sign_cert.thumbprint)
    opened = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", tmp_path, evidence=log)
    await opened.open()
    for number in range(3):
        await delivered(opened, f"content {number}")
    yield opened
    await opened.close()


async def purge(store: Store, known: Certificates, month: Month = MARCH, now: Month = NOW) -> int:
    return (await purge_month(store, month, now=now, keep_months=24, certificates=known)).messages


async def test_an_archive_is_proven_by_itself(
    store: Store, tmp_path: Path, receipt: keys.Identity, known: Certificates
) -> None:
    made = await make_archive(store, MARCH, tmp_path / "archive", receipt)
    again = verify_archive(made.place, known)
    assert (again.messages, again.digest, again.month) == (3, made.digest, "2023-03")
    lines = list(read_lines(made.place))
    assert [len(line["record"]["attempts"]) for line in lines] == [1, 1, 1]
    verify = receipt.sign_cert.verify_text
    proven = [verify_receipt(line["receipt"], verify, receipt.sign_cert.thumbprint) for line in lines]
    assert [one.message_id for one in proven] == [line["record"]["message"]["id"] for line in lines]


@pytest.mark.parametrize("where", ["record", "content", "receipt", "line", "order"])
async def test_an_archive_that_was_changed_is_not_intact(
    store: Store, tmp_path: Path, receipt: keys.Identity, known: Certificates, where: str
) -> None:
    """Even where who changed it has a manifest signed over the change."""
    made = await make_archive(store, MARCH, tmp_path / "archive", receipt)
    lines = list(read_lines(made.place))
    if where == "record":
        lines[1]["record"]["deliveries"][0]["receiver"] = "ELSEWHERE"
    elif where == "content":
        lines[1]["record"]["content"]["body"] = "AAAA"
    elif where == "receipt":
        lines[1]["receipt"] = lines[2]["receipt"]
    elif where == "line":
        del lines[1]
    else:
        lines.reverse()
    with gzip.open(made.place / LINES, "wb") as packed:
        packed.writelines(orjson.dumps(line) + b"\n" for line in lines)
    with pytest.raises(NotIntact):
        verify_archive(made.place, known)
    facts = orjson.loads((made.place / NAME).read_bytes())
    write_manifest(made.place, {**facts, "files": [file_entry(made.place, LINES)]}, receipt)
    with pytest.raises(NotIntact):
        verify_archive(made.place, known)


async def test_a_manifest_of_another_key_is_not_intact(
    store: Store, tmp_path: Path, receipt: keys.Identity
) -> None:
    made = await make_archive(store, MARCH, tmp_path / "archive", receipt)
    with pytest.raises(NotIntact, match="not known"):
        verify_archive(made.place, Certificates([]))
    manifest = made.place / NAME
    manifest.write_bytes(manifest.read_bytes().replace(b'"messages": 3', b'"messages": 2'))
    with pytest.raises(NotIntact, match="signature"):
        verify_archive(made.place, Certificates([receipt.sign_cert]))


async def test_what_is_purged_is_in_the_archive_and_its_receipts_still_prove(
    store: Store, tmp_path: Path, receipt: keys.Identity, known: Certificates
) -> None:
    receipts = [make_receipt(row) for row, _ in await store.month_records(MARCH, "", 10)]
    await make_archive(store, MARCH, tmp_path / "archive", receipt)
    assert await purge(store, known) == 3 and await store.month_records(MARCH, "", 10) == []
    (row,) = await store.archives()
    assert row.purged_at and verify_archive(Path(row.place), known).messages == 3
    verify, key_id = receipt.sign_cert.verify_text, receipt.sign_cert.thumbprint
    for told in receipts:
        found = await store.get_message(verify_receipt(told, verify, key_id).message_id)
        assert found is not None and make_receipt(found) == told


async def test_nothing_is_purged_that_is_young_open_changed_or_in_no_archive(
    store: Store, tmp_path: Path, receipt: keys.Identity, known: Certificates
) -> None:
    with pytest.raises(Held, match="in no archive"):
        await purge(store, known)
    made = await make_archive(store, MARCH, tmp_path / "archive", receipt)
    with pytest.raises(Held, match="retention"):
        await purge(store, known, now=Month(NOW.number - 1))
    late = await accept_id(store, old_message("late", judge=says(to("CZ", "late"))))
    with pytest.raises(Held, match="1 deliveries are open"):
        await purge(store, known)
    (delivery,) = await store.deliveries(late)
    await store.resolve(delivery.id, "discard", "operator", "not needed")
    with pytest.raises(Held, match=late):
        await purge(store, known)
    again = await make_archive(store, MARCH, tmp_path / "archive", receipt)
    assert (made.messages, again.messages) == (3, 1)
    assert await purge(store, known) == 1
    places = [Path(row.place) for row in await store.archives()]
    assert sum(verify_archive(place, known).messages for place in places) == 4


async def test_an_archive_that_is_gone_or_another_holds_the_month(
    store: Store, tmp_path: Path, receipt: keys.Identity, known: Certificates
) -> None:
    first = await make_archive(store, MARCH, tmp_path / "archive", receipt)
    second = await make_archive(store, MARCH, tmp_path / "archive", receipt)
    shutil.rmtree(second.place)
    with pytest.raises(NotIntact):
        await purge(store, known)
    shutil.copytree(first.place, second.place)
    with pytest.raises(Held, match="not the archive that was noted"):
        await purge(store, known)
    assert len(await store.month_records(MARCH, "", 10)) == 3
