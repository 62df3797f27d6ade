"""Answer questions from the hot copy."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer import hot, rank
from kibitz.indexer.embed import Embedder
from kibitz.indexer.errors import NotIndexedError
from kibitz.indexer.files import open_regular
from kibitz.indexer.grep import MOST_BYTES, grep
from kibitz.indexer.layout import Places, places
from kibitz.indexer.lexical import bm25
from kibitz.indexer.manifest import Manifest, load
from kibitz.indexer.mapped import DamagedFileError
from kibitz.indexer.read import cut_line, decode, split_lines
from kibitz.indexer.signals import Signals, signals
from kibitz.indexer.terms import query_terms
from kibitz.indexer.types import Hit

LEGS = ("lexical", "vector")


class Searcher:
    """Answers questions about one workspace; safe to share between threads once it is open."""

    def __init__(self, root: Path, at: Places, embedder: Embedder) -> None:
        self._root = root
        self._at = at
        self._embedder = embedder
        self._seen = _seen(at.manifest(root))
        # One reference, replaced as a whole: a search in another thread sees the old state or the new one.
        self._state = _opened(root, at, embedder)

    @classmethod
    def open(cls, root: Path, *, cache_dir: Path, embedder: Embedder) -> "Searcher":
        """Open the index of a workspace.

        Raises:
            NotIndexedError: there is none that can be read.
        """
        return cls(root, places(root, cache_dir, embedder), embedder)

    @property
    def version(self) -> int:
        """The version of the index that answers."""
        return self._state[0].version

    @property
    def copy(self) -> hot.HotCopy:
        """The hot copy that answers."""
        return self._state[1]

    def refresh(self) -> bool:
        """Follow the index if a round has finished since; True when there is something new."""
        seen = _seen(self._at.manifest(self._root))
        if seen == self._seen:
            return False
        before = self._state[0].digest
        self._seen, self._state = seen, _opened(self._root, self._at, self._embedder)
        return self._state[0].digest != before

    def search(
        self, query: str, k: int = 10, *, within: str = "", per_file: int = 1, legs: Sequence[str] = LEGS
    ) -> list[Hit]:
        """The k chunks that answer a question best, best first.

        Args:
            query: words, a question, or the name of a symbol.
            k: how many hits at most.
            within: only files in this folder (or this one file), relative to the workspace, with "/".
            per_file: how many chunks of one file may be shown.
            legs: which legs to ask, "lexical" and "vector".
        """
        if k < 1 or not query.strip():
            return []
        manifest, copy = self._state
        if not copy.paths:
            return []
        found = signals(copy, query, self._legs(copy, query, legs), _inside(copy, within))
        chosen = rank.pick(found.files, found.chunks, copy.first, k, per_file)
        return list(islice(_hits(self._root, manifest, copy, chosen, found), k))

    def grep(self, pattern: str, k: int = 10, *, within: str = "") -> list[Hit]:
        """The first k lines of the indexed files that match a regular expression, in the order of paths.

        Raises:
            PatternError: the expression does not compile.
        """
        paths = self._state[1].paths
        inside = _inside(self._state[1], within)
        return grep(self._root, sorted(path for path, wanted in zip(paths, inside, strict=True) if wanted), pattern, k)

    def _legs(self, copy: hot.HotCopy, query: str, legs: Sequence[str]) -> dict[str, rank.Scores]:
        scores: dict[str, rank.Scores] = {}
        if "lexical" in legs:
            scores["lexical"] = bm25(copy.body, copy.lengths, query_terms(query))
        if "vector" in legs:
            scores["vector"] = hot.similarities(copy, self._embedder.embed_query(query))
        return scores


def _seen(manifest: Path) -> tuple[int, int] | None:
    """What tells that a manifest has been replaced."""
    try:
        status = manifest.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _opened(root: Path, at: Places, embedder: Embedder) -> tuple[Manifest, hot.HotCopy]:
    manifest = _manifest(root, at)
    with contextlib.suppress(DamagedFileError):
        return manifest, hot.load(hot.hot_path(at.hot, manifest))
    # A round that finished in between has dropped the copy of the manifest that was just read: look again.
    manifest = _manifest(root, at)
    with contextlib.suppress(DamagedFileError):
        return manifest, hot.load(hot.hot_path(at.hot, manifest))
    return manifest, _rebuilt(root, at, embedder, manifest)


def _manifest(root: Path, at: Places) -> Manifest:
    manifest = load(at.manifest(root))
    if manifest is None:
        raise NotIndexedError(f"{root} is not indexed yet: run `kibitz index` there first.")
    return manifest


def _rebuilt(root: Path, at: Places, embedder: Embedder, manifest: Manifest) -> hot.HotCopy:
    """Make a lost or damaged hot copy again from the table."""
    from kibitz.indexer.store import ChunkTable, DamagedTableError

    path = hot.hot_path(at.hot, manifest)
    try:
        hot.save(path, hot.build(manifest, ChunkTable(at.table, embedder.dim).columns(), embedder))
        return hot.load(path)
    except (DamagedTableError, DamagedFileError, KeyError, OSError) as error:
        raise NotIndexedError(f"The index of {root} is damaged: run `kibitz index` there to make it again.") from error


def _inside(copy: hot.HotCopy, within: str) -> NDArray[np.bool_]:
    """Which files a question may see, (f,)."""
    folder = within.strip("/")
    if folder in {"", "."}:
        return np.ones(len(copy.paths), bool)
    folder = folder.removeprefix("./")
    return np.array([path == folder or path.startswith(folder + "/") for path in copy.paths], bool)


def _hits(
    root: Path, manifest: Manifest, copy: hot.HotCopy, chosen: Iterable[tuple[int, float]], found: Signals
) -> Iterator[Hit]:
    """The chosen chunks that can still be shown, with their texts."""
    files: dict[str, tuple[list[str], bool] | None] = {}
    for number, score in chosen:
        path = copy.paths[int(copy.file_of[number])]
        if path not in files:
            files[path] = _read(root, path, manifest)
        read = files[path]
        span = copy.span(number)
        if read is None or span.start >= len(read[0]):
            continue
        text = "".join(map(cut_line, read[0][span.start : span.end]))
        legs = tuple(name for name, chunks in found.found.items() if chunks[number])
        yield Hit(copy.chunk(number, path, text), score, legs, stale=read[1])


def _read(root: Path, path: str, manifest: Manifest) -> tuple[list[str], bool] | None:
    """A file's lines, and whether it has changed since it was indexed; None when it is gone or huge."""
    stamp = manifest.files[path].stamp
    try:
        with open_regular(root / path, max(stamp.size, MOST_BYTES)) as file:
            status = os.fstat(file.fileno())
            decoded = decode(file.read())
    except OSError:
        return None
    if decoded is None:
        return None
    return split_lines(decoded[0]), (status.st_size, status.st_mtime_ns) != (stamp.size, stamp.mtime_ns)
