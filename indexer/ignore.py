"""Ignore files, read as git reads them: the deepest that has a say decides, and in it the last pattern that matches."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


class IgnoreTree:
    """The ignore files of one kind in a tree of folders, each holding for what lies below it.

    Folders and paths are relative to the root with "/" between, and no slash at the end; the root is "".
    """

    def __init__(self) -> None:
        self._specs: dict[str, tuple[str, GitIgnoreSpec]] = {}
        self._chains: dict[str, tuple[tuple[int, str, GitIgnoreSpec], ...]] = {}
        self._folders: dict[str, str] = {"": ""}

    def __bool__(self) -> bool:
        return bool(self._specs)

    def add(self, folder: str, rule: str, patterns: Iterable[str]) -> None:
        """Let `patterns` hold below `folder`, before anything below it is asked for.

        `rule` is what to say of whatever they exclude. A pattern that git would not understand is passed over.
        """
        spec = _compile([line for line in patterns if line.strip() and not line.startswith("#")])
        if spec is not None:
            self._specs[folder] = (rule, spec)

    def read(self, root: Path, folder: str, name: str) -> None:
        """Add the ignore file called `name` in `folder`, if there is one that can be read."""
        inside = f"{folder}/{name}" if folder else name
        try:
            text = (root / inside).read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            return
        self.add(folder, f"ignored:{inside}", text.split("\n"))

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
        for offset, rule, spec in self._chain(folder):
            include = spec.check_file(path[offset:]).include
            if include is not None:
                return rule if include else ""
        return ""

    def _chain(self, folder: str) -> "tuple[tuple[int, str, GitIgnoreSpec], ...]":
        """The ignore files that hold in `folder`, deepest first, each with the length of its own folder's prefix."""
        known = self._chains.get(folder)
        if known is None:
            above = self._chain(folder.rpartition("/")[0]) if folder else ()
            own = self._specs.get(folder)
            prefix = len(folder) + 1 if folder else 0
            known = ((prefix, *own), *above) if own else above
            self._chains[folder] = known
        return known


def _compile(lines: list[str]) -> "GitIgnoreSpec | None":
    from pathspec import GitIgnoreSpec

    def understood(line: str) -> bool:
        try:
            GitIgnoreSpec.from_lines([line])
        except ValueError:
            return False
        return True

    if not lines:
        return None
    try:
        return GitIgnoreSpec.from_lines(lines)
    except ValueError:
        return GitIgnoreSpec.from_lines([line for line in lines if understood(line)])
