"""Definitions by a piece of their name, as somebody types it: told by the index, so that it keeps up with keys."""

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kibitz.indexer.lines import is_comment, split_lines
from kibitz.indexer.lookup import Place, Sources, last_of
from kibitz.indexer.types import Span
from kibitz.indexer.view import View

MOST_NAMES = 2_000  # of a segment that hold the piece
_TYPE = re.compile(r"\b(?:class|struct|interface|enum|trait|protocol|record|union|type)\s+\w")


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    name: str
    symbol: str  # of the chunk that it is in, and its kind
    kind: str
    span: Span
    aside: bool


def symbols_like(view: View, sources: Sources, begun: str, k: int) -> list[Place]:
    """Return the k definitions whose names hold a piece best, whatever the case of its letters.

    Names of which a part begins with it come first, then those outside of tests and examples, then the shortest. Only
    the files of those are read, for the line that the name stands on.
    """
    begun = begun.strip()
    if not begun:
        return []
    begins = re.compile(rf"(?:^|[.:#])(?i:{re.escape(begun)})")

    def worse(one: _Found) -> tuple[bool, bool, int, str, str, int]:
        whole = last_of(one.name).lower() == begun.lower()
        begun_so = whole or begins.search(one.name) is not None
        return not begun_so, one.aside, len(one.name), one.name, one.path, one.span.start

    best = heapq.nsmallest(k, _holding(view, begun), key=worse)
    return [_place(sources, one) for one in best]


def _holding(view: View, begun: str) -> Iterator[_Found]:
    for file, chunk, name in view.defining(begun, MOST_NAMES):
        if not re.search(r"\s", name):  # a section's title is no name to look for
            yield _Found(view.paths[file], name, chunk.symbol, chunk.kind, chunk.span, bool(view.aside[file]))


def _place(sources: Sources, one: _Found) -> Place:
    """Find the line; where the file is not what the index has seen, the first of the lines that it was in."""
    word = re.compile(rf"(?<!\w){re.escape(last_of(one.name))}(?!\w)")
    rows = split_lines(sources.text(one.path) or "")
    within = range(one.span.start, min(one.span.end, len(rows)))
    holding = (at for at in within if word.search(rows[at]) and not is_comment(rows[at].lstrip()))
    line = next(holding, one.span.start)
    text = rows[line].strip() if line < len(rows) else ""
    symbol, kind = _named(one, text)
    return Place(one.path, symbol, kind, Span(line, max(line + 1, one.span.end)), (line,), text)


def _named(one: _Found, line: str) -> tuple[str, str]:
    """Return the dotted name and the kind: the chunk's own, or what is known of something inside it."""
    if last_of(one.symbol) == last_of(one.name):
        return one.symbol, one.kind
    if _TYPE.search(line):
        return one.name, "class"
    return (f"{one.symbol}.{one.name}", "method") if one.kind == "class" and one.symbol else (one.name, "function")
