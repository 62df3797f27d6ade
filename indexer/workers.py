"""Parsing in worker processes that can be killed: a file that hangs or crashes a grammar costs itself, not the round.

A pool of our own rather than one of the standard library: those neither tell which file hangs nor can end one worker
alone. Parsing holds the interpreter's lock for as long as it takes, so no thread could end it either.
"""

import gc
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from ctypes import c_double, c_int
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from kibitz.indexer.cut import Cut, Cutter, Parsed, Task, parse_file, parse_text
from kibitz.indexer.embed import Embedder
from kibitz.indexer.errors import IndexerError
from kibitz.indexer.reparse import Reparser

Parse = Callable[[Path, str, "int | None"], Parsed]

_BATCH_FILES = 64
_BATCH_BYTES = 256_000
"""A batch is cut together: large enough for arithmetic on arrays to pay, small enough to be done again."""
_LEAST_BYTES = 32_000
"""Towards the end batches become as small as this, so that no worker has much to do when the others have nothing."""
_WAITING_BATCHES = 2
"""A worker has the next batch before it is done with one, so that it never waits."""
_WALL_FACTOR = 6
"""A file may take this many deadlines by the clock: on a busy machine a worker gets little of it."""
_OVERDUE = int(getattr(signal, "SIGPROF", 0))
"""The signal that ends a worker which has worked too long on one file; Windows has none and goes by the clock."""
_RARELY = 50_000
"""New objects between two searches for unreachable cycles."""
# No module from the current folder; and no threads for arithmetic, since there is a process for each processor.
_ENVIRONMENT = {"PYTHONSAFEPATH": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True, slots=True)
class Job:
    """What a round tells each of its workers once. `parse` is a function of a module."""

    root: Path
    embedder: Embedder
    max_bytes: int | None = None
    deadline_s: float = 10.0
    parse: Parse = parse_file


class ParsePool:
    """Up to `workers` processes that cut files, started when they are needed and kept from one job to the next.

    On Linux they are forked from a small process that has imported what they need, so that the second one, and one
    that takes the place of another, costs next to nothing.
    """

    def __init__(self, workers: int = 2, *, lean: bool = False) -> None:
        """Start nothing yet; `lean` does without that small process, for one worker that is rarely needed."""
        forks = sys.platform == "linux" and not lean
        self._context = multiprocessing.get_context("forkserver" if forks else "spawn")
        if forks:
            self._context.set_forkserver_preload(["__main__", "kibitz.indexer.cut", "kibitz.indexer.embed.ready"])
        self._most = max(1, workers)
        self._workers: list[_Worker] = []

    def __enter__(self) -> "ParsePool":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def start(self) -> None:
        """Start a process ahead of its first job."""
        if not self._workers:
            self._workers.append(_Worker(self._context))

    def cut(self, job: Job, tasks: Iterable[Task]) -> Generator[Cut]:
        """Cut files, in no certain order; each task is answered in exactly one of the cuts.

        A file that takes longer than the job's deadline of processor time (six times that by the clock) comes back as
        skipped by "timeout", one that takes its worker down by "crash". When the iterator is closed early, the workers
        that are still at it are ended.

        Raises:
            IndexerError: no worker process can be started.
        """
        waiting = deque(batches(list(tasks), self._most))
        try:
            while waiting or any(worker.pending for worker in self._workers):
                while waiting and len(self._workers) < min(self._most, len(waiting) + len(self._workers)):
                    self._workers.append(_Worker(self._context))
                for worker in self._workers:
                    worker.refill(job, waiting)
                connection.wait([worker.pipe for worker in self._workers], timeout=min(0.5, job.deadline_s / 4))
                for worker in tuple(self._workers):
                    yield from self._received(worker, job, waiting)
        finally:
            for worker in tuple(self._workers):
                if worker.pending:
                    self._workers.remove(worker)
                    worker.end()

    def _received(self, worker: "_Worker", job: Job, waiting: deque[list[Task]]) -> Iterator[Cut]:
        answers, failure = worker.receive(job)
        yield from answers
        if failure:
            self._workers.remove(worker)
            culprit, again = worker.end()
            waiting.extendleft(reversed(again))
            if culprit:
                yield Cutter(job.embedder).cut([Parsed(culprit, rule=failure)])


def batches(tasks: Sequence[Task], workers: int = 1) -> Iterator[list[Task]]:
    """Put tasks together, in order, so that a batch is neither large nor many files, and the last ones are small.

    Polychronopoulos and Kuck, "Guided Self-Scheduling", 1987.
    """
    batch: list[Task] = []
    size = 0
    left = sum(task.size for task in tasks)
    for task in tasks:
        most = min(_BATCH_BYTES, max(_LEAST_BYTES, left // (2 * workers)))
        if batch and (len(batch) == _BATCH_FILES or size + task.size > most):
            yield batch
            left -= size
            batch, size = [], 0
        batch.append(task)
        size += task.size
    if batch:
        yield batch


class _Worker:
    """One worker process, seen from here: what it was given and has not answered yet, in order."""

    def __init__(self, context: Any) -> None:
        self.pending: deque[list[Task]] = deque()
        self._job: Job | None = None
        self._greeted = False
        # When the worker began the file it is at, by the clock that all processes share (0 while it is at none), and
        # which file of its batch that is.
        self._began = context.RawValue(c_double, 0.0)
        self._at = context.RawValue(c_int, 0)
        self.pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_work, args=(theirs, self._began, self._at), name="kibitz-parse", daemon=True
        )
        try:
            with _shielded():
                self._process.start()
        except (OSError, EOFError) as error:
            reason = getattr(error, "strerror", None) or "it ended at once"
            raise IndexerError(f"The process that parses files could not be started: {reason}.") from None
        finally:
            theirs.close()

    def refill(self, job: Job, waiting: deque[list[Task]]) -> None:
        """Hand the worker the next batches when it is about to run out of them."""
        with suppress(OSError):  # It has died: reading from it will tell.
            if self._job is not job:
                self._job = job
                self.pipe.send(job)
            while waiting and len(self.pending) < _WAITING_BATCHES:
                self.pending.append(waiting.popleft())
                self.pipe.send(self.pending[-1])

    def receive(self, job: Job) -> tuple[list[Cut], str]:
        """What it has answered, and why it cannot go on: "", "crash" or "timeout".

        Raises:
            IndexerError: it died before it had begun.
        """
        answers: list[Cut] = []
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
        late = began > 0 and not answers and time.monotonic() - began > job.deadline_s * _WALL_FACTOR
        return answers, "timeout" if late else ""

    def end(self) -> tuple[str, list[list[Task]]]:
        """Kill the process; returns the file that it was at, "" for none, and the batches to do again without it."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()
        if not self.pending:
            return "", []
        first, rest, at = self.pending[0], list(self.pending)[1:], self._at.value
        if at < len(first):
            again = first[:at] + first[at + 1 :]
            return first[at].path, [again, *rest] if again else rest
        if len(first) == 1:
            return first[0].path, rest
        return "", [*([task] for task in first), *rest]  # it was at all of them together


@contextmanager
def _shielded() -> Iterator[None]:
    """Keep what is around us away from a process started here.

    Its search path gets no current folder: that may be a workspace with a `pickle.py`, which is not ours to run. Ctrl-C
    is held back: the process keeps it blocked, and so says nothing when it comes while it starts.
    """
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        with _without_interrupts():
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


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


def _work(pipe: "connection.Connection[Any, Any]", began: c_double, at: c_int) -> None:
    """The worker's life: jobs and batches in, cuts out, until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends this process.
    if hasattr(os, "nice"):
        os.nice(5)
    gc.set_threshold(_RARELY)  # there are many small objects here, and no cycles
    cutter: Cutter | None = None
    job: Job | None = None
    reparser, clock = Reparser(), _Clock(began, at)
    with suppress(EOFError, OSError):  # The parent is gone.
        pipe.send(True)
        while True:
            message = pipe.recv()
            if isinstance(message, Job):
                if cutter is None or job is None or job.embedder.name != message.embedder.name:
                    cutter = Cutter(message.embedder)
                job = message
                continue
            assert job is not None
            assert cutter is not None
            pipe.send(_cut(job, cutter, reparser, message, clock))


def _cut(job: Job, cutter: Cutter, reparser: Reparser, batch: list[Task], clock: "_Clock") -> Cut:
    parsed: list[Parsed] = []
    for number, task in enumerate(batch):
        clock.begin(number, job.deadline_s)
        if task.text is None:
            parsed.append(job.parse(job.root, task.path, job.max_bytes))
        else:
            parsed.append(parse_text(task.path, task.text, reparser))
    clock.begin(len(batch), job.deadline_s)
    cut = cutter.cut(parsed, frozenset().union(*(task.known for task in batch)))
    clock.stop()
    return cut


class _Clock:
    """Tells the parent which file of its batch a worker is at and since when, and the system to end a late one."""

    def __init__(self, began: c_double, at: c_int) -> None:
        self._began, self._at = began, at

    def begin(self, number: int, deadline_s: float) -> None:
        """Begin a file, or with the number behind the last one all of them together."""
        self._at.value, self._began.value = number, time.monotonic()
        _limit(deadline_s)

    def stop(self) -> None:
        """Be at nothing."""
        _limit(0.0)
        self._began.value = 0.0


def _limit(seconds: float) -> None:
    """Have the system end this process once it has worked for so long; 0 calls that off.

    The system does it even where a grammar never comes back, and even after the parent has died.
    """
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, seconds)
