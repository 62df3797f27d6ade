"""From a place on the command line to what the model paths take."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from kibitz.server.cli.places import Place

if TYPE_CHECKING:
    from kibitz.server.completion.snapshot import Snapshot
    from kibitz.server.edit.change import Target


def snapshot_at(root: Path, path: str, place: Place) -> "Snapshot":
    """The document with its cursor; without a column the cursor stands at the line's end."""
    from kibitz.indexer.languages import language_of
    from kibitz.indexer.lines import split_lines
    from kibitz.server.completion.snapshot import Snapshot
    from kibitz.server.edit.files import read_document

    text = read_document(root, path)
    lines = split_lines(text)
    line = place.line or max(1, len(lines))
    if line > len(lines) + 1:
        raise click.BadParameter(f"{path} has {len(lines)} lines.")
    before = "".join(lines[: line - 1])
    current = lines[line - 1] if line <= len(lines) else ""
    content = current.rstrip("\r\n")
    column = len(content) if place.column is None else min(place.column - 1, len(content))
    offset = len(before) + column
    return Snapshot(path=path, version=0, prefix=text[:offset], suffix=text[offset:], language=language_of(path))


def target_at(root: Path, path: str, place: Place) -> "Target":
    """The lines to edit; without a range the whole file."""
    from kibitz.indexer.languages import language_of
    from kibitz.indexer.lines import split_lines
    from kibitz.indexer.types import Span
    from kibitz.server.edit.change import Target
    from kibitz.server.edit.files import read_document

    text = read_document(root, path)
    count = len(split_lines(text))
    start = (place.line or 1) - 1
    end = place.end_line or place.line or count
    if start >= max(1, count):
        raise click.BadParameter(f"{path} has {count} lines.")
    return Target(path=path, text=text, span=Span(start, min(end, count)), language=language_of(path))
