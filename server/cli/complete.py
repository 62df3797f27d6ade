"""`kibitz complete`."""

import time
from pathlib import Path

import click

from kibitz.server.cli.places import parse_place, workspace_of
from kibitz.server.cli.requests import snapshot_at
from kibitz.server.cli.shared import PATH, closing, emit, json_option, make_app, model_options, run_async, show


@click.command()
@click.argument("place", metavar="FILE:LINE:COL")
@click.option("--path", "root", type=PATH, help="The workspace.  [default: this folder]")
@model_options
@json_option
def complete(*, place: str, root: Path | None, base_url: str | None, chat_model: str | None, as_json: bool) -> None:
    """Print what would be shown as ghost text at a cursor (line and column begin at 1).

    \b
    Examples:
      kibitz complete app.py:120:9
      kibitz complete app.py:120          at the end of the line
    """
    where = parse_place(place)
    root, path = workspace_of(where, root)
    at = snapshot_at(root, path, where)
    app = make_app(root, base_url=base_url, chat_model=chat_model)

    async def suggest() -> str | None:
        async with closing(app):
            suggestion = await app.suggest(at)
            return suggestion.text if suggestion else None

    start = time.perf_counter()
    text = run_async(suggest())
    if as_json:
        emit({"path": path, "text": text, "ms": round((time.perf_counter() - start) * 1000, 1)})
    elif text is None:
        click.echo("kibitz: nothing worth suggesting here", err=True)
    else:
        show(text)
