"""Folders on a disk: whole or not there, never overwritten, never left by a link."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.connectors.folders import FolderError, NotAFile, is_whole
from gateway.connectors.localfolders import LocalFolders


@pytest.fixture
def folders(tmp_path: Path) -> LocalFolders:
    (tmp_path / "out" / "done").mkdir(parents=True)
    return LocalFolders(tmp_path, 5)


@pytest.fixture
def small_files() -> Iterator[int]:
    """A disk that takes no more than so many bytes of a file (EFBIG in the place of ENOSPC)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield 4096
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_file_is_put_once_and_its_first_content_stays(folders: LocalFolders, tmp_path: Path) -> None:
    assert await folders.put("out/a", b"first")
    assert not await folders.put("out/a", b"second")
    assert await folders.read("out/a", 100) == b"first"
    assert [one.name for one in (tmp_path / "out").iterdir() if one.is_file()] == ["a"]


async def test_replacing_and_moving_leave_whole_files(folders: LocalFolders) -> None:
    await folders.replace("out/a", b"1")
    await folders.replace("out/a", b"2")
    assert await folders.move("out/a", "out/done/a") and await folders.read("out/done/a", 9) == b"2"
    assert not await folders.move("out/a", "out/done/b")
    await folders.put("out/a", b"3")
    assert not await folders.move("out/a", "out/done/a")
    assert (await folders.read("out/a", 9), await folders.read("out/done/a", 9)) == (b"3", b"2")


async def test_a_move_that_broke_off_between_its_two_steps_is_finished(
    folders: LocalFolders, tmp_path: Path
) -> None:
    await folders.put("out/a", b"1")
    os.link(tmp_path / "out/a", tmp_path / "out/done/a")
    assert await folders.move("out/a", "out/done/a")
    assert not (tmp_path / "out/a").exists() and await folders.read("out/done/a", 9) == b"1"


async def test_a_full_disk_leaves_nothing_and_later_there_is_room(
    folders: LocalFolders, tmp_path: Path, small_files: int
) -> None:
    with pytest.raises(FolderError) as caught:
        await folders.put("out/a", b"x" * (small_files + 1))
    assert (caught.value.code, caught.value.unknown) == ("delivery.folder", False)
    assert [one.name for one in (tmp_path / "out").iterdir()] == ["done"]
    assert await folders.put("out/a", b"x" * small_files)


async def test_links_pipes_and_folders_are_no_files(folders: LocalFolders, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s")
    (tmp_path / "out/link").symlink_to(secret)
    os.mkfifo(tmp_path / "out/pipe")
    assert await folders.files("out") == []
    for name in ("link", "pipe", "done"):
        with pytest.raises(NotAFile):
            await folders.read(f"out/{name}", 9)
    assert not await folders.put("out/link", b"x") and secret.read_text() == "s"
    await folders.replace("out/link", b"x")
    assert secret.read_text() == "s" and not (tmp_path / "out/link").is_symlink()


async def test_a_folder_that_is_a_link_leads_nowhere(folders: LocalFolders, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "in").symlink_to(tmp_path / "elsewhere")
    for call in (folders.put("in/a", b"x"), folders.files("in"), folders.prepare(["in/done"])):
        with pytest.raises(FolderError):
            await call
    assert list((tmp_path / "elsewhere").iterdir()) == []


async def test_a_large_file_is_read_one_byte_beyond_the_bound(folders: LocalFolders) -> None:
    await folders.put("out/a", b"x" * 100)
    assert await folders.read("out/a", 10) == b"x" * 11
    assert await folders.read("out/none", 10) is None


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("a.jose", True), ("报文 1.xml", True), (".a", False), ("a.tmp", False), ("a.PART", False), ("a/b", False),
        ("..", False), ("a\nb", False), ("x" * 201, False), ("\udcff", False), ("", False),
    ],
)  # fmt: skip
def test_which_names_are_files_to_take(name: str, whole: bool) -> None:
    assert is_whole(name) is whole
