"""Answer questions from the hot copy, without opening the table."""

import contextlib
import threading
from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from kibitz.indexer import lookup, segment
from kibitz.indexer.answer import Freshness
from kibitz.indexer.embed import Embedder
from kibitz.indexer.errors import NotIndexedError, WorkspaceError
from kibitz.indexer.filters import NO_FILTERS, Filters, chunks_inside, files_inside
from kibitz.indexer.graph import Graph
from kibitz.indexer.grep import MOST_SECONDS, Grepped, Query, grep
from kibitz.indexer.housekeeping import mark_used
from kibitz.indexer.layout import Places, places
from kibitz.indexer.live import Seen, overlaid
from kibitz.indexer.lookup import Place, Sources
from kibitz.indexer.manifest import Head, load_head
from kibitz.indexer.map import Focus, MapResult, repository_map
from kibitz.indexer.mapped import DamagedFileError
from kibitz.indexer.outline import Symbol
from kibitz.indexer.queries import REFERENCE_KINDS
from kibitz.indexer.question import read_question
from kibitz.indexer.retrieve import Legs, ask_legs, retrieve
from kibitz.indexer.shown import Shown
from kibitz.indexer.spelling import respelt
from kibitz.indexer.symbol_search import symbols_like
from kibitz.indexer.types import Hit
from kibitz.indexer.view import View
from kibitz.indexer.wanted import Wanted

LEGS = ("lexical", "vector")
PER_FILE = 3  # so many chunks of one file are shown at most, where they are likely enough


class Searcher:
    """Answers questions about one workspace; safe to share between threads once it is open."""

    def __init__(self, root: Path, at: Places, embedder: Embedder) -> None:
        self._root = root
        self._at = at
        self._embedder = embedder
        self._seen = _seen(at.manifest(root))
        self._sources = Sources(root)
        self._texts = Shown(root)
        self._lock = threading.Lock()
        self._graph: Graph | None = None
        self._graph_lock = threading.Lock()
        self._ahead: dict[str, Seen] = {}
        # One reference, replaced as a whole: a search in another thread sees the old state or the new one.
        self._state = _opened(root, at)

    @classmethod
    def open(cls, root: Path, *, cache_dir: Path, embedder: Embedder) -> "Searcher":
        """Open the index of a workspace.

        Raises:
            NotIndexedError: there is none that can be read.
        """
        at = places(root, cache_dir, embedder)
        searcher = cls(root, at, embedder)
        mark_used(at.folder)
        return searcher

    @property
    def version(self) -> int:
        """The version of the index that answers."""
        return self._state.head.version

    @property
    def view(self) -> View:
        """The files and chunks that answer."""
        return self._state.view

    @property
    def lacking(self) -> int:
        """How many chunks have no vector yet: of those only words are searched."""
        return self._state.head.lacking

    @property
    def freshness(self) -> Freshness:
        """How near the answers are to the files, as far as the index tells."""
        state = self._state
        return Freshness(
            indexed_at=state.head.started_ns / 1e9,
            indexing=self._at.is_being_written(),
            ahead=len(state.seen),
            lacking=state.head.lacking,
        )

    def is_ahead(self, path: str) -> bool:
        """Whether a file was put ahead of the index."""
        return path in self._ahead

    def refresh(self) -> bool:
        """Follow the index if a round has finished since; True when there is something new."""
        seen = _seen(self._at.manifest(self._root))
        if seen == self._seen:
            return False
        with self._lock:
            before = self._state.head
            opened = _opened(self._root, self._at)
            blobs = _blobs(opened.parts, self._ahead)
            self._ahead = {path: one for path, one in self._ahead.items() if one.blob != blobs.get(path, "")}
            self._seen, self._state = seen, opened.ahead(self._ahead)
        return (self._state.head.digest, self._state.head.lacking) != (before.digest, before.lacking)

    def knows(self, path: str) -> bool:
        """Whether a file is one that the index has or that was put ahead of it."""
        return path in self._ahead or any(_has(one, dead, path) for one, dead in self._state.parts)

    def put_ahead(self, seen: Mapping[str, Seen]) -> None:
        """Answer from these files as they are now, until a round has seen them."""
        with self._lock:
            self._ahead = {**self._ahead, **seen}
            self._state = self._state.ahead(self._ahead)

    def search(
        self,
        query: str,
        k: int = 10,
        *,
        within: str = "",
        per_file: int = PER_FILE,
        legs: Sequence[str] = LEGS,
        filters: Filters = NO_FILTERS,
    ) -> list[Hit]:
        """The k chunks that answer a question best, best first.

        Args:
            query: words, a question, or the name of a symbol.
            k: how many hits at most.
            within: only files in this folder (or this one file), relative to the workspace, with "/".
            per_file: how many chunks of one file may be shown.
            legs: which legs to ask, "lexical" and "vector".
            filters: which files and chunks may be shown; the others count for nothing.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        query = read_question(query).text
        if k < 1 or not query:
            return []
        state = self._state
        view = state.view
        if not view.files:
            return []
        with _undamaged(self._root, self._at, state):
            inside, shown = files_inside(view, within, filters), chunks_inside(view, filters)
            wanted = Wanted(respelt(query, view.body.sizes_of))
            vector = self._embedder.embed_query(query) if "vector" in legs else None
            said = ask_legs(view, wanted, vector, lexical="lexical" in legs, shown=shown)
            chosen = retrieve(view, wanted, said, inside=inside, shown=shown, k=k, per_file=per_file)
            return list(islice(_hits(self._texts, state, chosen, said), k))

    def grep(
        self,
        pattern: str,
        k: int = 10,
        *,
        within: str = "",
        ignore_case: bool = False,
        fixed: bool = False,
        word: bool = False,
        filters: Filters = NO_FILTERS,
        seconds: float = MOST_SECONDS,
    ) -> Grepped:
        """The first k lines of the indexed files that match a regular expression, in the order of paths.

        Args:
            pattern: an expression in the language of `kibitz.indexer.pattern`; with `fixed`, a text.
            k: how many lines at most.
            within: only files in this folder (or this one file), relative to the workspace, with "/".
            ignore_case: whether letters match in either case.
            fixed: whether the pattern is a text to be found as it is.
            word: whether only whole words match.
            filters: which files may be searched, and in which chunks of them a line may stand.
            seconds: how long it may take, about.

        Raises:
            PatternError: the expression is wrong.
            NotIndexedError: the index turns out to be damaged.
        """
        state = self._state
        files, shown = files_inside(state.view, within, filters), chunks_inside(state.view, filters)
        query = Query(pattern, ignore_case, fixed, word)
        with _undamaged(self._root, self._at, state):
            return grep(self._root, state.view, state.seen, query, k, files=files, shown=shown, seconds=seconds)

    def definitions(self, name: str, k: int = 50, *, within: str = "") -> list[Place]:
        """The first k places where a name is defined; see lookup.definitions.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        with self.answering() as (view, sources):
            return lookup.definitions(view, sources, name, k, within=within)

    def names(self, text: str, k: int = 50) -> list[str]:
        """Names of definitions that hold a text, in no order that means anything; some may be gone since."""
        with self.answering() as (view, _):
            found = [name for part, _ in view.parts for name in part.names_holding(text, k)]
        return list(dict.fromkeys(found))[:k]

    def symbols(self, begun: str, k: int = 50) -> list[Place]:
        """The k definitions whose names hold a piece best; see symbol_search.symbols_like.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        with self.answering() as (view, sources):
            return symbols_like(view, sources, begun, k)

    def references(
        self, name: str, k: int = 100, *, kinds: Sequence[str] = REFERENCE_KINDS, within: str = ""
    ) -> list[Place]:
        """The first k places that refer to a name; see lookup.references.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        with self.answering() as (view, sources):
            return lookup.references(view, sources, name, k, kinds=kinds, within=within)

    def callers(self, name: str, k: int = 100, *, within: str = "") -> list[Place]:
        """The first k definitions that call a name; see lookup.callers.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        with self.answering() as (view, sources):
            return lookup.callers(view, sources, name, k, within=within)

    def outline(self, path: str) -> tuple[Symbol, ...]:
        """The definitions of an indexed file, in the order of its text, outer ones first.

        Raises:
            WorkspaceError: the index has no such file, or it cannot be read.
        """
        if not self.knows(path):
            raise WorkspaceError(f"{path} is not in the index: `kibitz status {path}` says why.")
        with self.answering() as (_, sources):
            text = sources.text(path)
            if text is None:
                raise WorkspaceError(f"{path} cannot be read.")
            return sources.structure(path, text).symbols

    def map(
        self, *, open: Sequence[str] = (), mentioned: Sequence[str] = (), edited: Sequence[str] = (), limit: int = 200
    ) -> MapResult:
        """The files that the workspace leans on most, pulled to what is in focus; see map.repository_map.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        with self.answering() as (view, sources):
            graph = self._graph_of(view)
            return repository_map(graph, view, sources, Focus(tuple(open), tuple(mentioned), tuple(edited)), limit)

    def _graph_of(self, view: View) -> Graph:
        """The graph of a view, made from that of the view before it."""
        with self._graph_lock:
            if self._graph is None or not self._graph.is_of(view):
                self._graph = Graph(view, self._graph)
            return self._graph

    @contextlib.contextmanager
    def answering(self) -> Iterator[tuple[View, Sources]]:
        """What there is to answer from, files put ahead of the index included.

        Raises:
            NotIndexedError: the index turns out to be damaged.
        """
        state = self._state
        with _undamaged(self._root, self._at, state):
            yield state.view, self._sources.with_ahead(state.seen)


@dataclass(frozen=True, slots=True)
class _State:
    """An index as it was opened, with the files that are ahead of it."""

    head: Head
    parts: tuple[tuple[segment.Segment, tuple[int, ...]], ...]
    view: View
    seen: Mapping[str, Seen]

    def ahead(self, seen: Mapping[str, Seen]) -> "_State":
        """The same index with other files ahead of it."""
        view = View(overlaid(self.parts, seen) if seen else self.parts)
        return replace(self, view=view, seen=dict(seen))


def _seen(manifest: Path) -> tuple[int, int] | None:
    """What tells that a manifest has been replaced."""
    try:
        status = manifest.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _opened(root: Path, at: Places) -> _State:
    """Map what the manifest names.

    Raises:
        NotIndexedError: there is no index that can be read.
    """
    manifest = at.manifest(root)
    before: Head | None = None
    while True:
        head = load_head(manifest)
        if head is None:
            raise NotIndexedError(f"{root} is not indexed yet: run `kibitz index` there first.")
        try:
            parts = [(segment.load(at.hot, held.segment), held.dead) for held in head.segments]
        except DamagedFileError as error:
            if head == before:
                raise _damaged(root) from error
            before = head  # A round may have finished in between, and dropped the segments that this manifest names.
            continue
        view = View(parts)
        return _State(head, view.parts, view, {})


def _damaged(root: Path) -> NotIndexedError:
    return NotIndexedError(f"The index of {root} is damaged: run `kibitz index` there to make it again.")


@contextlib.contextmanager
def _undamaged(root: Path, at: Places, state: _State) -> Iterator[None]:
    """Tell damage from a mistake of ours: opening a segment does not look at all of it, so that some shows in use."""
    try:
        yield
    except (IndexError, ValueError, DamagedFileError) as error:
        try:
            for one, _ in state.parts:
                segment.load(at.hot, one.name, check=True)
        except DamagedFileError:
            raise _damaged(root) from error
        raise


def _hits(texts: Shown, state: _State, chosen: Iterable[tuple[int, float]], said: Legs) -> Iterator[Hit]:
    """The chosen chunks that can still be shown, with their texts."""
    view, reading = state.view, texts.reading(state.seen)
    for number, score in chosen:
        file = int(view.file_of[number])
        path, span = view.paths[file], view.span(number)
        text, stale = reading.text(path, view.blob(file), span.start, span.end)
        if text:
            yield Hit(view.chunk(number, path, text), score, said.found(number), stale=stale)


def _blobs(parts: Iterable[tuple[segment.Segment, tuple[int, ...]]], paths: Container[str]) -> dict[str, str]:
    """The blobs of those of these files that the parts have."""
    return {
        path: one.blobs[at]
        for one, dead in parts
        for at, path in enumerate(one.paths)
        if path in paths and at not in dead
    }


def _has(one: segment.Segment, dead: Sequence[int], path: str) -> bool:
    """Whether a file is one of those of a segment that are alive."""
    at = bisect_left(one.paths, path)
    return at < len(one.paths) and one.paths[at] == path and at not in dead
