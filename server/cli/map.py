"""`kibitz map`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibitz.server.cli.shared import emit, ensure_indexed, json_option, make_app, path_option, show
from kibitz.server.cli.symbol import symbol_json

if TYPE_CHECKING:
    from kibitz.indexer.map import MapResult


@click.command(name="map")
@click.argument("files", nargs=-1, metavar="[FILE]...")
@path_option
@click.option("--focus", multiple=True, metavar="NAME", help="A name or a file that it is about; may be repeated.")
@click.option("--lines", type=click.IntRange(1, 10_000), default=60, show_default=True, help="How long it may be.")
@json_option
def map_(*, files: tuple[str, ...], root: Path, focus: tuple[str, ...], lines: int, as_json: bool) -> None:
    """Map a workspace: the files that others lean on most, and the definitions that they use.

    With FILEs it is a map for somebody who has these open, as paths in the workspace: what they lean on comes first,
    they themselves are left out. A folder that was never indexed is indexed first.

    \b
    Examples:
      kibitz map
      kibitz map src/session.py --lines 30
      kibitz map --focus ConnectionPool --focus retry
    """
    app = make_app(root)
    ensure_indexed(app)
    searcher = app.searcher()
    for file in files:
        if not searcher.knows(_in_workspace(file, app.root)):
            from kibitz.indexer.errors import WorkspaceError

            raise WorkspaceError(f"{file} is not in the index: `kibitz status {file}` says why.")
    opened = [_in_workspace(file, app.root) for file in files]
    result = searcher.map(open=opened, mentioned=focus, limit=lines)
    if as_json:
        emit(map_json(result))
        return
    from kibitz.indexer.map import fitted

    if not result.files:
        click.echo("Nothing here refers to anything that is defined here.", err=True)
    show(fitted(result, lines, lambda line: 1), nl=False)


def _in_workspace(file: str, root: Path) -> str:
    """A path as it was typed, here or in the workspace, as one in the workspace with "/"."""
    here = Path(file).resolve()
    return here.relative_to(root).as_posix() if here.is_relative_to(root) else Path(file).as_posix()


def map_json(result: "MapResult") -> dict[str, Any]:
    """A map with the names of docs/cli.md; lines are 1-based, both ends included."""
    files = [
        {
            "path": file.path,
            "score": round(file.score, 8),
            "symbols": [{**symbol_json(one.symbol), "score": round(one.score, 8)} for one in file.symbols],
        }
        for file in result.files
    ]
    return {"files": files, "total": result.total}
