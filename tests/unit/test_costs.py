"""The benchmarks' cost of a command: everything that it started counts, whoever waits for it.

Measured in a process of its own, since what measures takes in every orphan and waits for every child that it has.
"""

import subprocess
import sys
from pathlib import Path

import pytest

if sys.platform != "linux":
    pytest.skip("processes are counted on Linux only", allow_module_level=True)

ROOT = Path(__file__).parents[2]
BURN_S = 0.3
# Starts a process that starts another and ends: the last one works on when its parent and the command are gone.
ORPHAN = f"""
import os, time
if os.fork() == 0:
    if os.fork() == 0:
        while time.process_time() < {BURN_S}:
            pass
    os._exit(0)
os.wait()
"""


def measured(command: list[str], *, stdin: str = "") -> str:
    """What is said of a command: the processor seconds and the output, or why it failed."""
    script = (
        "import sys\nfrom tests.bench.costs import run\n"
        "try:\n    cost = run(sys.argv[1:], stdin=sys.stdin.read())\n    print(cost.cpu, cost.output, end='')\n"
        "except RuntimeError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *command], cwd=ROOT, input=stdin, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_work_of_a_process_that_is_left_behind_counts() -> None:
    assert float(measured([sys.executable, "-c", ORPHAN])) >= BURN_S


def test_a_command_says_what_it_printed_and_what_went_wrong() -> None:
    assert measured(["cat"], stdin="as it was\n").partition(" ")[2] == "as it was\n"
    assert "no such luck" in measured([sys.executable, "-c", "import sys; sys.exit('no such luck')"])
