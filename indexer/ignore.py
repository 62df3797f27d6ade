"""Ignore files, read as git reads them: the deepest that has a say decides, and in it the last pattern that matches."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from kibitz.indexer.files import read_regular

# A pattern, and whether it ignores or lets in again.
_Pattern = tuple[re.Pattern[str], bool]

# The length of a folder's prefix, what to say of what its ignore file excludes, what all patterns match, the patterns.
_Link = tuple[int, str, re.Pattern[str], tuple[_Pattern, ...]]

_INSIDE = re.compile(r"(?<=/)\*\*(/?)\s*$")
_FOLDER_MARK = "ps_d"


class IgnoreTree:
    """The ignore files of one kind in a tree of folders, each holding for what lies below it.

    Folders and paths are relative to the root with "/" between, and no slash at the end; the root is "".
    """

    def __init__(self) -> None:
        self._specs: dict[str, tuple[str, re.Pattern[str], tuple[_Pattern, ...]]] = {}
        self._chains: dict[str, tuple[_Link, ...]] = {}
        self._folders: dict[str, str] = {"": ""}

    def __bool__(self) -> bool:
        return bool(self._specs)

    def add(self, folder: str, rule: str, patterns: Iterable[str]) -> None:
        """Let `patterns` hold below `folder`, before anything below it is asked for.

        `rule` is what to say of whatever they exclude. A pattern that git would not understand is passed over.
        """
        if compiled := _compile(patterns):
            self._specs[folder] = (rule, _any_of(compiled), compiled)

    def read(self, root: Path, folder: str, name: str) -> None:
        """Add the ignore file called `name` in `folder`, if there is one that can be read."""
        inside = f"{folder}/{name}" if folder else name
        try:
            data = read_regular(f"{root}/{inside}")
        except OSError:
            return
        self.add(folder, f"ignored:{inside}", data.decode("utf-8-sig", "replace").split("\n"))

    def rule_for_file(self, path: str) -> str:
        """The rule that ignores a file, itself or through one of its folders; "" when none does."""
        folder = path.rpartition("/")[0]
        return self.rule_for_folder(folder) or self._decide(folder, path)

    def rule_for_folder(self, folder: str) -> str:
        """The rule that ignores a folder or one above it: nothing below can be let in again, as in git."""
        known = self._folders.get(folder)
        if known is None:
            above = folder.rpartition("/")[0]
            known = self.rule_for_folder(above) or self._decide(above, folder + "/")
            self._folders[folder] = known
        return known

    def _decide(self, folder: str, path: str) -> str:
        for offset, rule, any_of, patterns in self._chain(folder):
            below = path[offset:]
            if any_of.search(below) is None:
                continue
            for regex, ignores in patterns:
                if _matches(regex, below):
                    return rule if ignores else ""
        return ""

    def _chain(self, folder: str) -> tuple[_Link, ...]:
        """The ignore files that hold in `folder`, deepest first, each with the length of its own folder's prefix.

        Most paths match nothing of an ignore file, which one expression tells for all of its patterns.
        """
        known = self._chains.get(folder)
        if known is None:
            above = self._chain(folder.rpartition("/")[0]) if folder else ()
            own = self._specs.get(folder)
            prefix = len(folder) + 1 if folder else 0
            known = ((prefix, *own), *above) if own else above
            self._chains[folder] = known
        return known


def deciding_line(lines: Sequence[str], path: str) -> int | None:
    """Which line of an ignore file excludes a path (relative to the file's folder), itself or through a folder.

    Counted from 1; None when none does.
    """
    compiled = [(number, *pattern) for number, line in enumerate(lines, 1) for pattern in _compile([line])]
    parts = path.split("/")
    for place in [*("/".join(parts[:count]) + "/" for count in range(1, len(parts))), path]:
        meant = ((number, ignores) for number, regex, ignores in reversed(compiled) if _matches(regex, place))
        number, ignores = next(meant, (0, False))
        if ignores:
            return number
    return None


def _matches(regex: re.Pattern[str], path: str) -> bool:
    """Whether a pattern means the path itself (a folder's ends in "/").

    Pathspec also lets it mean whatever lies below what it names, and marks the slash between by a group. Git does
    not: a file in a folder that was let in again is judged by the other patterns.
    """
    if (mark := regex.groupindex.get(_FOLDER_MARK)) is None:
        return regex.search(path) is not None
    return any(found.end(mark) in (-1, len(path)) for found in regex.finditer(path))


def _any_of(patterns: Iterable[_Pattern]) -> re.Pattern[str]:
    """What matches whatever one of the patterns matches."""
    plain = (regex.pattern.replace(f"(?P<{_FOLDER_MARK}>", "(?:") for regex, _ in patterns)
    return re.compile("|".join(f"(?:{one})" for one in plain))


def _compile(lines: Iterable[str]) -> tuple[_Pattern, ...]:
    """The patterns that mean something, the last first."""
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    compiled: list[_Pattern] = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        try:
            # To git `a/**` is all that is in a, but not a; to pathspec it is a as well.
            pattern = GitIgnoreSpecPattern(_INSIDE.sub(r"**/*\1", line))
        except (ValueError, re.error):
            continue  # Git passes over what it does not understand, too.
        if pattern.regex is not None and pattern.include is not None:
            compiled.append((pattern.regex, pattern.include))
    return tuple(reversed(compiled))
