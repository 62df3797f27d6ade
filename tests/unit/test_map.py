"""The map of a small repository, and how it fits a budget."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer import index
from kibitz.indexer.cut import Cutter, parse_text
from kibitz.indexer.live import Seen
from kibitz.indexer.map import MappedFile, MappedSymbol, MapResult, fitted
from kibitz.indexer.outline import Symbol
from kibitz.indexer.reparse import Reparser
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Span
from tests.fakes.embedder import HashEmbedder
from tests.fakes.parsing import InProcessPool

FILES = {
    "src/session.py": (
        "from src.pool import Pool\n\n\nclass Session:\n    def close(self):\n        Pool().release(self)\n"
    ),
    "src/window.py": "from src.pool import Pool\n\n\ndef open_window():\n    return Pool().release(None)\n",
    "src/pool.py": (
        "class Pool:\n    def release(self, one):\n        return one\n\n    def unused_here(self):\n        pass\n"
    ),
    "src/main.py": "from src.session import Session\n\n\ndef main():\n    Session().close()\n",
    "src/shape.py": "def area_of(shape):\n    return 1\n",
    "src/draw.py": "from src.shape import area_of\n\n\ndef draw(shape):\n    return area_of(shape)\n",
    "tests/test_pool.py": "from src.pool import Pool\n\n\ndef test_release():\n    Pool().release(1)\n",
}


@pytest.fixture
def searcher(tmp_path: Path) -> Searcher:
    for path, text in FILES.items():
        (tmp_path / "work" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "work" / path).write_text(text, "utf-8")
    root, cache = tmp_path / "work", tmp_path / "cache"
    index.update(root, cache_dir=cache, embedder=HashEmbedder(), pool=InProcessPool())
    return Searcher.open(root, cache_dir=cache, embedder=HashEmbedder())


def lines(result: MapResult, budget: int = 100) -> str:
    return fitted(result, budget, lambda line: 1)


def test_what_others_lean_on_is_at_the_top_with_what_they_use(searcher: Searcher) -> None:
    result = searcher.map()
    assert result.total == len(FILES)
    assert [file.path for file in result.files][:2] == ["src/pool.py", "src/shape.py"]
    assert [one.symbol.symbol for one in result.files[0].symbols] == ["Pool", "Pool.release"]
    assert lines(result).startswith("src/pool.py\n     1 class Pool\n     2   def release(self, one)\n")


def test_what_is_open_pulls_the_map_to_what_it_leans_on(searcher: Searcher) -> None:
    assert searcher.map(open=["src/draw.py"]).files[0].path == "src/shape.py"
    found = [file.path for file in searcher.map(open=["main.py"]).files]
    assert found[0] == "src/session.py"
    assert "src/main.py" not in found


@pytest.mark.parametrize("mentioned", ["area_of", "areaOf", "src/shape.py", "shape.py"])
def test_what_is_mentioned_comes_first(searcher: Searcher, mentioned: str) -> None:
    assert searcher.map(mentioned=[mentioned]).files[0].path == "src/shape.py"


def test_an_edited_file_stays_on_the_map(searcher: Searcher) -> None:
    assert "src/session.py" in [file.path for file in searcher.map(edited=["src/session.py"]).files]


def test_a_map_follows_an_open_document(searcher: Searcher) -> None:
    searcher.map()
    text = "from src.shape import area_of\n\n\ndef open_window():\n    return area_of(1)\n"
    piece = Cutter(HashEmbedder()).cut([parse_text("src/window.py", text, Reparser())]).piece
    searcher.put_ahead({"src/window.py": Seen(piece, text)})
    assert searcher.map(open=["src/window.py"]).files[0].path == "src/shape.py"


def test_centrality_is_there_once_a_map_was_asked_for(searcher: Searcher) -> None:
    assert searcher.centrality() is None
    searcher.map()
    found = searcher.centrality()
    assert found is not None
    assert searcher.view.paths[int(found.argmax())] == "src/pool.py"


def test_no_more_definitions_than_asked_for(searcher: Searcher) -> None:
    assert [sum(len(file.symbols) for file in searcher.map(limit=limit).files) for limit in (0, 1, 2)] == [0, 1, 2]


def symbol(name: str, line: int, depth: int) -> Symbol:
    return Symbol(name, name, "function", Span(line, line + 1), line, f"def {name}()", depth)


maps = st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=5), max_size=5).map(
    lambda files: MapResult(
        tuple(
            MappedFile(
                f"src/file{at}.py",
                1 / (at + 1),
                tuple(MappedSymbol(symbol(f"f{place}", place, 0), score) for place, score in enumerate(scores)),
            )
            for at, scores in enumerate(files)
        ),
        len(files),
    )
)


@given(maps, st.integers(0, 400), st.sampled_from([len, lambda line: 1]))
def test_a_map_never_costs_more_than_its_budget(result: MapResult, budget: int, cost: Callable[[str], int]) -> None:
    text = fitted(result, budget, cost)
    assert sum(cost(line) for line in text.splitlines(keepends=True)) <= budget


@given(maps)
def test_a_large_budget_shows_everything_in_order(result: MapResult) -> None:
    shown = [one.signature for file in result.files for one in (mapped.symbol for mapped in file.symbols)]
    found = [line[7:].strip() for line in lines(result, 1_000).splitlines() if line.startswith(" ")]
    assert found == shown
