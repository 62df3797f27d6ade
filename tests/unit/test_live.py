"""Files ahead of the index: cut in a process of their own, and laid over what the index has."""

import multiprocessing
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from kibitz.indexer.cut import Cutter, parse_file
from kibitz.indexer.live import LiveParser, Seen, overlaid
from kibitz.indexer.segment import in_memory
from kibitz.indexer.terms import term_id
from kibitz.indexer.view import View
from tests.fakes.embedder import HashEmbedder
from tests.fakes.pieces import piece_of, trees

Tree = dict[str, list[str]]


@pytest.fixture
def parser(tmp_path: Path) -> Iterator[LiveParser]:
    made = LiveParser(tmp_path, HashEmbedder(), 1_000)
    yield made
    made.close()
    assert not multiprocessing.active_children()


def test_a_file_on_disk_is_seen_as_it_stands_there(parser: LiveParser, tmp_path: Path) -> None:
    parser.warm()
    (tmp_path / "a.py").write_text("def alpha():\n    pass\n", "utf-8")
    (tmp_path / "blob.py").write_bytes(b"\0\1")
    (tmp_path / "large.py").write_text("x = 1\n" * 1_000, "utf-8")
    seen = parser.see(dict.fromkeys(["a.py", "blob.py", "large.py", "gone.py"]))
    assert {path: bool(one.piece) for path, one in seen.items()} == {
        "a.py": True,
        "blob.py": False,
        "large.py": False,
        "gone.py": False,
    }
    one, here = seen["a.py"], Cutter(HashEmbedder()).cut([parse_file(tmp_path, "a.py")])
    assert one.piece is not None
    assert (one.blob, one.text) == (here.piece.blobs[0], None)
    assert np.array_equal(one.piece.vectors, here.with_paths(here.piece).vectors)


def test_an_open_document_is_seen_as_it_is_typed(parser: LiveParser, tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def alpha():\n    pass\n", "utf-8")
    text = "def typed():\n    pass\n"
    seen = parser.see({"a.py": text, "new.py": text})
    for path in ("a.py", "new.py"):
        piece = seen[path].piece
        assert piece is not None
        assert (piece.paths, piece.defines, seen[path].text) == ([path], [("typed",)], text)


def test_a_closed_parser_starts_again(parser: LiveParser) -> None:
    for _ in range(2):
        assert parser.see({"a.py": "def typed():\n    pass\n"})["a.py"].piece is not None
        parser.close()
        assert not multiprocessing.active_children()


@given(trees, trees)
def test_what_is_laid_over_takes_the_place_of_what_is_there(before: Tree, now: Tree) -> None:
    pieces = {path: piece_of({path: texts}) for path, texts in now.items()}
    view = View(overlaid([(in_memory(piece_of(before)), ())], {path: Seen(piece) for path, piece in pieces.items()}))
    wanted = {path: texts for path, texts in (before | now).items() if texts}
    alive = [path for path, there in zip(view.paths, view.alive, strict=True) if there]
    assert sorted(alive) == sorted(wanted)
    assert view.chunks == sum(map(len, wanted.values()))
    sizes = dict(zip(alive, np.diff(view.first)[view.alive].tolist(), strict=True))
    assert sizes == {path: len(texts) for path, texts in wanted.items()}


def test_a_file_that_is_gone_is_found_no_more() -> None:
    parts = [(in_memory(piece_of({"a.py": ["session"], "b.py": ["session"]})), (1,))]
    view = View(overlaid(parts, {"a.py": Seen(None)}))
    assert (view.files, view.body.get(term_id("session"))[0].tolist()) == (0, [])
