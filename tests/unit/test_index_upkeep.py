"""What rounds leave on disk, and what they clear away."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from kibitz.indexer import round as indexing_round
from kibitz.indexer.manifest import load, load_head, save
from kibitz.indexer.search import Searcher
from tests.fakes.index_bench import FILES, Bench, write


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def segments_kept(bench: Bench) -> set[str]:
    return {path.name for path in bench.at.hot.iterdir()}


def segments_named(bench: Bench, *roots: Path) -> set[str]:
    heads = [load_head(bench.at.manifest(root)) for root in roots or (bench.root,)]
    return {held.segment for head in heads if head for held in head.segments}


def test_only_segments_that_a_workspace_needs_are_kept(bench: Bench) -> None:
    bench.update()
    before = segments_kept(bench)
    write(bench.root, {"more.py": "def brand_new():\n    pass\n"})
    bench.update()
    assert before < segments_kept(bench) == segments_named(bench)
    write(bench.root, {path: f"def changed_{path[-4]}():\n    pass\n" for path in FILES})
    bench.update()
    assert segments_kept(bench) == segments_named(bench)
    assert not before & segments_kept(bench)


def test_many_small_rounds_leave_few_segments_and_a_whole_index(bench: Bench) -> None:
    bench.update()
    for turn in range(30):
        write(bench.root, {f"m{turn % 7}.py": f"def turn_{turn}_zebra():\n    pass\n"})
        bench.update()
        assert segments_kept(bench) == segments_named(bench)
    assert len(segments_kept(bench)) <= 12
    searcher = Searcher.open(bench.root, cache_dir=bench.cache, embedder=bench.embedder)
    found = [hit.chunk.path for hit in searcher.search("zebra", 20, legs=("lexical",))]
    assert sorted(found) == [f"m{number}.py" for number in range(7)]


def test_what_a_killed_process_was_writing_goes_after_a_while(bench: Bench) -> None:
    bench.update()
    fresh, old = bench.at.hot / "a.seg.1.tmp", bench.at.hot / "a.seg.2.tmp"
    fresh.write_bytes(b"x")
    old.write_bytes(b"x")
    os.utime(old, (1, 1))
    os.utime(bench.root / "README.md")
    bench.update()
    assert (fresh.exists(), old.exists()) == (True, False)


def test_rows_that_nothing_names_are_dropped_when_they_are_most(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexing_round, "FEW_ROWS", 0)
    bench.update()
    for turn in range(2):
        write(bench.root, {path: f"def changed_{turn}_{path[-4]}():\n    pass\n" for path in FILES})
        bench.update()
    write(bench.root, {"app/retry.py": FILES["app/retry.py"]})
    assert bench.update().embedded_chunks == 1
    assert bench.found("backoff")[0] == "app/retry.py"


def test_a_workspace_that_is_gone_keeps_no_rows(bench: Bench, tmp_path: Path) -> None:
    bench.update()
    manifest = load(bench.at.manifest(bench.root))
    assert manifest is not None
    stray = bench.at.manifests / "0123.json"
    save(replace(manifest, head=replace(manifest.head, root="/gone")), stray)
    os.utime(bench.root / "README.md")
    bench.update()
    assert not stray.exists()
