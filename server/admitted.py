"""Files that may be shown to somebody else's program: those of the workspace that the index admits, and no others."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from kibitz.indexer.errors import NotIndexedError, WorkspaceError

if TYPE_CHECKING:
    from kibitz.server.indexed import Indexed

_ABSOLUTE = re.compile(r"[/\\~]|[A-Za-z]:")


def inside(asked: str) -> str:
    """A path of the workspace as the index spells it; "" is the workspace.

    Raises:
        WorkspaceError: it is absolute, or leads out of the workspace.
    """
    path = "/".join(part for part in asked.split("/") if part not in {"", "."})
    if _ABSOLUTE.match(asked) or _ABSOLUTE.match(path) or "\0" in path or ".." in re.split(r"[/\\]", path):
        raise WorkspaceError(f"{asked[:200]!r} is no path inside the workspace: write one such as 'src/app.py'.")
    return path


def admitted_text(app: "Indexed", asked: str) -> tuple[str, str]:
    """The path and the text of a file as it is now, if the index has it or its next round would take it in.

    Raises:
        WorkspaceError: there is no such file, or a rule leaves it out.
    """
    from kibitz.indexer.files import read_inside
    from kibitz.indexer.read import content_rule, decode

    path = inside(asked)
    if not path or not (_is_indexed(app, path) or _is_next(app, path)):
        raise _refused(path)
    try:
        decoded = decode(read_inside(app.root, path, app.config.max_file_bytes))
    except OSError:
        raise _refused(path) from None
    if decoded is None or content_rule(path, decoded[0]):
        raise _refused(path)
    return path, decoded[0]


def admitted(app: "Indexed", paths: Iterable[str]) -> frozenset[str]:
    """Those of some paths, spelled as the index does, that the index has or its next round would take in."""
    asked = frozenset(paths)
    known = frozenset(path for path in asked if _is_indexed(app, path))
    return known | (asked & _next(app)) if asked - known else known


def _is_indexed(app: "Indexed", path: str) -> bool:
    try:
        return app.searcher().knows(path)
    except NotIndexedError:
        return False


def _is_next(app: "Indexed", path: str) -> bool:
    return path in _next(app)


def _next(app: "Indexed") -> frozenset[str]:
    from kibitz.indexer.workspace import survey

    return frozenset(one.path for one in survey(app.root, app.rules).files)


def _refused(path: str) -> WorkspaceError:
    """One sentence for all reasons: whether a file exists is nobody's business if a rule leaves it out."""
    return WorkspaceError(f"There is no file {path[:200] or 'without a name'} in the index, or a rule leaves it out.")
