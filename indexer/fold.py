"""A file cut at its definitions: their heads, and the lines that are wanted, whole."""

from collections.abc import Sequence

from kibitz.indexer.lines import split_lines
from kibitz.indexer.outline import Symbol, symbols_of
from kibitz.indexer.types import Span

GAP = "…\n"


def folded(path: str, text: str, kept: Sequence[Span] = ()) -> str:
    """The heads of a file's definitions, with some of its lines whole and "…" around them where lines are missing.

    Returns "" for a file of which there is nothing to show: no line is wanted, and its language is not known.
    """
    rows = split_lines(text)
    symbols = symbols_of(path, text)
    shown: list[str] = []
    at = 0
    for span in _merged(kept, len(rows)):
        shown += _heads(symbols, at, span.start)
        shown += [GAP] if span.start > at else []
        shown += rows[span.start : span.end]
        at = span.end
    if kept and at < len(rows):
        shown.append(GAP)
    shown += _heads(symbols, at, len(rows))
    return "".join(shown)


def _heads(symbols: Sequence[Symbol], start: int, end: int) -> list[str]:
    """The heads of the definitions whose names stand in these lines."""
    return [f"{'  ' * one.depth}{one.signature}\n" for one in symbols if start <= one.line < end]


def _merged(spans: Sequence[Span], rows: int) -> list[Span]:
    """The spans in order, those that touch as one, inside the file."""
    merged: list[Span] = []
    for span in sorted(Span(min(one.start, rows), min(one.end, rows)) for one in spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(merged[-1].start, max(span.end, merged[-1].end))
        elif span.end > span.start:
            merged.append(span)
    return merged
