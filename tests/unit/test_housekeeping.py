"""Which indexes go, which stay, and what is left of those that went. With real folders and real locks."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import filelock
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer import housekeeping
from kibitz.indexer.housekeeping import IndexFolder, collect, collect_now_and_then, indexes, mark_used
from kibitz.indexer.manifest import Head, Manifest, save

DAY = 86_400.0
ROOMY = 1 << 40


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def made(
    cache: Path, identity: str, roots: Sequence[Path], *, name: str = "static-1", size: int = 0, days: float = 0
) -> Path:
    """An index of these workspaces, last used some days ago."""
    folder = cache / "index" / identity / name
    (folder / "table").mkdir(parents=True)
    (folder / "table" / "rows").write_bytes(b"x" * size)
    (folder / "write.lock").touch()
    (folder.parent / ".gitignore").write_text("*\n", encoding="ascii")
    for number, root in enumerate(roots):
        save(Manifest(Head(str(root)), {}), folder / "manifests" / f"{number}.json")
    mark_used(folder)
    then = time.time() - days * DAY
    for path in (folder / "used", *(folder / "manifests").glob("*")):
        os.utime(path, (then, then))
    return folder


def workspace(tmp_path: Path, name: str = "project") -> Path:
    root = tmp_path / name
    root.mkdir()
    return root


def reasons(cache: Path, budget: int = ROOMY) -> dict[Path, str]:
    return {one.path: one.reason for one in collect(cache, budget)}


def test_an_index_that_is_in_use_stays(cache: Path, tmp_path: Path) -> None:
    folder = made(cache, "a", [workspace(tmp_path)], size=10, days=300)
    (index,) = indexes(cache)
    assert (index.folder, index.roots) == (folder, (tmp_path / "project",))
    assert 10 < index.bytes < 1000
    assert abs(time.time() - 300 * DAY - index.used_at) < 60
    assert collect(cache, ROOMY) == []
    assert folder.is_dir()


def test_an_index_goes_when_all_its_workspaces_are_gone(cache: Path, tmp_path: Path) -> None:
    gone = made(cache, "a", [tmp_path / "deleted", tmp_path / "deleted too"])
    half = made(cache, "b", [tmp_path / "deleted", workspace(tmp_path)])
    assert reasons(cache) == {gone: "gone"}
    assert not gone.parent.exists()
    assert half.is_dir()
    assert collect(cache, ROOMY) == []


def test_a_workspace_on_a_drive_that_is_away_is_given_a_week(cache: Path, tmp_path: Path) -> None:
    away = tmp_path / "drive" / "project"
    made(cache, "a", [away], days=6)
    old = made(cache, "b", [away], days=8)
    assert reasons(cache) == {old: "gone"}


def test_an_index_with_a_manifest_that_cannot_be_read_is_not_called_gone(cache: Path, tmp_path: Path) -> None:
    folder = made(cache, "a", [tmp_path / "deleted"])
    (folder / "manifests" / "new.json").write_text(json.dumps({"format": 99}), encoding="ascii")
    assert reasons(cache) == {}


def test_an_old_version_goes_after_a_week_without_use(cache: Path, tmp_path: Path) -> None:
    root = workspace(tmp_path)
    made(cache, "a", [root], name="static-2")
    made(cache, "a", [root], name="other-embedder", days=6)
    old = made(cache, "a", [root], name="static-1", days=8)
    assert reasons(cache) == {old: "superseded"}


def test_over_the_budget_those_used_longest_ago_go(cache: Path, tmp_path: Path) -> None:
    root = workspace(tmp_path)
    now, recent = made(cache, "a", [root], size=40_000), made(cache, "b", [root], size=40_000, days=1)
    old, older = made(cache, "c", [root], size=40_000, days=2), made(cache, "d", [root], size=40_000, days=3)
    assert reasons(cache, 100_000) == {old: "budget", older: "budget"}
    assert (now.is_dir(), recent.is_dir()) == (True, True)


def test_the_last_used_index_stays_however_large_it_is(cache: Path, tmp_path: Path) -> None:
    made(cache, "a", [workspace(tmp_path)], size=40_000)
    assert reasons(cache, 1) == {}


def test_what_is_to_be_kept_is_kept(cache: Path, tmp_path: Path) -> None:
    folder = made(cache, "a", [tmp_path / "deleted"])
    assert collect(cache, 1, keep=[folder]) == []
    assert folder.is_dir()


HOLD = (
    "import sys, filelock\nwith filelock.FileLock(sys.argv[1]):\n    print('held', flush=True)\n    sys.stdin.read()\n"
)


def test_an_index_that_another_process_writes_stays_whatever_is_asked(cache: Path, tmp_path: Path) -> None:
    folder = made(cache, "a", [tmp_path / "deleted"])
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder / "write.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert collect(cache, 1, everything=True) == []
        assert collect(cache, 1, everything=True, dry_run=True) == []
        assert (folder / "table" / "rows").exists()
        assert holder.stdin is not None
        holder.stdin.close()
    assert [one.reason for one in collect(cache, 1, everything=True)] == ["all"]


def test_all_means_all_and_leaves_nothing(cache: Path, tmp_path: Path) -> None:
    root = workspace(tmp_path)
    folders = {made(cache, "a", [root]), made(cache, "b", [root], name="x"), made(cache, "b", [root], name="y")}
    removed = collect(cache, ROOMY, everything=True)
    assert {one.path for one in removed} == folders
    assert list((cache / "index").iterdir()) == []


def test_a_dry_run_says_the_same_and_removes_nothing(cache: Path, tmp_path: Path) -> None:
    made(cache, "a", [tmp_path / "deleted"], size=7)
    made(cache, "b", [workspace(tmp_path)])
    before = sorted(cache.rglob("*"))
    would = collect(cache, ROOMY, dry_run=True)
    assert sorted(cache.rglob("*")) == before
    assert collect(cache, ROOMY) == would != []


def test_what_killed_processes_left_goes_after_an_hour(cache: Path, tmp_path: Path) -> None:
    folder = made(cache, "a", [workspace(tmp_path)])
    (folder / "hot").mkdir()
    doomed = cache / "index" / ".removed-x"
    (doomed / "static-1" / "table").mkdir(parents=True)
    young, old = folder / "hot" / "young.tmp", folder / "hot" / "old.tmp"
    for path in (young, old):
        path.write_bytes(b"12345")
    assert reasons(cache) == {}
    then = time.time() - 2 * 3600
    os.utime(old, (then, then))
    os.utime(doomed, (then, then))
    assert reasons(cache) == {old: "temporary", doomed: "temporary"}
    assert (old.exists(), doomed.exists(), young.exists()) == (False, False, True)


def test_a_writer_can_begin_again_where_an_index_was_removed(cache: Path, tmp_path: Path) -> None:
    folder = made(cache, "a", [tmp_path / "deleted"])
    collect(cache, ROOMY)
    folder.mkdir(parents=True)
    with filelock.FileLock(folder / "write.lock", timeout=0):
        assert collect(cache, ROOMY, everything=True) == []


def test_use_is_marked_at_most_once_an_hour(cache: Path, tmp_path: Path) -> None:
    folder = made(cache, "a", [workspace(tmp_path)])
    now = time.time()
    for minutes, remarked in ((30, False), (90, True)):
        os.utime(folder / "used", (now - minutes * 60,) * 2)
        mark_used(folder)
        assert ((folder / "used").stat().st_mtime > now - 60) is remarked
    mark_used(cache / "nowhere")  # a cache that cannot be written is no reason to fail a search


def test_after_rounds_it_is_done_once_a_day(cache: Path, tmp_path: Path) -> None:
    assert collect_now_and_then(cache, ROOMY) == []
    made(cache, "a", [tmp_path / "deleted"])
    assert [one.reason for one in collect_now_and_then(cache, ROOMY)] == ["gone"]
    made(cache, "b", [tmp_path / "deleted"])
    assert collect_now_and_then(cache, ROOMY) == []
    mark = cache / "index" / "collected"
    os.utime(mark, (time.time() - 2 * DAY,) * 2)
    assert [one.reason for one in collect_now_and_then(cache, ROOMY)] == ["gone"]


@given(st.lists(st.integers(0, 100), max_size=12), st.integers(0, 300))
def test_what_is_left_fits_the_budget_and_the_newer_go_first_in(sizes: list[int], budget: int) -> None:
    left = [IndexFolder(Path(str(n)), (), size, 0.0) for n, size in enumerate(sizes)]
    over = list(housekeeping._over(left, budget))
    kept = [index for index in left if index not in over]
    assert left[:1] == kept[:1]
    assert len(kept) <= 1 or sum(index.bytes for index in kept) <= budget
    for index in over:  # nothing goes for which there was room beside what is newer
        newer = sum(one.bytes for one in kept if left.index(one) < left.index(index))
        assert newer + index.bytes > budget
