"""kibitz/search: what is asked, and what comes back."""

from pathlib import Path
from typing import Any

import pytest

from kibitz.indexer.answer import Freshness
from kibitz.indexer.filters import Filters
from kibitz.indexer.grep import Query
from kibitz.indexer.lookup import Place
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.server.config import Config
from tests.fakes.app import FakeApp
from tests.fakes.wire import ROOT, Refused, at, connected

VERSIONED = {"workspace": {"applyEdit": True, "workspaceEdit": {"documentChanges": True}}}


async def test_hits_name_their_file_and_lines() -> None:
    chunk = Chunk("src/a b.py", Span(4, 6), "def f():\n    pass\n", "function", "python", "f")
    app = FakeApp(hits=[Hit(chunk, 1.5, ("lexical", "vector"))])
    async with connected(app.make) as wire:
        await wire.initialize(workspaceFolders=[{"uri": ROOT, "name": "work"}])
        (hit,) = (await wire.call("kibitz/search", {"query": "f", "k": 5, "within": "src/"}))["hits"]
    assert app.asked == [("search", ("f", 5, "src/"))]
    assert hit == {
        "path": "src/a b.py",
        "uri": "file:///code/src/a%20b.py",
        "start_line": 5,
        "end_line": 6,
        "range": {"start": at(4, 0), "end": at(6, 0)},
        "symbol": "f",
        "kind": "function",
        "language": "python",
        "score": 1.5,
        "legs": ["lexical", "vector"],
        "stale": False,
        "text": "def f():\n    pass\n",
    }


async def test_an_answer_says_which_legs_ran_and_how_near_it_is_to_the_files() -> None:
    app = FakeApp(freshness=Freshness(1.5, True, 3, 2, 7), notes=("Only words were searched.",))
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        answer = await wire.call("kibitz/search", {"query": "f"})
    assert answer == {
        "hits": [],
        "legs": ["lexical", "vector"],
        "freshness": {"indexed_at": 1.5, "indexing": True, "behind": 3, "ahead": 2, "lacking": 7},
        "notes": ["Only words were searched."],
        "reranked_by": "",
    }


async def test_only_a_search_that_asks_for_it_is_reranked() -> None:
    app = FakeApp(hits=[Hit(Chunk(f"{n}.py", Span(0, 1), "x"), 3.0 - n, ("lexical",)) for n in range(3)])
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        typed = await wire.call("kibitz/search", {"query": "f", "k": 2})
        whole = await wire.call("kibitz/search", {"query": "f", "k": 2, "rerank": True})
    assert ([hit["path"] for hit in typed["hits"]], typed["reranked_by"]) == (["0.py", "1.py"], "")
    assert ([hit["path"] for hit in whole["hits"]], whole["reranked_by"]) == (["2.py", "1.py"], "backwards")


async def test_filters_and_regular_expressions_reach_the_app() -> None:
    app = FakeApp()
    filters = {"languages": ["ts", "python"], "globs": ["src/**"], "kinds": ["function"]}
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=ROOT)
        await wire.call("kibitz/search", {"query": "f", "filters": filters})
        await wire.call("kibitz/search", {"query": "f+", "regex": True})
        await wire.call("kibitz/search", {"query": "f+", "fixed": True, "ignoreCase": True, "word": True})
    wanted = Filters(("typescript", "python"), ("src/**",), ("function",))
    assert app.asked == [
        ("search", ("f", 10, "", wanted)),
        ("grep", (Query("f+"), 10, "", None)),
        ("grep", (Query("f+", ignore_case=True, fixed=True, word=True), 10, "", None)),
    ]


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"filters": {"languages": ["pyhton"]}}, "There is no language 'pyhton': did you mean 'python'?"),
        ({"filters": {"kinds": ["functions"]}}, "There is no kind 'functions': did you mean 'function'?"),
        ({"filters": {"globs": [""]}}, "'' is no glob"),
        ({"filters": {"globs": [1]}}, "Invalid params of kibitz/search: filters.globs"),
        ({"filters": {"globs": "src"}}, "Invalid params of kibitz/search: filters.globs"),
        ({"filters": []}, "Invalid params of kibitz/search: filters"),
        ({"regex": "yes"}, "Invalid params of kibitz/search: regex: expected bool"),
        ({"k": 0}, "k must be from 1 to 200, not 0."),
    ],
)
async def test_params_that_are_wrong_are_a_sentence(params: dict[str, Any], sentence: str) -> None:
    async with connected(FakeApp().make) as wire:
        await wire.initialize(rootUri=ROOT)
        with pytest.raises(Refused) as caught:
            await wire.call("kibitz/search", {"query": "f", **params})
    assert caught.value.code == -32602
    assert sentence in caught.value.message


async def test_what_changes_is_told_to_the_app(tmp_path: Path) -> None:
    app = FakeApp(config=Config())
    async with connected(app.make) as wire:
        await wire.initialize(rootUri=tmp_path.as_uri())
        await wire.until(lambda: app.told == [[]])
        wire.notify("textDocument/didSave", {"textDocument": {"uri": (tmp_path / "a.py").as_uri()}})
        await wire.until(lambda: app.told[1:] == [["a.py"]])


async def test_symbols_of_the_workspace_are_definitions_with_their_lines() -> None:
    places = [
        Place("src/a.py", "Shop.sell", "method", Span(4, 7), (5,), "def sell(self)"),
        Place("b.md", "Selling", "section", Span(0, 2), (0,), "# Selling"),
    ]
    app = FakeApp(places=places)
    async with connected(app.make) as wire:
        result = await wire.initialize(rootUri=ROOT)
        method, section = await wire.call("workspace/symbol", {"query": "sel"})
    assert result["capabilities"]["workspaceSymbolProvider"]
    assert app.asked == [("symbols", ("sel", 200))]
    lines = {"start": at(4, 0), "end": at(7, 0)}
    location = {"uri": "file:///code/src/a.py", "range": lines}
    assert method == {"name": "sell", "kind": 6, "location": location, "containerName": "Shop"}
    assert (section["name"], section["containerName"]) == ("Selling", "b.md")
