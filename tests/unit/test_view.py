"""A view of many segments answers like one segment of the files that are alive."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.features import FILE_FEATURES, Candidates, file_features
from kibitz.indexer.keys import definition_key, reference_key
from kibitz.indexer.retrieve import ask_legs
from kibitz.indexer.segment import Segment, in_memory
from kibitz.indexer.shortlist import defining, shortlist
from kibitz.indexer.terms import term_id
from kibitz.indexer.vectors import quantised, unit
from kibitz.indexer.view import View
from kibitz.indexer.wanted import Wanted
from tests.fakes.embedder import HashEmbedder
from tests.fakes.pieces import DIM, piece_of, trees

Tree = dict[str, list[str]]
TERMS = ("body", "definitions", "references", "stems", "folders")


@st.composite
def layered(draw: st.DrawFn) -> tuple[View, View]:
    """A workspace that was changed again and again: in its segments, and as one segment."""
    living: Tree = {}
    parts: list[tuple[Segment, set[str]]] = []
    lacking = draw(st.sets(st.sampled_from(["src.py", "a.py", "tests/a.py"])))
    for tree in draw(st.lists(trees, max_size=4)):
        for _, alive in parts:
            alive.difference_update(tree)
        parts.append((in_memory(piece_of(tree, lacking=list(lacking))), {path for path in tree if tree[path]}))
        living |= tree
    removed = draw(st.sets(st.sampled_from(sorted(living)))) if living else set()
    living = {path: texts for path, texts in living.items() if path not in removed}
    many = [
        (one, [at for at, path in enumerate(one.paths) if path not in alive or path in removed]) for one, alive in parts
    ]
    return View(many), View([(in_memory(piece_of(living, lacking=list(lacking))), ())])


def chunk_names(view: View) -> list[tuple[str, int] | None]:
    """Path and place in its file of each chunk that is alive."""
    names: list[tuple[str, int] | None] = []
    for number, file in enumerate(view.file_of.tolist()):
        names.append((view.paths[file], number - int(view.first[file])) if view.alive[file] else None)
    return names


def by_chunk(view: View, values: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> dict[object, float]:
    named = zip(chunk_names(view), values.tolist(), strict=True)
    return {name: round(value, 4) for name, value in named if name is not None}


def by_file(view: View, values: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> dict[object, float]:
    named = zip(view.paths, view.alive.tolist(), values.tolist(), strict=True)
    return {path: round(value, 4) for path, alive, value in named if alive}


def held(view: View, kind: str, key: int) -> dict[object, float]:
    """What holds a key, by its name; nothing dead does."""
    items, times = getattr(view, kind).get(key)
    assert items.tolist() == sorted(set(items.tolist()))
    names = view.paths if kind in ("stems", "folders") else chunk_names(view)
    alive = view.alive if kind in ("stems", "folders") else view.alive_chunks
    assert alive[items].all()
    return {names[item]: time for item, time in zip(items.tolist(), times.tolist(), strict=True)}


@given(layered())
def test_every_key_leads_to_the_same_files_and_chunks(views: tuple[View, View]) -> None:
    many, one = views
    for kind in TERMS:
        keys = {key for view in views for segment, _ in view.parts for key in getattr(segment, kind).keys.tolist()}
        for key in [*keys, 12345]:
            assert held(many, kind, key) == held(one, kind, key)


@given(layered())
def test_what_is_known_of_files_and_chunks_is_the_same(views: tuple[View, View]) -> None:
    many, one = views
    assert (many.files, many.chunks, many.lacking) == (one.files, one.chunks, one.lacking)
    assert one.all_alive
    assert many.all_alive == (len(many.paths) == len(one.paths))
    for values in ("lengths", "between"):
        assert by_chunk(many, getattr(many, values)) == by_chunk(one, getattr(one, values))
    for values in ("stem_words", "aside"):
        assert by_file(many, getattr(many, values)) == by_file(one, getattr(one, values))
    assert not many.lengths[~many.alive_chunks].any()
    chunks = [
        {name: (view.span(at), view.chunk(at, name[0], "")) for at, name in enumerate(chunk_names(view)) if name}
        for view in views
    ]
    assert chunks[0] == chunks[1]


@given(layered(), st.sampled_from(["open the session", "close_pool", "retry tests größe", "nothing of it"]))
def test_every_question_has_the_same_scores(views: tuple[View, View], question: str) -> None:
    scored: list[tuple[dict[Any, Any], ...]] = []
    for view in views:
        wanted = Wanted(question)
        legs = ask_legs(view, wanted, HashEmbedder(DIM).embed_query(question), lexical=True, shown=None)
        assert not any(leg[~view.alive_chunks].any() for leg in legs.scores.values())
        made = [by_chunk(view, leg) for leg in legs.scores.values()]
        if view.files:
            defined = defining(view, wanted.named, wanted.joined)
            files = shortlist(view, wanted, legs.scores, defined, view.alive, k=100)
            if not len(files):
                continue
            some = Candidates(view, wanted, legs.held, files)
            leg_scores = legs.scores["lexical"], legs.scores["vector"]
            features = file_features(some, *leg_scores, *(each[some.chunks] for each in defined))
            # References of dead files still count for the centrality of others.
            features[:, FILE_FEATURES.index("centrality")] = 0
            made.append({view.paths[file]: row for file, row in zip(files.tolist(), features, strict=True)})
        scored.append(tuple(made))
    for many, one in zip(*scored, strict=False):
        assert many.keys() == one.keys()
        assert np.allclose([many[name] for name in one], list(one.values()), atol=2e-3)


@given(layered(), st.integers(0, 2**32 - 1))
def test_similarities_are_those_of_the_segments_vectors(views: tuple[View, View], seed: int) -> None:
    view = views[0]
    question = unit(np.random.default_rng(seed).normal(size=(1, DIM)).astype(np.float32))[0]
    asked = unit(quantised(question[None]).astype(np.float32))[0]
    rows = np.concatenate(
        [np.zeros((0, DIM), np.float32), *(unit(s.vectors.astype(np.float32)) for s, _ in view.parts)]
    )
    assert np.allclose(view.similarities(question), np.where(view.alive_chunks, rows @ asked, 0), atol=1e-5)


def test_no_segment_at_all_is_a_view_too() -> None:
    for view in (View([]), View([(in_memory(piece_of({"empty.py": []})), ())])):
        assert (view.paths, view.files, view.chunks, view.lacking) == ([], 0, 0, 0)
        assert view.body.get(term_id("x"))[0].tolist() == []
        assert len(view.similarities(np.ones(DIM, np.float32))) == 0
        assert [len(each) for each in (view.file_of, view.between, view.aside, view.stem_words)] == [0] * 4


def test_a_dead_file_is_found_by_nothing() -> None:
    gone = in_memory(piece_of({"a/gone.py": ["session x1 retry"], "a/kept.py": ["session"]}))
    view = View([(gone, [0])])
    for postings, key in (
        (view.body, term_id("session")),
        (view.definitions, definition_key("session")),
        (view.folders, term_id("a")),
    ):
        assert set(postings.get(key)[0].tolist()) <= {1}
    assert view.references.get(reference_key("call", "retry"))[0].tolist() == []
    assert view.stems.get(term_id("gone"))[0].tolist() == []
