"""Workers: what hangs or crashes costs one file, and nothing is left running."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kibitz.indexer.errors import IndexerError
from kibitz.indexer.workers import Parsed, parse_file, parse_files
from kibitz.indexer.workspace import Skipped


def hang_or_crash(parsed: Parsed) -> tuple[str, str, int]:
    """Stands in for a grammar that misbehaves: it runs where a grammar runs, and holds on just as hard."""
    if "hang" in parsed.path and parsed.skipped is None:
        while True:
            pass
    if "sleep" in parsed.path and parsed.skipped is None:
        time.sleep(600)
    if "crash" in parsed.path and parsed.skipped is None:
        os.kill(os.getpid(), signal.SIGSEGV)
    return parsed.path, parsed.skipped.rule if parsed.skipped else "", os.getpid()


def length(parsed: Parsed) -> int:
    return len(parsed.chunks)


def lay(root: Path, names: list[str]) -> list[str]:
    for name in names:
        (root / name).write_text(f"def {name.partition('.')[0]}():\n    pass\n")
    return names


def test_every_file_is_parsed_once(tmp_path: Path) -> None:
    names = lay(tmp_path, [f"f{i}.py" for i in range(40)])
    (tmp_path / "blob.py").write_bytes(b"\0\1")
    parsed = list(parse_files(tmp_path, [*names, "blob.py", "gone.py"], workers=2))
    assert sorted(one.path for one in parsed) == sorted([*names, "blob.py", "gone.py"])
    assert {one.skipped for one in parsed if one.skipped} == {
        Skipped("blob.py", "binary"),
        Skipped("gone.py", "unreadable"),
    }
    assert next(one for one in parsed if one.path == "f7.py") == parse_file(tmp_path, "f7.py")
    assert not multiprocessing.active_children()


def test_a_file_that_hangs_or_crashes_is_skipped_and_the_others_are_parsed(tmp_path: Path) -> None:
    names = lay(tmp_path, [f"f{i}.py" for i in range(30)] + ["hang.py", "sleep.py", "crash.py", "crash_too.py"])
    names.sort()
    found = list(parse_files(tmp_path, names, workers=2, deadline_s=0.5, after=hang_or_crash))
    assert sorted(path for path, _, _ in found) == names
    assert {path: rule for path, rule, _ in found if rule} == {
        "hang.py": "timeout",
        "sleep.py": "timeout",
        "crash.py": "crash",
        "crash_too.py": "crash",
    }
    assert not multiprocessing.active_children()


def test_a_slow_reader_does_not_make_a_file_late(tmp_path: Path) -> None:
    names = lay(tmp_path, [f"f{i}.py" for i in range(12)])
    found = []
    for path, rule, _ in parse_files(tmp_path, names, workers=1, deadline_s=0.2, after=hang_or_crash):
        found.append((path, rule))
        if len(found) in (1, 5):
            time.sleep(1.5)
    assert sorted(found) == sorted((name, "") for name in names)


def test_few_files_start_one_worker_only(tmp_path: Path) -> None:
    names = lay(tmp_path, [f"f{i}.py" for i in range(8)])
    found = list(parse_files(tmp_path, names, workers=4, after=hang_or_crash))
    assert len(found) == 8
    assert len({pid for _, _, pid in found}) == 1


def test_no_files_start_no_worker(tmp_path: Path) -> None:
    assert list(parse_files(tmp_path, [])) == []


def test_what_comes_after_parsing_is_done_in_the_worker(tmp_path: Path) -> None:
    lay(tmp_path, ["a.py"])
    assert list(parse_files(tmp_path, ["a.py"], after=length)) == [1]
    ((_, _, pid),) = parse_files(tmp_path, ["a.py"], after=hang_or_crash)
    assert pid != os.getpid()


def test_closing_the_iterator_ends_the_workers(tmp_path: Path) -> None:
    names = lay(tmp_path, [f"f{i}.py" for i in range(40)])
    parsed = parse_files(tmp_path, names, workers=2)
    assert next(parsed).chunks
    assert multiprocessing.active_children()
    parsed.close()  # type: ignore[attr-defined]
    assert not multiprocessing.active_children()


def test_a_worker_that_cannot_start_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, ["a.py"])
    monkeypatch.setattr("multiprocessing.spawn.get_executable", lambda: b"/bin/false")
    with pytest.raises(IndexerError, match="could not be started"):
        list(parse_files(tmp_path, ["a.py"]))


SCRIPT = """
import sys
from pathlib import Path
from kibitz.indexer.workers import parse_files
from tests.unit.test_workers import hang_or_crash

if __name__ == "__main__":
    try:
        for path, rule, pid in parse_files(Path(sys.argv[1]), sys.argv[2:], deadline_s=1, after=hang_or_crash):
            sys.stdout.write(f"{pid}\\n")
            sys.stdout.flush()
            if path == "a.py" and "wait" in sys.argv:
                sys.stdin.read()
    except KeyboardInterrupt:
        sys.exit(130)
"""


def is_running(pid: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listed.stdout.strip() not in ("", "Z", "Zs", "ZN", "ZNs")


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
@pytest.mark.parametrize("other", ["b.py", "hang.py"])
def test_when_the_parent_ends_so_do_the_workers(tmp_path: Path, ending: signal.Signals, code: int, other: str) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    lay(tmp_path, ["a.py", other])
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path), "a.py", other, "wait"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        start_new_session=True,
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    # Ctrl-C reaches the whole group of a terminal, the workers too; a kill reaches the parent alone.
    os.killpg(parent.pid, ending) if ending == signal.SIGINT else parent.send_signal(ending)
    _, errors = parent.communicate(timeout=30)
    assert parent.returncode == code
    assert "Traceback" not in errors
    for _ in range(200):
        if not is_running(worker):
            return
        time.sleep(0.1)
    raise AssertionError("the worker runs on")


def test_a_workspace_that_is_the_current_folder_lends_no_module(tmp_path: Path) -> None:
    workspace, script = tmp_path / "work", tmp_path / "script.py"
    workspace.mkdir()
    for name in ("pickle", "random", "signal", "tree_sitter"):
        (workspace / f"{name}.py").write_text("open('RUN', 'w').close()\n")
    script.write_text(
        "import os, sys\nfrom pathlib import Path\nfrom kibitz.indexer.workers import parse_files\n"
        "if __name__ == '__main__':\n"
        "    parsed = list(parse_files(Path('.'), ['pickle.py', 'random.py'], workers=1))\n"
        "    assert [one.skipped for one in parsed] == [None, None]\n"
        "    assert 'PYTHONSAFEPATH' not in os.environ\n"
    )
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"}
    environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    subprocess.run([sys.executable, str(script)], cwd=workspace, env=environ, check=True)
    assert not (workspace / "RUN").exists()
