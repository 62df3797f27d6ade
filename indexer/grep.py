"""Regular expressions over the indexed files, line by line."""

import re
from collections.abc import Iterable
from pathlib import Path

from kibitz.indexer.errors import IndexerError
from kibitz.indexer.languages import language_of
from kibitz.indexer.read import cut_line, read_source, split_lines
from kibitz.indexer.types import Chunk, Hit, Span
from kibitz.indexer.workspace import Skipped

MOST_BYTES = 16 << 20  # a file that has grown beyond this since it was indexed is passed over


class PatternError(IndexerError):
    """The regular expression is wrong."""


def grep(root: Path, paths: Iterable[str], pattern: str, k: int) -> list[Hit]:
    """Find the lines that match, in the order of paths.

    Args:
        root: the workspace.
        paths: the files to look into, relative to the workspace.
        pattern: a regular expression in Python's syntax, matched within a line.
        k: stop after this many lines.

    Returns:
        One hit a matching line, each with score 1.

    Raises:
        PatternError: the expression does not compile; says where.
    """
    try:
        matcher = re.compile(pattern)
    except re.error as error:
        raise PatternError(f"{pattern!r} is not a regular expression: {error}.") from None
    hits: list[Hit] = []
    for path in paths:
        source = read_source(root, path, max_bytes=MOST_BYTES)
        if isinstance(source, Skipped):
            continue
        for number, line in enumerate(split_lines(source[1])):
            if matcher.search(line.rstrip("\r\n")):
                chunk = Chunk(path, Span(number, number + 1), cut_line(line), language=language_of(path))
                hits.append(Hit(chunk, 1.0, ("regex",)))
                if len(hits) == k:
                    return hits
    return hits
