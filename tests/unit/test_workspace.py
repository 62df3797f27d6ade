"""The survey: which files are indexed, and which rule keeps the others out."""

import os
import shutil
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.rules import rule_by_name
from kibitz.indexer.workspace import Rules, Survey, identity, survey

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
no_root = pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not hold for this user")


def lay(root: Path, files: str | dict[str, str]) -> None:
    """Write files: a text of paths, or paths with their contents."""
    if isinstance(files, str):
        files = dict.fromkeys(files.split(), "x = 1\n")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def git(root: Path, *arguments: str) -> None:
    settings = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *settings, *arguments], cwd=root, check=True, capture_output=True)


def paths(found: Survey) -> list[str]:
    return [source.path for source in found.files]


def rules(found: Survey) -> dict[str, str]:
    return {skip.path: skip.rule for skip in found.skipped}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    root.mkdir()
    git(root, "init", "-q")
    return root


def test_a_folder_is_walked_and_paths_are_relative(tmp_path: Path) -> None:
    lay(tmp_path, "b.py a/c.py a/d/e.py")
    found = survey(tmp_path)
    assert paths(found) == ["a/c.py", "a/d/e.py", "b.py"]
    assert not found.git
    status = (tmp_path / "b.py").stat()
    assert (found.files[2].size, found.files[2].mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_nested_ignore_files_hold_below_their_own_folder(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            ".gitignore": "*.log.py\n/build/\n# a comment\n\nout\n",
            "keep.py": "",
            "x.log.py": "",
            "build/a.py": "",
            "src/build/a.py": "",
            "src/out": "",
            "src/.gitignore": "!important.log.py\n/only_here.py\n",
            "src/important.log.py": "",
            "src/only_here.py": "",
            "src/deep/only_here.py": "",
            "src/deep/other.log.py": "",
        },
    )
    found = survey(tmp_path)
    assert paths(found) == [
        ".gitignore",
        "keep.py",
        "src/.gitignore",
        "src/build/a.py",
        "src/deep/only_here.py",
        "src/important.log.py",
    ]
    assert rules(found) == {
        "build/": "ignored:.gitignore",
        "src/deep/other.log.py": "ignored:.gitignore",
        "src/only_here.py": "ignored:src/.gitignore",
        "src/out": "ignored:.gitignore",
        "x.log.py": "ignored:.gitignore",
    }


def test_nothing_below_an_ignored_folder_can_be_let_in_again(tmp_path: Path) -> None:
    lay(tmp_path, {".gitignore": "gen/\n!gen/keep.py\n", "gen/keep.py": "", "gen/.gitignore": "!*\n"})
    assert paths(survey(tmp_path)) == [".gitignore"]


def test_a_pattern_that_git_would_not_understand_is_passed_over(tmp_path: Path) -> None:
    lay(tmp_path, {".gitignore": "!\n/\nb.py\n[z-a].py\n", "a.py": "", "b.py": ""})
    assert "a.py" in paths(survey(tmp_path))
    assert "b.py" not in paths(survey(tmp_path))


_NAMES = st.sampled_from(["a", "b", "ab", "a.py", "b.py"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_PATTERN = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/", "**/", "*/"]),
    st.sampled_from(["a", "b", "*", "*.py", "a/b", "a*", "?", "[ab]", "a/**", "**/b"]),
    st.sampled_from(["", "/"]),
)
_IGNORE = st.lists(_PATTERN, max_size=3).map(lambda lines: "".join(line + "\n" for line in lines))


@needs_git
@settings(max_examples=40, deadline=None)
@given(files=st.lists(_PATHS, max_size=8), ignores=st.dictionaries(st.sampled_from(["", "a/", "a/b/"]), _IGNORE))
def test_a_walk_finds_what_git_finds(
    tmp_path_factory: pytest.TempPathFactory, files: list[str], ignores: dict[str, str]
) -> None:
    plain = tmp_path_factory.mktemp("plain")
    for path in files:
        # A path that needs a folder where a file stands is left out.
        if (
            not any((plain / parent).is_file() for parent in PurePosixPath(path).parents)
            and not (plain / path).is_dir()
        ):
            lay(plain, path)
    for folder, text in ignores.items():
        if (plain / folder).is_dir():
            (plain / f"{folder}.gitignore").write_text(text)
    checkout = tmp_path_factory.mktemp("git") / "copy"
    shutil.copytree(plain, checkout)
    git(checkout, "init", "-q")
    assert paths(survey(plain)) == paths(survey(checkout))


def test_folders_of_tools_are_not_entered(tmp_path: Path) -> None:
    lay(
        tmp_path,
        "a.py node_modules/x/i.js .git/config sub/__pycache__/a.py env/pyvenv.cfg env/a.py t/CACHEDIR.TAG t/a.rs",
    )
    found = survey(tmp_path)
    assert paths(found) == ["a.py"]
    assert set(rules(found).values()) == {"vendored"}
    assert "node_modules/" in rules(found)
    assert "env/" in rules(found)


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("logo.PNG", "binary"),
        ("app.pyc", "binary"),
        ("package-lock.json", "lock"),
        ("Cargo.lock", "lock"),
        ("go.sum", "lock"),
        ("uv.lock", "lock"),
        (".env", "secret"),
        (".env.production", "secret"),
        (".env.example", ""),
        ("server.pem", "secret"),
        ("id_rsa", "secret"),
        ("id_rsa.pub", ""),
        ("prod.tfstate.backup", "secret"),
        ("api.pb.go", "generated"),
        ("api_pb2.py", "generated"),
        ("api_pb2_grpc.py", "generated"),
        ("api_pb.js", "generated"),
        ("moc_window.cpp", "generated"),
        ("qrc_icons.cpp", "generated"),
        ("zz_generated.go", "generated"),
        ("schema_generated.h", "generated"),
        ("model.g.dart", "generated"),
        ("jquery-min.js", "minified"),
        ("client_secret.json", "secret"),
        ("service-account.json", "secret"),
        ("secrets.yaml", "secret"),
        ("form.Designer.cs", "generated"),
        ("jquery.min.js", "minified"),
        ("app.js.map", "minified"),
        ("rows.csv", "data"),
        ("de.po", "data"),
        ("icon.svg", "data"),
        ("notes.ipynb", "data"),
        ("settings.json", ""),
        ("main.py", ""),
        ("admin.js", ""),
        ("keyboard.ts", ""),
        ("Makefile", ""),
        ("LICENSE", ""),
        ("secrets.py", ""),
        ("environment.ts", ""),
    ],
)
def test_a_name_may_exclude_a_file(name: str, rule: str) -> None:
    assert rule_by_name(name, 1_000, 1_000_000) == rule


def test_a_size_may_exclude_a_file() -> None:
    assert rule_by_name("a.py", 1_000_000, 1_000_000) == ""
    assert rule_by_name("a.py", 1_000_001, 1_000_000) == "size"
    assert rule_by_name("a.json", 300_000, 1_000_000) == "data"
    assert rule_by_name("a.json", 200_000, 100_000) == "size"


def test_links_and_pipes_are_left_out_even_broken_ones(tmp_path: Path) -> None:
    root = tmp_path / "root"
    lay(root, "a.py sub/b.py")
    lay(tmp_path, "outside.py")
    (root / "broken.py").symlink_to("nowhere.py")
    (root / "escape.py").symlink_to(tmp_path / "outside.py")
    (root / "same.py").symlink_to("a.py")
    (root / "loop").symlink_to(root, target_is_directory=True)
    os.mkfifo(root / "pipe")
    found = survey(root)
    assert paths(found) == ["a.py", "sub/b.py"]
    assert rules(found) == {
        "broken.py": "symlink",
        "escape.py": "symlink",
        "same.py": "symlink",
        "loop": "symlink",
        "pipe": "special",
    }


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_links_that_lead_nowhere_or_in_circles_are_left_out(tmp_path: Path, in_git: bool) -> None:
    lay(tmp_path, "a.py sub/b.py")
    (tmp_path / "broken.py").symlink_to("nowhere.py")
    (tmp_path / "self.py").symlink_to("self.py")
    (tmp_path / "sub" / "up").symlink_to("..", target_is_directory=True)
    (tmp_path / "ping").symlink_to("pong")
    (tmp_path / "pong").symlink_to("ping")
    if in_git:
        git(tmp_path, "init", "-q")
    found = survey(tmp_path)
    assert found.git == in_git
    assert paths(found) == ["a.py", "sub/b.py"]
    left_out = {path: rule for path, rule in rules(found).items() if path != ".git/"}
    assert left_out == dict.fromkeys(["broken.py", "ping", "pong", "self.py", "sub/up"], "symlink")


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_a_folder_200_deep_is_entered(tmp_path: Path, in_git: bool) -> None:
    deep = "/".join(["d"] * 200)
    lay(tmp_path, {f"{deep}/a.py": "", f"{deep}/b.md": "", "d/.kibitzignore": "*.md\n"})
    if in_git:
        git(tmp_path, "init", "-q")
    found = survey(tmp_path)
    assert paths(found) == ["d/.kibitzignore", f"{deep}/a.py"]
    assert rules(found)[f"{deep}/b.md"] == "ignored:d/.kibitzignore"


@needs_git
def test_a_name_that_is_not_unicode_is_said(checkout: Path) -> None:
    lay(checkout, {"a.py": "", "\U0001f600.py": ""})
    try:
        Path(os.fsdecode(os.fsencode(checkout) + b"/\xff.py")).touch()
    except OSError:
        pytest.skip("this file system takes Unicode only")
    assert paths(survey(checkout)) == ["a.py", "\U0001f600.py"]
    assert rules(survey(checkout)) == {"?.py": "name"}


VENDORED_COPIES = {
    "vendor/modules.txt": "# example.org/a v1.0.0\n",
    "vendor/example.org/a/a.go": "",
    "php/vendor/autoload.php": "",
    "php/vendor/acme/x.php": "",
    "crates/serde/.cargo-checksum.json": "{}",
    "crates/serde/src/lib.rs": "",
    "env/pyvenv.cfg": "",
    "env/lib/x.py": "",
    "node_modules/x/i.js": "",
    "app/vendor/own.py": "",
    "docs/modules.txt": "",
    "third_party/own.c": "",
    "autoload.php": "",
    "pyvenv.cfg": "",
}


@pytest.mark.parametrize("in_git", [False, pytest.param(True, marks=needs_git)])
def test_copies_of_other_peoples_sources_are_known_by_what_their_tool_left(tmp_path: Path, in_git: bool) -> None:
    lay(tmp_path, VENDORED_COPIES)
    if in_git:
        git(tmp_path, "init", "-q")
        git(tmp_path, "add", ".")
    found = survey(tmp_path)
    own = ["app/vendor/own.py", "autoload.php", "docs/modules.txt", "pyvenv.cfg", "third_party/own.c"]
    assert paths(found) == own
    assert set(rules(found).values()) == {"vendored"}


@needs_git
def test_what_git_ignores_is_said_when_it_is_asked_for(checkout: Path) -> None:
    lay(checkout, {".gitignore": "build/\n*.dart\n", "a.py": "", "lib/a.dart": "", "build/x/y.py": "", "new/b.py": ""})
    git(checkout, "add", "a.py", ".gitignore")
    assert rules(survey(checkout)) == {}
    found = survey(checkout, ignored=True)
    assert paths(found) == [".gitignore", "a.py", "new/b.py"]
    assert rules(found) == {"build/": "ignored:git", "lib/a.dart": "ignored:git"}


def test_settings_and_kibitzignore_exclude_outside_git(tmp_path: Path) -> None:
    lay(tmp_path, {"a.py": "", "docs/b.md": "", "old/c.py": "", "new/old.py": "", "new/.kibitzignore": "old.py\n"})
    found = survey(tmp_path, Rules(ignore=("/docs/", "old/")))
    assert paths(found) == ["a.py", "new/.kibitzignore"]
    assert rules(found) == {
        "docs/": "ignored:settings",
        "old/": "ignored:settings",
        "new/old.py": "ignored:new/.kibitzignore",
    }


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
