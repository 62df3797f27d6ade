"""Parsing in worker processes that can be killed: a file that hangs or crashes a grammar costs itself, not the round.

A process of our own rather than a pool of the standard library: those neither tell which task hangs nor can end one
worker alone. Parsing holds the interpreter's lock for as long as it takes, so no thread could end it either.
"""

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import c_double
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypeVar, overload

from kibitz.indexer.chunk import chunk_text
from kibitz.indexer.errors import IndexerError
from kibitz.indexer.languages import grammar_name, language_of
from kibitz.indexer.read import read_source
from kibitz.indexer.types import Chunk
from kibitz.indexer.workspace import Skipped

R = TypeVar("R")

_BATCH_FILES = 8
"""Files named to a worker at once: fewer, larger messages, and little to do again when the worker dies."""
_REFILL_FILES = 3
"""With this few left a worker is given the next batch, so that it never waits for one."""
_WALL_FACTOR = 6
"""A file may take this many deadlines by the clock: on a busy machine a worker gets little of it."""
_OVERDUE = int(getattr(signal, "SIGPROF", 0))
"""The signal that ends a worker which has worked too long on one file; Windows has none and goes by the clock."""
_HEAD_CHARS = 200
_SAFE_PATH = "PYTHONSAFEPATH"


@dataclass(frozen=True, slots=True)
class Parsed:
    """One file, parsed, or `skipped` with all else empty. `blob` names its content, see `read_blob`."""

    path: str
    blob: str = ""
    language: str = ""
    chunks: tuple[Chunk, ...] = ()
    skipped: Skipped | None = None


def parse_file(root: Path, path: str, *, max_bytes: int | None = None) -> Parsed:
    """Read one file and cut it into chunks, in this process."""
    read = read_blob(root, path, max_bytes=max_bytes)
    if isinstance(read, Skipped):
        return Parsed(path, skipped=read)
    return Parsed(path, read.blob, read.language, tuple(chunk_text(path, read.text, read.language)))


@dataclass(frozen=True, slots=True)
class Blob:
    """A file's content as it is indexed: what names it, its text and its language."""

    blob: str
    text: str
    language: str


def read_blob(root: Path, path: str, *, max_bytes: int | None = None) -> Blob | Skipped:
    """Read one file, and name its content by the sha256 of its bytes and the grammar that cuts them.

    The grammar belongs to the name since the same bytes come out in other chunks under another ending.
    """
    read = read_source(root, path, max_bytes=max_bytes)
    if isinstance(read, Skipped):
        return read
    digest, text = read
    language = language_of(path, text[:_HEAD_CHARS])
    return Blob(f"{digest}.{grammar_name(path, language) or 'text'}", text, language)


def _same(parsed: Parsed) -> Parsed:
    return parsed


@dataclass(frozen=True, slots=True)
class _Job:
    """What every worker of a round is told once."""

    root: Path
    deadline_s: float
    max_bytes: int | None
    after: Callable[[Parsed], Any]


@overload
def parse_files(
    root: Path, paths: Sequence[str], *, workers: int = ..., deadline_s: float = ..., max_bytes: int | None = ...
) -> Iterator[Parsed]: ...


@overload
def parse_files(
    root: Path,
    paths: Sequence[str],
    *,
    workers: int = ...,
    deadline_s: float = ...,
    max_bytes: int | None = ...,
    after: Callable[[Parsed], R],
) -> Iterator[R]: ...


def parse_files(
    root: Path,
    paths: Sequence[str],
    *,
    workers: int = 2,
    deadline_s: float = 10.0,
    max_bytes: int | None = None,
    after: Callable[[Parsed], Any] = _same,
) -> Iterator[Any]:
    """Parse files in up to `workers` processes, which end when the iterator ends or is closed. In no certain order.

    `after` turns what was parsed into what is wanted; it runs in the worker, so it must be a function of a module.
    A file that takes longer than `deadline_s` of processor time (six times that by the clock) comes back as skipped
    by "timeout", one that takes its worker down by "crash": `after` is called for these too, in this process.

    Raises:
        IndexerError: no worker process can be started.
    """
    job = _Job(root, deadline_s, max_bytes, after)
    waiting = deque(paths)
    count = max(1, min(workers, -(-len(waiting) // _BATCH_FILES)))
    running: list[_Worker] = []
    try:
        while waiting or any(worker.pending for worker in running):
            while len(running) < count and waiting:
                running.append(_Worker(job))
            for worker in running:
                worker.refill(waiting)
            connection.wait([worker.pipe for worker in running], timeout=min(0.5, deadline_s / 4))
            for worker in tuple(running):
                answers, failure = worker.receive()
                yield from answers
                if failure:
                    running.remove(worker)
                    lost = worker.end()
                    waiting.extendleft(reversed(lost[1:]))
                    for path in lost[:1]:
                        yield after(Parsed(path, skipped=Skipped(path, failure)))
    finally:
        for worker in running:
            worker.end()


class _Worker:
    """One worker process, seen from here: what it was given and has not answered yet, in order."""

    def __init__(self, job: _Job) -> None:
        context = multiprocessing.get_context("spawn")
        self.pending: deque[str] = deque()
        self._patience_s = job.deadline_s * _WALL_FACTOR
        self._greeted = False
        # When the worker began the file it is at, by the clock that all processes share; 0 while it is at none.
        self._began = context.RawValue(c_double, 0.0)
        self.pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_work, args=(theirs, self._began, job), name="kibitz-parse", daemon=True
        )
        try:
            with _shielded():
                self._process.start()
        except OSError as error:
            raise IndexerError(f"The process that parses files could not be started: {error.strerror}.") from None
        finally:
            theirs.close()

    def refill(self, waiting: deque[str]) -> None:
        """Hand the worker some more paths when it is about to run out of them."""
        if len(self.pending) > _REFILL_FILES or not waiting:
            return
        batch = [waiting.popleft() for _ in range(min(_BATCH_FILES, len(waiting)))]
        self.pending.extend(batch)
        with suppress(OSError):  # It has died: reading from it will tell.
            self.pipe.send(batch)

    def receive(self) -> tuple[list[Any], str]:
        """What it has answered, and why it cannot go on: "", "crash" or "timeout".

        Raises:
            IndexerError: it died before it had begun.
        """
        answers: list[Any] = []
        began = self._began.value
        try:
            while self.pipe.poll():
                answer = self.pipe.recv()
                if self._greeted:
                    self.pending.popleft()
                    answers.append(answer)
                self._greeted = True
        except (EOFError, OSError):
            if not self._greeted:
                raise IndexerError("The process that parses files could not be started.") from None
            self._process.join()
            return answers, "timeout" if self._process.exitcode == -_OVERDUE else "crash"
        late = began > 0 and not answers and time.monotonic() - began > self._patience_s
        return answers, "timeout" if late else ""

    def end(self) -> list[str]:
        """Kill the process; returns what it has not answered, first the file that it was at."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()
        return list(self.pending)


@contextmanager
def _shielded() -> Iterator[None]:
    """Keep what is around us away from a process started here.

    Its search path gets no current folder: that may be a workspace with a `pickle.py`, which is not ours to run. Ctrl-C
    is held back: the process keeps it blocked, and so says nothing when it comes while it starts.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        with _without_interrupts():
            yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before


@contextmanager
def _without_interrupts() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: "connection.Connection[Any, Any]", began: c_double, job: _Job) -> None:
    """The worker's life: paths in, what `after` makes of each file out, until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process.
    if hasattr(os, "nice"):
        os.nice(5)
    with suppress(EOFError, OSError):  # The parent is gone.
        pipe.send(True)
        while True:
            for path in pipe.recv():
                began.value = time.monotonic()
                _limit(job.deadline_s)
                answer = job.after(parse_file(job.root, path, max_bytes=job.max_bytes))
                _limit(0.0)
                began.value = 0.0
                pipe.send(answer)


def _limit(seconds: float) -> None:
    """Have the system end this process once it has worked for so long; 0 calls that off.

    The system does it even where a grammar never comes back, and even after the parent has died.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)
