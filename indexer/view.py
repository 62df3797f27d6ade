"""What a question sees: the segments of one workspace as one, without the files that the workspace no longer has."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.lexical import NOTHING, Holding, Postings, norms
from kibitz.indexer.piece import KINDS
from kibitz.indexer.ragged import Ints, offsets_of
from kibitz.indexer.segment import Segment
from kibitz.indexer.sieve import Asked
from kibitz.indexer.types import Chunk, Span
from kibitz.indexer.uses import centrality
from kibitz.indexer.vectors import Floats, similarities

_MODULE = KINDS.index("module")


class View:
    """Chunks and files of several segments, numbered through.

    Attributes:
        parts: the segments, and which of each one's files the workspace does not have.
        paths: the files' (f), ascending within a segment only.
        first: (f + 1,) where each file's chunks begin.
        alive: (f,) which files the workspace has.
        files, chunks: how many of them are alive.
        lengths: (n,) terms in each chunk, 0 for dead ones.
    """

    def __init__(self, parts: Sequence[tuple[Segment, Sequence[int]]]) -> None:
        """Put them together; `parts` are segments with the numbers of their dead files."""
        # A file without chunks answers nothing, and arithmetic on the files' chunks wants none that is empty.
        self.parts = tuple((segment, tuple(dead)) for segment, dead in parts if len(segment.paths))
        segments = [segment for segment, _ in self.parts]
        self._chunk_base = offsets_of([len(segment.spans) for segment in segments])
        self._chunk_starts: list[int] = self._chunk_base.tolist()
        self._file_base = offsets_of([len(segment.paths) for segment in segments])
        self.paths = [path for segment in segments for path in segment.paths]
        sizes = [np.diff(segment.first) for segment in segments]
        self.first = offsets_of(np.concatenate(sizes) if sizes else [])
        self.alive = np.ones(len(self.paths), bool)
        for base, (_, dead) in zip(self._file_base.tolist(), self.parts, strict=False):
            if dead:
                self.alive[base + np.array(dead, np.int64)] = False
        self._all_alive = bool(self.alive.all())
        self.files = int(self.alive.sum())
        self.alive_chunks = np.repeat(self.alive, np.diff(self.first))
        self.chunks = int(self.alive_chunks.sum())
        self.lengths = _concatenated([segment.lengths for segment in segments], np.float32)
        if not self._all_alive:
            self.lengths = np.where(self.alive_chunks, self.lengths, np.float32(0))
        self.body = _Across(self, "body", self._chunk_base, self.alive_chunks)
        self.definitions = _Across(self, "definitions", self._chunk_base, self.alive_chunks)
        self.references = _Across(self, "references", self._chunk_base, self.alive_chunks)
        self.stems = _Across(self, "stems", self._file_base, self.alive)
        self.folders = _Across(self, "folders", self._file_base, self.alive)

    @property
    def all_alive(self) -> bool:
        """Whether the workspace has all files of all segments."""
        return self._all_alive

    @cached_property
    def file_of(self) -> Ints:
        """Each chunk's file, (n,)."""
        return np.repeat(np.arange(len(self.paths)), np.diff(self.first))

    @cached_property
    def norms(self) -> NDArray[np.float32]:
        """What the length of each chunk takes from how often it holds a term, (n,)."""
        return norms(self.lengths, self.chunks)

    @cached_property
    def mean_file(self) -> float:
        """How many terms a file has on average."""
        return float(self.lengths.sum(dtype=np.float64)) / max(self.files, 1)

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """Each chunk's kind and language, (n, 2): places in piece.KINDS and in ("", *LANGUAGES)."""
        return np.concatenate([segment.codes for segment, _ in self.parts] or [np.zeros((0, 2), np.uint8)])

    @cached_property
    def between(self) -> NDArray[np.bool_]:
        """Which chunks are code between definitions, (n,)."""
        return _concatenated([segment.codes[:, 0] == _MODULE for segment, _ in self.parts], np.bool_)

    @cached_property
    def stem_words(self) -> Floats:
        """How many different terms each file's name has, (f,)."""
        return _concatenated([segment.stem_words for segment, _ in self.parts], np.float32)

    @cached_property
    def aside(self) -> NDArray[np.bool_]:
        """Which files are tests, examples and the like, (f,)."""
        return _concatenated([segment.aside for segment, _ in self.parts], np.bool_)

    @cached_property
    def centrality(self) -> Floats:
        """How much the workspace leans on each file, (f,), 0 to 1."""
        return centrality([segment.uses for segment, _ in self.parts], self._file_base.tolist()[:-1], self.alive)

    @property
    def lacking(self) -> int:
        """How many chunks have no vector yet."""
        total = 0
        for base, (segment, _) in zip(self._chunk_base.tolist(), self.parts, strict=False):
            if len(segment.lacking):
                total += int((self.alive_chunks[base : base + len(segment.spans)] & segment.lacking).sum())
        return total

    def similarities(self, question: Floats) -> Floats:
        """The cosine of each chunk's vector and a question's unit vector (dim,): (n,), 0 for dead chunks."""
        found = similarities([(segment.vectors, segment.scales) for segment, _ in self.parts], question)
        return found if self._all_alive else np.where(self.alive_chunks, found, np.float32(0))

    def may_hold(self, asked: Asked) -> NDArray[np.bool_]:
        """Which files can hold what is asked for, (f,): see `Sieve.may_hold`."""
        return _concatenated([segment.sieve.may_hold(asked) for segment, _ in self.parts], np.bool_)

    def defining(self, text: str, most: int) -> Iterator[tuple[int, Chunk, str]]:
        """Definitions whose names hold a text: file, chunk without its text, name; `most` names of a segment."""
        for base, (segment, _) in zip(self._chunk_starts, self.parts, strict=False):
            for chunk, name in segment.defining(text, most):
                file = int(self.file_of[base + chunk])
                if self.alive[file]:
                    yield file, segment.chunk(chunk, self.paths[file], ""), name

    def blob(self, file: int) -> str:
        """One file's blob."""
        part = int(np.searchsorted(self._file_base, file, side="right")) - 1
        return self.parts[part][0].blobs[file - int(self._file_base[part])]

    def span(self, number: int) -> Span:
        """One chunk's lines."""
        segment, at = self._place(number)
        return segment.span(at)

    def chunk(self, number: int, path: str, text: str) -> Chunk:
        """One chunk with its text, which no segment holds."""
        segment, at = self._place(number)
        return segment.chunk(at, path, text)

    def parts_of_files(self, files: Ints) -> Iterator[tuple[Segment, Ints, Ints]]:
        """The segments that have some of these files, with their places here and their numbers there."""
        return _parted(self.parts, self._file_base, files)

    def parts_of_chunks(self, chunks: Ints) -> Iterator[tuple[Segment, Ints, Ints]]:
        """The segments that have some of these chunks, with their places here and their numbers there."""
        return _parted(self.parts, self._chunk_base, chunks)

    def _place(self, number: int) -> tuple[Segment, int]:
        part = bisect_right(self._chunk_starts, number) - 1
        return self.parts[part][0], number - self._chunk_starts[part]


class _Across:
    """One kind of postings over all segments."""

    def __init__(self, view: View, name: str, base: Ints, alive: NDArray[np.bool_]) -> None:
        self._postings: list[Postings] = [getattr(segment, name) for segment, _ in view.parts]
        self._bases: list[int] = base.tolist()
        self._alive = None if view.all_alive else alive

    def find(self, keys: Sequence[int]) -> dict[int, Holding]:
        """The living items that hold each of some keys, ascending, and how often each."""
        found: dict[int, list[Holding]] = {}
        for postings, base in zip(self._postings, self._bases, strict=False):
            for key, holding in postings.find(keys, base).items():
                found.setdefault(key, []).append(holding)
        return {key: self._living(parts) for key, parts in found.items()}

    def sizes_of(self, keys: Sequence[int]) -> Ints:
        """How many items hold each of some keys, dead ones among them."""
        return sum((postings.sizes_of(keys) for postings in self._postings), np.zeros(len(keys), np.int64))

    def get(self, key: int) -> Holding:
        """The living items that hold one key, and how often each."""
        return self.find([key]).get(key, NOTHING)

    def _living(self, parts: list[Holding]) -> Holding:
        if len(parts) == 1:
            items, times = parts[0]
        else:
            items, times = (np.concatenate([part[side] for part in parts]) for side in (0, 1))
        if self._alive is None:
            return items, times
        kept = self._alive[items]
        return items[kept], times[kept]


def _parted(
    parts: Sequence[tuple[Segment, tuple[int, ...]]], bases: Ints, numbers: Ints
) -> Iterator[tuple[Segment, Ints, Ints]]:
    if len(parts) == 1:
        yield parts[0][0], np.arange(len(numbers)), numbers
        return
    of_part = bases.searchsorted(numbers, side="right") - 1
    for part in np.unique(of_part).tolist():
        places = (of_part == part).nonzero()[0]
        yield parts[part][0], places, numbers[places] - bases[part]


def _concatenated(parts: Sequence[NDArray], kind: type) -> NDArray:  # type: ignore[type-arg]
    return np.concatenate(parts) if parts else np.zeros(0, kind)
