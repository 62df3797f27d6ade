"""The table of chunks, kept in LanceDB: the only module that knows Lance.

One row a chunk, hung on its blob and never on a path. It is what is not done twice: what a file was cut into, and the
vectors. Everything in it is derived from the files: whatever Lance says when it opens or reads a table, the answer is
`DamagedTableError`, and the index is made again.
"""

import contextlib
import importlib.util
import shutil
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kibitz.indexer.errors import DiskFullError
from kibitz.indexer.languages import LANGUAGES
from kibitz.indexer.piece import KINDS, Piece, joined
from kibitz.indexer.ragged import ranges
from kibitz.indexer.vectors import Bytes

if TYPE_CHECKING:
    import pyarrow as pa

TABLE = "chunks"
MARKER = "being-read"
MANY_FRAGMENTS = 50  # every round adds one fragment; reads slow down when there are many small ones
DEADLY_ATTEMPTS = 2  # to read a table, before it is taken for damaged
OLD_VERSIONS = timedelta(hours=1)  # a reader that opened the table before may still be reading it
BLOBS_A_QUERY = 500  # keeps one predicate at about 20 kB

_VECTOR_COLUMNS = ["blob", "key", "check", "vector"]


class DamagedTableError(Exception):
    """Lance cannot open or read the table. Derived data: the caller makes it again."""


class ChunkTable:
    """One Lance table of chunks, made when there is something to put into it.

    Writers hold the index's lock; readers need none.
    """

    def __init__(self, folder: Path, dim: int) -> None:
        self._folder = folder
        self._dim = dim
        self._pending: list[Piece] = []
        self.pending_rows = 0
        self._table: Any = None
        place = folder / f"{TABLE}.lance"
        if any(place.glob("_versions/*.manifest")):
            with self._reading():
                self._table = self._open()
        else:
            shutil.rmtree(place, ignore_errors=True)  # one whose making was broken off
            # The import takes a second of processor time; files are parsed elsewhere meanwhile.
            threading.Thread(target=_lancedb, name="kibitz-import").start()

    def blobs(self) -> dict[str, int]:
        """The blobs that have rows, and how many rows each."""
        if self._table is None:
            return {}
        import pyarrow.compute as pc

        with self._reading():
            got = self._table.search().select(["blob"]).limit(_ALL).to_arrow()
            counted = pc.value_counts(got.column("blob").combine_chunks())
            return {item["values"]: item["counts"] for item in counted.to_pylist()}

    def stage(self, piece: Piece) -> None:
        """Keep the chunks of some files, whose vectors have no paths in them, for the next commit."""
        self._pending.append(piece)
        self.pending_rows += piece.chunks

    def commit(self) -> None:
        """Make the staged rows visible, all in one version."""
        import pyarrow as pa

        if self._pending:
            rows = pa.Table.from_batches([_encode(joined(self._pending), self._schema())])
            with _damage():
                if self._table is None:
                    self._table = self._database().create_table(TABLE, rows)
                else:
                    self._table.add(rows)
            self._pending = []
            self.pending_rows = 0
            pa.default_memory_pool().release_unused()  # what Lance reads next is allocated elsewhere

    def remove(self, blobs: Iterable[str]) -> None:
        """Delete the rows of these blobs."""
        names = sorted(blobs)
        with _damage():
            for at in range(0, len(names), BLOBS_A_QUERY):
                self._table.delete(_among(names[at : at + BLOBS_A_QUERY]))

    def tidy(self) -> None:
        """Merge small fragments and drop old versions, when it is worth it."""
        if self._table is None:
            return
        with self._reading():
            if self._table.stats()["fragment_stats"]["num_fragments"] > MANY_FRAGMENTS:
                self._table.optimize(cleanup_older_than=OLD_VERSIONS)

    def vectors_of(self, blobs: Iterable[str]) -> dict[str, dict[int, Bytes]]:
        """The vectors of these blobs' chunks: by blob, and then by the keys of the chunks' texts.

        Raises:
            DamagedTableError: a row is not what was written; Lance itself does not look.
        """
        found: dict[str, dict[int, Bytes]] = {}
        names = sorted(blobs) if self._table is not None else []
        with self._reading():
            for at in range(0, len(names), BLOBS_A_QUERY):
                got = self._table.search().where(_among(names[at : at + BLOBS_A_QUERY])).select(_VECTOR_COLUMNS)
                rows = got.limit(_ALL).to_arrow()
                vectors = rows.column("vector").combine_chunks().flatten().to_numpy().reshape(-1, self._dim)
                columns = [rows.column(name).to_pylist() for name in ("blob", "key", "check")]
                for blob, key, check, vector in zip(*columns, vectors, strict=True):
                    if check != _check(blob, key, vector):
                        raise DamagedTableError("a row is not what was written")
                    found.setdefault(blob, {})[key] = vector
        return found

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        with _damage():
            self._folder.mkdir(parents=True, exist_ok=True)
            with _survived(self._folder / MARKER):
                yield

    def _open(self) -> Any:
        table = self._database().open_table(TABLE)
        if table.schema != self._schema():
            raise ValueError("another schema")
        return table

    def _database(self) -> Any:
        self._folder.mkdir(parents=True, exist_ok=True)
        return _lancedb().connect(str(self._folder))

    def _schema(self) -> "pa.Schema":
        import pyarrow as pa

        types: dict[str, pa.DataType] = {
            "blob": pa.string(),
            "ordinal": pa.int32(),
            "start": pa.int32(),
            "end": pa.int32(),
            "kind": pa.string(),
            "language": pa.string(),
            "symbol": pa.string(),
            "defines": pa.string(),
            "key": pa.uint64(),
            "check": pa.uint32(),
            "vector": pa.list_(pa.int8(), self._dim),
        }
        return pa.schema([pa.field(name, kind, nullable=False) for name, kind in types.items()])


_REST_CLIENT = "lance_namespace_urllib3_client"


def _lancedb() -> Any:
    """Import LanceDB without the client of remote catalogues that comes with it, which takes as long as all the rest.

    Its package is entered as it stands, so that the models in it are found, but not run: that is what loads the client.
    """
    if _REST_CLIENT not in sys.modules and (spec := importlib.util.find_spec(_REST_CLIENT)):
        sys.modules[_REST_CLIENT] = importlib.util.module_from_spec(spec)
    import lancedb

    return lancedb


_ALL = 1 << 31  # Lance wants a limit


@contextlib.contextmanager
def _damage() -> Iterator[None]:
    """Turn what Lance raises into what the caller can act on.

    Over damaged files it raises about everything, with panics of its own among it.
    """
    try:
        yield
    except (DiskFullError, DamagedTableError, MemoryError):
        raise
    except Exception as error:
        if "No space left" in str(error) or "os error 28" in str(error):
            raise DiskFullError from error
        raise DamagedTableError(str(error)) from error


@contextlib.contextmanager
def _survived(marker: Path) -> Iterator[None]:
    """Notice that reading a table ends the process: over some damages Lance aborts.

    The marker grows by a byte with each attempt and goes when one has been survived. One that was not may have been
    killed by somebody; several in a row were not.

    Raises:
        DamagedTableError: the last attempts have ended their processes.
    """
    with contextlib.suppress(FileNotFoundError):
        if marker.stat().st_size >= DEADLY_ATTEMPTS:
            marker.unlink()
            raise DamagedTableError("reading it has ended the process again and again")
    with contextlib.suppress(OSError), marker.open("ab") as file:  # a full disk can still be read
        file.write(b"x")
    try:
        yield
    finally:
        marker.unlink(missing_ok=True)


def _among(blobs: Iterable[str]) -> str:
    """The predicate that a row's blob is one of these."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in blobs)
    return f"blob IN ({listed})"


def _check(blob: str, key: int, vector: Bytes) -> int:
    """What tells that a row is as it was written."""
    return zlib.crc32(vector.tobytes(), zlib.crc32(f"{blob} {key}".encode()))


def _encode(piece: Piece, schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    names = [blob for blob, size in zip(piece.blobs, piece.sizes.tolist(), strict=True) for _ in range(size)]
    ordinals = ranges(np.zeros(len(piece.sizes), np.int64), piece.sizes)
    columns = [
        pa.array(names, pa.string()),
        pa.array(ordinals, pa.int32()),
        pa.array(np.ascontiguousarray(piece.spans[:, 0])),
        pa.array(np.ascontiguousarray(piece.spans[:, 1])),
        pa.array(KINDS, pa.string()).take(pa.array(piece.codes[:, 0])),
        pa.array(("", *LANGUAGES), pa.string()).take(pa.array(piece.codes[:, 1])),
        pa.array(piece.symbols, pa.string()),
        pa.array(["\n".join(names) for names in piece.defines], pa.string()),
        pa.array(piece.keys),
        pa.array([_check(*row) for row in zip(names, piece.keys.tolist(), piece.vectors, strict=True)], pa.uint32()),
        pa.FixedSizeListArray.from_arrays(pa.array(piece.vectors.reshape(-1)), piece.vectors.shape[1]),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
