"""The table of chunks, kept in LanceDB: the only module that knows Lance.

One row a chunk, hung on its blob and never on a path. Everything in it is derived from the files: whatever Lance says
when it opens or reads a table, the answer is `DamagedTableError`, and the index is made again.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.errors import DiskFullError
from kibitz.indexer.terms import Terms
from kibitz.indexer.types import Chunk

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "chunks"
MANY_FRAGMENTS = 50  # every round adds one fragment; reads slow down when there are many small ones
OLD_VERSIONS = timedelta(hours=1)  # a reader that opened the table before may still be reading it
BLOBS_A_DELETE = 500  # keeps one predicate at about 35 kB

HOT_COLUMNS = (
    "blob", "ordinal", "start", "end", "kind", "symbol", "defines", "language", "terms", "counts", "vector",
)  # fmt: skip


class DamagedTableError(Exception):
    """Lance cannot open or read the table. Derived data: the caller makes it again."""


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk as it is stored: its blob, its place in the blob, and its terms."""

    blob: str
    ordinal: int
    chunk: Chunk
    terms: Terms


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of strings: `names[codes[i]]` is row i's."""

    codes: NDArray[np.int32]
    names: list[str]


@dataclass(frozen=True, slots=True)
class Columns:
    """All rows of a table but their texts, column by column.

    `defines` and `terms` are ragged: row i's part is `[offsets[i]:offsets[i + 1]]`. `vectors` is (rows, dim).
    """

    blob: Coded
    ordinal: NDArray[np.int32]
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    kind: Coded
    language: Coded
    symbol: Coded
    define_offsets: NDArray[np.int64]
    define: Coded
    term_offsets: NDArray[np.int64]
    terms: NDArray[np.uint32]
    counts: NDArray[np.uint8]
    vectors: NDArray[np.float16]


class ChunkTable:
    """One Lance table of chunks. Writers hold the index's lock; readers need none."""

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim
        self._pending: list[pa.RecordBatch] = []
        self.pending_rows = 0
        with _damage():
            self._table = self._open()

    @property
    def version(self) -> int:
        """The version of the last commit."""
        return int(self._table.version)

    def blobs(self) -> dict[str, int]:
        """The blobs that have rows, and how many rows each."""
        import pyarrow.compute as pc

        with _damage():
            got = self._table.search().select(["blob"]).limit(_ALL).to_arrow()
            counted = pc.value_counts(got.column("blob").combine_chunks())
            return {item["values"]: item["counts"] for item in counted.to_pylist()}

    def stage(self, rows: Sequence[Row], vectors: NDArray[np.float32]) -> None:
        """Keep rows and their (n, dim) vectors for the next commit."""
        self._pending.append(_encode(rows, vectors, self._schema()))
        self.pending_rows += len(rows)

    def commit(self) -> None:
        """Make the staged rows visible, all in one version."""
        import pyarrow as pa

        if self._pending:
            with _damage():
                self._table.add(pa.Table.from_batches(self._pending))
            self._pending = []
            self.pending_rows = 0
            pa.default_memory_pool().release_unused()  # what Lance reads next is allocated elsewhere

    def remove(self, blobs: Iterable[str]) -> None:
        """Delete the rows of these blobs."""
        names = sorted(blobs)
        with _damage():
            for at in range(0, len(names), BLOBS_A_DELETE):
                listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names[at : at + BLOBS_A_DELETE])
                self._table.delete(f"blob IN ({listed})")

    def tidy(self) -> None:
        """Merge small fragments and drop old versions, when it is worth it."""
        with _damage():
            if self._table.stats()["fragment_stats"]["num_fragments"] > MANY_FRAGMENTS:
                self._table.optimize(cleanup_older_than=OLD_VERSIONS)

    def columns(self) -> Columns:
        """Everything but the texts."""
        with _damage():
            got = self._table.search().select(list(HOT_COLUMNS)).limit(_ALL).to_arrow()
            return _columns(got, self._dim)

    def vectors_of(self, blobs: Iterable[str]) -> dict[str, NDArray[np.float16]]:
        """The vectors of these blobs' chunks, by the chunks' texts."""
        found: dict[str, NDArray[np.float16]] = {}
        names = sorted(blobs)
        with _damage():
            for at in range(0, len(names), BLOBS_A_DELETE):
                listed = ", ".join(f"'{name}'" for name in names[at : at + BLOBS_A_DELETE])
                query = self._table.search().where(f"blob IN ({listed})").select(["text", "vector"]).limit(_ALL)
                got = query.to_arrow()
                vectors = _matrix(got.column("vector").combine_chunks(), self._dim)
                found.update(zip(got.column("text").to_pylist(), vectors, strict=True))
        return found

    def _open(self) -> Any:
        import lancedb

        self._folder.mkdir(parents=True, exist_ok=True)
        database = lancedb.connect(str(self._folder))
        if (self._folder / f"{TABLE}.lance").exists():
            table = database.open_table(TABLE)
            if table.schema != self._schema():
                raise ValueError("another schema")
            return table
        return database.create_table(TABLE, schema=self._schema())

    def _schema(self) -> "pa.Schema":
        import pyarrow as pa

        types: dict[str, pa.DataType] = {
            "id": pa.string(),
            "blob": pa.string(),
            "ordinal": pa.int32(),
            "start": pa.int32(),
            "end": pa.int32(),
            "kind": pa.string(),
            "symbol": pa.string(),
            "defines": pa.list_(pa.string()),
            "language": pa.string(),
            "text": pa.string(),
            "terms": pa.list_(pa.uint32()),
            "counts": pa.list_(pa.uint8()),
            "vector": pa.list_(pa.float16(), self._dim),
        }
        return pa.schema([pa.field(name, kind, nullable=False) for name, kind in types.items()])


_ALL = 1 << 31  # Lance wants a limit


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """Turn what Lance raises into what the caller can act on."""
    try:
        yield
    except (RuntimeError, ValueError, OSError, KeyError) as error:
        if "No space left" in str(error) or "os error 28" in str(error):
            raise DiskFullError from error
        raise DamagedTableError(str(error)) from error


def _encode(rows: Sequence[Row], vectors: NDArray[np.float32], schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    chunks = [row.chunk for row in rows]
    ids = [np.frombuffer(row.terms.ids, np.uint32) for row in rows]
    counts = [np.frombuffer(row.terms.counts, np.uint8) for row in rows]
    offsets = np.zeros(len(rows) + 1, np.int32)
    np.cumsum([len(one) for one in ids], out=offsets[1:])
    flat = vectors.astype(np.float16).reshape(-1)
    columns = [
        pa.array([f"{row.blob}:{row.ordinal}" for row in rows], pa.string()),
        pa.array([row.blob for row in rows], pa.string()),
        pa.array([row.ordinal for row in rows], pa.int32()),
        pa.array([chunk.span.start for chunk in chunks], pa.int32()),
        pa.array([chunk.span.end for chunk in chunks], pa.int32()),
        pa.array([chunk.kind for chunk in chunks], pa.string()),
        pa.array([chunk.symbol for chunk in chunks], pa.string()),
        pa.array([list(chunk.defines) for chunk in chunks], pa.list_(pa.string())),
        pa.array([chunk.language for chunk in chunks], pa.string()),
        pa.array([chunk.text for chunk in chunks], pa.string()),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(ids), pa.uint32())),
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(np.concatenate(counts), pa.uint8())),
        pa.FixedSizeListArray.from_arrays(pa.array(flat), vectors.shape[1]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _columns(got: "pa.Table", dim: int) -> Columns:
    def plain(name: str) -> Any:
        return got.column(name).combine_chunks()

    define_offsets, defines = _ragged(plain("defines"))
    term_offsets, terms = _ragged(plain("terms"))
    _, counts = _ragged(plain("counts"))
    return Columns(
        blob=_coded(plain("blob")),
        ordinal=plain("ordinal").to_numpy(),
        start=plain("start").to_numpy(),
        end=plain("end").to_numpy(),
        kind=_coded(plain("kind")),
        language=_coded(plain("language")),
        symbol=_coded(plain("symbol")),
        define_offsets=define_offsets,
        define=_coded(defines),
        term_offsets=term_offsets,
        terms=terms.to_numpy(),
        counts=counts.to_numpy(),
        vectors=_matrix(plain("vector"), dim),
    )


def _coded(strings: Any) -> Coded:
    encoded = strings.dictionary_encode()
    return Coded(encoded.indices.to_numpy().astype(np.int32), encoded.dictionary.to_pylist())


def _ragged(lists: Any) -> tuple[NDArray[np.int64], Any]:
    offsets = lists.offsets.to_numpy().astype(np.int64)
    return offsets - offsets[0], lists.flatten()


def _matrix(vectors: Any, dim: int) -> NDArray[np.float16]:
    flat: NDArray[np.float16] = vectors.flatten().to_numpy()
    return flat.reshape(-1, dim)
