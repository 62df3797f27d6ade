from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer import store
from kibitz.indexer.cut import Cutter, Parsed, embedded_text
from kibitz.indexer.errors import IndexerError
from kibitz.indexer.piece import Piece, key_of
from kibitz.indexer.store import MANY_FRAGMENTS, ChunkTable, DamagedTableError, _damage
from tests.fakes.embedder import HashEmbedder
from tests.fakes.pieces import parsed

DIM = 4


def piece(**texts: Sequence[str]) -> Piece:
    """A file for each blob, with a chunk for each text."""
    files = [Parsed("a.py", blob, parsed("a.py", of).chunks) for blob, of in texts.items()]
    return Cutter(HashEmbedder(DIM)).cut(files).piece


def test_rows_are_seen_after_the_commit_and_not_before(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    table.stage(piece(one=["x", "y"]))
    assert (table.blobs(), table.pending_rows) == ({}, 2)
    table.commit()
    assert (table.blobs(), table.pending_rows) == ({"one": 2}, 0)
    assert ChunkTable(tmp_path, DIM).blobs() == {"one": 2}


def test_batches_staged_together_are_one_version(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    for name in ("one", "two", "three"):
        table.stage(piece(**{name: ["x"]}))
    table.commit()
    table.commit()
    assert len(table._table.list_versions()) == 1
    assert table.blobs() == {"one": 1, "two": 1, "three": 1}


def test_rows_say_what_was_cut(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    made = piece(one=["alpha beta", "", "gamma"], two=["delta"])
    table.stage(made)
    table.commit()
    rows = table._table.search().to_arrow().to_pylist()
    assert [(row["blob"], row["ordinal"]) for row in rows] == [("one", 0), ("one", 1), ("one", 2), ("two", 0)]
    assert [[row["start"], row["end"]] for row in rows] == made.spans.tolist()
    chunks = [*parsed("a.py", ["alpha beta", "", "gamma"]).chunks, *parsed("a.py", ["delta"]).chunks]
    for row, chunk in zip(rows, chunks, strict=True):
        assert (row["kind"], row["language"], row["symbol"]) == (chunk.kind, chunk.language, chunk.symbol)
        assert (row["defines"], row["key"]) == ("\n".join(chunk.defines), key_of(embedded_text(chunk, header=False)))
    assert [row["vector"] for row in rows] == made.vectors.tolist()


def test_an_empty_table_has_no_blobs(tmp_path: Path) -> None:
    assert ChunkTable(tmp_path, DIM).blobs() == {}
    assert ChunkTable(tmp_path, DIM).vectors_of(["one"]) == {}


def test_removed_blobs_have_no_rows(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    table.stage(piece(**{"one": ["x"], "two": ["x"], "it's": ["x"]}))
    table.commit()
    table.remove(["one", "it's"])
    assert table.blobs() == {"two": 1}


def test_vectors_are_found_by_text_in_the_blobs_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BLOBS_A_QUERY", 2)
    names = [f"blob{number}" for number in range(7)]
    table = ChunkTable(tmp_path, DIM)
    made = piece(**{name: [f"x{at}", "shared words"] for at, name in enumerate(names)})
    table.stage(made)
    table.commit()
    found = table.vectors_of([*names[:5], "none"])
    assert found.keys() == set(names[:5])
    for at, name in enumerate(names[:5]):
        assert found[name].keys() == {key_of(f"x{at} x{at}\nx{at}"), key_of("shared shared words\nshared words")}
        for row, key in enumerate(made.keys.tolist()[2 * at : 2 * at + 2]):
            assert found[name][key].tolist() == made.vectors[2 * at + row].tolist()


@given(st.integers(0, 2**64 - 1), st.integers(0, DIM - 1), st.integers(1, 255))
def test_a_row_that_is_not_what_was_written_is_told(key: int, at: int, change: int) -> None:
    vector = np.array([1, -2, 127, 0], np.int8)
    other = vector.copy()
    other[at] = (int(other[at]) + 128 + change) % 256 - 128
    assert store._check("one", key, vector) != store._check("one", key, other)
    assert store._check("one", key, vector) != store._check("two", key, vector)
    assert store._check("one", key, vector) != store._check("one", key ^ 1, vector)


def test_a_changed_row_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = ChunkTable(tmp_path, DIM)
    with monkeypatch.context() as patched:
        patched.setattr(store, "_check", lambda *row: 7)
        table.stage(piece(one=["x"]))
        table.commit()
    with pytest.raises(DamagedTableError, match="not what was written"):
        table.vectors_of(["one"])


def test_many_small_fragments_are_merged(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    made = piece(one=["x"])
    for number in range(MANY_FRAGMENTS + 1):
        table.stage(replace(made, blobs=[str(number)]))
        table.commit()
    table.tidy()
    assert len(table.blobs()) == MANY_FRAGMENTS + 1
    assert table._table.stats()["fragment_stats"]["num_fragments"] < MANY_FRAGMENTS


def test_a_table_of_another_dimension_is_damaged(tmp_path: Path) -> None:
    table = ChunkTable(tmp_path, DIM)
    table.stage(piece(one=["x"]))
    table.commit()
    with pytest.raises(DamagedTableError):
        ChunkTable(tmp_path, DIM + 1)


def test_a_full_disk_is_no_damage() -> None:
    with pytest.raises(IndexerError, match="disk is full"), _damage():
        raise RuntimeError("lance error: LanceError(IO): No space left on device (os error 28)")
