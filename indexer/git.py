"""What git knows of a folder: which files are its own, and which repository it belongs to."""

import os
import subprocess
from pathlib import Path

_TIMEOUT_S = 60
_REDIRECTS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


def list_files(root: Path) -> list[str]:
    """The paths that git tracks or would track below `root`, relative to it; empty when git has no answer.

    A path that ends in "/" is a repository of its own.
    """
    return _ls_files(root, "-co")


def ignored_folders(root: Path) -> list[str]:
    """The folders below `root` that git ignores as a whole, relative to it, without a "/" at the end."""
    return [path[:-1] for path in _ls_files(root, "-oi", "--directory") if path.endswith("/")]


def _ls_files(root: Path, *options: str) -> list[str]:
    """What `git ls-files` prints; empty when it has no answer.

    The variables with which git tells its hooks where they run are not passed on, and a repository that somebody else
    has set up may not start its `core.fsmonitor` program.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _REDIRECTS}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "ls-files", *options, "--exclude-standard", "-z"],
            cwd=root,
            env=environ | {"GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    if done.returncode != 0:
        return []
    return [os.fsdecode(path) for path in dict.fromkeys(done.stdout.split(b"\0")) if path]


def common_directory(folder: Path) -> Path | None:
    """The directory that all worktrees of the repository around `folder` share; None outside git.

    Reads git's own files instead of starting git, which would take longer than a whole query.
    """
    for place in (folder, *folder.parents):
        found = _resolve(place / ".git")
        if found is not None:
            return found
    return None


def _resolve(git: Path) -> Path | None:
    """Follow `.git`: a directory, or in a worktree or a submodule a file that points to one."""
    try:
        if git.is_file():
            pointer = git.read_text(encoding="utf-8", errors="surrogateescape").strip()
            if not pointer.startswith("gitdir:"):
                return None
            git = git.parent / pointer.removeprefix("gitdir:").strip()
        if not (git / "HEAD").exists():
            return None
        shared = git / "commondir"
        if shared.is_file():
            git = git / shared.read_text(encoding="utf-8", errors="surrogateescape").strip()
        return git.resolve()
    except OSError:
        return None
