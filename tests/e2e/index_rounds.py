"""Rounds in child processes that are forked from one which has imported everything, and so begin at once.

Run as a script it is that process: it reads one request a line and answers each with one line. Parser processes are
forked from a server that all rounds share, and hold no more of a round than they would otherwise: the ends of their
own pipes.
"""

import contextlib
import json
import multiprocessing
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, NoReturn

from kibitz.indexer import fill, manifest, mapped, store, workers
from kibitz.indexer import round as indexing_round
from kibitz.indexer.errors import IndexerError
from kibitz.indexer.files import whole
from kibitz.indexer.index import Progress, update
from kibitz.indexer.layout import places
from tests.e2e.index_workspace import lay, state
from tests.fakes.embedder import HashEmbedder

Request = dict[str, Any]


class Rounds:
    """The process that forks, seen from a test."""

    def __init__(self, before: Sequence[str] = ()) -> None:
        """Start it; `before` is a command that starts it in turn."""
        path = os.pathsep.join(os.path.abspath(path or ".") for path in sys.path)  # noqa: PTH100
        self._process = subprocess.Popen(
            [*before, sys.executable, "-W", "ignore", "-m", "tests.e2e.index_rounds"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": path},
        )

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def start(self, requests: list[Request]) -> None:
        """Start rounds, one for each request."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(requests) + "\n")
        self._process.stdin.flush()

    def end(self) -> list[Any]:
        """What became of them: a report, a sentence, or "killed"."""
        assert self._process.stdout is not None
        answers: list[Any] = json.loads(self._process.stdout.readline())
        return answers

    def ended(self) -> bool:
        """Whether `end` would answer at once."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], 0)[0])

    def run(self, **request: Any) -> Any:
        """One round."""
        self.start([{name: str(value) if isinstance(value, Path) else value for name, value in request.items()}])
        return self.end()[0]


def main() -> None:
    import lancedb  # noqa: F401
    import pyarrow.compute  # noqa: F401

    multiprocessing.set_forkserver_preload(["kibitz.indexer.cut", "tests.fakes.embedder"])
    for line in sys.stdin:
        forkserver.ensure_running()  # it ends when a round is killed in the middle of a request to it
        children = [_fork(request) for request in json.loads(line)]
        answers = [_awaited(*child) for child in children]
        sys.stdout.write(json.dumps(answers) + "\n")
        sys.stdout.flush()


def _fork(request: Request) -> tuple[int, int, Request]:
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ours)
        _child(request, theirs)
    os.close(theirs)
    return pid, ours, request


def _awaited(pid: int, pipe: int, request: Request) -> Any:
    """Kill the child when its time has come; what it said last."""
    with os.fdopen(pipe, "r") as said:
        if "kill_after_s" in request:
            said.readline()
            time.sleep(request["kill_after_s"])
            os.kill(pid, signal.SIGKILL)
        lines = said.read().splitlines()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return "killed" if os.WTERMSIG(status) == signal.SIGKILL else f"signal {os.WTERMSIG(status)}"
    return json.loads(lines[-1])


def _child(request: Request, pipe: int) -> NoReturn:
    """One process: a round, or several of them over changing states."""
    forkserver._forkserver.ensure_running = lambda: None  # type: ignore[method-assign]  # it is the parent's, and runs
    said = os.fdopen(pipe, "w", buffering=1)

    def progress(step: Progress) -> None:
        if step.phase == "survey":
            said.write("begun\n")
        phase, done = request.get("kill_at", ("", 0))
        if step.phase == phase and step.done >= done:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        _slow_down(request.get("slow", ""))
        for number in request.get("states", [None]):
            if number is not None:
                lay(Path(request["root"]), state(number))
            answer = _vectors(request) if request.get("vectors") else _round(request, progress)
    except BaseException as error:  # told to the test, which expects none
        answer = f"{type(error).__name__}: {error}"
    said.write(json.dumps(answer) + "\n")
    said.close()
    os._exit(0)


def _vectors(request: Request) -> Any:
    """All vectors that the table gives away, [blob, key, hexadecimal digits] each."""
    embedder = HashEmbedder()
    at = places(Path(request["root"]), Path(request["cache"]), embedder)
    try:
        table = store.ChunkTable(at.table, embedder.dim)
        found = table.vectors_of(table.blobs())
    except store.DamagedTableError:
        return "damaged"
    return [[blob, key, vector.tobytes().hex()] for blob, by_key in found.items() for key, vector in by_key.items()]


def _round(request: Request, progress: Callable[[Progress], None]) -> Any:
    try:
        report = update(
            Path(request["root"]),
            cache_dir=Path(request["cache"]),
            embedder=HashEmbedder(paths=not request.get("remote")),
            workers=request.get("workers", 1),
            progress=progress,
            lock_wait_s=request.get("lock_wait_s", 20),
        )
    except IndexerError as error:
        return f"{type(error).__name__}: {error}"
    return {"chunks": report.chunks, "embedded": report.embedded_chunks, "rebuilt": report.rebuilt}


def _slow_down(what: str) -> None:
    """Make a part of the round last, so that a kill at a random moment meets it.

    "commits" commits and writes a segment after every few files, "writing" writes files slowly.
    """
    if what == "commits":
        indexing_round.COMMIT_SECONDS = 0.0
        workers._BATCH_FILES = fill.BATCH_CHUNKS = 6
        fill.COMMIT_SECONDS = 0.0
    if what == "writing":
        mapped.whole = manifest.whole = _slowly  # type: ignore[attr-defined]
        store.ChunkTable.commit = _commit_slowly  # type: ignore[method-assign]


_commit = store.ChunkTable.commit


def _commit_slowly(self: store.ChunkTable) -> None:
    time.sleep(random.random() / 50)
    _commit(self)
    time.sleep(random.random() / 50)


@contextlib.contextmanager
def _slowly(path: Path) -> Iterator[Any]:
    with whole(path) as stream:

        class Slow:
            def write(self, data: Any) -> None:
                time.sleep(0.001)
                stream.write(data)
                stream.flush()

        yield Slow()
        time.sleep(0.005)
    time.sleep(0.005)


def parsers_of(rounds: Rounds) -> list[int]:
    """The parser processes that run: children of the server that they are forked from."""
    server = [pid for pid in _children(rounds._process.pid) if b"forkserver" in _command(pid)]
    return [pid for one in server for pid in _children(one)]


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


if __name__ == "__main__":
    main()
