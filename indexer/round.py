"""One round of the one writer: what changed is read, cut, embedded and committed; what did not is left alone."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer import hot
from kibitz.indexer.changes import Changes, changes, stamps
from kibitz.indexer.embed import Embedder
from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.layout import Places
from kibitz.indexer.manifest import Entry, Manifest, Passed, Stamp, digest_of, load, save
from kibitz.indexer.mapped import DamagedFileError
from kibitz.indexer.store import ChunkTable, DamagedTableError, Row
from kibitz.indexer.terms import Lexed, lex
from kibitz.indexer.workers import parse_files, read_blob
from kibitz.indexer.workspace import Rules, Skipped, Survey, survey

EMBED_BATCH = 1024  # chunks embedded and encoded together
COMMIT_ROWS = 25_000  # a first round over a very large workspace commits on the way, so that a kill loses little,
COMMIT_SECONDS = 120.0  # and so does one whose embedder is slow
SHARE_OF_GARBAGE = 0.5  # of the table's rows, before those that no manifest names are deleted
ABANDONED_S = 3_600.0  # a temporary file of this age belongs to a process that was killed
FEW_ROWS = 1_000  # garbage below this is not worth a commit


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round is: phase "survey", "parse", "embed", "commit" or "hot"; total 0 when it is not known."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a round did.

    `files` and `chunks` are the workspace's now, `skipped` counts what was left out by rule. `rebuilt` is a sentence
    for the user when the index was found damaged and was made again.
    """

    files: int
    chunks: int
    parsed_files: int
    embedded_chunks: int
    removed_files: int
    skipped: Mapping[str, int]
    seconds: float
    version: int
    rebuilt: str | None = None


@dataclass
class Round:
    """One round of one writer, which holds the lock.

    `now`, `files` and `passed` are the workspace as this round finds it; `known` are the table's blobs with how many
    rows each has, those that this round stages included.
    """

    root: Path
    at: Places
    embedder: Embedder
    rules: Rules
    workers: int
    progress: Callable[[Progress], None]
    parsed_files: int = 0
    embedded: int = 0
    cut: int = 0
    now: dict[str, Stamp] = field(default_factory=dict)
    files: dict[str, Entry] = field(default_factory=dict)
    passed: dict[str, Passed] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    reusable: dict[str, NDArray[np.float16]] = field(default_factory=dict)
    committed_at: float = field(default_factory=time.monotonic)

    def run(self) -> Report:
        """Go through with it.

        Raises:
            WorkspaceError: the folder cannot be read, or holds nothing to index.
            DamagedTableError: the table has to be dropped first.
        """
        self.progress(Progress("survey", 0, 0))
        started_ns = time.time_ns()
        found = survey(self.root, self.rules)
        old = load(self.at.manifest(self.root))
        self.now = stamps(found)
        diff = changes(old, self.now)
        removed = len(diff.removed)
        if old and not diff.read and not removed and self._is_served(old):
            return self._report(old, found, removed)
        self.files, self.passed = dict(diff.kept), dict(diff.passed)
        table = ChunkTable(self.at.table, self.embedder.dim)
        self.known = table.blobs()
        todo = self._recognise(diff, old)
        if old:
            replaced = {old.files[path].blob for path in todo if path in old.files}
            self.reusable = table.vectors_of(replaced & self.known.keys())
        self._parse(table, todo)
        if not self.files and not (old and old.files):
            raise WorkspaceError(_nothing(self.root, found, self.passed))
        self.progress(Progress("commit", 0, 0))
        table.commit()
        where = str(self.root.resolve())
        new = Manifest(where, self.files, self.passed, table.version, started_ns, digest_of(self.files))
        self._serve(table, new)
        save(new, self.at.manifest(self.root))
        self._tidy(table)
        return self._report(new, found, removed)

    def _is_served(self, manifest: Manifest) -> bool:
        try:
            hot.load(hot.hot_path(self.at.hot, manifest))
        except DamagedFileError:
            return False
        return True

    def _recognise(self, diff: Changes, old: Manifest | None) -> list[str]:
        """Enter the files whose blob is in the table already, and return those that have to be parsed."""
        todo = [path for path, entry in diff.kept.items() if entry.chunks and entry.blob not in self.known]
        empty = {entry.blob for entry in old.files.values() if not entry.chunks} if old else set()
        sizes = {**self.known, **dict.fromkeys(empty, 0)}
        if not sizes:
            return sorted([*todo, *diff.read])
        for path in diff.read:
            read = read_blob(self.root, path, max_bytes=self.rules.max_bytes)
            if isinstance(read, Skipped):
                self.passed[path] = Passed(read.rule, self.now[path])
            elif read.blob in sizes:
                self.files[path] = Entry(read.blob, self.now[path], sizes[read.blob])
            else:
                todo.append(path)
        return sorted(todo)

    def _parse(self, table: ChunkTable, todo: Sequence[str]) -> None:
        """Parse, embed and stage; commits on the way only in very long rounds."""
        if not todo:
            return
        waiting: list[Row] = []
        parsing = parse_files(self.root, todo, workers=self.workers, max_bytes=self.rules.max_bytes, after=lex)
        with contextlib.closing(cast("Generator[Lexed]", parsing)) as stream:
            for done, lexed in enumerate(stream, 1):
                waiting += self._entered(lexed)
                self.progress(Progress("parse", done, len(todo)))
                if len(waiting) >= EMBED_BATCH:
                    self._embed(table, waiting)
                    waiting = []
        if waiting:
            self._embed(table, waiting)

    def _entered(self, lexed: Lexed) -> list[Row]:
        """Enter a parsed file, and return the rows that its blob still needs."""
        parsed = lexed.parsed
        self.files.pop(parsed.path, None)
        if parsed.skipped:
            self.passed[parsed.path] = Passed(parsed.skipped.rule, self.now[parsed.path])
            return []
        self.parsed_files += 1
        self.files[parsed.path] = Entry(parsed.blob, self.now[parsed.path], len(parsed.chunks))
        if parsed.blob in self.known or not parsed.chunks:
            return []
        self.known[parsed.blob] = len(parsed.chunks)
        self.cut += len(parsed.chunks)
        return _rows(lexed)

    def _embed(self, table: ChunkTable, rows: list[Row]) -> None:
        texts = [row.chunk.text for row in rows]
        fresh = [at for at, text in enumerate(texts) if text not in self.reusable]
        vectors = np.empty((len(rows), self.embedder.dim), np.float32)
        if fresh:
            vectors[fresh] = self.embedder.embed([self._embedded_text(rows[at]) for at in fresh])
        for at, text in enumerate(texts):
            if text in self.reusable:
                vectors[at] = self.reusable[text]
        self.embedded += len(fresh)
        table.stage(rows, vectors)
        self.progress(Progress("embed", self.embedded, self.cut))
        if table.pending_rows >= COMMIT_ROWS or time.monotonic() - self.committed_at > COMMIT_SECONDS:
            table.commit()
            self.committed_at = time.monotonic()

    def _embedded_text(self, row: Row) -> str:
        if self._has_path_vectors():
            return row.chunk.text
        return f"{row.chunk.path}\n{row.chunk.text}"

    def _has_path_vectors(self) -> bool:
        return self.embedder.embed_paths([]) is not None

    def _serve(self, table: ChunkTable, manifest: Manifest) -> None:
        """Make the hot copy before the manifest that names it, so that no reader has to wait for one."""
        self.progress(Progress("hot", 0, 0))
        if self._is_served(manifest):
            return
        try:
            parts = hot.build(manifest, table.columns(), self.embedder)
        except KeyError as error:
            raise DamagedTableError(str(error)) from error
        hot.save(hot.hot_path(self.at.hot, manifest), parts)

    def _tidy(self, table: ChunkTable) -> None:
        """Drop hot copies that no manifest names, and rows when there are too many of them."""
        live: set[str] = set()
        served: set[str] = set()
        for path in self.at.manifests.glob("*.json"):
            manifest = load(path)
            if manifest is None or not Path(manifest.root).is_dir():
                path.unlink(missing_ok=True)
                continue
            live |= manifest.blobs()
            served.add(hot.hot_path(self.at.hot, manifest).name)
        for path in [*self.at.hot.iterdir(), *self.at.manifests.glob("*.tmp")]:
            with contextlib.suppress(OSError):  # Windows keeps what another process has mapped
                being_written = path.suffix == ".tmp" and time.time() - path.stat().st_mtime < ABANDONED_S
                if path.name not in served and not being_written:
                    path.unlink()
        garbage = [blob for blob in self.known if blob not in live]
        rows = sum(self.known[blob] for blob in garbage)
        if rows > max(FEW_ROWS, SHARE_OF_GARBAGE * sum(self.known.values())):
            table.remove(garbage)
        table.tidy()

    def _report(self, manifest: Manifest, found: Survey, removed: int) -> Report:
        rules = [skip.rule for skip in found.skipped] + [one.rule for one in manifest.passed.values()]
        return Report(
            files=len(manifest.files),
            chunks=manifest.chunks,
            parsed_files=self.parsed_files,
            embedded_chunks=self.embedded,
            removed_files=removed,
            skipped=dict(Counter(rules).most_common()),
            seconds=0.0,
            version=manifest.version,
        )


def _rows(lexed: Lexed) -> list[Row]:
    chunks = lexed.parsed.chunks
    return [
        Row(lexed.parsed.blob, ordinal, chunk, terms)
        for ordinal, (chunk, terms) in enumerate(zip(chunks, lexed.terms, strict=True))
    ]


def _nothing(root: Path, found: Survey, passed: Mapping[str, Passed]) -> str:
    counted = Counter([skip.rule for skip in found.skipped] + [one.rule for one in passed.values()])
    if not counted:
        return f"There are no files to index in {root}."
    listed = ", ".join(f"{rule} ({count})" for rule, count in counted.most_common(3))
    return f"There are no files to index in {root}: all were left out, by the rules {listed}."
