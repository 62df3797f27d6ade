"""Vectors for chunks that are searched by their words alone so far: from an embedder that is asked over a network.

A round that needs such vectors is done with everything else first. Here they are asked for in batches, kept in the
table as soon as a file has all of its own, and come into the hot copy a segment at a time: whatever happens on the way,
nothing is asked for twice.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kibitz.indexer import segment
from kibitz.indexer.cut import blob_of, embedded_text
from kibitz.indexer.embed import Embedder
from kibitz.indexer.errors import EmbedderBusyError
from kibitz.indexer.lines import split_lines
from kibitz.indexer.manifest import Held
from kibitz.indexer.piece import Piece
from kibitz.indexer.ragged import Ints, offsets_of
from kibitz.indexer.read import cut_line, read_source
from kibitz.indexer.segment import Segment
from kibitz.indexer.store import ChunkTable
from kibitz.indexer.types import Chunk, Span
from kibitz.indexer.vectors import Bytes, quantised
from kibitz.indexer.view import View
from kibitz.indexer.workspace import Skipped

BATCH_CHUNKS = 256  # asked for together; the embedder makes requests of a size that its endpoint takes
COMMIT_SECONDS = 20.0

Told = Callable[[int], None]


@dataclass
class Filler:
    """Fills the segments of one workspace.

    `told` hears how many more chunks have a vector; `kept` are the blobs and keys of rows that the table has.
    """

    root: Path
    hot: Path
    embedder: Embedder
    table: ChunkTable | None
    told: Told
    embedded: int = 0
    kept: set[tuple[str, int]] = field(default_factory=set)

    def fill(self, held: Held) -> Held:
        """A segment in which all living files have their vectors, or this one where there is nothing to do.

        A file that has changed meanwhile is left as it is: the next round cuts it again.
        """
        old = segment.load(self.hot, held.segment)
        if not len(old.lacking):
            return held
        piece = old.piece(alive(old, held))
        if not piece.lacking.any():
            return Held(segment.write(self.hot, [piece]))
        try:
            filled = self._filled(piece)
        finally:
            self._commit()
        return Held(segment.write(self.hot, [filled]))

    def _filled(self, piece: Piece) -> Piece:
        vectors, lacking = piece.vectors.copy(), piece.lacking.copy()
        known = self._known(piece)
        committed_at = time.monotonic()
        for files, rows, texts in self._batches(piece):
            fresh = [at for at, row in enumerate(rows) if int(piece.keys[row]) not in known]
            busy = self._ask(piece, [rows[at] for at in fresh], [texts[at] for at in fresh], known)
            have = [row for row in rows if int(piece.keys[row]) in known]
            vectors[have] = [known[int(piece.keys[row])] for row in have]
            lacking[have] = False
            self.told(len(have))
            self._stage(piece.with_vectors(vectors, lacking).take(np.array(files, np.int64)))
            if busy is not None:
                raise busy
            if time.monotonic() - committed_at > COMMIT_SECONDS:
                self._commit()
                committed_at = time.monotonic()
        return piece.with_vectors(vectors, lacking)

    def _ask(
        self, piece: Piece, rows: Sequence[int], texts: Sequence[str], known: dict[int, Bytes]
    ) -> EmbedderBusyError | None:
        """Ask for the vectors of some rows; what says that the rest of them comes later."""
        if not rows:
            return None
        busy: EmbedderBusyError | None = None
        try:
            made = self.embedder.embed(texts)
        except EmbedderBusyError as error:
            busy = error
            made = error.vectors if error.vectors is not None else np.zeros((0, self.embedder.dim), np.float32)
        self.embedded += len(made)
        known.update(zip((int(piece.keys[row]) for row in rows), quantised(made), strict=False))
        return busy

    def _known(self, piece: Piece) -> dict[int, Bytes]:
        """What the table has already: a fill that was broken off left it there."""
        if self.table is None:
            return {}
        stored = self.table.vectors_of(set(piece.blobs))
        self.kept |= {(blob, key) for blob, by_key in stored.items() for key in by_key}
        return {key: vector for by_key in stored.values() for key, vector in by_key.items()}

    def _stage(self, piece: Piece) -> None:
        """Keep what the table lacks. One content has other vectors under another path, with which its texts begin."""
        if self.table is None:
            return
        first = offsets_of(piece.sizes)
        new: list[int] = []
        for at in piece.complete().tolist():
            rows = {(piece.blobs[at], key) for key in piece.keys[first[at] : first[at + 1]].tolist()}
            if not rows <= self.kept:
                new.append(at)
                self.kept |= rows
        if new:
            self.table.stage(piece.take(np.array(new, np.int64)))

    def _batches(self, piece: Piece) -> Iterator[tuple[list[int], list[int], list[str]]]:
        """Whole files: their numbers, their rows that lack a vector, and those rows' texts."""
        first = offsets_of(piece.sizes)
        files: list[int] = []
        rows: list[int] = []
        texts: list[str] = []
        for at in range(len(piece.paths)):
            wanted = [row for row in range(int(first[at]), int(first[at + 1])) if piece.lacking[row]]
            if not wanted or (found := self._texts(piece, at, wanted)) is None:
                continue
            files.append(at)
            rows += wanted
            texts += found
            if len(rows) >= BATCH_CHUNKS:
                yield files, rows, texts
                files, rows, texts = [], [], []
        if files:
            yield files, rows, texts

    def _texts(self, piece: Piece, at: int, rows: Sequence[int]) -> list[str] | None:
        """The texts that are embedded of a file's chunks; None when it is not what was cut any more."""
        path = piece.paths[at]
        read = read_source(self.root, path)
        if isinstance(read, Skipped) or blob_of(path, *read).blob != piece.blobs[at]:
            return None
        lines = split_lines(read[1])
        texts: list[str] = []
        for row in rows:
            start, end = (int(line) for line in piece.spans[row])
            chunk = Chunk(path, Span(start, end), "".join(map(cut_line, lines[start:end])))
            texts.append(embedded_text(chunk, header=True))
        return texts

    def _commit(self) -> None:
        if self.table is not None:
            self.table.commit()


def alive(one: Segment, held: Held) -> Ints:
    """The numbers of the files of a segment that a workspace has."""
    dead = set(held.dead)
    return np.array([at for at in range(len(one.paths)) if at not in dead], np.int64)


def lacking(hot: Path, every: Sequence[Held]) -> int:
    """How many living chunks of these segments have no vector yet."""
    return View([(segment.load(hot, held.segment), held.dead) for held in every]).lacking
