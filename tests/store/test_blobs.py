"""Attachments' bytes: appended, resumed, finished durably, read in chunks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gateway.store.blobs import Blobs

DIGEST = "sha-256:" + "ab" * 32


async def read(blobs: Blobs, digest: str, *, offset: int = 0, chunk_bytes: int = 4) -> list[bytes]:
    return [chunk async for chunk in blobs.read(digest, offset, chunk_bytes)]


async def test_a_file_is_appended_resumed_and_finished(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "files")
    assert await blobs.partial_size(DIGEST) == 0 and await blobs.size(DIGEST) is None
    assert await blobs.append(DIGEST, 0, b"hello ") == 6
    again = Blobs(tmp_path / "files")
    assert await again.partial_size(DIGEST) == 6
    with pytest.raises(ValueError, match="ends at 6, not at 0"):
        await again.append(DIGEST, 0, b"x")
    assert await again.append(DIGEST, 6, b"world") == 11
    assert await again.size(DIGEST) is None
    assert [chunk async for chunk in again.read_partial(DIGEST, 6)] == [b"world"]
    assert await again.finish(DIGEST) == 11
    assert await again.size(DIGEST) == 11 and await again.partial_size(DIGEST) == 0
    assert await read(again, DIGEST) == [b"hell", b"o wo", b"rld"]
    assert await read(again, DIGEST, offset=9) == [b"ld"]


async def test_a_complete_file_never_changes(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    for content in (b"first", b"second"):
        await blobs.append(DIGEST, 0, content)
        assert await blobs.finish(DIGEST) == 5
    assert await read(blobs, DIGEST, chunk_bytes=99) == [b"first"]


async def test_what_is_not_here_says_so(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with pytest.raises(FileNotFoundError):
        await blobs.finish(DIGEST)
    with pytest.raises(FileNotFoundError):
        await read(blobs, DIGEST)
    await blobs.discard(DIGEST)
    await blobs.append(DIGEST, 0, b"x")
    await blobs.discard(DIGEST)
    assert await blobs.partial_size(DIGEST) == 0


@pytest.mark.parametrize(
    "digest", ["", "sha-256:../../etc/passwd", "sha-256:" + "AB" * 32, "md5:" + "ab" * 32, DIGEST + "/x"]
)
async def test_only_digests_are_names(digest: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a digest"):
        await Blobs(tmp_path).append(digest, 0, b"x")


async def test_finishing_syncs_the_file_before_the_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync = os.fsync

    def watched(handle: int) -> None:
        name = Path(f"/proc/self/fd/{handle}").readlink().name
        complete = (tmp_path / "files" / "sha-256" / "ab" / ("ab" * 32)).exists()
        steps.append(f"{name} {'after' if complete else 'before'}")
        fsync(handle)

    blobs = Blobs(tmp_path / "files")
    await blobs.append(DIGEST, 0, b"x")
    monkeypatch.setattr(os, "fsync", watched)
    await blobs.finish(DIGEST)
    assert steps[0] == f"sha-256-{'ab' * 32} before" and steps[-1] == "ab after"
    assert "files before" in steps and "sha-256 before" in steps
