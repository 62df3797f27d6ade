"""The texts of hits: what is known of a file is used for as long as the file is the same, and no longer."""

import hashlib
import os
from pathlib import Path

import pytest

from kibitz.indexer import shown
from kibitz.indexer.live import Seen
from kibitz.indexer.shown import Shown

DATA = b"one\r\ntwo\nthree\xc3\xa9\n" + b"x" * 3_000 + b"\nlast"
OLD_S = 1_000_000_000


def blob_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32] + ".python"


def aged(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    os.utime(file, (OLD_S, OLD_S))
    return file


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "SETTLED_NS", 0)


@pytest.fixture
def texts(tmp_path: Path) -> Shown:
    (tmp_path / "src").mkdir()
    aged(tmp_path / "src" / "a.py", DATA)
    return Shown(tmp_path)


def text(
    texts: Shown, start: int, end: int, data: bytes = DATA, seen: dict[str, Seen] | None = None
) -> tuple[str, bool]:
    return texts.reading(seen or {}).text("src/a.py", blob_of(data), start, end)


def test_the_second_reading_of_a_file_shows_what_the_first_did(texts: Shown) -> None:
    spans = [(0, 1), (0, 3), (1, 9), (3, 5), (4, 5), (5, 6), (2, 2)]
    first = [Shown(Path(texts._root)).reading({}).text("src/a.py", blob_of(DATA), *span) for span in spans]
    assert first[1] == ("one\r\ntwo\nthreeé\n", False)
    assert first[3][0] == "x" * 2_000 + "\nlast"
    text(texts, 0, 1)
    assert texts.known("src/a.py", blob_of(DATA)) is not None
    assert [text(texts, *span) for span in spans] == first


def test_a_file_that_has_kept_its_size_and_time_but_not_its_contents_is_stale(texts: Shown, tmp_path: Path) -> None:
    assert text(texts, 1, 2) == ("two\n", False)
    aged(tmp_path / "src" / "a.py", DATA.replace(b"two", b"owt"))
    assert text(texts, 1, 2) == ("owt\n", True)


def test_what_is_known_of_other_contents_does_not_count(texts: Shown) -> None:
    text(texts, 0, 1)
    assert text(texts, 1, 2, b"other") == ("two\n", True)


def test_a_folder_that_has_become_a_link_is_not_entered(texts: Shown, tmp_path: Path) -> None:
    text(texts, 0, 1)
    (tmp_path / "src").rename(tmp_path / "moved")
    (tmp_path / "src").symlink_to(tmp_path / "moved")
    assert text(texts, 0, 1) == ("", False)


def test_a_young_file_is_looked_at_again(texts: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "SETTLED_NS", 1 << 62)
    text(texts, 0, 1)
    assert texts.known("src/a.py", blob_of(DATA)) is None


def test_no_more_is_kept_than_may_be(texts: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shown, "MOST_LINES", 5)
    text(texts, 0, 1)
    aged(tmp_path / "src" / "b.py", b"b\nb\n")
    assert texts.reading({}).text("src/b.py", blob_of(b"b\nb\n"), 0, 2) == ("b\nb\n", False)
    assert texts.known("src/a.py", blob_of(DATA)) is None
    assert texts.known("src/b.py", blob_of(b"b\nb\n")) is not None
