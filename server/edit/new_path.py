"""The paths at which an edit may make a file, or to which it may rename one: those where code is kept, and no others.

A file that tools obey (settings, hooks, workflows) widens what runs or what is sent, so none is made for a model: a
user who wants one makes it, and can have it edited then.
"""

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from kibitz.server.errors import EditError

if TYPE_CHECKING:
    from kibitz.indexer.workspace import Rules

_SHOWN = 80  # characters of a path
_MOST_PART = 200  # bytes of a part of a path
_PLAIN = re.compile(r"[^\x00-\x1f\x7f<>:\"|?*\\]+")  # what no file system refuses
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\..*)?", re.IGNORECASE)
_OBEYED = re.compile(
    r"jenkinsfile.*|azure-pipelines.*\.ya?ml|bitbucket-pipelines\.ya?ml|appveyor\.ya?ml|cloudbuild\.ya?ml"
    r"|buildspec\.ya?ml|codemagic\.ya?ml|wercker\.ya?ml|.*\.code-workspace|agents\.md|claude\.md|gemini\.md"
    r"|sitecustomize\.py|usercustomize\.py|.*\.pth",
    re.IGNORECASE,
)


def check_new_path(root: Path, path: str, rules: "Rules") -> None:
    """Refuse a path at which no file may be made.

    Raises:
        EditError: `check_name` or `check_free` refuses it, or a rule of the index leaves it out.
    """
    from kibitz.indexer.unmade import rule_for_unmade

    check_name(path)
    if rule := rule_for_unmade(root, path, rules):
        raise EditError(f"{path[:_SHOWN]} would not be part of the workspace ({rule}); no file is made there.")
    check_free(root, path)


def check_name(path: str) -> None:
    """Refuse a path by how it is spelt.

    Raises:
        EditError: it leads out of the workspace, is hidden, is a file that tools obey, or no path on some system.
    """
    shown = path[:_SHOWN]
    parts = path.split("/")
    if not path or path.startswith(("/", "~")) or any(part in {"", ".", ".."} for part in parts):
        raise EditError(f"{shown or 'A file without a name'} is no path inside the workspace; no file is made there.")
    if any(not _is_plain(part) for part in parts):
        raise EditError(f"{shown} is a path that not every system can hold; no file is made there.")
    if any(part.startswith(".") for part in parts):
        raise EditError(f"{shown} is hidden; Kibitz makes and renames no hidden files.")
    if _OBEYED.fullmatch(parts[-1]):
        raise EditError(f"{shown} is a file that tools obey; make it yourself if it is meant.")


def check_free(root: Path, path: str) -> None:
    """Refuse a path that is taken, also in other letters' case, or behind a link.

    Raises:
        EditError: it is.
    """
    shown = path[:_SHOWN]
    folder = root.resolve()
    for part in PurePosixPath(path).parts:
        if folder.is_symlink():
            raise EditError(f"{shown} is behind a link; no file is made there.")
        if not folder.exists():
            return
        if not folder.is_dir():
            raise EditError(f"{shown} is behind a file; no file is made there.")
        taken = next((name for name in os.listdir(folder) if name.casefold() == part.casefold()), part)  # noqa: PTH208
        if taken != part:
            raise EditError(f"{shown} differs from what is there in nothing but letters' case; no file is made there.")
        folder /= part
    if os.path.lexists(folder):
        raise EditError(f"{shown} is there already; nothing was changed.")


def _is_plain(part: str) -> bool:
    return (
        _PLAIN.fullmatch(part) is not None
        and not part.endswith((" ", "."))
        and not part.startswith(" ")
        and not _DEVICES.fullmatch(part)
        and len(part.encode("utf-8", "surrogatepass")) <= _MOST_PART
    )
