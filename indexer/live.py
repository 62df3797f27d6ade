"""Files ahead of the index: what an editor shows or has just saved is searched before a round has seen it.

A file is cut in one parser process, which is kept warm while somebody types and ended when nobody does; it comes into
the view as a segment in memory, in the place of what the index has of it. Nothing here is written to a disk.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kibitz.indexer.cut import Task
from kibitz.indexer.embed import Embedder, in_workers
from kibitz.indexer.piece import Piece, joined
from kibitz.indexer.segment import Segment, in_memory
from kibitz.indexer.workers import Job, ParsePool


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as it is now.

    `piece` holds it alone; None when it is gone or left out. `text` is an open document's, None where the file on
    disk is meant.
    """

    piece: Piece | None
    text: str | None = None

    @property
    def blob(self) -> str:
        """What names the content; "" for a file that is gone."""
        return self.piece.blobs[0] if self.piece else ""


class LiveParser:
    """Cuts single files of one workspace. Safe to share between threads, which wait for each other."""

    def __init__(self, root: Path, embedder: Embedder, max_bytes: int) -> None:
        self._job = Job(root, in_workers(embedder), max_bytes)
        self._lock = threading.Lock()
        self._pool = ParsePool(1, lean=True)

    def warm(self) -> None:
        """Start the process, for it takes longer than cutting a file."""
        with self._lock:
            self._pool.start()

    def see(self, documents: Mapping[str, str | None]) -> dict[str, Seen]:
        """Cut files: paths with the text of an open document, or None for the file on disk.

        Raises:
            IndexerError: the process cannot be started.
        """
        tasks = [Task(path, len(text or ""), text=text) for path, text in documents.items()]
        seen = {path: Seen(None) for path in documents}
        with self._lock:
            for cut in self._pool.cut(self._job, tasks):
                whole = cut.with_paths(cut.piece)
                for at, path in enumerate(whole.paths):
                    seen[path] = Seen(whole.take(np.array([at])), documents[path])
        return seen

    def close(self) -> None:
        """End the process; it is started again when it is needed."""
        with self._lock:
            self._pool.close()


def overlaid(
    parts: Iterable[tuple[Segment, tuple[int, ...]]], seen: Mapping[str, Seen]
) -> list[tuple[Segment, tuple[int, ...]]]:
    """The parts of a view with these files in the place of what the parts have of them."""
    replaced = [
        (segment, tuple(sorted({*dead, *(at for at, path in enumerate(segment.paths) if path in seen)})))
        for segment, dead in parts
    ]
    pieces = [one.piece for one in seen.values() if one.piece is not None and one.piece.chunks]
    return [*replaced, (in_memory(joined(pieces)), ())] if pieces else replaced
