"""The benchmarks' cost of a command: everything that it started counts, whoever waits for it."""

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("processes are counted on Linux only", allow_module_level=True)

from tests.bench.costs import run

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


def test_the_work_of_a_process_that_is_left_behind_counts() -> None:
    cost = run([sys.executable, "-c", ORPHAN])
    assert cost.cpu >= BURN_S


def test_a_command_says_what_it_printed_and_what_went_wrong() -> None:
    assert run(["cat"], stdin="as it was\n").output == "as it was\n"
    with pytest.raises(RuntimeError, match="no such luck"):
        run([sys.executable, "-c", "import sys; sys.exit('no such luck')"])
