"""`kibitz search --regex`: the lines that match an expression, and how much was looked at."""

from typing import TYPE_CHECKING, Any

import click

from kibitz.server.cli.shared import hit_json, printable

if TYPE_CHECKING:
    from kibitz.indexer.grep import Grepped

SHOWN_CHARS = 200  # of a line on a terminal


def grepped_json(query: str, found: "Grepped", ms: float, lacking: int) -> dict[str, Any]:
    """An answer with the names of docs/cli.md."""
    return {
        "query": query,
        "results": [{**hit_json(hit), "text": hit.chunk.text.rstrip("\r\n")} for hit in found.hits],
        "ms": round(ms, 2),
        "lacking": lacking,
        "files": found.files,
        "searched": found.searched,
        "skipped": dict(found.skipped),
        "stopped": found.stopped,
    }


def show_grepped(found: "Grepped", k: int) -> None:
    """Print the lines as grep does; what was not looked at goes to stderr."""
    for hit in found.hits:
        place = click.style(f"{printable(hit.chunk.path)}:{hit.chunk.span.end}:", bold=True)
        note = click.style("  (changed since it was indexed)", dim=True) if hit.stale else ""
        click.echo(f"{place} {printable(hit.chunk.text.rstrip()[:SHOWN_CHARS])}{note}")
    for sentence in notes(found, k):
        click.echo(sentence, err=True)


def notes(found: "Grepped", k: int) -> list[str]:
    """What somebody should know who takes the lines for all there are."""
    said: list[str] = []
    if not found.hits:
        said.append(f"Nothing found in {found.files} indexed files.")
    if found.stopped == "limit":
        said.append(f"kibitz: there are more than {k} lines; -k shows more of them")
    if found.stopped == "time":
        said.append("kibitz: stopped because it took too long; a longer literal or --in FOLDER makes it faster")
    if found.skipped:
        reasons = ", ".join(f"{reason} ({count})" for reason, count in sorted(found.skipped.items()))
        said.append(f"kibitz: files that may match and could not be searched: {reasons}")
    return said
