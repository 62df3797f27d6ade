"""Regular expressions over the indexed files."""

import os
import sys
import time
from pathlib import Path

import pytest

from kibitz.indexer import index
from kibitz.indexer.filters import Filters
from kibitz.indexer.grep import Grepped
from kibitz.indexer.lines import MAX_LINE_CHARS
from kibitz.indexer.live import LiveParser, Seen
from kibitz.indexer.pattern import PatternError
from kibitz.indexer.search import Searcher
from tests.fakes.embedder import HashEmbedder
from tests.fakes.parsing import InProcessPool

FILES: dict[str, bytes] = {
    "src/session.py": b"class ClientSession:\r\n    def close(self):\r\n        return pool.release()\r\n",
    "src/pool.py": b"class ConnectionPool:\n    def release(self): ...\n\n\f\ndef reopen(): ...",
    "docs/guide.md": "# Größe\n\nDie GRÖSSE der Verbindung; a Kelvin is no \u212aelvin\n".encode(),
    "docs/old.txt": "Stra\u00dfe nach Gr\u00f6\u00dfe\n".encode("cp1252"),
    "docs/wide.txt": "a wide session\nof letters\n".encode("utf-16"),
    "docs/mark.txt": "session first\n".encode("utf-8-sig"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for path, data in FILES.items():
        write(tmp_path / "work" / path, data)
    update(tmp_path / "work")
    return tmp_path / "work"


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    then = time.time() - 60
    os.utime(path, (then, then))


def update(root: Path) -> None:
    index.update(root, cache_dir=root.parent / "cache", embedder=HashEmbedder(), pool=InProcessPool())


def opened(root: Path) -> Searcher:
    return Searcher.open(root, cache_dir=root.parent / "cache", embedder=HashEmbedder())


def places(found: Grepped) -> list[tuple[str, int]]:
    return [(hit.chunk.path, hit.chunk.span.start) for hit in found.hits]


def test_every_line_that_matches_is_a_hit_in_the_order_of_paths(root: Path) -> None:
    found = opened(root).grep(r"def \w+\(")
    assert [(hit.chunk.path, hit.chunk.span.start, hit.chunk.text) for hit in found.hits] == [
        ("src/pool.py", 1, "    def release(self): ...\n"),
        ("src/pool.py", 4, "def reopen(): ..."),
        ("src/session.py", 1, "    def close(self):\n"),
    ]
    assert (found.files, found.skipped, found.stopped) == (6, {}, "")
    assert 2 <= found.searched < 6
    assert {(hit.score, hit.legs, hit.stale, hit.chunk.language) for hit in found.hits} == {
        (1.0, ("regex",), False, "python")
    }


def test_an_end_of_line_anchor_works_with_any_line_end(root: Path) -> None:
    searcher = opened(root)
    assert places(searcher.grep(r"\)$|:$")) == [("src/pool.py", 0), *(("src/session.py", at) for at in range(3))]
    assert places(searcher.grep(r"Session:\W")) == []


def test_texts_are_searched_as_they_are_read_whatever_their_encoding(root: Path) -> None:
    searcher = opened(root)
    assert places(searcher.grep("größe", ignore_case=True)) == [("docs/guide.md", 0), ("docs/old.txt", 0)]
    assert places(searcher.grep("^(a wide |)session")) == [("docs/mark.txt", 0), ("docs/wide.txt", 0)]
    assert places(searcher.grep("KELVIN", ignore_case=True, word=True)) == [("docs/guide.md", 2)]


def test_a_text_is_found_as_it_is(root: Path) -> None:
    searcher = opened(root)
    assert places(searcher.grep("(self):", fixed=True)) == [("src/pool.py", 1), ("src/session.py", 1)]
    assert places(searcher.grep("RELEASE()", fixed=True, ignore_case=True)) == [("src/session.py", 2)]
    assert places(searcher.grep("Session", word=True)) == []


def test_it_stops_at_k_and_says_whether_there_is_more(root: Path) -> None:
    searcher = opened(root)
    assert (searcher.grep("class", 1).stopped, len(searcher.grep("class", 1).hits)) == ("limit", 1)
    assert (searcher.grep("class", 2).stopped, len(searcher.grep("class", 2).hits)) == ("", 2)


def test_it_stops_when_time_is_up(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 10_000, 15))
    monkeypatch.setattr("kibitz.indexer.grep.time.monotonic", lambda: float(next(ticks)))
    found = opened(root).grep("s")
    assert (found.stopped, found.searched) == ("time", 1)


def test_only_a_folder_or_what_the_filters_let_pass_is_searched(root: Path) -> None:
    searcher = opened(root)
    inside = searcher.grep("session", within="docs")
    assert (places(inside), inside.files) == ([("docs/mark.txt", 0), ("docs/wide.txt", 0)], 4)
    python = Filters.of(globs=["*.py"])
    found = searcher.grep("ession", filters=python)
    assert (places(found), found.files) == ([("src/session.py", 0)], 2)
    assert searcher.grep("ession", within="docs", filters=python).files == 0
    assert places(searcher.grep("ession", filters=Filters.of(kinds=["class"]))) == [("src/session.py", 0)]
    assert searcher.grep("ession", filters=Filters.of(kinds=["section"])).hits == ()


def test_files_that_cannot_be_searched_any_more_are_counted(root: Path) -> None:
    (root / "src/session.py").unlink()
    (root / "docs/mark.txt").unlink()
    (root / "docs/mark.txt").mkdir()
    write(root / "docs/wide.txt", bytes(range(256)) * 9)
    write(root / "docs/guide.md", "# @generated: do not edit\n\nGröße\n".encode())
    found = opened(root).grep("session|größe|class", ignore_case=True)
    assert places(found) == [("docs/old.txt", 0), ("src/pool.py", 0)]
    assert found.skipped == {"gone": 1, "unreadable": 1, "binary": 1, "generated": 1}


def test_a_line_of_a_file_that_has_changed_is_shown_as_it_is_now(root: Path) -> None:
    write(root / "src/pool.py", b"\nclass ConnectionPool: # new\n")
    found = opened(root).grep("class Connection")
    assert [(hit.chunk.span.start, hit.stale) for hit in found.hits] == [(1, True)]


def test_files_ahead_of_the_index_are_searched_by_what_they_hold_now(root: Path) -> None:
    write(root / "src/pool.py", b"def brand_new(): ...\n")
    write(root / "src/made.py", b"def brand_new_too(): ...\n")
    searcher = opened(root)
    assert places(searcher.grep("brand_new")) == []
    live = LiveParser(root, HashEmbedder(), 1 << 20)
    try:
        seen = live.see({"src/pool.py": None, "src/made.py": None, "src/session.py": "x = 'brand_new text'\n"})
    finally:
        live.close()
    searcher.put_ahead({**seen, "docs/old.txt": Seen(None)})
    found = searcher.grep("brand_new")
    assert places(found) == [("src/made.py", 0), ("src/pool.py", 0), ("src/session.py", 0)]
    assert not any(hit.stale for hit in found.hits)
    assert found.files == 6
    assert places(searcher.grep("ClientSession|release")) == []
    assert places(searcher.grep("nach")) == []


def test_after_rounds_and_merges_exactly_what_is_there_is_found(root: Path) -> None:
    for number in range(12):
        write(root / f"src/new{number}.py", f"value_{number} = 'unusual{number}'\n".encode())
        write(root / "src/pool.py", f"class Pool{number}: ...\n".encode())
        update(root)
    searcher = opened(root)
    assert 1 < len(searcher.view.parts) < 12
    assert [hit.chunk.text for hit in searcher.grep(r"unusual\d+", 100).hits] == [
        f"value_{number} = 'unusual{number}'\n" for number in sorted(range(12), key=str)
    ]
    assert [hit.chunk.text for hit in searcher.grep(r"class \w*Pool").hits] == ["class Pool11: ...\n"]
    assert searcher.grep("unusual7").searched < 9 < searcher.view.files
    assert searcher.grep("ClientSession").hits[0].chunk.path == "src/session.py"


def test_a_wrong_expression_is_a_sentence(root: Path) -> None:
    with pytest.raises(PatternError, match="is not a regular expression: this \\( is never closed, at character 1"):
        opened(root).grep("(")


def test_a_very_long_line_is_searched_to_its_end_and_cut_where_it_is_shown(root: Path) -> None:
    write(root / "src/long.py", b"x = '" + b"y" * 90_000 + b"zzz'\nx\n")
    update(root)
    found = opened(root).grep("zzz'$|^x$")
    assert [len(hit.chunk.text) for hit in found.hits] == [MAX_LINE_CHARS + 1, 2]


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_nothing_is_shown_of_a_folder_that_has_become_a_link(root: Path) -> None:
    (root / "src").rename(root.parent / "elsewhere")
    (root / "src").symlink_to(root.parent / "elsewhere")
    found = opened(root).grep("class|session")
    assert places(found) == [("docs/mark.txt", 0), ("docs/wide.txt", 0)]
    assert found.skipped == {"unreadable": 2}
