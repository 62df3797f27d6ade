"""The survey of a folder: which files are indexed, and which rule keeps the others out."""

import os
import shutil
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.rules import rule_by_name
from kibitz.indexer.workspace import Rules, survey
from tests.fakes.surveys import git, lay, needs_git, paths, rules


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
