"""One round of the one writer: what changed is read, cut, embedded and committed; what did not is left alone."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from kibitz.indexer import segment
from kibitz.indexer.changes import Changes, changes, stamps
from kibitz.indexer.cover import Cover, cover
from kibitz.indexer.coverage import absent_language
from kibitz.indexer.cut import Cut, Task, read_blob
from kibitz.indexer.embed import Embedder, in_workers
from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.fill import Filler, lacking
from kibitz.indexer.layout import Places
from kibitz.indexer.manifest import Entry, Head, Held, Manifest, Passed, Stamp, digest_of, load, load_head, save
from kibitz.indexer.mapped import DamagedFileError
from kibitz.indexer.piece import Piece, joined
from kibitz.indexer.segment import MOST_CHUNKS, Segment
from kibitz.indexer.store import ChunkTable
from kibitz.indexer.vectors import Bytes
from kibitz.indexer.workers import Job, ParsePool
from kibitz.indexer.workspace import Rules, Skipped, Survey, survey

COMMIT_SECONDS = 120.0  # between commits on the way: a kill loses no more than that
SHARE_OF_GARBAGE = 0.5  # of the table's rows, before those that no manifest names are deleted
FEW_ROWS = 1_000  # garbage below this is not worth a commit
ABANDONED_S = 3_600.0  # a temporary file of this age belongs to a process that was killed

Blobs = dict[str, dict[int, Bytes]]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a round is: phase "survey", "parse", "embed", "commit" or "hot"; total 0 when it is not known."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Report:
    """What a round did.

    `files` and `chunks` are the workspace's now, `skipped` counts what was left out by rule. `lacking` are chunks that
    have no vector yet. `warning` is a sentence when the main language of the workspace is missing, `rebuilt` one when
    the index was found damaged and was made again.
    """

    files: int
    chunks: int
    parsed_files: int
    embedded_chunks: int
    removed_files: int
    skipped: Mapping[str, int]
    seconds: float
    version: int
    lacking: int = 0
    warning: str | None = None
    rebuilt: str | None = None


@dataclass
class Round:
    """One round of one writer, which holds the lock.

    `now`, `files` and `passed` are the workspace as this round finds it; `wanted` are the blobs of files that were read
    and are not entered yet. `table` is None where there is none: LanceDB does not run on every processor.
    """

    root: Path
    at: Places
    embedder: Embedder
    rules: Rules
    pool: ParsePool
    progress: Callable[[Progress], None]
    store: bool = True
    parsed_files: int = 0
    embedded: int = 0
    now: dict[str, Stamp] = field(default_factory=dict)
    files: dict[str, Entry] = field(default_factory=dict)
    passed: dict[str, Passed] = field(default_factory=dict)
    table: ChunkTable | None = None
    wanted: dict[str, str] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    waiting: list[Piece] = field(default_factory=list)
    written: list[Held] = field(default_factory=list)
    committed_at: float = field(default_factory=time.monotonic)

    def run(self) -> Report:
        """Go through with it.

        Raises:
            WorkspaceError: the folder cannot be read, or holds nothing to index.
            DamagedTableError: the index has to be dropped first.
        """
        self.progress(Progress("survey", 0, 0))
        started_ns = time.time_ns()
        with ThreadPoolExecutor(1) as beside:  # git takes as long to list the files
            loading = beside.submit(load, self.at.manifest(self.root))
            found = survey(self.root, self.rules)
            old = loading.result()
        self.now = stamps(found)
        diff = changes(old, self.now)
        if old and not diff.read and not diff.removed and not old.head.lacking and self._is_served(old.head):
            return self._report(old, found, 0)
        covered = self._cover(old, diff)
        self._cut(old, covered.missing)
        if not self.files and not (old and old.files):
            raise WorkspaceError(_nothing(self.root, found, self.passed))
        self.progress(Progress("hot", 0, 0))
        self._write_again(covered)
        new = self._manifest(old, covered, started_ns)
        save(new, self.at.manifest(self.root))
        if new.head.lacking:
            new = self._fill(new)
        self._tidy()
        return self._report(new, found, len(diff.removed))

    def _is_served(self, head: Head) -> bool:
        """Whether all segments are there, to the last byte."""
        try:
            for held in head.segments:
                segment.load(self.at.hot, held.segment, check=True)
        except DamagedFileError:
            return False
        return True

    # -- what is there already -----------------------------------------------------------------------------------

    def _cover(self, old: Manifest | None, diff: Changes) -> Cover:
        """Enter the files that segments hold already; the others are missing."""
        segments = self._segments(old)
        self.files = dict(diff.kept)
        self.passed = {path: diff.passed[path] for path in diff.passed.keys() - set(diff.read)}
        if not segments:
            wanted = {path: entry.blob for path, entry in self.files.items() if entry.chunks}
            unread = diff.read
        else:
            unread = []
            self.wanted = self._recognised(diff.read)
            wanted = self.wanted | {path: entry.blob for path, entry in self.files.items() if entry.chunks}
        covered = cover(wanted, segments)
        for path, size in covered.sizes.items():
            self.files[path] = Entry(wanted[path], self.now[path], size)
        missing = sorted([*covered.missing, *unread])
        return Cover(covered.held, covered.again, tuple(missing), covered.sizes)

    def _segments(self, old: Manifest | None) -> list[Segment]:
        """All segments that can be read: this workspace's first, then the largest. Damaged ones are removed."""
        own = [held.segment for held in old.head.segments] if old else []
        found: dict[str, Segment] = {}
        for name in dict.fromkeys([*own, *(path.name for path in self.at.hot.glob(f"*{segment.SUFFIX}"))]):
            try:
                found[name] = segment.load(self.at.hot, name, check=True)
            except DamagedFileError:
                (self.at.hot / name).unlink(missing_ok=True)
        place = {name: at for at, name in enumerate(own)}
        return sorted(found.values(), key=lambda one: (place.get(one.name, len(own)), -len(one.spans), one.name))

    def _recognised(self, paths: Iterable[str]) -> dict[str, str]:
        """Read changed files for their blobs; those without text are entered, those left out are passed."""
        wanted: dict[str, str] = {}
        for path in paths:
            read = read_blob(self.root, path, max_bytes=self.rules.max_bytes)
            if isinstance(read, Skipped):
                self.passed[path] = Passed(read.rule, self.now[path])
            elif read.text:
                wanted[path] = read.blob
            else:
                self.files[path] = Entry(read.blob, self.now[path], 0)
        return wanted

    # -- what is not ---------------------------------------------------------------------------------------------

    def _cut(self, old: Manifest | None, missing: Iterable[str]) -> None:
        """Parse, embed and stage what no segment holds."""
        paths = list(missing)
        if not paths:
            return
        self._open_table()
        self._restage(self.files.keys() - set(paths))
        stored = self._stored(old, paths)
        tasks = [Task(path, self.now[path].size, self._keys(stored, old, path)) for path in paths]
        vectors = {key: vector for by_key in stored.values() for key, vector in by_key.items()}
        done = 0
        with closing(self.pool.cut(self._job, tasks)) as cuts:
            for cut in cuts:
                done += len(cut.piece.paths) + len(cut.skipped)
                self._enter(cut, vectors)
                self.progress(Progress("parse", done, len(paths)))
        self.progress(Progress("commit", 0, 0))
        self._flush()

    @cached_property
    def _job(self) -> Job:
        return Job(self.root, in_workers(self.embedder), self.rules.max_bytes)

    def _open_table(self) -> None:
        if self.store and self.table is None:
            self.table = ChunkTable(self.at.table, self.embedder.dim)
            self.known = self.table.blobs()

    def _restage(self, served: Iterable[str]) -> None:
        """Cut files once more that segments hold and whose rows the table has lost, for their rows alone.

        A table can fall back to an earlier version, or be lost as a whole. Vectors that are asked for over a network
        are not asked for again: the segments have them.
        """
        entries = {path: self.files[path] for path in sorted(served)}
        gone = [path for path, entry in entries.items() if entry.chunks and entry.blob not in self.known]
        if not gone or self.table is None or self._job.embedder is not self.embedder:
            return
        with closing(self.pool.cut(self._job, [Task(path, self.now[path].size) for path in gone])) as cuts:
            for cut in cuts:
                files = zip(cut.piece.paths, cut.piece.blobs, strict=True)
                same = [at for at, (path, blob) in enumerate(files) if entries[path].blob == blob]
                self._stage(cut.piece.take(np.array(same, np.int64)))
                if self.table.pending_rows > MOST_CHUNKS:
                    self.table.commit()

    def _stored(self, old: Manifest | None, paths: Iterable[str]) -> Blobs:
        """The vectors in the table that these files may need: of what they hold, and of what they held."""
        if self.table is None:
            return {}
        blobs = {blob for path in paths for blob in self._blobs(old, path)}
        return self.table.vectors_of(blobs & self.known.keys())

    def _blobs(self, old: Manifest | None, path: str) -> list[str]:
        """What a file holds, as far as that is known, and what it held."""
        entries = [self.files.get(path), old.files.get(path) if old else None]
        return [*filter(None, [self.wanted.get(path)]), *(entry.blob for entry in entries if entry)]

    def _keys(self, stored: Blobs, old: Manifest | None, path: str) -> frozenset[int]:
        return frozenset(key for blob in self._blobs(old, path) for key in stored.get(blob, ()))

    def _enter(self, cut: Cut, stored: Mapping[int, Bytes]) -> None:
        """Enter the files of a cut, stage the rows that the table lacks, keep the rest for a segment."""
        for path, rule in cut.skipped:
            self.files.pop(path, None)
            self.passed[path] = Passed(rule, self.now[path])
        piece = cut.piece
        for path, blob, size in zip(piece.paths, piece.blobs, piece.sizes.tolist(), strict=True):
            self.files[path] = Entry(blob, self.now[path], size)
        self.parsed_files += len(piece.paths)
        self.embedded += int((~piece.lacking).sum())
        piece = _completed(piece, stored)
        self._stage(piece)
        if sum(one.chunks for one in self.waiting) + piece.chunks > MOST_CHUNKS:
            self._flush()
        self.waiting.append(cut.with_paths(piece))
        if time.monotonic() - self.committed_at > COMMIT_SECONDS:
            self._flush()

    def _stage(self, piece: Piece) -> None:
        """Stage the files that the table lacks and that lack no vector."""
        if self.table is None:
            return
        new: list[int] = []
        for at in piece.complete().tolist():
            if piece.blobs[at] not in self.known:
                self.known[piece.blobs[at]] = int(piece.sizes[at])
                new.append(at)
        if new:
            self.table.stage(piece if len(new) == len(piece.blobs) else piece.take(np.array(new)))

    def _flush(self) -> None:
        """Commit what is staged, and then write what is waiting as a segment: from here on it is not lost.

        In this order, for what a segment holds is not cut again: the table would never get its rows.
        """
        if self.table is not None:
            self.table.commit()
        if any(piece.chunks for piece in self.waiting):
            whole, self.waiting = [joined(self.waiting)], []
            self.written.append(Held(segment.write(self.at.hot, whole)))
        self.waiting = []
        self.committed_at = time.monotonic()

    # -- the new state -------------------------------------------------------------------------------------------

    def _write_again(self, covered: Cover) -> None:
        """Put what is alive in small and half-dead segments into new ones."""
        for old, alive in covered.again:
            piece = old.piece(np.array(alive, np.int64))
            if sum(one.chunks for one in self.waiting) + piece.chunks > MOST_CHUNKS:
                self._flush()
            self.waiting.append(piece)
        self._flush()

    def _manifest(self, old: Manifest | None, covered: Cover, started_ns: int) -> Manifest:
        segments = (*covered.held, *self.written)
        head = Head(
            root=str(self.root.resolve()),
            version=old.head.version + 1 if old else 1,
            started_ns=started_ns,
            digest=digest_of(self.files),
            chunks=sum(entry.chunks for entry in self.files.values()),
            lacking=lacking(self.at.hot, segments),
            segments=segments,
        )
        return Manifest(head, self.files, self.passed)

    def _fill(self, manifest: Manifest) -> Manifest:
        """Ask for the vectors that are lacking, a segment at a time."""
        self._open_table()
        total, done = manifest.head.lacking, 0

        def told(count: int) -> None:
            nonlocal done
            done += count
            self.progress(Progress("embed", done, total))

        filler = Filler(self.root, self.at.hot, self.embedder, self.table, told)
        for at, held in enumerate(manifest.head.segments):
            filled = filler.fill(held)
            if filled != held:
                segments = (*manifest.head.segments[:at], filled, *manifest.head.segments[at + 1 :])
                head = replace(manifest.head, segments=segments, lacking=lacking(self.at.hot, segments))
                manifest = replace(manifest, head=head)
                save(manifest, self.at.manifest(self.root))
        self.embedded += filler.embedded
        return manifest

    def _tidy(self) -> None:
        """Drop segments that no manifest names, and rows when there are too many of them."""
        named: set[str] = set()
        live: set[str] = set()
        for path in self.at.manifests.glob("*.json"):
            head = load_head(path)
            if head is None or not Path(head.root).is_dir():
                path.unlink(missing_ok=True)
                continue
            named |= {held.segment for held in head.segments}
            if self.table is not None and (manifest := load(path)):
                live |= manifest.blobs()
        for path in [*self.at.hot.glob("*"), *self.at.manifests.glob("*.tmp")]:
            with suppress(OSError):  # Windows keeps what another process has mapped
                being_written = path.suffix == ".tmp" and time.time() - path.stat().st_mtime < ABANDONED_S
                if path.name not in named and not being_written:
                    path.unlink()
        if self.table is not None:
            garbage = [blob for blob in self.known if blob not in live]
            rows = sum(self.known[blob] for blob in garbage)
            if rows > max(FEW_ROWS, SHARE_OF_GARBAGE * sum(self.known.values())):
                self.table.remove(garbage)
            self.table.tidy()

    def _report(self, manifest: Manifest, found: Survey, removed: int) -> Report:
        passed = {path: one.rule for path, one in manifest.passed.items()}
        rules = [skip.rule for skip in found.skipped] + list(passed.values())
        return Report(
            files=len(manifest.files),
            chunks=manifest.head.chunks,
            parsed_files=self.parsed_files,
            embedded_chunks=self.embedded,
            removed_files=removed,
            skipped=dict(Counter(rules).most_common()),
            seconds=0.0,
            version=manifest.head.version,
            lacking=manifest.head.lacking,
            warning=absent_language(found, manifest.files, passed),
        )


def _completed(piece: Piece, stored: Mapping[int, Bytes]) -> Piece:
    """The piece with the vectors that are known already."""
    rows = [at for at in np.flatnonzero(piece.lacking).tolist() if int(piece.keys[at]) in stored]
    if not rows:
        return piece
    vectors, lacking = piece.vectors.copy(), piece.lacking.copy()
    vectors[rows] = [stored[int(piece.keys[at])] for at in rows]
    lacking[rows] = False
    return piece.with_vectors(vectors, lacking)


def _nothing(root: Path, found: Survey, passed: Mapping[str, Passed]) -> str:
    counted = Counter([skip.rule for skip in found.skipped] + [one.rule for one in passed.values()])
    if not counted:
        return f"There are no files to index in {root}."
    listed = ", ".join(f"{rule} ({count})" for rule, count in counted.most_common(3))
    return f"There are no files to index in {root}: all were left out, by the rules {listed}."
