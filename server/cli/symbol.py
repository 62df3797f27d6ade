"""`kibitz symbol` and `kibitz outline`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kibitz.server.cli.shared import PATH, emit, ensure_indexed, expanded, json_option, make_app, path_option, printable

if TYPE_CHECKING:
    from kibitz.indexer.lookup import Place
    from kibitz.indexer.outline import Symbol

NOTHING = {
    "": "Nothing of this name is defined.",
    "references": "Nothing refers to it.",
    "callers": "Nothing calls it.",
}


@click.command()
@click.argument("name")
@path_option
@click.option("--references", "wanted", flag_value="references", help="Where the name is referred to.")
@click.option("--callers", "wanted", flag_value="callers", help="Which definitions call it.")
@click.option("-k", "k", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many places.")
@click.option("--in", "within", default="", metavar="FOLDER", help="Only below this folder of the workspace.")
@json_option
def symbol(*, name: str, root: Path, wanted: str | None, k: int, within: str, as_json: bool) -> None:
    """Say where a name is defined, where it is referred to, or what calls it.

    A name is found in every naming convention, its own spelling first; `Session.close` is only the one of Session. A
    folder that was never indexed is indexed first.

    \b
    Examples:
      kibitz symbol ConnectionPool
      kibitz symbol Session.close --references
      kibitz symbol close_pool --callers --in src
    """
    app = make_app(root)
    ensure_indexed(app)
    searcher = app.searcher()
    asked = {"references": searcher.references, "callers": searcher.callers}.get(wanted or "", searcher.definitions)
    places = asked(name, k, within=within)
    if as_json:
        emit([place_json(place) for place in places])
        return
    if not places:
        click.echo(NOTHING[wanted or ""], err=True)
    for place in places:
        _show(place)


@click.command()
@click.argument("file", type=PATH)
@json_option
def outline(*, file: Path, as_json: bool) -> None:
    """List the definitions of a file with their lines; no index is needed.

    \b
    Examples:
      kibitz outline src/session.py
      kibitz outline src/session.py --json
    """
    symbols = _symbols_of(expanded(file))
    if as_json:
        emit([symbol_json(one) for one in symbols])
        return
    if not symbols:
        click.echo("Nothing is defined in it that its grammar tells, or there is no grammar for it.", err=True)
    for one in symbols:
        lines = click.style(f"{one.line + 1:>6}", dim=True)
        click.echo(f"{lines} {'  ' * one.depth}{printable(one.signature)}")


def _symbols_of(file: Path) -> "tuple[Symbol, ...]":
    from kibitz.indexer.errors import WorkspaceError
    from kibitz.indexer.files import read_regular
    from kibitz.indexer.grep import MOST_BYTES
    from kibitz.indexer.outline import symbols_of
    from kibitz.indexer.read import decode

    if not file.is_file():
        raise WorkspaceError(f"There is no file {file}.")
    read = decode(read_regular(file.resolve(), MOST_BYTES))
    if read is None:
        raise WorkspaceError(f"{file} is no text.")
    return symbols_of(file.name, read[0])


def symbol_json(one: "Symbol") -> dict[str, Any]:
    """A definition of a file with the names of docs/cli.md; lines are 1-based, both ends included."""
    return {
        "name": one.name,
        "symbol": one.symbol,
        "kind": one.kind,
        "line": one.line + 1,
        "start_line": one.span.start + 1,
        "end_line": one.span.end,
        "signature": one.signature,
        "depth": one.depth,
    }


def place_json(place: "Place") -> dict[str, Any]:
    """A place with the names of docs/cli.md; lines are 1-based, both ends included."""
    return {
        "path": place.path,
        "start_line": place.span.start + 1,
        "end_line": place.span.end,
        "lines": [line + 1 for line in place.lines],
        "kind": place.kind,
        "symbol": place.symbol,
        "text": place.text,
    }


def _show(place: "Place") -> None:
    lines = ",".join(str(line + 1) for line in place.lines)
    where = click.style(f"{printable(place.path)}:{lines}", bold=True)
    click.echo(f"{where}  {place.kind}  {printable(place.symbol)}".rstrip())
    if place.text:
        click.echo(click.style(f"    {printable(place.text)}", dim=True))
