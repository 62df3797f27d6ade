"""What a command costs: a child process is run to its end and asked what it used. Linux only."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Calls a module's main() and writes down the largest memory of this process and of the largest that it started.
_WRAP = """
import importlib, json, pathlib, resource, sys
module, used = sys.argv[1:3]
sys.argv[:] = [module, *sys.argv[3:]]
sys.path.insert(0, "")
try:
    code = importlib.import_module(module).main()
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    own = int(status.split("VmHWM:")[1].split()[0])
    child = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    pathlib.Path(used).write_text(json.dumps([own, child]))
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """One run: seconds of wall and of processor (the process and all it started), peak memory in MB, its output."""

    wall: float
    cpu: float
    own_mb: float
    child_mb: float
    output: str = ""


def run(
    module: str,
    args: Sequence[object],
    *,
    env: Mapping[str, str],
    python: str = sys.executable,
    stdin: str = "",
) -> Cost:
    """Run `module.main()` with these arguments in a process of its own.

    Raises:
        RuntimeError: it failed; the message is what it said.
    """
    with tempfile.TemporaryDirectory(prefix="kibitz-bench-") as folder:
        used = Path(folder, "used.json")
        before, began = _children_cpu(), time.perf_counter()
        done = subprocess.run(
            [python, "-c", _WRAP, module, str(used), *map(str, args)],
            env={**os.environ, **env},
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        wall, cpu = time.perf_counter() - began, _children_cpu() - before
        if done.returncode:
            raise RuntimeError(f"{module} failed: {done.stderr.strip()[-2000:]}")
        own, child = json.loads(used.read_text())
    return Cost(wall, cpu, own / 1024, child / 1024, done.stdout)


def median(costs: Iterable[Cost]) -> Cost:
    """The medians of several runs, each figure by itself; the output is the last one's."""
    every = list(costs)

    return Cost(
        statistics.median(each.wall for each in every),
        statistics.median(each.cpu for each in every),
        statistics.median(each.own_mb for each in every),
        statistics.median(each.child_mb for each in every),
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


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
