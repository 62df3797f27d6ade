"""What git knows of a folder: its files, the contents it keeps of them, and which repository it belongs to."""

import hashlib
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

_TIMEOUT_S = 60
_REDIRECTS = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"})


def list_files(root: Path) -> list[str]:
    """The paths that git tracks or would track below `root`, relative to it; empty when git has no answer.

    A path that ends in "/" is a repository of its own.
    """
    return list(dict.fromkeys(_paths(root, "ls-files", "-co", "--exclude-standard", "-z")))


def list_ignored(root: Path) -> list[str]:
    """What git ignores below `root`; a folder (it ends in "/") stands for all that is in it."""
    found = _paths(root, "ls-files", "-oi", "--exclude-standard", "--directory", "-z")
    # Git also lists the folders around ignored files, although they are not ignored themselves.
    around = {f"{parent}/" for path in found for parent in _parents(path)}
    return [path for path in found if path not in around]


def ignore_rule(root: Path, path: str) -> str:
    """The pattern by which git ignores an untracked path, as "<ignore file>:<line>: <pattern>"; "" when it does not."""
    # Not with -z: that needs --stdin, and what git quotes is the path, which is known.
    said = _run(root, "-c", "core.quotePath=false", "check-ignore", "-v", "--", path)
    where, tab, _ = os.fsdecode(said).rstrip("\n").partition("\t")
    parts = where.split(":", 2)
    if not tab or len(parts) != 3 or parts[2].startswith("!"):
        return ""
    return f"{parts[0]}:{parts[1]}: {parts[2]}"


def ignored_folders(root: Path) -> list[str]:
    """The folders below `root` that git ignores as a whole, relative to it, without a "/" at the end."""
    return [path[:-1] for path in list_ignored(root) if path.endswith("/")]


def committed(root: Path) -> dict[str, str]:
    """The ids of the files' contents in the last commit, by their paths below `root`; empty when there is none."""
    rows = (row.partition("\t") for row in _paths(root, "ls-tree", "-r", "-z", "HEAD"))
    return {path: head.split()[2] for head, _, path in rows if head.split()[1] == "blob"}


def content_id(data: bytes) -> str:
    """What git calls this content of a file, in a repository with SHA-1 ids."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def contents(root: Path, ids: Iterable[str]) -> dict[str, bytes]:
    """Those contents of files that the repository around `root` keeps under these ids; no filter changes them."""
    asked = "".join(f"{one}\n" for one in ids).encode("ascii")
    said = _run(root, "cat-file", "--batch", stdin=asked) if asked else b""
    found: dict[str, bytes] = {}
    at = 0
    while (end := said.find(b"\n", at)) >= 0:
        head = said[at:end].split()
        at = end + 1
        if len(head) == 3:  # an id, "blob" and the size; what is not there has two words
            size = int(head[2])
            found[head[0].decode("ascii")] = said[at : at + size]
            at += size + 1
    return found


def diff(root: Path, since: str = "HEAD", *, staged: bool = False) -> str:
    """The unified diff of the files below `root` since a commit, or of what is staged; "" where git has no answer.

    Git may start the filters that a repository's settings name: only for one that the user trusts.
    """
    options = ("--no-color", "--no-ext-diff", "--no-textconv", "--relative", "--find-renames")
    arguments = ("-c", "core.quotePath=false", "diff", *options, *(("--cached",) if staged else ()), since, "--")
    return _run(root, *arguments).decode("utf-8", "replace")


def subjects(root: Path, count: int) -> list[str]:
    """The subjects of the last commits, the newest first."""
    said = _run(root, "log", f"--max-count={count}", "--no-show-signature", "--format=%s")
    return said.decode("utf-8", "replace").splitlines()


def _parents(path: str) -> list[str]:
    parts = path.rstrip("/").split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _paths(root: Path, *arguments: str) -> list[str]:
    return [path for path in os.fsdecode(_run(root, *arguments)).split("\0") if path]


def _run(root: Path, *arguments: str, stdin: bytes = b"") -> bytes:
    """What git prints; nothing when it fails or is not there.

    The variables with which git tells its hooks where they run are not passed on, and a repository that somebody else
    has set up may not start its `core.fsmonitor` program, nor fetch what a partial clone lacks.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _REDIRECTS}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", *arguments],
            cwd=root,
            env=environ | {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"},
            input=stdin,
            capture_output=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return done.stdout if done.returncode == 0 else b""


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
