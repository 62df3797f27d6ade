"""Workspaces that make it hard: grammars that misbehave, odd files and names, files that change meanwhile, git."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kibitz.indexer import round as indexing_round
from kibitz.indexer.cut import Parsed
from kibitz.indexer.embed import Embedder
from kibitz.indexer.workers import Job
from kibitz.indexer.workspace import Rules
from tests.e2e.index_rounds import Rounds
from tests.e2e.index_workspace import Bench, lay, state
from tests.fakes.grammars import hang_or_crash, meddle
from tests.fakes.index_bench import git

Parse = Callable[[Path, str, "int | None"], Parsed]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, state(0, 20))


def parse_with(monkeypatch: pytest.MonkeyPatch, parse: Parse) -> None:
    def job(root: Path, embedder: Embedder, max_bytes: int | None) -> Job:
        return Job(root, embedder, max_bytes, deadline_s=0.3, parse=parse)

    monkeypatch.setattr(indexing_round, "Job", job)


def test_a_grammar_that_hangs_or_crashes_costs_its_file_alone_until_the_file_changes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = bench.fresh()
    files = state(0, 20) | {f"part1/{name}.py": "def f():\n    pass\n" for name in ("hang", "sleep", "crash")}
    lay(bench.root, files)
    with monkeypatch.context() as patched:
        parse_with(patched, hang_or_crash)
        report = bench.update()
    assert bench.dump().files == wanted.files
    assert bench.status().skipped == {"timeout": 2, "crash": 1}
    again = bench.update()  # with a parser that would take them
    assert (again.parsed_files, again.version, again.skipped) == (0, report.version, {"timeout": 2, "crash": 1})
    lay(bench.root, files | {"part1/hang.py": "def tamed():\n    pass\n"})
    assert bench.update().parsed_files == 1
    assert bench.status().skipped == {"timeout": 1, "crash": 1}
    assert bench.dump().files.keys() == wanted.files.keys() | {"part1/hang.py"}


def test_files_that_vanish_change_grow_or_turn_into_folders_under_a_round_are_right_after_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = state(0, 20) | {"a/meddle.py": "x = 1\n", "outside/secret.py": "def harmless():\n    pass\n"}
    for folder in ("vanish", "change", "grow", "folder"):
        files |= {f"{folder}/file{at}.py": f"def before_{folder}_{at}():\n    pass\n" for at in range(3)}
    lay(bench.root, files)
    (bench.folder / "elsewhere").mkdir()
    (bench.folder / "elsewhere/secret.py").write_text("def behind_the_link():\n    pass\n", "utf-8")
    with monkeypatch.context() as patched:
        parse_with(patched, meddle)
        bench.update()
    assert bench.searcher().search("load the thing")
    bench.update()
    bench.check()
    assert "outside/secret.py" not in bench.dump().files
    assert "behind_the_link" not in {hit.chunk.symbol for hit in bench.searcher().search("behind_the_link")}


def test_a_file_that_becomes_a_folder_and_a_folder_that_becomes_a_link_and_back_are_followed(bench: Bench) -> None:
    elsewhere = bench.folder / "elsewhere"
    lay(elsewhere, {"file1.ts": "export function farAway() {}\n"})
    files = state(0, 20)
    bench.update()
    python = next(path for path in files if path.endswith(".py"))
    (bench.root / python).unlink()
    lay(bench.root, {path: text for path, text in files.items() if path != python} | {f"{python}/in.py": "x = 1\n"})
    shutil.rmtree(bench.root / "part1")
    (bench.root / "part1").symlink_to(elsewhere)
    bench.update()
    bench.check()
    assert not any(path.startswith("part1/") for path in bench.dump().files)
    (bench.root / "part1").unlink()
    shutil.rmtree(bench.root / python)
    lay(bench.root, files)
    assert bench.update().embedded_chunks == 0
    bench.check()


def test_huge_deep_looping_and_broken_things_do_not_stop_a_round(bench: Bench) -> None:
    before = bench.fresh()
    (bench.root / "bundle.js").write_text("var a=1;" * (20_000_000 // 8), "utf-8")
    deep = "/".join(["d"] * 200)
    lay(bench.root / deep, {"bottom.py": "def at_the_bottom():\n    pass\n"})
    (bench.root / "part1" / "loop").symlink_to(bench.root)
    (bench.root / "part1" / "self").symlink_to("self")
    (bench.root / "part1" / "broken.py").symlink_to("nowhere.py")
    os.mkfifo(bench.root / "part1" / "pipe.py")
    report = bench.update()
    assert report.skipped == {"symlink": 3, "size": 1, "special": 1}
    assert bench.dump().files.keys() == before.files.keys() | {f"{deep}/bottom.py"}
    assert bench.searcher().search("at_the_bottom")[0].chunk.path == f"{deep}/bottom.py"
    bench.rules = Rules(max_bytes=50_000_000)
    assert bench.update().skipped == {"symlink": 3, "minified": 1, "special": 1}
    bench.check()


NAMES = [
    "it's.py",
    'say "hi".py',
    "two\nlines.py",
    "smile \U0001f600.py",
    "back\\slash.py",
    "space .py ",
    "ü.py",
    "a;b.py",
]


@pytest.mark.parametrize("in_git", [False, True])
def test_odd_names_are_indexed_and_those_that_are_no_text_are_left_out(bench: Bench, in_git: bool) -> None:
    files = {name: f"def odd_name_{at}():\n    pass\n" for at, name in enumerate(NAMES)}
    lay(bench.root, state(0, 20) | files | {f"in {name}/{name}": text for name, text in files.items()})
    Path(os.fsdecode(os.fsencode(bench.root) + b"/not\xff.py")).write_text("x = 1\n")
    if in_git:
        git(bench.root, "init")
    assert bench.update().skipped == {"name": 1}
    bench.check()
    found = bench.dump().files
    for name in NAMES:
        assert name in found
        assert f"in {name}/{name}" in found
    for at, name in enumerate(NAMES):
        hits = {hit.chunk.path: hit for hit in bench.searcher().search(f"odd_name_{at}")}
        assert hits[name].chunk.text == files[name]
        assert not hits[name].stale


def test_a_file_that_may_not_be_read_is_indexed_once_it_may(bench: Bench) -> None:
    everywhere = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may read everything here")
    paths = [path for path in state(0, 20) if path.startswith("part1/")]
    bench.update()
    shut = [bench.root / paths[0], bench.root / "part2"]
    lay(bench.root, state(0, 20) | {paths[0]: "def once_shut():\n    pass\n"})
    rounds = Rounds(everywhere if os.geteuid() == 0 else ())
    try:
        for path in shut:
            path.chmod(0)
        request = {"root": str(bench.root), "cache": str(bench.cache)}
        assert rounds.run(**request)["rebuilt"] is None
        assert bench.dump().passed == {paths[0]: "unreadable"}
        assert not any(path.startswith("part2/") for path in bench.dump().files)
        for path in shut:
            path.chmod(0o755)
        assert rounds.run(**request)["rebuilt"] is None
    finally:
        for path in shut:
            path.chmod(0o755)
        rounds.close()
    bench.check()


def test_branches_worktrees_renames_and_reverts_embed_nothing_on_the_way_back(bench: Bench) -> None:
    git(bench.root, "init")
    for number, branch in enumerate(("main", "side", "other")):
        git(bench.root, "checkout", "-B", branch)
        lay(bench.root, state(number))
        git(bench.root, "add", "-A")
        git(bench.root, "commit", "-m", branch)
        bench.update()
        bench.check()
    for branch in ("main", "other", "side", "main"):
        git(bench.root, "checkout", branch)
        assert bench.update().embedded_chunks == 0
        bench.check()
    worktree = bench.folder / "worktree"
    git(bench.root, "worktree", "add", str(worktree), "side")
    assert bench.update(worktree).embedded_chunks == 0
    bench.check(bench.fresh(worktree), worktree)
    git(bench.root, "mv", "part0", "renamed")
    assert bench.update().embedded_chunks == 0
    bench.check()
    assert {hit.chunk.path for hit in bench.searcher().search("load the thing", k=50)} <= bench.dump().files.keys()
    git(bench.root, "commit", "-am", "rename")
    git(bench.root, "revert", "--no-edit", "HEAD")
    assert bench.update().embedded_chunks == 0
    bench.check()
    git(bench.root, "checkout", "--detach", "other")
    assert bench.update().embedded_chunks == 0
    bench.check()
    bench.check(bench.fresh(worktree), worktree)


def test_a_reader_that_lags_behind_says_that_lines_may_have_moved(bench: Bench) -> None:
    bench.update()
    searcher = bench.searcher()
    lay(
        bench.root,
        {"part0/file0.py": "# moved\n\n" + state(0, 20)["part0/file0.py"]}
        | {path: text for path, text in state(0, 20).items() if path != "part0/file0.py"},
    )
    bench.update()
    assert {hit.stale for hit in searcher.search("Thing0.load_thing0") if hit.chunk.path == "part0/file0.py"} == {True}
    searcher.refresh()
    assert {hit.stale for hit in searcher.search("Thing0.load_thing0")} == {False}


def test_a_workspace_of_empty_files_alone_is_indexed(tmp_path: Path) -> None:
    bench = Bench(tmp_path, {"a/__init__.py": "", "b/__init__.py": ""})
    report = bench.update()
    assert (report.files, report.chunks) == (2, 0)
    assert bench.searcher().search("anything") == []
    bench.check()
