"""Rounds that are killed at any moment, that run into each other, and that are read from meanwhile."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kibitz.indexer.errors import NotIndexedError
from kibitz.indexer.search import Searcher
from kibitz.indexer.types import Hit
from tests.e2e.index_rounds import Rounds, parsers_of
from tests.e2e.index_workspace import Bench, lay, state
from tests.fakes.index_bench import git
from tests.fakes.index_dump import Dump

STATES = 4
KILLS = 17  # for each way to slow a round down


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> list[Dump]:
    """What a fresh index of each state holds."""
    bench = Bench(tmp_path_factory.mktemp("fresh"), {})
    dumps = []
    for number in range(STATES):
        lay(bench.root, state(number))
        dumps.append(bench.fresh())
    return dumps


def answering(bench: Bench, states: list[Dump]) -> int | None:
    """Which of these states a reader answers from, in full; None when it says that there is no index."""
    try:
        searcher = bench.searcher()
    except NotIndexedError:
        return None
    hits = searcher.search("load the thing", k=50)
    dump = bench.dump(table=False)
    (number,) = [number for number, one in enumerate(states) if one.files == dump.files]
    for hit in hits:
        span = (hit.chunk.span.start, hit.chunk.span.end)
        assert span in [chunk.span for chunk in states[number].files[hit.chunk.path].chunks]
    assert hits
    return number


def nothing_runs(rounds: Rounds) -> bool:
    for _ in range(100):
        if not parsers_of(rounds):
            return True
        time.sleep(0.1)
    return False


def lengths(bench: Bench, rounds: Rounds, slow: str) -> tuple[float, float]:
    """How long a first round takes, and one with changes, in seconds."""
    found = []
    for number in (0, 1):
        lay(bench.root, state(number))
        began = time.monotonic()
        rounds.run(root=bench.root, cache=bench.folder / "measured", slow=slow)
        found.append(time.monotonic() - began)
    return found[0], found[1]


@pytest.mark.parametrize("slow", ["", "commits", "writing"])
def test_a_round_that_is_killed_at_any_moment_leaves_the_last_state_and_the_next_makes_it_good(
    tmp_path: Path, rounds: Rounds, fresh: list[Dump], slow: str
) -> None:
    chance = random.Random(f"kill {slow}")
    bench = Bench(tmp_path, state(0))
    first, changed = lengths(bench, rounds, slow)
    before: int | None = None
    killed = 0
    for turn in range(60):
        if turn % 5 == 0:
            shutil.rmtree(bench.cache, ignore_errors=True)
            before = None
        now = chance.choice([number for number in range(STATES) if number != before])
        lay(bench.root, state(now))
        delay = chance.uniform(0, 0.8 * (first if before is None else changed))
        killed += rounds.run(root=bench.root, cache=bench.cache, kill_after_s=delay, slow=slow) == "killed"
        assert answering(bench, fresh) in (before, now)
        assert bench.update().rebuilt is None
        bench.check(fresh[now])
        assert answering(bench, fresh) == now
        before = now
        if killed == KILLS:
            break
    assert killed == KILLS
    assert nothing_runs(rounds)


ALONE = """
import os, sys
from pathlib import Path
from kibitz.indexer.index import update
from tests.fakes.embedder import HashEmbedder

if __name__ == "__main__":

    def stop(progress):
        if progress.phase == "parse":
            os.kill(os.getpid(), 9)

    update(Path(sys.argv[1]), cache_dir=Path(sys.argv[2]), embedder=HashEmbedder(), progress=stop)
"""


def in_session(number: int) -> list[str]:
    """The processes of a session."""
    command = ["ps", "-o", "pid=,stat=,args=", "-s", str(number)]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in listed.stdout.splitlines() if "<defunct>" not in line]


def test_all_that_a_killed_round_has_started_ends(tmp_path: Path) -> None:
    bench = Bench(tmp_path, state(0))
    command = [sys.executable, "-c", ALONE, str(bench.root), str(bench.cache)]
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(command, env=environ, start_new_session=True, stderr=subprocess.DEVNULL)
    assert process.wait() == -signal.SIGKILL
    until = time.monotonic() + 20
    while in_session(process.pid) and time.monotonic() < until:
        time.sleep(0.1)
    assert in_session(process.pid) == []


@pytest.mark.parametrize("phase", ["survey", "parse", "commit", "hot"])
def test_a_round_that_is_killed_in_a_phase_loses_only_what_it_had_not_committed(
    tmp_path: Path, rounds: Rounds, fresh: list[Dump], phase: str
) -> None:
    bench = Bench(tmp_path, state(0))
    bench.update()
    lay(bench.root, state(1))
    total = bench.plan().changed_files
    done = total if phase == "parse" else 0
    assert rounds.run(root=bench.root, cache=bench.cache, kill_at=[phase, done]) == "killed"
    assert answering(bench, fresh) == 0
    report = bench.update()
    assert (report.embedded_chunks == 0) == (phase == "hot")
    bench.check(fresh[1])


def test_a_round_that_is_killed_many_times_over_goes_on_from_what_it_had(
    tmp_path: Path, rounds: Rounds, fresh: list[Dump]
) -> None:
    bench = Bench(tmp_path, state(0))
    for _ in range(3):
        assert rounds.run(root=bench.root, cache=bench.cache, kill_at=["parse", 20], slow="commits") == "killed"
    assert 0 < bench.update().embedded_chunks < 50
    bench.check(fresh[0])


def test_vectors_of_a_remote_embedder_are_asked_for_once_however_often_the_round_is_killed(
    tmp_path: Path, rounds: Rounds
) -> None:
    bench = Bench(tmp_path, state(0), paths=False)
    for done in (12, 24, 36, 48):
        request = {"remote": True, "slow": "commits", "kill_at": ["embed", done]}
        assert rounds.run(root=bench.root, cache=bench.cache, **request) == "killed"
        assert bench.searcher().search("load the thing")
    report = bench.update()
    assert 0 < report.embedded_chunks <= report.chunks - 40
    bench.check()


def test_two_rounds_at_once_in_one_workspace_both_end_well(tmp_path: Path, rounds: Rounds, fresh: list[Dump]) -> None:
    bench = Bench(tmp_path, state(0))
    for number in range(STATES):
        lay(bench.root, state(number))
        request = {"root": str(bench.root), "cache": str(bench.cache)}
        rounds.start([request] * 3)
        answers = rounds.end()
        assert [answer["rebuilt"] for answer in answers] == [None] * 3
        assert sorted(answer["embedded"] > 0 for answer in answers)[:2] == [False, False]
        bench.check(fresh[number])


def test_a_round_that_cannot_wait_for_another_says_so(tmp_path: Path, rounds: Rounds, fresh: list[Dump]) -> None:
    bench = Bench(tmp_path, state(0))
    request = {"root": str(bench.root), "cache": str(bench.cache), "slow": "writing", "lock_wait_s": 0.0}
    rounds.start([request] * 3)
    answers = rounds.end()
    refused = [answer for answer in answers if isinstance(answer, str)]
    assert len(refused) < 3
    assert {answer.partition(":")[0] for answer in refused} <= {"IndexBusyError"}
    assert all("wait until it has finished" in answer for answer in refused)
    bench.check(fresh[0])


def test_rounds_of_two_worktrees_at_once_both_end_well(tmp_path: Path, rounds: Rounds, fresh: list[Dump]) -> None:
    bench = Bench(tmp_path, state(0))
    git(bench.root, "init")
    git(bench.root, "add", ".")
    git(bench.root, "commit", "-m", "one")
    other = tmp_path / "other"
    git(bench.root, "worktree", "add", "--detach", str(other))
    for mine, theirs in ((0, 0), (1, 2), (3, 1), (0, 0)):
        lay(bench.root, state(mine))
        lay(other, state(theirs))
        rounds.start([{"root": str(root), "cache": str(bench.cache)} for root in (bench.root, other)])
        assert [answer["rebuilt"] for answer in rounds.end()] == [None, None]
        bench.check(fresh[mine])
        bench.check(fresh[theirs], other)


def test_readers_see_whole_states_while_rounds_replace_merge_and_drop_segments(
    tmp_path: Path, rounds: Rounds, fresh: list[Dump]
) -> None:
    bench = Bench(tmp_path, state(0))
    whole = [{path: file.blob for path, file in one.files.items() if file.chunks} for one in fresh]
    order = [0, 1, 2, 3, 1, 0, 2, 0, 3, 2, 1, 0]
    searched: list[list[Hit]] = []
    kept: Searcher | None = None
    seen: set[int] = set()
    rounds.start([{"root": str(bench.root), "cache": str(bench.cache), "states": order, "slow": "commits"}])
    until = time.monotonic() + 20
    while time.monotonic() < until and not rounds.ended():
        try:
            opened = bench.searcher()
        except NotIndexedError as error:
            assert kept is None, error
            continue
        kept = kept or opened
        kept.refresh()
        for searcher in (opened, kept):
            view = searcher.view
            blobs = [blob for one, _ in view.parts for blob in one.blobs]
            files = zip(view.paths, blobs, view.alive.tolist(), strict=True)
            seen.add(whole.index({path: blob for path, blob, alive in files if alive}))
            searched.append(searcher.search("load the thing of state1", k=20))
    assert rounds.end()[0]["rebuilt"] is None
    assert seen == set(range(STATES))
    assert len(searched) > 20
    bench.check(fresh[0])
