"""How much the files of a workspace are used by its others."""

import numpy as np
import pytest
from hypothesis import given

from kibitz.indexer.segment import in_memory
from kibitz.indexer.types import Chunk, Reference, Span
from kibitz.indexer.uses import centrality
from kibitz.indexer.view import View
from tests.fakes.pieces import piece_of, pieces_of_chunks, trees


def view_of(*files: tuple[str, tuple[str, ...], tuple[str, ...]], apart: bool = False) -> View:
    """Files with what they define and what they call, in one segment or each in its own."""
    chunks = [
        Chunk(path, Span(0, 5), " ".join(refers), "function", "python", defines[0] if defines else "", defines,
              tuple(Reference(name, "call") for name in refers))
        for path, defines, refers in files
    ]  # fmt: skip
    pieces = [pieces_of_chunks([chunk]) for chunk in chunks] if apart else [pieces_of_chunks(chunks)]
    return View([(in_memory(piece), ()) for piece in pieces])


FILES = (
    ("core.py", ("Session", "open_pool"), ("open_pool",)),
    ("one.py", ("first",), ("Session", "open_pool")),
    ("two.py", ("second",), ("Session",)),
    ("three.py", ("third",), ("first",)),
)


def by_path(view: View) -> dict[str, float]:
    return dict(zip(view.paths, view.centrality.tolist(), strict=True))


@pytest.mark.parametrize("apart", [False, True])
def test_a_file_counts_by_the_others_that_refer_to_what_it_defines(apart: bool) -> None:
    found = by_path(view_of(*FILES, apart=apart))
    assert found["core.py"] == 1
    assert found["one.py"] == pytest.approx(np.log1p(1) / np.log1p(3))
    assert found["two.py"] == found["three.py"] == 0


def test_what_many_files_define_is_none_of_theirs() -> None:
    many = [(f"m{number}.py", ("main",), ()) for number in range(4)]
    found = by_path(view_of(*FILES, *many, ("user.py", (), ("main",))))
    assert all(found[path] == 0 for path, _, _ in many)


def test_a_file_that_is_gone_defines_nothing() -> None:
    view = view_of(*FILES)
    gone = View([(view.parts[0][0], (view.paths.index("one.py"),))])
    assert dict(zip(gone.paths, gone.centrality.tolist(), strict=True))["one.py"] == 0


@given(trees)
def test_all_are_between_nothing_and_one(tree: dict[str, list[str]]) -> None:
    view = View([(in_memory(piece_of(tree)), ())])
    assert ((view.centrality >= 0) & (view.centrality <= 1)).all()


def test_nothing_at_all_is_no_error() -> None:
    assert centrality([], [], np.zeros(0, bool)).tolist() == []
