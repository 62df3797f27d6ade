"""`kibitz mcp`: the same search for agents, over the Model Context Protocol."""

import importlib.util
from pathlib import Path

import click

from kibitz.server.cli.shared import make_app, path_option

MISSING = "Agents need an extra package: pip install 'kibitz[mcp]'"


@click.command()
@path_option
def mcp(*, root: Path) -> None:
    """Serve a workspace to an agent; agents start it by themselves.

    It speaks the Model Context Protocol over standard input and output, and keeps the index up to date. It reads only
    files that the index admits.

    \b
    Examples:
      kibitz mcp --path ~/src/project
    """
    if importlib.util.find_spec("mcp") is None:
        raise click.ClickException(MISSING)
    app = make_app(root)
    if app.root in {Path(app.root.anchor), Path.home()}:  # where some clients start what they start
        raise click.UsageError(f"{app.root} is no workspace: name one with --path.")
    from kibitz.server.mcp import run

    run(app)
