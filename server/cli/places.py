"""Places in files as people write them: FILE, FILE:LINE, FILE:LINE:COL, FILE:A-B."""

import re
from dataclasses import dataclass
from pathlib import Path

import click

from kibitz.server.cli.shared import expanded

_PLACE = re.compile(r"^(?P<path>.+?)(?::(?P<line>\d+)(?:(?P<sep>[:-])(?P<second>\d+))?)?$")


@dataclass(frozen=True, slots=True)
class Place:
    """A file with a cursor or a range; lines and columns are 1-based, both ends included."""

    path: Path
    line: int | None = None
    column: int | None = None
    end_line: int | None = None


def parse_place(text: str) -> Place:
    """Read FILE[:LINE[:COL]] or FILE:A-B."""
    found = _PLACE.match(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is not FILE, FILE:LINE, FILE:LINE:COL or FILE:A-B.")
    line = int(found["line"]) if found["line"] else None
    second = int(found["second"]) if found["second"] else None
    if line == 0 or second == 0:
        raise click.BadParameter("Lines and columns begin at 1.")
    if found["sep"] == "-":
        assert line is not None
        assert second is not None
        if second < line:
            raise click.BadParameter(f"{text!r} ends before it begins.")
        return Place(Path(found["path"]), line=line, end_line=second)
    return Place(Path(found["path"]), line=line, column=second)


def workspace_of(place: Place, root: Path | None) -> tuple[Path, str]:
    """The workspace a file belongs to, and the file's path in it.

    Without `root` it is this folder when the file lies below it, else the file's own folder.

    Raises:
        WorkspaceError: there is no such file, or it lies outside the workspace that was named.
    """
    from kibitz.indexer.errors import WorkspaceError

    path = expanded(place.path)
    if not path.is_file():
        raise WorkspaceError(f"There is no file {path}.")
    path = path.resolve()
    if root is None:
        here = Path.cwd().resolve()
        root = here if path.is_relative_to(here) else path.parent
    root = expanded(root).resolve()
    if not path.is_relative_to(root):
        raise WorkspaceError(f"{path} is not in the workspace {root}.")
    return root, path.relative_to(root).as_posix()
