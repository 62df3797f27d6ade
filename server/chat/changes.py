"""What has changed, as context: the diff of each file that the index lets in, and the subjects of the last commits."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kibitz.server.admitted import admitted

if TYPE_CHECKING:
    from kibitz.prompts.templates.context import ContextItem
    from kibitz.server.indexed import Indexed

MOST_CHARS = 60_000  # of one file's diff
MOST_FILES = 100
SUBJECTS = 10

_REVISION = re.compile(r"[A-Za-z0-9_][\w./~^@{}+-]{0,199}")
_FILE = re.compile(r"^(?=diff --git )", re.MULTILINE)
_PATH = re.compile(r"^(?:\+\+\+ b/|--- a/)([^\t\n]+)", re.MULTILINE)


def is_revision(text: str) -> bool:
    """Tell whether a text may be handed to git as the name of a commit."""
    return _REVISION.fullmatch(text) is not None


def changes(app: "Indexed", since: str = "HEAD", *, staged: bool = False) -> "tuple[list[ContextItem], list[str]]":
    """Return the diff of each file, and a note where something is left out.

    Deleted files are shown, too: their text is no secret to whoever may see the repository as it was.
    """
    from kibitz.indexer import git
    from kibitz.prompts.templates.context import ContextItem

    parts = dict(_by_path(git.diff(app.root, since, staged=staged)))
    there = admitted(app, (path for path in parts if (app.root / path).exists()))
    shown = {path: text for path, text in parts.items() if path in there or _is_gone(app, path)}
    notes = []
    if left := len(parts) - len(shown):
        notes.append(f"The changes of {left} file{'s' * (left > 1)} that the index leaves out are not shown.")
    if len(shown) > MOST_FILES:
        notes.append(f"{len(shown)} files have changed; the first {MOST_FILES} are shown.")
    items = [
        ContextItem(f"changes of {path}", _cut(text), path, path, kind="diff")
        for path, text in list(shown.items())[:MOST_FILES]
    ]
    return items, notes


def last_subjects(app: "Indexed") -> "ContextItem | None":
    """Return the subjects of the last commits, for their style; None where there are none."""
    from kibitz.indexer import git
    from kibitz.prompts.templates.context import ContextItem

    subjects = git.subjects(app.root, SUBJECTS)
    text = "".join(f"{each}\n" for each in subjects)
    return ContextItem("subjects of the last commits", text, "", kind="diff") if text else None


def _by_path(diff: str) -> Iterator[tuple[str, str]]:
    for part in _FILE.split(diff):
        paths = _PATH.findall(part)
        if paths:  # a binary file has none, nor has a change of a mode alone
            yield paths[-1], part


def _is_gone(app: "Indexed", path: str) -> bool:
    from kibitz.indexer.rules import rule_by_name

    return not (app.root / path).exists() and not rule_by_name(path.rpartition("/")[2], 0, 1)


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARS else text[: text.rfind("\n", 0, MOST_CHARS) + 1] + "… cut here\n"
