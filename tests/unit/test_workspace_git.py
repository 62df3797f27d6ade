"""The survey of a checkout: what git counts, and which workspaces share an index."""

import os
from pathlib import Path

import pytest

from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.workspace import Rules, identity, survey
from tests.fakes.surveys import git, lay, needs_git, no_root, paths, rules


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "-q")
    return root


@needs_git
def test_in_a_checkout_untracked_files_count_and_ignored_ones_do_not(checkout: Path) -> None:
    lay(checkout, {"tracked.py": "", "gone.py": "", "new.py": "", "build/x.py": "", ".gitignore": "build/\n"})
    git(checkout, "add", "tracked.py", "gone.py", ".gitignore")
    (checkout / "gone.py").unlink()
    found = survey(checkout)
    assert found.git
    assert paths(found) == [".gitignore", "new.py", "tracked.py"]


@needs_git
def test_a_tracked_file_is_indexed_although_a_pattern_would_ignore_it(checkout: Path) -> None:
    lay(checkout, {"a.py": "", ".gitignore": "a.py\n"})
    git(checkout, "add", "-f", "a.py")
    assert paths(survey(checkout)) == [".gitignore", "a.py"]


@needs_git
def test_settings_and_kibitzignore_exclude_in_a_checkout(checkout: Path) -> None:
    lay(checkout, {"a.py": "", "docs/b.md": "", "src/gen/c.py": "", "src/d.py": "", "src/.kibitzignore": "gen/\n"})
    (checkout / ".git/info/exclude").write_text(".kibitzignore\n")
    found = survey(checkout, Rules(ignore=("*.md",)))
    assert paths(found) == ["a.py", "src/d.py"]
    assert rules(found) == {"docs/b.md": "ignored:settings", "src/gen/c.py": "ignored:src/.kibitzignore"}


@needs_git
def test_a_subfolder_of_a_checkout_is_a_workspace_of_its_own(checkout: Path) -> None:
    lay(checkout, {"a.py": "", "sub/b.py": "", "sub/deep/c.py": "", ".gitignore": "c.py\n"})
    found = survey(checkout / "sub")
    assert paths(found) == ["b.py"]
    assert found.git


@needs_git
def test_a_folder_that_an_outer_repository_ignores_is_walked(checkout: Path) -> None:
    lay(checkout, {"scratch/a.py": "", ".gitignore": "scratch/\n"})
    found = survey(checkout / "scratch")
    assert paths(found) == ["a.py"]
    assert not found.git


@needs_git
def test_names_that_need_quoting_come_out_as_they_are(checkout: Path) -> None:
    names = ["a b.py", "\u00fcber.py", 'quo"te.py', "new\nline.py", "tab\t.py"]
    lay(checkout, dict.fromkeys(names, ""))
    assert paths(survey(checkout)) == sorted(names)


@needs_git
def test_a_submodule_belongs_to_the_workspace_and_another_repository_does_not(tmp_path: Path, checkout: Path) -> None:
    library = tmp_path / "library"
    lay(library, "lib.py")
    git(library, "init", "-q")
    git(library, "add", ".")
    git(library, "commit", "-q", "-m", "a")
    git(checkout, "submodule", "add", "-q", str(library), "vendor/library")
    lay(checkout, "a.py other/b.py")
    git(checkout / "other", "init", "-q")
    git(checkout / "other", "add", ".")
    git(checkout / "other", "commit", "-q", "-m", "a")
    found = survey(checkout)
    assert paths(found) == [".gitmodules", "a.py", "vendor/library/lib.py"]
    assert rules(found) == {"other/": "repository"}


@needs_git
def test_a_repository_runs_no_program_of_its_own(checkout: Path) -> None:
    lay(checkout, "a.py")
    trap = checkout / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {checkout}/sprung\n")
    trap.chmod(0o755)
    git(checkout, "config", "core.fsmonitor", str(trap))
    assert paths(survey(checkout)) == ["a.py", "trap.sh"]


def test_without_git_a_checkout_is_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    lay(tmp_path, {".git/HEAD": "", "a.py": "", "b.py": "", ".gitignore": "b.py\n"})
    found = survey(tmp_path)
    assert paths(found) == [".gitignore", "a.py"]
    assert not found.git


@no_root
def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    lay(tmp_path, "a.py locked/b.py")
    (tmp_path / "locked").chmod(0)
    try:
        assert rules(survey(tmp_path)) == {"locked/": "unreadable"}
        with pytest.raises(WorkspaceError, match="permission denied"):
            survey(tmp_path / "locked")
    finally:
        (tmp_path / "locked").chmod(0o755)


def test_a_folder_that_is_none_is_told_in_one_sentence(tmp_path: Path) -> None:
    lay(tmp_path, "a.py")
    with pytest.raises(WorkspaceError, match=r"^There is no folder .*nowhere\.$"):
        survey(tmp_path / "nowhere")
    with pytest.raises(WorkspaceError, match=r"a\.py is a file, not a folder\.$"):
        survey(tmp_path / "a.py")
    with pytest.raises(WorkspaceError, match="cannot be read"):
        survey(Path("a\0b"))


@needs_git
def test_worktrees_and_subfolders_of_a_repository_share_an_index(tmp_path: Path, checkout: Path) -> None:
    lay(checkout, "a.py sub/b.py")
    git(checkout, "add", ".")
    git(checkout, "commit", "-q", "-m", "a")
    git(checkout, "worktree", "add", "-q", str(tmp_path / "tree"))
    (tmp_path / "link").symlink_to(checkout)
    same = {identity(place) for place in (checkout, checkout / "sub", tmp_path / "tree", tmp_path / "link")}
    assert len(same) == 1
    assert identity(tmp_path) not in same


def test_folders_outside_git_have_an_index_each(tmp_path: Path) -> None:
    lay(tmp_path, "one/a.py two/a.py")
    assert identity(tmp_path / "one") != identity(tmp_path / "two")
    assert identity(tmp_path / "one") == identity(tmp_path / "two" / ".." / "one")


def test_what_stands_behind_a_link_that_took_a_folders_place_is_left_out(tmp_path: Path, checkout: Path) -> None:
    lay(checkout, "src/deep/a.py kept.py")
    git(checkout, "add", ".")
    (checkout / "src").rename(tmp_path / "elsewhere")
    (checkout / "src").symlink_to(tmp_path / "elsewhere")
    assert paths(survey(checkout)) == ["kept.py"]
    assert rules(survey(checkout)) == {"src": "symlink"}


def test_a_tracked_folder_that_has_become_a_file_is_gone(checkout: Path) -> None:
    lay(checkout, "docs/a.py kept.py")
    git(checkout, "add", ".")
    (checkout / "docs" / "a.py").unlink()
    (checkout / "docs").rmdir()
    (checkout / "docs").write_text("Moved.\n")
    assert paths(survey(checkout)) == ["docs", "kept.py"]
    assert rules(survey(checkout)) == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", [".gitignore", ".kibitzignore"])
def test_an_ignore_file_that_is_a_pipe_or_a_folder_says_nothing(tmp_path: Path, name: str) -> None:
    lay(tmp_path, "a.py sub/b.py")
    os.mkfifo(tmp_path / name)
    (tmp_path / "sub" / name).mkdir()
    assert paths(survey(tmp_path)) == ["a.py", "sub/b.py"]
