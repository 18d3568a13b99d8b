"""Blobs: written once, durable, the same in a local folder and in an S3-compatible store."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.store.blobs import Blobs
from gateway.store.contract import StoreUnavailable
from tests.store.s3 import BUCKET, s3_server


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture(params=["folder", "s3"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Blobs]:
    """Opens the same store again and again, as several processes do."""
    if request.param == "folder":
        return lambda: Blobs.at_folder(tmp_path / "files")
    url = f"s3://{BUCKET}/{secrets.token_hex(4)}"
    endpoint = request.getfixturevalue("endpoint")
    return lambda: Blobs.at_url(url, endpoint=endpoint, region="us-east-1")


async def test_what_was_put_is_read_listed_moved_and_forgotten(make: Callable[[], Blobs]) -> None:
    blobs = make()
    await blobs.put("in/a/0", b"hello ")
    await blobs.put("in/a/1", b"world")
    other = make()
    assert bytes(await other.read("in/a/0")) == b"hello "
    assert bytes(await other.read("in/a/1", 3)) == b"ld"
    assert [(blob.name, blob.size) for blob in await other.list("in")] == [("a/0", 6), ("a/1", 5)]
    await other.move("in/a", "out/b", ["0", "1"])
    assert await blobs.list("in") == []
    assert [blob.name for blob in await blobs.list("out/b")] == ["0", "1"]
    await blobs.forget(["out/b/0", "out/b/0"])
    with pytest.raises(FileNotFoundError):
        await other.read("out/b/0")
    with pytest.raises(FileNotFoundError):
        await other.move("out/b", "c", ["0"])


async def test_a_blob_is_written_once(make: Callable[[], Blobs]) -> None:
    await make().put("a/0", b"first")
    with pytest.raises(FileExistsError):
        await make().put("a/0", b"second")
    assert bytes(await make().read("a/0")) == b"first"


async def test_file_and_folders_are_synced_when_put_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[str, bool]] = []
    fsync = os.fsync
    file = tmp_path / "files" / "a" / "b" / "0"

    def watched(handle: int) -> None:
        place = Path(f"/proc/self/fd/{handle}").readlink()
        synced.append((str(place.relative_to(tmp_path)), file.exists()))
        fsync(handle)

    blobs = Blobs.at_folder(tmp_path / "files")
    monkeypatch.setattr(os, "fsync", watched)
    await blobs.put("a/b/0", b"x")
    # new folders first, in their parents; then the file under its last name, then the folder that names it
    assert synced == [("files", False), ("files/a", False), ("files/a/b/0", True), ("files/a/b", True)]
    synced.clear()
    await blobs.move("a/b", "c", ["0"])
    assert synced == [("files", True), ("files/c", False)]
    assert not (tmp_path / "files" / "a").exists()


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[None]:
    """A file system of its own, of `size`. Skips where it cannot be mounted."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


async def test_a_full_disk_says_so_and_leaves_nothing_half(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m"):
        blobs = Blobs.at_folder(tmp_path / "disk" / "files")
        await blobs.put("a/0", b"x" * 700_000)
        with pytest.raises(StoreUnavailable, match="No space left"):
            await blobs.put("a/1", b"y" * 700_000)
        assert [blob.name for blob in await blobs.list("a")] == ["0"]
        assert [path.name for path in (tmp_path / "disk").rglob("*") if path.is_file()] == ["0"]
        await blobs.forget(["a/0"])
        await blobs.put("a/1", b"y" * 700_000)


async def test_a_store_that_does_not_answer_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    blobs = Blobs.at_url(f"s3://{BUCKET}/x", endpoint="http://127.0.0.1:9", region="us-east-1", give_up_s=0.2)
    with pytest.raises(StoreUnavailable, match="did not take a/0"):
        await blobs.put("a/0", b"x")


@pytest.mark.parametrize("url", ["http://127.0.0.1/x", "/var/files", "s3://", ""])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        Blobs.at_url(url)


async def test_what_a_killed_writer_left_half_is_found_and_forgotten(tmp_path: Path) -> None:
    blobs = Blobs.at_folder(tmp_path)
    await blobs.put("in/a/0", b"x")
    half = tmp_path / "in" / "b" / "0#1"
    half.parent.mkdir()
    half.write_bytes(b"half")
    assert [blob.name for blob in await blobs.list("in")] == ["a/0"]
    at_ms = int(half.stat().st_mtime * 1000)
    assert await blobs.forget_halves("in", at_ms - 1000) == 0
    assert await blobs.forget_halves("in", at_ms + 1000) == 1
    assert not half.parent.exists() and (tmp_path / "in" / "a" / "0").exists()
