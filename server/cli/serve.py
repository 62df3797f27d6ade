"""`kibitz serve`: the language server."""

import gc
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from kibitz.server.app import App


@click.command()
@click.option("--stdio", is_flag=True, help="Speak over standard input and output (the default).")
@click.option("--tcp", type=click.IntRange(0, 65535), metavar="PORT", help="Listen on 127.0.0.1 instead.")
def serve(*, stdio: bool, tcp: int | None) -> None:
    """Run the language server; editors start it by themselves.

    \b
    Examples:
      kibitz serve
      kibitz serve --tcp 9257
    """
    if stdio and tcp is not None:
        raise click.UsageError("Give --stdio or --tcp PORT, not both.")
    gc.disable()
    from kibitz.server.lsp.server import run_stdio, run_tcp

    gc.freeze()  # what is loaded stays: the collector need not walk through it, now or later
    gc.enable()
    if tcp is None:
        run_stdio(make_app)
    sys.exit(run_tcp(make_app, "127.0.0.1", tcp))


def make_app(root: Path, options: Mapping[str, Any], narrowed: Mapping[str, Any]) -> "App":
    """The app of a workspace, with the editor's settings, and with those for this folder, which may only narrow."""
    from kibitz.server.app import build_app

    return build_app(root, options=options, narrowed=narrowed)
