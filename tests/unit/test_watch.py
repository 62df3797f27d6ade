"""What a watcher tells of a folder in which things happen, and what it keeps to itself."""

import asyncio
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from kibitz.indexer import watch as watching
from kibitz.indexer.scope import Scope
from kibitz.indexer.watch import Batch, Notifier, watch

LONG_S = 20.0


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with sources, packages that were fetched and a folder that git ignores."""
    root = tmp_path / "project"
    for folder in ("src/deep", "node_modules/left-pad", "build/out"):
        (root / folder).mkdir(parents=True)
    (root / "src" / "a.py").write_text("a = 1\n", encoding="utf-8")
    (root / ".gitignore").write_text("build/\n", encoding="utf-8")
    git(root, "init", "-q", "-b", "main")
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True)


@asynccontextmanager
async def watched(root: Path, **options: object) -> AsyncIterator[AsyncGenerator[Batch]]:
    """A watcher that has begun."""
    async with aclosing(watch(root, **options)) as batches:  # type: ignore[arg-type]
        assert await _next(batches) == frozenset()
        yield batches


async def _next(batches: AsyncGenerator[Batch]) -> Batch:
    async with asyncio.timeout(LONG_S):
        return await anext(batches)


async def until(batches: AsyncGenerator[Batch], enough: Callable[[set[str]], bool]) -> tuple[set[str], int]:
    """All paths told until there are enough of them, and in how many batches."""
    told: set[str] = set()
    count = 0
    while not enough(told):
        told |= await _next(batches)
        count += 1
    return told, count


async def told_by_the_next(batches: AsyncGenerator[Batch], root: Path) -> set[str]:
    """What is told until a file that is changed last is told; that one left out."""
    await asyncio.sleep(0.3)  # a batch of its own
    (root / "src" / "last.py").write_text("last\n", encoding="utf-8")
    told, _ = await until(batches, lambda told: "src/last.py" in told)
    return told - {"src/last.py"}


async def test_a_file_is_told_when_it_is_made_changed_renamed_and_removed(root: Path) -> None:
    async with watched(root) as batches:
        new = root / "src" / "deep" / "b.py"
        new.write_text("b\n", encoding="utf-8")
        assert await _next(batches) == {"src/deep/b.py"}
        new.write_text("b = 2\n", encoding="utf-8")
        assert await _next(batches) == {"src/deep/b.py"}
        new.rename(root / "src" / "c.py")
        assert await _next(batches) == {"src/deep/b.py", "src/c.py"}
        (root / "src" / "c.py").unlink()
        assert await _next(batches) == {"src/c.py"}


async def test_thousands_of_changes_at_once_are_one_batch(root: Path) -> None:
    async with watched(root) as batches:
        for number in range(3000):
            (root / "src" / f"m{number}.py").write_text("x\n", encoding="utf-8")
        told, count = await until(batches, lambda told: len(told) == 3000)
    assert count <= 3  # one, unless this machine needs more than a second to write them
    assert told == {f"src/m{number}.py" for number in range(3000)}


async def test_what_changes_while_the_caller_works_is_one_batch(root: Path) -> None:
    async with watched(root) as batches:
        for number in range(3):
            (root / "src" / f"m{number}.py").write_text("x\n", encoding="utf-8")
            await asyncio.sleep(0.3)
        assert await _next(batches) == {"src/m0.py", "src/m1.py", "src/m2.py"}


async def test_what_no_round_would_index_is_not_told(root: Path, tmp_path: Path) -> None:
    cache = root / "cache"
    cache.mkdir()
    async with watched(root, private=[cache, tmp_path / "elsewhere"]) as batches:
        for path in ("node_modules/left-pad/i.js", "build/out/x.py", "cache/x.py", "src/a.log", "src/a.pyc", ".git/x"):
            (root / path).write_text("x\n", encoding="utf-8")
        (root / "src" / "node_modules").mkdir()
        (root / "src" / "node_modules" / "i.js").write_text("x\n", encoding="utf-8")
        git(root, "add", "-A")
        assert await told_by_the_next(batches, root) == set()


async def test_a_branch_switch_is_told_though_no_file_changed(root: Path) -> None:
    async with watched(root) as batches:
        git(root, "checkout", "-q", "-b", "other")
        assert await _next(batches) == {".git/HEAD"}


async def test_new_folders_are_watched_and_what_is_in_them_already_is_told(root: Path, tmp_path: Path) -> None:
    (tmp_path / "new" / "deep").mkdir(parents=True)
    (tmp_path / "new" / "deep" / "d.py").write_text("d\n", encoding="utf-8")
    async with watched(root) as batches:
        (tmp_path / "new").rename(root / "new")
        assert await _next(batches) == {"new/deep/d.py"}
        (root / "new" / "deep" / "e.py").write_text("e\n", encoding="utf-8")
        assert await _next(batches) == {"new/deep/e.py"}
        (root / "new").rename(root / "newer")
        assert await _next(batches) >= {"new", "newer/deep/d.py", "newer/deep/e.py"}
        (root / "newer" / "deep" / "e.py").write_text("ee\n", encoding="utf-8")
        assert await _next(batches) == {"newer/deep/e.py"}
        shutil.rmtree(root / "newer")
        assert await _next(batches) >= {"newer/deep/d.py", "newer/deep/e.py"}


async def test_a_folder_that_git_ignores_from_its_first_day_is_not_told(root: Path) -> None:
    (root / ".gitignore").write_text("build/\ntarget/\n", encoding="utf-8")
    async with watched(root) as batches:
        (root / "target").mkdir()
        (root / "target" / "main.rs").write_text("fn main() {}\n", encoding="utf-8")
        assert await told_by_the_next(batches, root) == set()


async def test_a_folder_that_git_ignores_no_longer_is_watched(root: Path) -> None:
    async with watched(root) as batches:
        (root / ".gitignore").write_text("", encoding="utf-8")
        assert ".gitignore" in await _next(batches)
        (root / "build" / "out" / "x.py").write_text("x\n", encoding="utf-8")
        assert await _next(batches) == {"build/out/x.py"}


async def test_it_ends_with_its_workspace(root: Path) -> None:
    async with watched(root) as batches:
        listening = asyncio.ensure_future(_all(batches))
        await asyncio.sleep(0.2)
        shutil.rmtree(root)
        async with asyncio.timeout(LONG_S):
            assert "src/a.py" in await listening


async def test_a_link_out_of_the_workspace_is_not_followed(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "linked").symlink_to(outside)
    async with watched(root) as batches:
        (root / "linked2").symlink_to(outside)
        (outside / "x.py").write_text("x\n", encoding="utf-8")
        assert await told_by_the_next(batches, root) == set()


async def test_closing_it_ends_its_threads(root: Path) -> None:
    before = set(threading.enumerate())
    async with watched(root) as batches:
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait({waiting})
        assert waiting.cancelled()
    busy = {thread for thread in set(threading.enumerate()) - before if not thread.name.startswith("asyncio_")}
    assert busy == set()


# -- where the system does not let us watch ------------------------------------------------------------------------


def refusing(error: Exception) -> Callable[[Sequence[str], bool], Notifier]:
    """What makes no notifier: the limits of this machine are not a test's to use up."""

    def make(folders: Sequence[str], recursive: bool) -> Notifier:
        raise error

    return make


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OSError("OS file watch limit reached."),
            "Watching by polling, because the system's limit of watched folders is reached; "
            "raise fs.inotify.max_user_watches.",
        ),
        (
            RuntimeError("Error creating recommended watcher: Too many open files (os error 24)"),
            "Watching by polling, because too many programs watch already; raise fs.inotify.max_user_instances.",
        ),
        (OSError("not here"), "Watching by polling, because not here."),
    ],
)
async def test_at_the_systems_limits_it_polls_and_says_so(
    root: Path, error: Exception, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "POLL_S", 0.05)
    said: list[str] = []
    async with watched(root, say=said.append, notifier=refusing(error)) as batches:
        assert said == [sentence]
        (root / "src" / "b.py").write_text("b\n", encoding="utf-8")
        assert await _next(batches) == {"src/b.py"}
        (root / "src" / "a.py").unlink()
        (root / "node_modules" / "x.js").write_text("x\n", encoding="utf-8")
        assert await _next(batches) == {"src/a.py"}
        shutil.rmtree(root)
        async with asyncio.timeout(LONG_S):
            assert await _all(batches) == set()


async def _all(batches: AsyncGenerator[Batch]) -> set[str]:
    return {path async for batch in batches for path in batch}


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere one watch covers the tree")
async def test_a_limit_that_is_reached_on_the_way_turns_to_polling(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "POLL_S", 0.05)
    made: list[Notifier] = []
    said: list[str] = []

    def only_once(folders: Sequence[str], recursive: bool) -> Notifier:
        if made:
            raise OSError("OS file watch limit reached.")
        made.append(watching._rust(folders, recursive))
        return made[0]

    async with watched(root, say=said.append, notifier=only_once) as batches:
        (root / "new").mkdir()
        assert await _next(batches) == frozenset()  # begun anew: the caller looks at everything
        assert len(said) == 1
        (root / "new" / "b.py").write_text("b\n", encoding="utf-8")
        assert "new/b.py" in await _next(batches)


# -- the scope -----------------------------------------------------------------------------------------------------


def test_only_folders_that_can_hold_something_are_walked(root: Path) -> None:
    (root / "env").mkdir()
    (root / "env" / "pyvenv.cfg").touch()
    assert dict(Scope(root).walk()) == {"": [".gitignore"], "src": ["src/a.py"], "src/deep": []}
    assert list(Scope(root, [root / "src"]).walk()) == [("", [".gitignore"])]


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("src/a.py", True),
        (".git/HEAD", True),
        (".git/index", False),
        ("sub/.git/HEAD", False),
        ("x/node_modules/a.js", False),
        ("build/x.py", False),
        ("build", False),
        ("builder/x.py", True),
        ("README", True),
        ("a.png", False),
        (".env", False),
        ("data.json", True),
    ],
)
def test_a_path_tells_whether_it_matters(root: Path, path: str, covered: bool) -> None:
    assert Scope(root).covers(path) is covered
