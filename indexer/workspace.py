"""Which files of a folder are indexed, and why the others are not."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kibitz.indexer import git
from kibitz.indexer.errors import WorkspaceError
from kibitz.indexer.ignore import IgnoreTree
from kibitz.indexer.rules import VENDORED, rule_by_name

_KIBITZIGNORE = ".kibitzignore"
_MAX_NESTING = 8


class Source(NamedTuple):
    """A file to index: its path relative to the workspace with "/", its size in bytes, when it was last written.

    The inode tells a file that was put in another's place with the same size and time. A tuple, since a survey makes
    one for each of many thousand files.
    """

    path: str
    size: int
    mtime_ns: int
    inode: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file, or a folder (its path ends in "/"), that is left out, and the name of the rule that says so.

    By name and size: "size", "binary", "data", "generated", "minified", "lock", "secret", "vendored". By where and what
    it is: "ignored:<ignore file>", "ignored:settings", "ignored:git", "symlink", "special" (a pipe, a device),
    "repository" (another one inside this), "name" (not Unicode), "unreadable". Known only when it is parsed: "binary",
    "generated", "minified", "secret" and "unreadable" by content, "timeout", "crash".
    """

    path: str
    rule: str


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look over the workspace found, both parts sorted by path; `git` when git listed the files.

    What git itself ignores is then among `skipped` only when it was asked for, since git does not list it.
    """

    files: tuple[Source, ...]
    skipped: tuple[Skipped, ...]
    git: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user can set: the largest file in bytes, and further patterns in .gitignore's syntax."""

    max_bytes: int = 1_000_000
    ignore: tuple[str, ...] = ()


_DEFAULT_RULES = Rules()


def survey(root: Path, rules: Rules = _DEFAULT_RULES, *, ignored: bool = False) -> Survey:
    """Find the files below `root` that are to be indexed, without reading any of them.

    In a git checkout these are the files that git tracks or would track; elsewhere the folder is walked and its
    .gitignore files are honoured. A .kibitzignore holds in both. Symbolic links are never followed. With `ignored`
    git is asked a second time, for what it ignores.

    Raises:
        WorkspaceError: there is no such folder, or it cannot be read.
    """
    _check_root(root)
    # A folder that an outer repository ignores as a whole was still opened by the user: it is walked.
    listed = git.list_files(root)
    found = _listed(root, listed, rules) if listed else _walk(root, rules)
    files: list[Source] = []
    skipped = [Skipped(path, "ignored:git") for path in git.list_ignored(root)] if listed and ignored else []
    for one in found:
        if isinstance(one, Source):
            files.append(one)
        else:
            skipped.append(one)
    files.sort()  # by path, which is the first field
    skipped.sort(key=lambda skip: skip.path)
    return Survey(tuple(files), tuple(skipped), git=bool(listed))


def identity(root: Path) -> str:
    """What an index of this folder is called: the same for all worktrees and subfolders of one git repository.

    Returns a hex digest of the repository's common directory, or outside git of the folder itself.
    """
    folder = root.resolve()
    place = git.common_directory(folder) or folder
    return hashlib.sha256(os.fsencode(place)).hexdigest()[:32]


def _check_root(root: Path) -> None:
    try:
        if not stat.S_ISDIR(root.stat().st_mode):
            raise WorkspaceError(f"{root} is a file, not a folder.")
        with os.scandir(root):
            pass
    except FileNotFoundError:
        raise WorkspaceError(f"There is no folder {root}.") from None
    except PermissionError:
        raise WorkspaceError(f"The folder {root} may not be read: permission denied.") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise WorkspaceError(f"The folder {root} cannot be read: {reason}.") from None


def _listed(root: Path, paths: list[str], rules: Rules, nesting: int = 0) -> Iterator[Source | Skipped]:
    """Judge what git listed; the files of a submodule that is checked out are listed by its own git."""
    own = IgnoreTree()
    folders = _folders(paths)
    for folder in folders:
        if os.access(f"{root}/{folder}/{_KIBITZIGNORE}", os.F_OK):
            own.read(root, folder, _KIBITZIGNORE)
    trees = [tree for tree in (own, _settings(rules)) if tree]
    vendored = _vendored(paths, folders)
    linked = _linked(root, folders)
    base, max_bytes, lstat, is_folder = f"{root}/", rules.max_bytes, os.lstat, stat.S_ISDIR
    for path in paths:
        folder, _, name = path.rpartition("/")
        if not name:
            yield Skipped(path, "repository")
            continue
        if folder in vendored:
            yield Skipped(path, "vendored")
            continue
        if folder in linked:
            continue  # Deleted as well: what stands behind the link is no part of the checkout.
        if trees and (rule := _first_rule(trees, path)):
            yield Skipped(path, rule)
            continue
        try:
            status = lstat(base + path)
        except (FileNotFoundError, NotADirectoryError):
            continue  # Tracked, and deleted on disk.
        except OSError:
            yield Skipped(path, "unreadable")
            continue
        if is_folder(status.st_mode):
            yield from _submodule(root, path, rules, nesting)
        else:
            yield _judge(path, name, status, max_bytes)


def _submodule(root: Path, path: str, rules: Rules, nesting: int) -> Iterator[Source | Skipped]:
    inside = root / path
    if nesting == _MAX_NESTING or not (inside / ".git").exists():
        return
    for one in _listed(inside, git.list_files(inside), rules, nesting + 1):
        inner = f"{path}/{one.path}"
        yield one._replace(path=inner) if isinstance(one, Source) else Skipped(inner, one.rule)


def _vendored(paths: list[str], folders: list[str]) -> set[str]:
    """The folders whose name, or a file in them, says that a tool fetched or made what is there; outer ones first."""
    marked = {path.rpartition("/")[0] for path in paths if path.endswith(_MARK_NAMES) and _is_mark(path)}
    vendored: set[str] = set()
    for folder in folders:
        above, _, name = folder.rpartition("/")
        if folder and (above in vendored or name in VENDORED or folder in marked):
            vendored.add(folder)
    return vendored


def _folders(paths: list[str]) -> list[str]:
    """All folders that hold one of the paths, at whatever depth, outer ones first."""
    found = {""}
    waiting = {path.rpartition("/")[0] for path in paths}
    while waiting:
        found |= waiting
        waiting = {folder.rpartition("/")[0] for folder in waiting} - found
    return sorted(found)


def _linked(root: Path, folders: list[str]) -> set[str]:
    """The folders that are links by now, or lie below one; outer folders come first in `folders`."""
    linked: set[str] = set()
    for folder in folders:
        if folder and (folder.rpartition("/")[0] in linked or _is_link(f"{root}/{folder}")):
            linked.add(folder)
    return linked


def _is_link(place: str) -> bool:
    try:
        return stat.S_ISLNK(os.lstat(place).st_mode)
    except OSError:
        return False


def _walk(root: Path, rules: Rules) -> Iterator[Source | Skipped]:
    """Visit the folder and what is below it, leaving out at once what a rule ignores as a whole."""
    shared, own, settings = IgnoreTree(), IgnoreTree(), _settings(rules)
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(f"{root}/{folder}") as entries:
                inside = list(entries)
        except OSError:
            yield Skipped(f"{folder}/", "unreadable")
            continue
        names = {entry.name for entry in inside}
        if folder and any(_is_mark(f"{folder}/{name}") for name in names.intersection(_MARK_NAMES)):
            yield Skipped(f"{folder}/", "vendored")
            continue
        for tree, name in ((shared, ".gitignore"), (own, _KIBITZIGNORE)):
            if name in names:
                tree.read(root, folder, name)
        trees = [tree for tree in (shared, own, settings) if tree]
        for entry in inside:
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                yield _visit(entry, path, trees, rules)
            elif rule := "vendored" if entry.name in VENDORED else _first_folder_rule(trees, path):
                yield Skipped(f"{path}/", rule)
            else:
                waiting.append(path)


# The files by which a folder says that it is a cache (bford.info/cachedir), a Python environment, or a copy of other
# people's sources: of a crate by cargo vendor, and a vendor folder by Go or by Composer.
_MARK_NAMES = ("CACHEDIR.TAG", "pyvenv.cfg", ".cargo-checksum.json", "modules.txt", "autoload.php")
_ONLY_IN_VENDOR = frozenset({"modules.txt", "autoload.php"})


def _is_mark(path: str) -> bool:
    folder, _, name = path.rpartition("/")
    if name in _ONLY_IN_VENDOR:
        return folder.rpartition("/")[2] == "vendor"
    return name in _MARK_NAMES


def _visit(entry: os.DirEntry[str], path: str, trees: list[IgnoreTree], rules: Rules) -> Source | Skipped:
    if rule := _first_rule(trees, path):
        return Skipped(path, rule)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return Skipped(path, "unreadable")
    return _judge(path, entry.name, status, rules.max_bytes)


def _judge(path: str, name: str, status: os.stat_result, max_bytes: int) -> Source | Skipped:
    """Apply the rules that need no content.

    A link is left out even when it stays inside: what it points to is indexed under its own path.
    """
    if not stat.S_ISREG(status.st_mode):
        return Skipped(path, "symlink" if stat.S_ISLNK(status.st_mode) else "special")
    if rule := rule_by_name(name, status.st_size, max_bytes):
        return Skipped(path, rule)
    if not path.isascii() and not _is_unicode(path):
        return Skipped(path.encode("utf-8", "replace").decode("utf-8"), "name")
    return Source(path, status.st_size, status.st_mtime_ns, status.st_ino)


def _is_unicode(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _settings(rules: Rules) -> IgnoreTree:
    tree = IgnoreTree()
    tree.add("", "ignored:settings", rules.ignore)
    return tree


def _first_rule(trees: list[IgnoreTree], path: str) -> str:
    return next((rule for tree in trees if (rule := tree.rule_for_file(path))), "")


def _first_folder_rule(trees: list[IgnoreTree], path: str) -> str:
    return next((rule for tree in trees if (rule := tree.rule_for_folder(path))), "")
