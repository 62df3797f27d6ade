"""Files read and written with care."""

import errno
import os
from pathlib import Path

import pytest

from kibitz.indexer.errors import DiskFullError
from kibitz.indexer.files import check_inside, read_inside, read_regular, whole


def test_a_file_that_could_not_be_finished_leaves_the_old_one_and_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), whole(tmp_path / "a") as stream:
        stream.write(b"ne")
        raise KeyboardInterrupt
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"a": b"old"}


def test_a_file_appears_whole_and_its_folder_with_it(tmp_path: Path) -> None:
    with whole(tmp_path / "new" / "a") as stream:
        stream.write(b"new")
        assert not (tmp_path / "new" / "a").exists()
    assert read_regular(tmp_path / "new" / "a") == b"new"


def test_a_file_with_too_many_bytes_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1234")
    assert read_regular(tmp_path / "a", 4) == b"1234"
    with pytest.raises(OSError, match=os.strerror(errno.EFBIG)):
        read_regular(tmp_path / "a", 3)


def test_links_and_folders_are_not_opened(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "folder").mkdir()
    for name in ("link", "folder", "gone"):
        with pytest.raises(OSError, match=name):
            read_regular(tmp_path / name)


def test_no_link_on_the_way_leads_outside(tmp_path: Path) -> None:
    root = tmp_path / "work"
    (root / "a" / "b").mkdir(parents=True)
    (tmp_path / "outside" / "c").mkdir(parents=True)
    for file in (root / "top", root / "a" / "b" / "file", tmp_path / "outside" / "c" / "file"):
        file.write_bytes(b"1")
    (root / "link").symlink_to(tmp_path / "outside")
    assert read_inside(root, "top") == read_inside(root, "a/b/file") == b"1"
    known: set[str] = set()
    for _ in range(2):
        check_inside(root, "top", known)
        check_inside(root, "a/b/file", known)
        for path in ("link/c/file", "link/file"):
            with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
                check_inside(root, path, known)
            with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
                read_inside(root, path)
    assert known == {"a", "a/b"}


def test_a_full_disk_is_a_sentence_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(DiskFullError, match="disk is full"), whole(tmp_path / "a"):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())
