"""What indexes take on disk, and which of them go: those of folders that are gone, old versions, those over a budget.

An index can be made again at any time, so that dropping one costs a round, never data. One that a writer holds is left
alone. Readers that have its files open keep what they see.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kibitz.indexer.manifest import load_head

USED = "used"
LOCK = "write.lock"
MARK_EVERY_S = 3_600.0
SUPERSEDED_S = 7 * 86_400.0
"""An index of an older chunker or another embedder goes when nobody has asked it anything for so long."""

ABANDONED_S = 3_600.0  # a temporary file of this age belongs to a process that was killed
COLLECT_EVERY_S = 86_400.0
_COLLECTED = "collected"  # its time says when `collect_now_and_then` last did
_REMOVED = ".removed-"  # folders on their way out


@dataclass(frozen=True, slots=True)
class IndexFolder:
    """One index: its folder, the workspaces it is of (none when that cannot be told), its size, its last use."""

    folder: Path
    roots: tuple[Path, ...]
    bytes: int
    used_at: float


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that was removed (or would be): "all", "gone", "superseded", "budget" or "temporary"."""

    path: Path
    bytes: int
    reason: str


def mark_used(folder: Path) -> None:
    """Note that an index is in use, at most once an hour; whether that can be written matters to nobody."""
    mark = folder / USED
    with contextlib.suppress(OSError):
        if not mark.exists() or time.time() - mark.stat().st_mtime > MARK_EVERY_S:
            mark.touch()


def indexes(cache_dir: Path) -> list[IndexFolder]:
    """Every index below a cache directory, the one used last first."""
    found = [
        IndexFolder(folder, _roots(folder), folder_bytes(folder), _used_at(folder))
        for identity in _folders(cache_dir / "index")
        for folder in _folders(identity)
    ]
    return sorted(found, key=lambda index: (-index.used_at, index.folder))


def collect(
    cache_dir: Path,
    budget_bytes: int,
    *,
    everything: bool = False,
    dry_run: bool = False,
    keep: Collection[Path] = (),
    clock: Callable[[], float] = time.time,
) -> list[Removed]:
    """Remove the indexes that nobody will miss, and what killed processes left behind.

    Args:
        cache_dir: the cache directory; only what is below its `index` is looked at.
        budget_bytes: what all indexes may take. Those used longest ago go first; the last used one stays, since it
            would only be made again.
        everything: remove all of them.
        dry_run: only say what would be removed.
        keep: folders of indexes that stay in any case.
        clock: the time in seconds since 1970.

    Returns:
        what was removed; an index that a writer holds is not.
    """
    removed: list[Removed] = []
    for path in _temporaries(cache_dir / "index", clock()):
        size = folder_bytes(path)
        if dry_run or _delete(path):
            removed.append(Removed(path, size, "temporary"))
    found = indexes(cache_dir)
    reasons = dict.fromkeys((index.folder for index in found), "all") if everything else _useless(found, clock())
    left = [index for index in found if index.folder not in reasons]
    for index in _over(left, budget_bytes):
        reasons[index.folder] = "budget"
    for index in found:
        reason = reasons.get(index.folder)
        if reason and index.folder not in keep and _remove(index.folder, dry_run):
            removed.append(Removed(index.folder, index.bytes, reason))
    return removed


def collect_now_and_then(cache_dir: Path, budget_bytes: int, *, keep: Collection[Path] = ()) -> list[Removed]:
    """`collect`, once a day at most: what a round can afford. Trouble with it is no trouble of the round's."""
    mark = cache_dir / "index" / _COLLECTED
    try:
        if mark.exists() and time.time() - mark.stat().st_mtime < COLLECT_EVERY_S:
            return []
        mark.touch()
        return collect(cache_dir, budget_bytes, keep=keep)
    except OSError:
        return []


def folder_bytes(path: Path) -> int:
    """What a file, or all files below a folder, take; those that vanish meanwhile do not count."""
    total = 0
    with contextlib.suppress(OSError):
        if not path.is_dir():
            return path.lstat().st_size
    for inside, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(f"{inside}/{name}").st_size
    return total


def _useless(found: Iterable[IndexFolder], now: float) -> dict[Path, str]:
    """The indexes that go whatever room there is, and why; `found` is in the order of use, the last one first."""
    reasons: dict[Path, str] = {}
    seen: set[Path] = set()
    for index in found:
        long_ago = now - index.used_at > SUPERSEDED_S
        if index.roots and all(is_gone(root, long_ago) for root in index.roots):
            reasons[index.folder] = "gone"
        elif index.folder.parent in seen and long_ago:
            reasons[index.folder] = "superseded"
        seen.add(index.folder.parent)
    return reasons


def is_gone(root: Path, long_ago: bool) -> bool:
    """Whether a workspace is no longer there; one whose surroundings are missing may be on a drive that comes back."""
    return not root.is_dir() and (long_ago or root.parent.is_dir())


def _over(left: Iterable[IndexFolder], budget_bytes: int) -> Iterator[IndexFolder]:
    """The indexes that do not fit, those used last taking the room first."""
    taken = 0
    for number, index in enumerate(left):
        taken += index.bytes
        if number and taken > budget_bytes:
            taken -= index.bytes
            yield index


def _remove(folder: Path, dry_run: bool) -> bool:
    """Remove an index if no writer holds it: out of sight in one step, then for good."""
    import filelock

    lock = filelock.FileLock(folder / LOCK, timeout=0)
    try:
        with lock:
            if dry_run:
                return True
            doomed = Path(tempfile.mkdtemp(prefix=_REMOVED, dir=folder.parent.parent)) / folder.name
            try:
                folder.rename(doomed)
            except OSError:  # Windows moves no folder with an open file, our lock: what it lets go goes where it is
                doomed.parent.rmdir()
                shutil.rmtree(folder, ignore_errors=True)
    except (filelock.Timeout, OSError):
        return False
    shutil.rmtree(doomed.parent, ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
    _drop_shell(folder.parent)
    return not folder.exists()


def _drop_shell(identity: Path) -> None:
    """Remove a repository's folder when there is no index left in it, only the marks of a cache."""
    with contextlib.suppress(OSError):
        if not _folders(identity):
            for name in (".gitignore", "CACHEDIR.TAG"):
                (identity / name).unlink(missing_ok=True)
            identity.rmdir()


def _temporaries(index: Path, now: float) -> Iterator[Path]:
    """What a killed process left: half-written files, and folders that were on their way out."""
    candidates = [path for path in _children(index) if path.name.startswith(_REMOVED)]
    for pattern in ("*/*/*.tmp", "*/*/*/*.tmp"):
        candidates += index.glob(pattern)
    for path in candidates:
        with contextlib.suppress(OSError):
            if now - path.lstat().st_mtime > ABANDONED_S:
                yield path


def _delete(path: Path) -> bool:
    with contextlib.suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
        return True
    return False


def _roots(folder: Path) -> tuple[Path, ...]:
    """The workspaces of an index; none when one of its manifests cannot be read, by us."""
    manifests = [load_head(path) for path in sorted((folder / "manifests").glob("*.json"))]
    roots = [Path(manifest.root) for manifest in manifests if manifest is not None]
    return tuple(roots) if len(roots) == len(manifests) else ()


def _used_at(folder: Path) -> float:
    """When an index was last opened or written, whichever came later."""
    times = []
    for path in (folder / USED, *(folder / "manifests").glob("*.json")):
        with contextlib.suppress(OSError):
            times.append(path.stat().st_mtime)
    with contextlib.suppress(OSError):
        times = times or [folder.stat().st_mtime]
    return max(times, default=0.0)


def _folders(folder: Path) -> list[Path]:
    return [path for path in _children(folder) if path.is_dir() and not path.name.startswith(".")]


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
