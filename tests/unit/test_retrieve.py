"""From a question to chunks: features and the linear ranking over a small view."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kibitz.indexer.features import CHUNK_FEATURES, FILE_FEATURES, Candidates, chunk_features, file_features
from kibitz.indexer.retrieve import ask_legs, retrieve
from kibitz.indexer.segment import in_memory
from kibitz.indexer.shortlist import defining
from kibitz.indexer.vectors import Floats
from kibitz.indexer.view import View
from kibitz.indexer.wanted import Wanted
from kibitz.indexer.weights import load_weights
from tests.fakes.embedder import HashEmbedder
from tests.fakes.pieces import DIM, piece_of, trees

TREE = {
    "src/close_pool.py": ["close_pool open", "session session"],
    "src/session.py": ["session open", "retry"],
    "tests/session.py": ["session open", "retry"],
}
questions = st.sampled_from(["session", "open the session", "close pool", "größe", "nothing of it", "tests retry"])


def view_of(tree: dict[str, list[str]]) -> View:
    return View([(in_memory(piece_of(tree)), ())])


def table(view: View, question: str, *, lexical: bool = True, vector: bool = True) -> tuple[list[str], Floats, Floats]:
    """Paths with all features of files and of chunks."""
    wanted = Wanted(question)
    asked = HashEmbedder(DIM).embed_query(question) if vector else None
    legs = ask_legs(view, wanted, asked, lexical=lexical, shown=None)
    named, joined = defining(view, wanted.named, wanted.joined)
    some = Candidates(view, wanted, legs.held, np.arange(len(view.paths)))
    args = (legs.scores.get("lexical"), legs.scores.get("vector"), named[some.chunks], joined[some.chunks])
    return view.paths, file_features(some, *args), chunk_features(some, *args)


def answers(view: View, question: str, *, per_file: int = 1, shown: NDArray[np.bool_] | None = None) -> list[int]:
    wanted = Wanted(question)
    legs = ask_legs(view, wanted, HashEmbedder(DIM).embed_query(question), lexical=True, shown=shown)
    found = retrieve(view, wanted, legs, inside=view.alive, shown=shown, k=10, per_file=per_file)
    return [number for number, _ in found]


@given(trees.filter(lambda tree: any(tree.values())), questions, st.booleans(), st.booleans())
def test_every_feature_is_bounded(tree: dict[str, list[str]], question: str, lexical: bool, vector: bool) -> None:
    _, files, chunks = table(view_of(tree), question, lexical=lexical, vector=vector)
    assert files.shape[1] == len(FILE_FEATURES)
    assert chunks.shape[1] == len(CHUNK_FEATURES)
    for features in (files, chunks):
        assert np.isfinite(features).all()
        assert features.min() >= 0
        assert features.max() <= 1.001


@pytest.mark.parametrize(
    ("question", "feature", "path"),
    [
        ("close the pool", "name", "src/close_pool.py"),
        ("pool to close", "words_best_chunk", "src/close_pool.py"),
        ("close_pool", "defines", "src/close_pool.py"),
        ("how to close pool", "defines_joined", "src/close_pool.py"),
        ("session", "test", "tests/session.py"),
        ("session tests", "folder", "tests/session.py"),
    ],
)
def test_a_feature_is_highest_where_it_should_be(question: str, feature: str, path: str) -> None:
    paths, files, _ = table(view_of(TREE), question)
    values = files[:, FILE_FEATURES.index(feature)]
    assert values[paths.index(path)] == values.max() > 0


def test_a_question_about_tests_does_not_mind_them() -> None:
    _, files, _ = table(view_of(TREE), "session tests")
    assert not files[:, FILE_FEATURES.index("test")].any()


def test_the_chunk_that_defines_a_name_says_so() -> None:
    view = view_of(TREE)
    _, _, chunks = table(view, "close_pool")
    assert chunks[:, CHUNK_FEATURES.index("defines")].tolist() == [1.0, 0, 0, 0, 0, 0]
    assert chunks[0, CHUNK_FEATURES.index("definition")] == pytest.approx(1)


@given(trees, questions, st.integers(1, 3))
def test_no_chunk_comes_twice_and_no_file_too_often(tree: dict[str, list[str]], question: str, per_file: int) -> None:
    view = view_of(tree)
    if not view.files:
        return
    found = answers(view, question, per_file=per_file)
    assert len(set(found)) == len(found)
    assert np.bincount(view.file_of[found], minlength=1).max(initial=0) <= per_file


def test_what_may_not_be_shown_is_not() -> None:
    view = view_of(TREE)
    shown = np.arange(len(view.lengths)) % 2 == 1
    assert all(shown[number] for number in answers(view, "open session", per_file=3, shown=shown))


def test_the_table_has_a_weight_for_each_feature() -> None:
    weights = load_weights()
    assert (len(weights.files), len(weights.chunks)) == (len(FILE_FEATURES), len(CHUNK_FEATURES))
    assert weights.files[FILE_FEATURES.index("test")] < 0 < weights.files[FILE_FEATURES.index("name")]
