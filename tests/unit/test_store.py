from pathlib import Path

import numpy as np
import pytest

from kibitz.indexer.errors import IndexerError
from kibitz.indexer.store import MANY_FRAGMENTS, ChunkTable, DamagedTableError, Row, _damage
from kibitz.indexer.terms import Terms, pack
from kibitz.indexer.types import Chunk, Span

DIM = 4


def row(blob: str, ordinal: int = 0, *, text: str = "x = 1", terms: Terms | None = None) -> Row:
    chunk = Chunk("a.py", Span(ordinal * 2, ordinal * 2 + 2), text, "function", "python", "A.b", ("b", "c"))
    return Row(blob, ordinal, chunk, terms or pack({1: 2, 3: 1}))


def vectors(*rows: float) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.outer(np.array(rows, np.float32), np.ones(DIM, np.float32))


def test_rows_are_seen_after_the_commit_and_not_before(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    table.stage([row("one"), row("one", 1)], vectors(1, 2))
    assert table.blobs() == {}
    table.commit()
    assert table.blobs() == {"one": 2}
    assert ChunkTable(tmp_path, DIM).blobs() == {"one": 2}


def test_batches_staged_together_are_one_version(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    before = table.version
    for name in ("one", "two", "three"):
        table.stage([row(name)], vectors(1))
    table.commit()
    table.commit()
    assert table.version == before + 1
    assert table.blobs() == {"one": 1, "two": 1, "three": 1}


def test_columns_come_back_as_they_were_stored(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    table.stage([row("one"), row("one", 1, terms=pack({}))], vectors(0.5, 2))
    table.stage([row("two", terms=pack({2**32 - 1: 999}))], vectors(3))
    table.commit()
    got = table.columns()
    assert [got.blob.names[code] for code in got.blob.codes] == ["one", "one", "two"]
    assert got.ordinal.tolist() == [0, 1, 0]
    assert (got.start.tolist(), got.end.tolist()) == ([0, 2, 0], [2, 4, 2])
    assert [got.symbol.names[code] for code in got.symbol.codes] == ["A.b"] * 3
    assert got.define_offsets.tolist() == [0, 2, 4, 6]
    assert [got.define.names[code] for code in got.define.codes] == ["b", "c"] * 3
    assert got.term_offsets.tolist() == [0, 2, 2, 3]
    assert (got.terms.tolist(), got.counts.tolist()) == ([1, 3, 2**32 - 1], [2, 1, 255])
    assert got.vectors.tolist() == [[0.5] * DIM, [2] * DIM, [3] * DIM]


def test_an_empty_table_has_empty_columns(tmp_path: Path) -> None:
    got = ChunkTable(tmp_path, DIM).columns()
    assert (got.vectors.shape, got.term_offsets.tolist()) == ((0, DIM), [0])


def test_removed_blobs_have_no_rows(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    table.stage([row(name) for name in ("one", "two", "it's")], vectors(1, 2, 3))
    table.commit()
    table.remove(["one", "it's"])
    assert table.blobs() == {"two": 1}


def test_vectors_are_found_by_text_in_the_blobs_asked_for(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    table.stage([row("one", text="a"), row("two", text="b")], vectors(1, 2))
    table.commit()
    found = table.vectors_of(["two"])
    assert list(found) == ["b"]
    assert found["b"].tolist() == [2] * DIM


def test_many_small_fragments_are_merged(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    for number in range(MANY_FRAGMENTS + 1):
        table.stage([row(str(number))], vectors(1))
        table.commit()
    table.tidy()
    assert len(table.blobs()) == MANY_FRAGMENTS + 1
    assert table._table.stats()["fragment_stats"]["num_fragments"] < MANY_FRAGMENTS


def test_a_table_of_another_dimension_is_damaged(tmp_path: Path) -> None:
    ChunkTable(tmp_path, DIM)
    with pytest.raises(DamagedTableError):
        ChunkTable(tmp_path, DIM + 1)


def test_a_full_disk_is_no_damage() -> None:
    with pytest.raises(IndexerError, match="disk is full"), _damage():
        raise RuntimeError("lance error: LanceError(IO): No space left on device (os error 28)")
