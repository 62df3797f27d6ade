"""Workers: what hangs or crashes costs one file, and nothing is left running."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.cut import Cut, Cutter, Parsed, Task, embedded_text, parse_file
from kibitz.indexer.embed import Vectors
from kibitz.indexer.errors import IndexerError
from kibitz.indexer.piece import key_of
from kibitz.indexer.segment import segment_name
from kibitz.indexer.words import Bags, Vocabulary
from kibitz.indexer.workers import Job, ParsePool, batches
from tests.fakes.embedder import HashEmbedder


def hang_or_crash(root: Path, path: str, max_bytes: int | None) -> Parsed:
    """Stands in for a grammar that misbehaves: it runs where a grammar runs, and holds on just as hard."""
    if "hang" in path:
        while True:
            pass
    if "sleep" in path:
        time.sleep(600)
    if "crash" in path:
        os.kill(os.getpid(), signal.SIGSEGV)
    return parse_file(root, path, max_bytes)


def tell_process(root: Path, path: str, max_bytes: int | None) -> Parsed:
    """Says in a blob which process parsed."""
    parsed = parse_file(root, path, max_bytes)
    return Parsed(path, str(os.getpid()), parsed.chunks, parsed.rule)


class BadEmbedder(HashEmbedder):
    """Misbehaves where a batch's files are counted and embedded together, when a word stands in one of them."""

    def over(self, vocabulary: Vocabulary) -> Callable[[Bags], Vectors] | None:
        embed = super().over(vocabulary)
        assert embed is not None

        def embed_bags(bags: Bags) -> Vectors:
            words = {vocabulary.identifiers[code] for code in bags.codes.tolist()}
            if "kill_together" in words:
                os.kill(os.getpid(), signal.SIGSEGV)
            while "hang_together" in words:
                pass
            return embed(bags)

        return embed_bags


def lay(root: Path, names: list[str]) -> list[Task]:
    for name in names:
        (root / name).write_text(f"def {name.partition('.')[0]}():\n    pass\n")
    return [Task(name, 30) for name in names]


@dataclass
class Answers:
    """What came out of a pool."""

    blobs: dict[str, str]
    rules: dict[str, str]
    times: Counter[str]

    @classmethod
    def of(cls, cuts: Iterator[Cut]) -> "Answers":
        made = cls({}, {}, Counter())
        for cut in cuts:
            made.blobs |= dict(zip(cut.piece.paths, cut.piece.blobs, strict=True))
            made.rules |= dict(cut.skipped)
            made.times.update([*cut.piece.paths, *(path for path, _ in cut.skipped)])
        return made


def cut_all(pool: ParsePool, job: Job, tasks: list[Task]) -> Answers:
    found = Answers.of(pool.cut(job, tasks))
    assert found.times == Counter(task.path for task in tasks)  # each is answered exactly once
    return found


@given(st.lists(st.integers(0, 300_000), max_size=200))
def test_batches_hold_all_files_in_order_and_are_not_large(sizes: list[int]) -> None:
    tasks = [Task(str(at), size) for at, size in enumerate(sizes)]
    made = list(batches(tasks))
    assert [task for batch in made for task in batch] == tasks
    assert all(0 < len(batch) <= 64 for batch in made)
    assert all(len(batch) == 1 or sum(task.size for task in batch) <= 256_000 for batch in made)


def test_every_file_is_cut_once_and_as_it_would_be_here(tmp_path: Path) -> None:
    tasks = lay(tmp_path, [f"f{i}.py" for i in range(150)])
    (tmp_path / "blob.py").write_bytes(b"\0\1")
    tasks += [Task("blob.py", 2), Task("gone.py", 5)]
    pieces = {}
    with ParsePool(2) as pool:
        for cut in pool.cut(Job(tmp_path, HashEmbedder()), tasks):
            for at, path in enumerate(cut.piece.paths):
                assert path not in pieces
                pieces[path] = cut.with_paths(cut.piece).take(np.array([at]))
            for path, rule in cut.skipped:
                assert rule == {"blob.py": "binary", "gone.py": "unreadable"}[path]
    assert len(pieces) == 150
    here = Cutter(HashEmbedder()).cut([parse_file(tmp_path, "f7.py")])
    wanted, got = here.with_paths(here.piece), pieces["f7.py"]
    assert segment_name(got) == segment_name(wanted)
    assert np.array_equal(got.vectors, wanted.vectors)
    assert np.array_equal(got.terms.ids, wanted.terms.ids)
    assert not multiprocessing.active_children()


def test_a_file_that_hangs_or_crashes_is_skipped_and_the_others_are_cut(tmp_path: Path) -> None:
    names = [f"f{i}.py" for i in range(30)] + ["hang.py", "sleep.py", "crash.py", "crash_too.py"]
    tasks = lay(tmp_path, sorted(names))
    with ParsePool(2) as pool:
        found = cut_all(pool, Job(tmp_path, HashEmbedder(), deadline_s=0.3, parse=hang_or_crash), tasks)
    assert found.rules == {
        "hang.py": "timeout",
        "sleep.py": "timeout",
        "crash.py": "crash",
        "crash_too.py": "crash",
    }
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(("word", "rule"), [("kill_together", "crash"), ("hang_together", "timeout")])
def test_a_file_that_brings_down_the_step_done_together_costs_itself(tmp_path: Path, word: str, rule: str) -> None:
    tasks = lay(tmp_path, ["a.py", "bad.py", "c.py", "d.py"])
    (tmp_path / "bad.py").write_text(f"def {word}():\n    pass\n")
    with ParsePool(1) as pool:
        found = cut_all(pool, Job(tmp_path, BadEmbedder(), deadline_s=0.3), tasks)
    assert found.rules == {"bad.py": rule}
    assert not multiprocessing.active_children()


def test_a_file_alone_that_brings_down_every_worker_ends_the_round_all_the_same(tmp_path: Path) -> None:
    with ParsePool(2) as pool:
        found = cut_all(pool, Job(tmp_path, HashEmbedder(), parse=hang_or_crash), lay(tmp_path, ["crash.py"]))
    assert found.rules == {"crash.py": "crash"}


def test_a_slow_reader_does_not_make_a_file_late(tmp_path: Path) -> None:
    tasks = [Task(task.path, 200_000) for task in lay(tmp_path, [f"f{i}.py" for i in range(12)])]
    paths: list[str] = []
    with ParsePool(1) as pool:
        for at, cut in enumerate(pool.cut(Job(tmp_path, HashEmbedder(), deadline_s=0.2), tasks)):
            assert cut.skipped == ()
            paths += cut.piece.paths
            if at in (0, 4):
                time.sleep(1.5)
    assert sorted(paths) == sorted(task.path for task in tasks)


def test_few_files_start_one_worker_only(tmp_path: Path) -> None:
    with ParsePool(4) as pool:
        job = Job(tmp_path, HashEmbedder(), parse=tell_process)
        found = cut_all(pool, job, lay(tmp_path, [f"f{i}.py" for i in range(8)]))
    assert len(set(found.blobs.values())) == 1
    assert set(found.blobs.values()) != {str(os.getpid())}


def test_no_files_start_no_worker(tmp_path: Path) -> None:
    with ParsePool() as pool:
        assert list(pool.cut(Job(tmp_path, HashEmbedder()), [])) == []
        assert not multiprocessing.active_children()


@pytest.mark.parametrize("lean", [False, True])
def test_workers_are_kept_from_one_job_to_the_next(tmp_path: Path, lean: bool) -> None:
    (tmp_path / "other").mkdir()
    tasks = lay(tmp_path, ["a.py"])
    lay(tmp_path / "other", ["a.py"])
    with ParsePool(1, lean=lean) as pool:
        pool.start()
        first = cut_all(pool, Job(tmp_path, HashEmbedder(), parse=tell_process), tasks)
        second = cut_all(pool, Job(tmp_path / "other", HashEmbedder(8, name="small"), parse=tell_process), tasks)
        assert first.blobs == second.blobs
    assert not multiprocessing.active_children()


def test_a_worker_embeds_with_the_embedder_of_the_job_at_hand(tmp_path: Path) -> None:
    tasks = lay(tmp_path, ["a.py"])
    with ParsePool(1) as pool:
        for dim in (8, 16):
            (cut,) = pool.cut(Job(tmp_path, HashEmbedder(dim, name=f"hash {dim}")), tasks)
            here = Cutter(HashEmbedder(dim)).cut([parse_file(tmp_path, "a.py")])
            assert np.array_equal(cut.piece.vectors, here.piece.vectors)


def test_known_texts_are_not_embedded_in_a_worker(tmp_path: Path) -> None:
    lay(tmp_path, ["a.py", "b.py"])
    known = key_of(embedded_text(parse_file(tmp_path, "a.py").chunks[0], header=False))
    with ParsePool(1) as pool:
        (cut,) = pool.cut(Job(tmp_path, HashEmbedder()), [Task("a.py", 30, frozenset([known])), Task("b.py", 30)])
    assert dict(zip(cut.piece.paths, cut.piece.lacking.tolist(), strict=True)) == {"a.py": True, "b.py": False}


def test_an_open_document_is_cut_instead_of_its_file(tmp_path: Path) -> None:
    lay(tmp_path, ["a.py"])
    with ParsePool(1) as pool:
        (cut,) = pool.cut(Job(tmp_path, HashEmbedder()), [Task("a.py", 30, text="def typed():\n    pass\n")])
    assert cut.piece.defines == [("typed",)]


def test_closing_the_iterator_ends_the_workers_that_are_at_it(tmp_path: Path) -> None:
    tasks = [Task(task.path, 200_000) for task in lay(tmp_path, [f"f{i}.py" for i in range(40)])]
    others = set(multiprocessing.active_children())  # of a test before this one, which may still be ending
    with ParsePool(2) as pool:
        cuts = pool.cut(Job(tmp_path, HashEmbedder()), tasks)
        assert next(cuts).piece.chunks
        assert set(multiprocessing.active_children()) - others
        cuts.close()
        assert not set(multiprocessing.active_children()) - others
        assert len(cut_all(pool, Job(tmp_path, HashEmbedder()), tasks).blobs) == 40


def test_a_worker_that_cannot_start_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = lay(tmp_path, ["a.py"])
    monkeypatch.setattr("multiprocessing.spawn.get_executable", lambda: b"/bin/false")
    with pytest.raises(IndexerError, match="could not be started"), ParsePool(1, lean=True) as pool:
        list(pool.cut(Job(tmp_path, HashEmbedder()), tasks))
    assert not multiprocessing.active_children()


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "script.py"
    path.write_text(text)
    return path


def environ(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    return kept | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)} | more


NO_START = """
import multiprocessing
import sys
from pathlib import Path
from kibitz.indexer.errors import IndexerError
from kibitz.indexer.workers import Job, ParsePool
from kibitz.indexer.cut import Task
from tests.fakes.embedder import HashEmbedder

if __name__ == "__main__":
    multiprocessing.set_executable("/bin/false")
    try:
        with ParsePool(1) as pool:
            list(pool.cut(Job(Path("."), HashEmbedder()), [Task("a.py", 30)]))
    except IndexerError as error:
        sys.stdout.write(str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere workers are not forked")
def test_nor_can_one_be_forked_where_no_interpreter_starts(tmp_path: Path) -> None:
    command = [sys.executable, str(script(tmp_path, NO_START))]
    done = subprocess.run(command, env=environ(), capture_output=True, text=True, check=True, timeout=60)
    assert "could not be started" in done.stdout


SCRIPT = """
import sys
from pathlib import Path
from kibitz.indexer.workers import Job, ParsePool
from kibitz.indexer.cut import Task
from tests.fakes.embedder import HashEmbedder
from tests.unit.test_workers import hang_or_crash, tell_process

def parse(root, path, max_bytes):
    return hang_or_crash(root, path, max_bytes) if path == "hang.py" else tell_process(root, path, max_bytes)

if __name__ == "__main__":
    try:
        tasks = [Task(path, 200_000) for path in sys.argv[3:]]
        job = Job(Path(sys.argv[2]), HashEmbedder(), deadline_s=1, parse=parse)
        with ParsePool(1, lean=sys.argv[1] == "lean") as pool:
            for cut in pool.cut(job, tasks):
                sys.stdout.write(f"{cut.piece.blobs[0]}\\n")
                sys.stdout.flush()
                sys.stdin.read()
    except KeyboardInterrupt:
        sys.exit(130)
"""


def is_running(pid: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() not in ("", "Z", "Zs", "ZN", "ZNs")


def children_of(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True)
    pairs = [tuple(map(int, line.split())) for line in listed.stdout.splitlines()]
    found = [child for child, parent in pairs if parent == pid]
    return found + [below for child in found for below in children_of(child)]


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
@pytest.mark.parametrize("other", ["b.py", "hang.py"])
@pytest.mark.parametrize("kind", ["lean", "forked"])
def test_when_the_parent_ends_so_do_the_workers(
    tmp_path: Path, ending: signal.Signals, code: int, other: str, kind: str
) -> None:
    lay(tmp_path, ["a.py", other])
    parent: subprocess.Popen[str] = subprocess.Popen(
        [sys.executable, str(script(tmp_path, SCRIPT)), kind, str(tmp_path), "a.py", other],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environ(),
        start_new_session=True,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    processes = children_of(parent.pid)
    assert worker in processes
    # Ctrl-C reaches the whole group of a terminal, the workers too; a kill reaches the parent alone.
    os.killpg(parent.pid, ending) if ending == signal.SIGINT else parent.send_signal(ending)
    _, errors = parent.communicate(timeout=30)
    assert parent.returncode == code
    assert "Traceback" not in errors
    for _ in range(200):
        if not any(map(is_running, processes)):
            return
        time.sleep(0.1)
    raise AssertionError("a process runs on")


@pytest.mark.parametrize("lean", ["True", "False"])
def test_a_workspace_that_is_the_current_folder_lends_no_module(tmp_path: Path, lean: str) -> None:
    workspace = tmp_path / "work"
    workspace.mkdir()
    for name in ("pickle", "random", "signal", "tree_sitter", "numpy"):
        (workspace / f"{name}.py").write_text("open('RUN', 'w').close()\n")
    text = (
        "import os\nfrom pathlib import Path\nfrom kibitz.indexer.cut import Task\n"
        "from kibitz.indexer.workers import Job, ParsePool\nfrom tests.fakes.embedder import HashEmbedder\n"
        "if __name__ == '__main__':\n"
        f"    with ParsePool(1, lean={lean}) as pool:\n"
        "        (cut,) = pool.cut(Job(Path('.'), HashEmbedder()), [Task('pickle.py', 9), Task('random.py', 9)])\n"
        "    assert cut.piece.paths == ['pickle.py', 'random.py']\n"
        "    assert 'PYTHONSAFEPATH' not in os.environ\n"
    )
    command = [sys.executable, str(script(tmp_path, text))]
    subprocess.run(command, cwd=workspace, env=environ(), check=True)
    assert not (workspace / "RUN").exists()
