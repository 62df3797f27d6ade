"""An index on a processor that LanceDB does not run on: everything works but the memory of earlier contents."""

from pathlib import Path

import pytest

from kibitz.indexer import index
from kibitz.indexer.layout import places
from kibitz.indexer.search import Searcher
from tests.fakes.embedder import HashEmbedder
from tests.fakes.parsing import InProcessPool


def test_search_works_without_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "missing_for_store", lambda: "This processor has no AVX2.")
    root, cache, embedder = tmp_path / "work", tmp_path / "cache", HashEmbedder()
    root.mkdir()
    for number in range(3):
        (root / f"f{number}.py").write_text(f"def only_in_{number}():\n    return {number}\n", "utf-8")
    report = index.update(root, cache_dir=cache, embedder=embedder, pool=InProcessPool())
    assert (report.files, report.embedded_chunks, report.rebuilt) == (3, 3, None)
    searcher = Searcher.open(root, cache_dir=cache, embedder=embedder)
    assert searcher.search("only_in_1")[0].chunk.path == "f1.py"
    (root / "f1.py").write_text("def changed_since():\n    return 1\n", "utf-8")
    again = index.update(root, cache_dir=cache, embedder=embedder, pool=InProcessPool())
    assert (again.parsed_files, again.rebuilt) == (1, None)
    assert searcher.refresh()
    assert searcher.search("changed_since")[0].chunk.path == "f1.py"
    assert not places(root, cache, embedder).table.exists()
