"""What a workspace says of how its code is written (AGENTS.md and its like). It is data, and changes no setting.

In a folder the first name there is counts; the folders from the root down to the file in question each add theirs, the
nearest last. Nothing is read in a workspace that the user does not trust.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import Rules

NAMES = (
    "AGENTS.md",
    "AGENT.md",
    "CLAUDE.md",
    "GEMINI.md",
    ".github/copilot-instructions.md",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    ".rules",
    "CONVENTIONS.md",
)
MOST_BYTES = 256_000  # a longer file is none
MOST_FILES = 5

_Stamp = tuple[int, int]


class RuleFiles:
    """The rules files of a workspace, each read again only when it has changed; safe to share between threads."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._read: dict[str, tuple[_Stamp, str]] = {}  # each entry is put and taken whole

    def near(self, paths: Iterable[str] = ()) -> "tuple[Rules, ...]":
        """Return the rules for files of the workspace, or for none in particular; the same text counts once."""
        from kibitz.prompts.templates.context import Rules

        folders = dict.fromkeys(["", *(folder for path in paths for folder in _above(path))])
        found: dict[str, Rules] = {}
        for folder in sorted(folders, key=lambda each: each.count("/") + bool(each)):
            for name in NAMES:
                path = f"{folder}/{name}" if folder else name
                if text := self._text(path).strip():
                    found.setdefault(text, Rules(path, text))
                    break
        return tuple(found.values())[:MOST_FILES]

    def _text(self, path: str) -> str:
        """Return a file's text; "" where there is none, a link leads to it, or git ignores it."""
        from kibitz.indexer import git
        from kibitz.indexer.files import read_inside
        from kibitz.indexer.read import decode

        try:
            status = (self._root / path).lstat()
        except OSError:
            self._read.pop(path, None)
            return ""
        stamp = status.st_mtime_ns, status.st_size
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            try:
                decoded = decode(read_inside(self._root, path, MOST_BYTES))
            except OSError:
                decoded = None
            text = "" if decoded is None or git.ignore_rule(self._root, path) else decoded[0]
            known = self._read[path] = (stamp, text)
        return known[1]


def _above(path: str) -> Iterator[str]:
    """The folders that a path is in, the root first."""
    parts = path.split("/")[:-1]
    return ("/".join(parts[:count]) for count in range(len(parts) + 1))
