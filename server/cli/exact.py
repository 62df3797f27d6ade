"""`kibitz search --regex`: the lines that match, as grep prints them, and how much was looked at."""

from typing import TYPE_CHECKING, Any

import click

from kibitz.server.cli.shared import printable

if TYPE_CHECKING:
    from kibitz.indexer.grep import Grepped
    from kibitz.indexer.types import Hit

SHOWN_CHARS = 200  # of a line on a terminal


def grepped_json(found: "Grepped") -> dict[str, Any]:
    """What was looked at, with the names of docs/cli.md."""
    return {
        "files": found.files,
        "searched": found.searched,
        "skipped": dict(found.skipped),
        "stopped": found.stopped,
    }


def show_line(hit: "Hit") -> None:
    """Print a line as grep does."""
    place = click.style(f"{printable(hit.chunk.path)}:{hit.chunk.span.end}:", bold=True)
    note = click.style("  (changed since it was indexed)", dim=True) if hit.stale else ""
    click.echo(f"{place} {printable(hit.chunk.text.rstrip()[:SHOWN_CHARS])}{note}")
