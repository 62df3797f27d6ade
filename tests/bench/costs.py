"""What a command costs: it is run to its end, and so is every process that it left behind. Linux only.

A process that outlives its parent becomes ours (`PR_SET_CHILD_SUBREAPER`) and is waited for, so that the times that the
kernel keeps of our children are those of every process of the command. Nothing else may be started meanwhile.
"""

import contextlib
import ctypes
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
KIBITZ = (sys.executable, "-m", "kibitz.server")
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_SUBREAPER = 36  # prctl's number for PR_SET_CHILD_SUBREAPER
_SAMPLE_S = 0.05
_SAMPLING_SHARE = 0.1  # of the clock that looking at memory may take, so that it does not become the load
_LEFT_BEHIND_S = 20.0


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: seconds of wall and of processor, the peak memory in MB of all its processes together, its output.

    The wall ends with the command's own process. Memory that processes share is counted once.
    """

    wall: float
    cpu: float
    mb: float
    output: str = ""


def run(command: Sequence[object], *, env: Mapping[str, str] | None = None, stdin: str = "") -> Cost:
    """Run a command in the root of this repository, with these variables besides ours.

    Raises:
        RuntimeError: it failed, the message is what it said; or a process that it left behind does not end.
    """
    _adopt_orphans()
    with (
        tempfile.TemporaryFile("w+") as asked,
        tempfile.TemporaryFile("w+") as told,
        tempfile.TemporaryFile("w+") as said,
    ):
        asked.write(stdin)
        asked.seek(0)
        before, began = _children_cpu(), time.perf_counter()
        # Files, not pipes: a process that is left behind holds a pipe open, and so would prolong the clock.
        with (
            subprocess.Popen(
                [*map(str, command)], env={**os.environ, **(env or {})}, cwd=ROOT, stdin=asked, stdout=told, stderr=said
            ) as process,
            _Peak() as peak,
        ):
            code = process.wait()
            wall = time.perf_counter() - began
        _wait_for_orphans()
        cpu = _children_cpu() - before
        for file in (told, said):
            file.seek(0)
        if code:
            raise RuntimeError(f"{' '.join(map(str, command))} failed: {said.read().strip()[-2000:]}")
        return Cost(wall, cpu, peak.mb, told.read())


class _Peak:
    """The largest memory of all processes below this one, looked at about twenty times a second."""

    def __init__(self) -> None:
        self.mb = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "_Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        took = 0.0
        while not self._over.wait(max(_SAMPLE_S, took / _SAMPLING_SHARE)):
            began = time.perf_counter()
            self.mb = max(self.mb, memory(descendants(os.getpid())))
            took = time.perf_counter() - began


def descendants(pid: int) -> list[int]:
    """All processes that a process has started, and those that these have, as far as they still run."""
    found: list[int] = []
    for parent in (each for generation in [[pid], found] for each in generation):  # `found` grows meanwhile
        for listed in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += map(int, listed.read_text("ascii").split())
    return found


def memory(pids: Iterable[int], kind: str = "Pss") -> float:
    """Megabytes (2**20) of processes together: "Pss" counts what they share once, "Rss" in each of them."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError, IndexError):
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
            total += int(rollup.split(f"\n{kind}:")[1].split()[0])
    return total / 1024


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a running process, in ticks of a hundredth, with those of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * _TICK_S


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def median(costs: Iterable[Cost]) -> Cost:
    """The medians of several runs, each figure by itself; the output is the last one's."""
    every = list(costs)

    return Cost(
        statistics.median(each.wall for each in every),
        statistics.median(each.cpu for each in every),
        statistics.median(each.mb for each in every),
        every[-1].output,
    )


def percentile(values: Sequence[float], percent: int) -> float:
    """The least of the values that at least so many in a hundred do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def machine() -> str:
    """The machine in words: cores, memory, processor."""
    cpu, memory = Path("/proc/cpuinfo").read_text("utf-8"), Path("/proc/meminfo").read_text("utf-8")
    model = next((line.split(":")[1].strip() for line in cpu.splitlines() if line.startswith("model name")), "unknown")
    gigabytes = int(memory.split("MemTotal:")[1].split()[0]) / 2**20
    return f"{os.cpu_count()} cores of {model}, {gigabytes:.0f} GiB, Python {sys.version.split()[0]}"


@cache
def _adopt_orphans() -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "this system does not hand orphans over")


def _wait_for_orphans() -> None:
    deadline = time.monotonic() + _LEFT_BEHIND_S
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < deadline:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if not pid:
                time.sleep(0.005)
        raise RuntimeError(f"processes {descendants(os.getpid())} were left behind and do not end")


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
