"""Bring an index up to date: what changed is read, cut, embedded and committed; what did not is left alone."""

import contextlib
import gc
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from kibitz.indexer.changes import changes, stamps
from kibitz.indexer.coverage import absent_language
from kibitz.indexer.embed import Embedder, Waits
from kibitz.indexer.errors import IndexBusyError, IndexerError
from kibitz.indexer.files import room
from kibitz.indexer.housekeeping import collect_now_and_then, mark_used
from kibitz.indexer.layout import Places, places
from kibitz.indexer.manifest import load
from kibitz.indexer.plan import Plan, plan
from kibitz.indexer.processor import missing_for_store
from kibitz.indexer.round import Progress, Report, Round
from kibitz.indexer.store import DamagedTableError
from kibitz.indexer.workers import ParsePool
from kibitz.indexer.workspace import Rules, survey

__all__ = ["IndexStatus", "Plan", "Progress", "Report", "plan", "status", "update"]

LOCK_WAIT_S = 10.0
_RARELY = 200_000  # new objects between two looks
DEFAULT_RULES = Rules()


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """The state of a workspace's index.

    `bytes` is what it takes on disk, shared with the repository's other worktrees, and `disk` says for what. `behind`
    is how many files have been added, changed or removed since. `indexed_at` is when the last round began, in seconds
    since 1970. `warning` is a sentence when the main language is missing.
    """

    indexed: bool
    files: int = 0
    chunks: int = 0
    bytes: int = 0
    version: int = 0
    indexed_at: float = 0.0
    behind: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    disk: Mapping[str, int] = field(default_factory=dict)
    warning: str | None = None


def _silent(progress: Progress) -> None:
    del progress


def update(
    root: Path,
    *,
    cache_dir: Path,
    embedder: Embedder,
    rules: Rules = DEFAULT_RULES,
    workers: int = 2,
    progress: Callable[[Progress], None] = _silent,
    rebuild: bool = False,
    lock_wait_s: float = LOCK_WAIT_S,
    pool: ParsePool | None = None,
    budget_bytes: int | None = None,
) -> Report:
    """Bring the index of a workspace up to date.

    `budget_bytes` is what all indexes of the cache directory may take: now and then the ones used longest ago go.
    `pool` are parser processes that outlive this call; without them up to `workers` are started and ended.

    A round that is stopped at any instant, by Ctrl-C or a kill, leaves what was committed before, and the next one
    goes on from there. A damaged table is made anew.

    Raises:
        WorkspaceError: the folder cannot be read, or holds nothing to index.
        IndexBusyError: another process is writing this index.
        EmbedderBusyError: the embedder will give the rest of the vectors later; all else is done.
        IndexerError: the disk is full, or a new table cannot be read either.
    """
    began = time.monotonic()
    at = places(root, cache_dir, embedder)
    if isinstance(embedder, Waits):
        embedder.on_wait = lambda seconds: progress(Progress("wait", round(seconds), 0))
    store = not missing_for_store()
    own = contextlib.nullcontext(pool) if pool else ParsePool(workers)
    with _writer(at, root, lock_wait_s), own as started, _few_collections():
        notice = None
        if rebuild:
            _drop(at)
        try:
            report = Round(root, at, embedder, rules, started, progress, store=store).run()
        except DamagedTableError as damage:
            reason = " ".join(str(damage).split())[:120]
            notice = f"The index was damaged and has been made again ({reason})."
            _drop(at)
            report = _again(Round(root, at, embedder, rules, started, progress, store=store), root)
        mark_used(at.folder)
    if budget_bytes is not None:
        collect_now_and_then(cache_dir, budget_bytes, keep=[at.folder])
    return replace(report, seconds=time.monotonic() - began, rebuilt=notice)


def status(root: Path, *, cache_dir: Path, embedder: Embedder, rules: Rules = DEFAULT_RULES) -> IndexStatus:
    """What is indexed, and how far behind it is. Reads no file's content and opens no table.

    Raises:
        WorkspaceError: the folder cannot be read.
    """
    at = places(root, cache_dir, embedder)
    found = survey(root, rules, ignored=True)
    manifest = load(at.manifest(root))
    if manifest is None:
        return IndexStatus(indexed=False)
    diff = changes(manifest, stamps(found))
    passed = {path: one.rule for path, one in diff.passed.items()}
    rules_hit = [skip.rule for skip in found.skipped] + list(passed.values())
    disk = {"table": _bytes_below(at.table), "hot": _bytes_below(at.hot), "manifests": _bytes_below(at.manifests)}
    return IndexStatus(
        indexed=True,
        files=len(manifest.files),
        chunks=manifest.head.chunks,
        bytes=sum(disk.values()),
        version=manifest.head.version,
        indexed_at=manifest.head.started_ns / 1e9,
        behind=len(set(diff.read) - diff.passed.keys()) + len(diff.removed),
        skipped=dict(Counter(rules_hit).most_common()),
        disk=disk,
        warning=absent_language(found, manifest.files, passed),
    )


def _bytes_below(folder: Path) -> int:
    """What the files below a folder take; those that a round removes meanwhile do not count."""
    total = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{inside}/{name}").st_size
    return total


def _again(made: Round, root: Path) -> Report:
    """A round into a new table. If that is damaged as well, then no third one will do."""
    try:
        return made.run()
    except DamagedTableError as damage:
        raise IndexerError(f"The index of {root} was made again and still cannot be read: {damage}.") from damage


@contextlib.contextmanager
def _writer(at: Places, root: Path, wait_s: float) -> Iterator[None]:
    """Hold the lock of an index; the system lets it go when its holder dies."""
    import filelock

    lock = filelock.FileLock(at.lock, timeout=wait_s)
    try:
        with room():
            try:
                _make(at)
                lock.acquire()
            except FileNotFoundError:  # a clean-up took the folder away in this instant
                _make(at)
                lock.acquire()
    except filelock.Timeout:
        raise IndexBusyError(
            f"Another process is indexing {root}: wait until it has finished, or end it, and try again."
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """Look for unreachable cycles seldom: a round makes hundreds of thousands of small objects and none of those."""
    before = gc.get_threshold()
    gc.set_threshold(_RARELY, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _make(at: Places) -> None:
    at.folder.mkdir(parents=True, exist_ok=True)
    _mark_as_cache(at.folder.parent)


def _mark_as_cache(folder: Path) -> None:
    """Say that a folder is a cache, so that neither git nor a round takes it for sources when it is in a workspace."""
    ignore, tag = folder / ".gitignore", folder / "CACHEDIR.TAG"
    if not (ignore.exists() and tag.exists()):
        ignore.write_text("*\n", "ascii")
        tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n# https://bford.info/cachedir/\n", "ascii")


def _drop(at: Places) -> None:
    """Forget everything but the manifests, which say which files the index was of."""
    shutil.rmtree(at.table, ignore_errors=True)
    shutil.rmtree(at.hot, ignore_errors=True)
