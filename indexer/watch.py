"""Follow a workspace on disk: batches of paths that changed, after a moment of quiet.

The system tells what changed (inotify, FSEvents, ReadDirectoryChangesW) through watchfiles, whose Rust thread collects
it. On Linux a watch costs kernel memory for each folder, and they are limited: only folders that can hold something to
index are watched, one by one; elsewhere one watch covers the whole tree. Where watching is not to be had, the workspace
is surveyed again and again, at a pace that its size allows.
"""

import asyncio
import contextlib
import platform
import sys
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Literal, Protocol

from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.scope import Scope
from kibitz.indexer.workspace import Rules, Source, survey

Batch = frozenset[str]
"""Paths relative to the workspace, with "/": files that were added, changed or removed, and removed folders."""

LONGEST_BATCH_MS = 1000
STEP_MS = 50
"""A batch ends when nothing has happened for one step. watchfiles wakes up once a step to see."""

REST_AFTER_MS = 10_000
REST_STEP_MS = 250
"""The step after a while without changes: a watcher at rest is not to be seen in the processor's time."""

POLL_S = 2.0
POLL_SHARE = 0.05  # of one processor's time, at most

_ADDED = 1
_TRIES = 5
_DEFAULT_RULES = Rules()

Raw = set[tuple[int, str]] | Literal["signal", "stop", "timeout"]


class Notifier(Protocol):
    """What we need of watchfiles' RustNotify: changes since the last call, and an end."""

    def watch(self, debounce_ms: int, step_ms: int, timeout_ms: int, stop_event: threading.Event) -> Raw:
        """Wait for changes, in a thread that may be blocked."""
        ...

    def close(self) -> None:
        """Stop watching."""
        ...


MakeNotifier = Callable[[Sequence[str], bool], Notifier]
"""Folders to watch, and whether with all that is below them. Raises OSError or RuntimeError when that cannot be."""


def _say_nothing(sentence: str) -> None:
    del sentence


def _rust(folders: Sequence[str], recursive: bool) -> Notifier:
    from watchfiles._rust_notify import RustNotify

    return RustNotify(list(folders), False, False, 0, recursive, True)


async def watch(
    root: Path,
    *,
    rules: Rules = _DEFAULT_RULES,
    private: Iterable[Path] = (),
    say: Callable[[str], None] = _say_nothing,
    notifier: MakeNotifier = _rust,
) -> AsyncGenerator[Batch]:
    """Follow a workspace until the iterator is closed, or the workspace is gone.

    The first batch is empty and comes when watching has begun: a round that starts then misses nothing. What changes
    while the caller works on a batch comes as one batch when he asks for the next. Nothing is said of files that no
    round would index because of their name or their folder.

    Args:
        root: the workspace.
        rules: what the user lets in, for when the workspace has to be polled.
        private: folders whose changes are our own, such as the cache.
        say: told a sentence when the system does not let us watch.
        notifier: makes what tells of changes.
    """
    root, private = root.resolve(), tuple(private)
    try:
        async with aclosing(_by_events(root, private, notifier)) as batches:
            async for batch in batches:
                yield batch
    except _CannotWatchError as error:
        say(str(error))
        async with aclosing(_by_polling(root, rules, private)) as batches:
            async for batch in batches:
                yield batch


class _CannotWatchError(Exception):
    """The system does not tell what changes here, in a sentence."""


async def _by_events(root: Path, private: Sequence[Path], make: MakeNotifier) -> AsyncGenerator[Batch]:
    stop, timeout_ms = threading.Event(), REST_AFTER_MS
    try:
        watching = await asyncio.to_thread(_Watching, root, private, make, stop)
    except asyncio.CancelledError:
        stop.set()  # a large tree takes its time to look through
        raise
    try:
        yield frozenset()
        while root.is_dir():
            step_ms = STEP_MS if timeout_ms else REST_STEP_MS
            raw = await _in_thread(watching.notifier, step_ms, timeout_ms, stop)
            timeout_ms = 0 if raw == "timeout" else REST_AFTER_MS
            if not isinstance(raw, str) and (batch := await asyncio.to_thread(watching.batch, raw)):
                yield batch
    finally:
        stop.set()
        watching.notifier.close()


async def _in_thread(notifier: Notifier, step_ms: int, timeout_ms: int, stop: threading.Event) -> Raw:
    """Wait for changes; when the wait is called off, the thread has ended before this returns."""
    waiting = asyncio.ensure_future(
        asyncio.to_thread(notifier.watch, LONGEST_BATCH_MS, step_ms, timeout_ms, stop),
    )
    try:
        return await asyncio.shield(waiting)
    except RuntimeError as error:  # watchfiles' own, of a watch that broke
        raise _CannotWatchError(_why(error)) from error
    finally:
        if not waiting.done():
            stop.set()
            await asyncio.wait({waiting})


class _Watching:
    """A notifier and the folders that it watches, which change as folders come and go."""

    def __init__(self, root: Path, private: Sequence[Path], make: MakeNotifier, stop: threading.Event) -> None:
        self._root, self._private, self._make, self._stop = root, private, make, stop
        self._recursive = sys.platform != "linux"
        self._begin()

    def batch(self, raw: set[tuple[int, str]]) -> Batch:
        """The paths of a set of changes that can matter, those in new folders included."""
        changed = {(kind, path) for kind, full in raw if (path := self._scope.relative(full))}
        appeared = {path for kind, path in changed if kind == _ADDED and self._is_new_folder(path)}
        if appeared or any(map(self._is_telling, changed)):
            changed |= self._begin_again()
        paths = {path for _, path in changed if self._matters(path)}
        for folder in filter(self._scope.covers_folder, appeared):  # what was made there before we watched it
            paths.update(file for _, files in self._scope.walk(folder) for file in files)
        return frozenset(paths)

    def _is_telling(self, change: tuple[int, str]) -> bool:
        """Whether it changes which folders are to be watched."""
        path = change[1]
        is_ignore_file = path.rpartition("/")[2] == ".gitignore" and self._scope.covers(path)
        return is_ignore_file or (path in self._folders and not (self._root / path).is_dir())

    def _matters(self, path: str) -> bool:
        return self._scope.covers(path) and not (self._root / path).is_dir()

    def _is_new_folder(self, path: str) -> bool:
        full = self._root / path
        return path not in self._folders and self._scope.covers_folder(path) and full.is_dir() and not full.is_symlink()

    def _begin(self) -> None:
        """Watch what is there now.

        Raises:
            _CannotWatchError: the system does not let us.
        """
        if _is_deaf(self._root):
            raise _CannotWatchError(_sentence("Windows does not tell Linux what changes on its drives", ""))
        self._scope = Scope(self._root, self._private)
        for _ in range(_TRIES):
            self._folders = set(self._walk())
            try:
                self.notifier = self._make(self._paths(), self._recursive)
            except FileNotFoundError:
                continue  # a folder has gone in between
            except (OSError, RuntimeError) as error:
                raise _CannotWatchError(_why(error)) from error
            if self._recursive or self._folders.issuperset(self._walk()):
                return
            self.notifier.close()  # a folder has come in between
        raise _CannotWatchError(_sentence("its folders come and go too fast", ""))

    def _begin_again(self) -> set[tuple[int, str]]:
        """Watch the folders that are there by now; return what happened until then."""
        before = self.notifier
        if self._recursive:
            return set()
        try:
            self._begin()
            raw = before.watch(1, 1, 1, threading.Event())
        finally:
            before.close()
        return set() if isinstance(raw, str) else {(kind, self._scope.relative(path)) for kind, path in raw}

    def _walk(self) -> Iterator[str]:
        if self._recursive:
            yield ""
            return
        for folder, _ in self._scope.walk():
            if self._stop.is_set():
                raise _CannotWatchError("Nobody listens any more.")
            yield folder

    def _paths(self) -> list[str]:
        paths = [str(self._root / folder) for folder in sorted(self._folders)]
        if not self._recursive and (self._root / ".git").is_dir():
            paths.append(str(self._root / ".git"))
        return paths


async def _by_polling(root: Path, rules: Rules, private: Sequence[Path]) -> AsyncGenerator[Batch]:
    with contextlib.suppress(WorkspaceError):  # it is gone
        known, seconds = await asyncio.to_thread(_look, root, rules, private)
        yield frozenset()
        while True:
            await asyncio.sleep(max(POLL_S, seconds / POLL_SHARE))
            now, seconds = await asyncio.to_thread(_look, root, rules, private)
            changed = {path for path in known.keys() | now.keys() if known.get(path) != now.get(path)}
            known = now
            if changed:
                yield frozenset(changed)


def _look(root: Path, rules: Rules, private: Sequence[Path]) -> tuple[dict[str, Source], float]:
    """The files of a workspace by path, and the seconds it took to find them."""
    began = time.monotonic()
    own = [folder.relative_to(root).as_posix() + "/" for folder in private if folder.is_relative_to(root)]
    found = {source.path: source for source in survey(root, rules).files if not source.path.startswith(tuple(own))}
    return found, time.monotonic() - began


def _is_deaf(root: Path) -> bool:
    """Whether this is a drive of Windows seen from its Linux, where inotify hears nothing."""
    return root.parts[:2] == ("/", "mnt") and "microsoft" in platform.release().lower()


def _why(error: Exception) -> str:
    said = str(error).strip().rstrip(".")
    if "Too many open files" in said:
        return _sentence("too many programs watch already", "raise fs.inotify.max_user_instances")
    if "limit" in said or "No space left" in said:
        return _sentence("the system's limit of watched folders is reached", "raise fs.inotify.max_user_watches")
    return _sentence(said or type(error).__name__, "")


def _sentence(reason: str, remedy: str) -> str:
    return f"Watching by polling, because {reason}" + (f"; {remedy}." if remedy else ".")
