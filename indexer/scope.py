"""Which changes on disk are worth a look, told from their paths alone."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from kibitz.indexer import git
from kibitz.indexer.rules import VENDORED, rule_by_name

_TELLING = frozenset({".git/HEAD"})
"""What tells of a branch switch that changed no file."""

_CACHE_MARKS = frozenset({"CACHEDIR.TAG", "pyvenv.cfg"})


class Scope:
    """The folders of a workspace that can hold something to index: not vendored, not ignored by git, not private.

    An approximation from above: it is made once and then only compares strings, and whoever hears of a change too many
    finds that nothing has changed.

    Args:
        root: the workspace.
        private: folders whose changes are our own, such as the cache.
    """

    def __init__(self, root: Path, private: Iterable[Path] = ()) -> None:
        self._base = str(root)
        self._out = {*git.ignored_folders(root)}
        self._out |= {path for folder in private if (path := self.relative(str(folder.resolve())))}

    def relative(self, path: str) -> str:
        """A path relative to the workspace, with "/"; "" for the workspace itself, and for what is elsewhere."""
        if not path.startswith(self._base + os.sep):
            return ""
        return path[len(self._base) + 1 :].replace(os.sep, "/")

    def covers_folder(self, path: str) -> bool:
        """Whether what is in a folder can matter."""
        if not VENDORED.isdisjoint(path.split("/")):
            return False
        while path:
            if path in self._out:
                return False
            path = path.rpartition("/")[0]
        return True

    def covers(self, path: str) -> bool:
        """Whether a file of this name can matter."""
        name = path.rpartition("/")[2]
        return path in _TELLING or (self.covers_folder(path) and not rule_by_name(name, 0, 1))

    def walk(self, start: str = "") -> Iterator[tuple[str, list[str]]]:
        """The folders from `start` on, each with its files that can matter."""
        waiting = [start]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(f"{self._base}/{folder}") as found:
                    entries = list(found)
            except OSError:
                continue  # gone again, or not ours to read
            if folder and not _CACHE_MARKS.isdisjoint(entry.name for entry in entries):
                continue
            files = []
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in VENDORED and path not in self._out:
                        waiting.append(path)
                elif self.covers(path):
                    files.append(path)
            yield folder, files
