"""Following a folder from outside: `kibitz index --watch`, and what is left when it ends."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from tests.e2e.conftest import BANK, new_user

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process on Windows")


class Watching:
    """`kibitz index --watch --json`, or with other arguments."""

    def __init__(self, root: Path, home: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kibitz.server", "index", "--watch", *arguments],
            cwd=root,
            env=new_user(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @property
    def out(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def event(self, kind: str) -> dict[str, Any]:
        """The next event of a kind."""
        for line in self.out:
            event: dict[str, Any] = json.loads(line)
            if event["event"] == kind:
                return event
        raise AssertionError(self.process.communicate()[1])

    def interrupt(self) -> tuple[int, str]:
        """Press Ctrl-C, and return how it ended and what it said."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.wait()

    def wait(self) -> tuple[int, str]:
        _, said = self.process.communicate(timeout=60)
        deadline = time.monotonic() + 10
        while living(self.process.pid) and time.monotonic() < deadline:  # Python's own helper ends after us
            time.sleep(0.05)
        assert living(self.process.pid) == []
        return self.process.returncode, said.lstrip()


def living(group: int) -> list[str]:
    """The processes of a group that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = status.read_text(encoding="ascii", errors="replace").rpartition(")")
            state, _, its_group = rest.split()[:3]
            if its_group == str(group) and state != "Z":  # a container's first process may bury nobody
                found.append(name)
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "bank.py").write_text(BANK, encoding="utf-8")
    return root


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    assert list((tmp_path / "home").rglob("*.tmp")) == []


def test_every_change_is_followed_by_a_round_until_ctrl_c(root: Path, home: Path) -> None:
    watching = Watching(root, home, "--json")
    assert watching.event("report")["files"] == 1
    (root / "zoo.py").write_text("def feed() -> None: ...\n", encoding="utf-8")
    report = watching.event("report")
    assert (report["files"], report["parsed_files"], report["rebuilt"]) == (2, 1, None)
    (root / "bank.py").unlink()
    report = watching.event("report")
    assert (report["files"], report["removed_files"]) == (1, 1)
    assert watching.interrupt() == (130, "kibitz: interrupted\n")


def test_a_round_is_one_line_for_people(root: Path, home: Path) -> None:
    watching = Watching(root, home)
    assert "watching: 1 files, " in watching.out.readline()
    (root / "zoo.py").write_text("def feed() -> None: ...\n", encoding="utf-8")
    assert " 1 changed: 2 files, " in watching.out.readline()
    assert watching.interrupt() == (130, "kibitz: interrupted\n")


def test_a_round_that_fails_is_told_and_the_next_one_is_made(root: Path, home: Path) -> None:
    watching = Watching(root, home, "--json")
    watching.event("report")
    (root / ".kibitzignore").write_text("*\n", encoding="utf-8")
    report_or_error = json.loads(next(line for line in watching.out if '"progress"' not in line))
    assert report_or_error.get("files", 0) == 0
    (root / ".kibitzignore").write_text("\n", encoding="utf-8")
    assert watching.event("report")["files"] >= 1
    assert watching.interrupt() == (130, "kibitz: interrupted\n")


def test_it_ends_in_a_sentence_when_the_folder_is_gone(root: Path, home: Path) -> None:
    watching = Watching(root, home, "--json")
    watching.event("report")
    shutil.rmtree(root)
    code, said = watching.wait()
    assert code == 1
    assert said.startswith("kibitz: There is no folder")
    assert said.count("\n") == 1


def test_an_index_of_a_folder_that_is_gone_is_collected(root: Path, home: Path) -> None:
    def run(*arguments: str, cwd: Path = root) -> str:
        command = [sys.executable, "-m", "kibitz.server", *arguments]
        done = subprocess.run(command, cwd=cwd, env=new_user(home), capture_output=True, text=True, check=True)
        return done.stdout

    run("index")
    assert run("gc") == "Nothing to remove.\n"
    shutil.rmtree(root)
    (would,) = json.loads(run("gc", "--dry-run", "--json", cwd=home))
    assert (would["reason"], would["bytes"] > 1000, Path(would["path"]).is_dir()) == ("gone", True, True)
    assert "1 removed, " in run("gc", cwd=home)
    assert not Path(would["path"]).exists()
    assert json.loads(run("gc", "--all", "--json", cwd=home)) == []


def test_plan_and_watch_do_not_go_together(root: Path, home: Path) -> None:
    code, said = Watching(root, home, "--plan").wait()
    assert code == 2
    assert "Give --plan or --watch, not both." in said
