"""Vectors from an embedder that is asked after a round has made the words searchable."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from kibitz.indexer import fill, segment
from kibitz.indexer.cut import Cutter, parse_file
from kibitz.indexer.embed import Elsewhere, Vectors
from kibitz.indexer.fill import Filler, lacking
from kibitz.indexer.manifest import Held
from kibitz.indexer.store import ChunkTable
from kibitz.indexer.vectors import quantised
from tests.fakes.embedder import HashEmbedder

DIM = 16


class Far(HashEmbedder):
    """Breaks off after some texts, as a network does."""

    def __init__(self, most: int = 1_000) -> None:
        super().__init__(DIM, name="far", paths=False)
        self.most = most

    def embed(self, texts: Sequence[str]) -> Vectors:
        if len(self.embedded) + len(texts) > self.most:
            raise ConnectionError
        return super().embed(texts)


class Bench:
    """A workspace whose only segment lacks all vectors."""

    def __init__(self, tmp_path: Path) -> None:
        self.root, self.hot = tmp_path / "work", tmp_path / "hot"
        self.root.mkdir()
        for number in range(6):
            (self.root / f"f{number}.py").write_text(f"def part_{number}():\n    return {number}\n", "utf-8")
        (self.root / "again.py").write_text("def part_0():\n    return 0\n", "utf-8")
        self.paths = sorted(path.name for path in self.root.iterdir())
        parsed = [parse_file(self.root, path) for path in self.paths]
        self.held = Held(segment.write(self.hot, [Cutter(Elsewhere("far", DIM)).cut(parsed).piece]))
        self.table = ChunkTable(tmp_path / "table", DIM)
        self.told: list[int] = []

    def filler(self, embedder: Far, *, table: bool = True) -> Filler:
        return Filler(self.root, self.hot, embedder, self.table if table else None, self.told.append)

    def text(self, path: str) -> str:
        return f"{path}\n" + (self.root / path).read_text("utf-8")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(fill, "BATCH_CHUNKS", 2)
    return Bench(tmp_path)


@pytest.mark.parametrize("table", [True, False])
def test_every_chunk_gets_the_vector_of_its_text_below_its_path(bench: Bench, table: bool) -> None:
    assert lacking(bench.hot, [bench.held]) == 7
    embedder = Far()
    filled = bench.filler(embedder, table=table).fill(bench.held)
    assert lacking(bench.hot, [filled]) == 0
    one = segment.load(bench.hot, filled.segment, check=True)
    assert one.paths == bench.paths
    assert np.array_equal(one.vectors, quantised(Far().embed([bench.text(path) for path in bench.paths])))
    assert sorted(embedder.embedded) == sorted(bench.text(path) for path in bench.paths)
    assert sum(bench.told) == 7
    assert bench.filler(Far(0)).fill(filled) == filled


def test_what_was_asked_for_before_it_broke_off_is_not_asked_for_again(bench: Bench) -> None:
    first, second = Far(4), Far()
    with pytest.raises(ConnectionError):
        bench.filler(first).fill(bench.held)
    assert len(first.embedded) == 4
    filled = bench.filler(second).fill(bench.held)
    assert sorted(first.embedded + second.embedded) == sorted(bench.text(path) for path in bench.paths)
    assert lacking(bench.hot, [filled]) == 0


def test_a_file_that_has_changed_since_is_left_to_the_next_round(bench: Bench) -> None:
    (bench.root / "f3.py").write_text("def other():\n    return 3\n", "utf-8")
    (bench.root / "f4.py").unlink()
    embedder = Far()
    filled = bench.filler(embedder).fill(bench.held)
    one = segment.load(bench.hot, filled.segment)
    assert [path for path, gone in zip(one.paths, one.lacking, strict=True) if gone] == ["f3.py", "f4.py"]
    assert len(embedder.embedded) == 5
    assert len(bench.table.blobs()) == 4  # two files of the five are one content


def test_dead_files_are_not_asked_for(bench: Bench) -> None:
    held = Held(bench.held.segment, (0, 1))
    assert lacking(bench.hot, [held]) == 5
    embedder = Far()
    filled = bench.filler(embedder).fill(held)
    assert segment.load(bench.hot, filled.segment).paths == bench.paths[2:]
    assert len(embedder.embedded) == 5
