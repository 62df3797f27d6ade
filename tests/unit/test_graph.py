"""Who leans on whom, and PageRank over it."""

import gc
import weakref
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.cut import Cutter, Parsed
from kibitz.indexer.grams import signature
from kibitz.indexer.graph import Graph
from kibitz.indexer.segment import Segment, in_memory
from kibitz.indexer.types import Chunk, Reference, Span
from kibitz.indexer.view import View
from tests.fakes.embedder import HashEmbedder

NAMES = ("close_pool", "ClientSession", "retry", "open", "Pool", "pool", "_hidden", "größe")

File = tuple[tuple[str, ...], tuple[str, ...]]  # what it defines, what it calls
words = st.lists(st.sampled_from(NAMES), max_size=4, unique=True).map(tuple)
trees = st.dictionaries(st.sampled_from([f"src/{letter}.go" for letter in "abcdefgh"]), st.tuples(words, words))


def segment(files: Mapping[str, File], language: str = "go", kind: str = "call", padding: int = 0) -> Segment:
    """Files of one chunk each, and one of many empty chunks."""
    parsed = [
        Parsed(
            path,
            repr(file),
            (
                Chunk(
                    path,
                    Span(0, 1),
                    "",
                    language=language,
                    defines=file[0],
                    references=tuple(Reference(name, kind) for name in file[1]),
                ),
            ),
            signature=signature(""),
        )
        for path, file in files.items()
    ]
    if padding:
        chunks = tuple(Chunk("pad.go", Span(at, at + 1), "", language="go") for at in range(padding))
        parsed.append(Parsed("pad.go", "pad", chunks, signature=signature("")))
    return in_memory(Cutter(HashEmbedder(8)).cut(parsed).piece)


def view_of(*parts: Segment, gone: Iterable[str] = ()) -> View:
    """All files of the first segment but those that have gone, and all of the others."""
    dead = [at for at, path in enumerate(parts[0].paths) if path in set(gone)] if parts else []
    return View([(part, dead if part is parts[0] else ()) for part in parts])


def ranks(graph: Graph, view: View) -> dict[str, float]:
    found = graph.ranks(graph.evenly())[graph.node_of]
    return {path: float(rank) for path, rank, alive in zip(view.paths, found, view.alive, strict=True) if alive}


def ranked(view: View) -> dict[str, float]:
    return ranks(Graph(view), view)


def close(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one.keys() == other.keys() and all(abs(one[path] - other[path]) < 2e-3 for path in one)


def test_what_is_called_ranks_above_what_calls() -> None:
    tree = {"a.go": ((), ("close_pool",)), "b.go": ((), ("close_pool",)), "c.go": (("close_pool",), ())}
    found = ranked(view_of(segment(tree)))
    assert found["c.go"] > 1.2 * found["a.go"]
    assert found["a.go"] == pytest.approx(found["b.go"])


def test_a_type_is_not_what_calls_of_a_function_of_that_name_lead_to() -> None:
    tree = {"a.go": ((), ("Pool",)), "b.go": (("pool",), ()), "c.go": (("Pool",), ())}
    found = ranked(view_of(segment(tree)))
    assert found["c.go"] > found["b.go"]
    assert found["b.go"] == pytest.approx(found["a.go"])


def test_names_do_not_cross_languages() -> None:
    tree: dict[str, File] = {"a.go": ((), ("close_pool",)), "c.go": (("close_pool",), ())}
    other = segment({"d.rs": (("close_pool",), ())}, "rust")
    found = ranked(view_of(segment(tree), other))
    assert found["c.go"] > found["d.rs"]
    assert found["d.rs"] == pytest.approx(found["a.go"])


def test_a_file_leans_on_what_it_imports_more_than_on_what_it_does_not_see() -> None:
    tree: dict[str, File] = {"src/a.py": ((), ("pool",)), "src/pool.py": (("close",), ()), "src/b.py": (("close",), ())}
    calls = segment({"src/x.py": ((), ("close",)), **tree}, "python")
    importing = segment({"src/c.py": ((), ("src.pool", "close"))}, "python", "import")
    assert ranked(view_of(calls))["src/pool.py"] == pytest.approx(ranked(view_of(calls))["src/b.py"])
    found = ranked(view_of(calls, importing))
    assert found["src/pool.py"] > 1.1 * found["src/b.py"]


@settings(deadline=None)
@given(trees)
def test_the_ranks_of_living_files_add_up_to_one(tree: dict[str, File]) -> None:
    gone = sorted(tree)[1::3]
    found = ranked(view_of(segment(tree), gone=gone))
    assert found.keys() == tree.keys() - set(gone)
    assert sum(found.values()) == pytest.approx(1 if found else 0, abs=1e-5)
    assert all(rank > 0 for rank in found.values())


@settings(deadline=None)
@given(trees, st.integers(0, 7))
def test_ranks_do_not_depend_on_how_files_are_numbered(tree: dict[str, File], cut: int) -> None:
    paths = sorted(tree)
    parts = [segment({path: tree[path] for path in some}) for some in (paths[cut:], paths[:cut]) if some]
    assert close(ranked(view_of(*parts)), ranked(view_of(segment(tree))))


@settings(deadline=None)
@given(trees, trees, st.sets(st.sampled_from([f"src/{letter}.go" for letter in "abcdefgh"])))
def test_a_changed_view_ranks_as_if_it_were_joined_from_scratch(
    before: dict[str, File], change: dict[str, File], removed: set[str]
) -> None:
    base = segment(before, padding=100)
    start = view_of(base)
    first = Graph(start)
    ranks(first, start)
    gone = removed | change.keys()
    after = view_of(base, segment(change), gone=gone)
    graph = Graph(after, first)
    assert graph.joined is first.joined
    now = {path: file for path, file in before.items() if path not in gone} | change
    assert close(ranks(graph, after), ranked(view_of(segment(now, padding=100))))


def test_a_file_that_comes_and_goes_again_leaves_nothing_behind() -> None:
    base = segment({"a.go": ((), ("close_pool", "retry")), "b.go": (("close_pool",), ())}, padding=100)
    start = view_of(base)
    first = Graph(start)
    view = view_of(base, segment({"c.go": (("retry",), ("close_pool",))}))
    there = Graph(view, first)
    found = ranks(there, view)
    assert found["c.go"] > found["pad.go"]
    assert close(ranks(Graph(start, there), start), ranks(first, start))


def test_a_graph_lets_go_of_its_view() -> None:
    view = view_of(segment({"a.go": ((), ())}))
    graph, gone = Graph(view), weakref.ref(view)
    assert graph.is_of(view)
    assert not graph.is_of(view_of(*(part for part, _ in view.parts)))
    del view
    gc.collect()
    assert gone() is None


def test_when_much_has_changed_all_is_joined_again() -> None:
    base = segment({"a.go": (("retry",), ())})
    first = Graph(view_of(base))
    assert Graph(view_of(base, segment({"b.go": ((), ("retry",))})), first).joined is not first.joined


def test_an_empty_view_has_a_graph_of_nothing() -> None:
    view = View([])
    graph = Graph(view)
    assert ranks(graph, view) == {}
