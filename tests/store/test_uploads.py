"""Uploads under way: parts that follow each other, resumed anywhere, purged when nobody goes on with them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.store import uploads as module
from gateway.store.blobs import Blobs
from gateway.store.contract import StoreUnavailable
from gateway.store.uploads import Crowded, TooManyParts, Uploads, read_parts

PLACE = "ab" * 32
DIGEST = "sm3:" + "cd" * 32


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PART_BYTES", 10)


def open_uploads(folder: Path) -> Uploads:
    return Uploads(Blobs.at_folder(folder))


async def read(uploads: Uploads, folder: str, sizes: tuple[int, ...] | list[int], start: int = 0) -> bytes:
    return b"".join([bytes(part) async for part in read_parts(uploads.blobs, folder, sizes, start)])


def set_times(folder: Path, at_s: int, *, but: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file() and but not in str(path):
            os.utime(path, (at_s, at_s))


async def test_an_upload_is_written_in_parts_resumed_elsewhere_and_completed(tmp_path: Path) -> None:
    first, second = open_uploads(tmp_path), open_uploads(tmp_path)
    assert await second.offset(PLACE) == 0 and await second.resume(PLACE) is None
    upload = await first.begin(PLACE)
    for piece in (b"0123456", b"789abc", b"def"):
        await upload.append(piece)
    await upload.flush()
    assert upload.sizes == [13, 3]
    assert await second.offset(PLACE) == 16
    resumed = await second.resume(PLACE)
    assert resumed is not None
    assert await read(second, resumed.folder, resumed.sizes) == b"0123456789abcdef"
    await resumed.append(b"GH")
    folder, sizes = await resumed.complete(DIGEST)
    assert folder.startswith(f"files/sm3/cd/{'cd' * 32}/") and sizes == (13, 3, 2)
    assert await read(first, folder, sizes, 4) == b"456789abcdefGH"
    assert await read(first, folder, sizes, 14) == b"efGH"
    assert await first.offset(PLACE) == 0
    assert not (tmp_path / "incoming" / PLACE).exists()


async def test_a_small_file_is_written_once_in_its_last_place(tmp_path: Path) -> None:
    uploads = open_uploads(tmp_path)
    upload = await uploads.begin(PLACE)
    await upload.append(b"small")
    folder, sizes = await upload.complete(DIGEST)
    assert await read(uploads, folder, sizes) == b"small"
    assert not (tmp_path / "incoming").exists()


async def test_an_upload_that_begins_anew_never_mixes_with_the_one_before(tmp_path: Path) -> None:
    uploads = open_uploads(tmp_path)
    old = await uploads.begin(PLACE)
    await old.append(b"old old old")
    await old.flush()
    new = await uploads.begin(PLACE)
    assert await uploads.offset(PLACE) == 0
    await new.append(b"new new new!")
    await new.flush()
    await old.append(b"more")
    await old.flush()
    assert await uploads.offset(PLACE) == 12
    with pytest.raises(Crowded):
        await old.complete(DIGEST)
    folder, sizes = await new.complete(DIGEST)
    assert await read(uploads, folder, sizes) == b"new new new!"


async def test_of_two_who_go_on_with_one_upload_one_wins_every_part(tmp_path: Path) -> None:
    first, second = open_uploads(tmp_path), open_uploads(tmp_path)
    upload = await first.begin(PLACE)
    await upload.append(b"0123456789")
    await upload.flush()
    other = await second.resume(PLACE)
    assert other is not None
    await other.append(b"B")
    await other.flush()
    await upload.append(b"A and more")
    with pytest.raises(Crowded):
        await upload.flush()
    await upload.flush()  # what came behind the lost part must not take its place
    assert await second.offset(PLACE) == 11
    folder, sizes = await other.complete(DIGEST)
    assert await read(first, folder, sizes) == b"0123456789B"


async def test_after_a_part_that_was_not_written_nothing_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = open_uploads(tmp_path)
    upload = await uploads.begin(PLACE)
    await upload.append(b"0123456789")
    await upload.flush()
    put = uploads.blobs.put

    async def full(path: str, data: bytes) -> None:
        raise StoreUnavailable("no room")

    uploads.blobs.put = full  # type: ignore[method-assign]
    await upload.append(b"lost lost lost")
    with pytest.raises(StoreUnavailable):
        await upload.append(b"behind it all")
    uploads.blobs.put = put  # type: ignore[method-assign]
    await upload.flush()
    assert await uploads.offset(PLACE) == 10


async def test_an_upload_in_too_many_pieces_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_PARTS", 2)
    upload = await open_uploads(tmp_path).begin(PLACE)
    for _ in range(2):
        await upload.append(b"x")
        await upload.flush()
    await upload.append(b"x")
    with pytest.raises(TooManyParts):
        await upload.flush()


async def test_a_gap_ends_what_is_here(tmp_path: Path) -> None:
    uploads = open_uploads(tmp_path)
    upload = await uploads.begin(PLACE)
    for piece in (b"0123456789", b"0123456789", b"0123456789"):
        await upload.append(piece)
    await upload.flush()
    (tmp_path / upload.folder / f"{10:015}").unlink()
    assert await uploads.offset(PLACE) == 10


async def test_old_uploads_are_forgotten_those_under_way_and_files_are_not(tmp_path: Path) -> None:
    uploads = open_uploads(tmp_path)
    places = {name: name * 64 for name in "abc"}
    for place in places.values():
        upload = await uploads.begin(place)
        await upload.append(b"0123456789")
        await upload.flush()
        if place != places["c"]:
            upload.close()
    kept = await uploads.begin(PLACE)
    await kept.append(b"file")
    folder, sizes = await kept.complete(DIGEST)
    kept.close()
    old_s = 1_000_000_000
    set_times(tmp_path, old_s, but=places["b"])
    assert await uploads.purge((old_s + 60) * 1000) == 1
    assert [await uploads.offset(place) for place in places.values()] == [0, 10, 10]
    assert await read(uploads, folder, sizes) == b"file"
    # Another process does not know that c is under way: it goes by the age of its newest part.
    assert await open_uploads(tmp_path).purge((old_s + 60) * 1000) == 1
    assert await uploads.offset(places["c"]) == 0
