"""Syntax trees, and what stands above a thing and belongs to it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kibitz.indexer.languages import grammar
from kibitz.indexer.lines import to_source

if TYPE_CHECKING:
    from tree_sitter import Node, Tree


def parse(text: str, grammar_name: str) -> "Tree | None":
    """Parse a text; None when there is no such grammar. Rows of the tree are lines as `split_lines` counts them."""
    return parse_source(to_source(text), grammar_name)


def parse_source(source: bytes, grammar_name: str, old: "Tree | None" = None) -> "Tree | None":
    """Parse the bytes of a text as `to_source` makes them.

    `old` is the tree of an earlier text with its edits told to it: what is the same is taken from there.
    """
    language = grammar(grammar_name)
    if language is None:
        return None
    from tree_sitter import Parser

    return Parser(language).parse(source, old) if old is not None else Parser(language).parse(source)


def last_row(node: "Node") -> int:
    """The last line that holds a part of the node; one that only ends there with a line break does not count."""
    row, column = node.end_point
    return row - 1 if column == 0 and row > node.start_point[0] else row


class Leads:
    """The comments, decorators and attributes of a file that stand on lines of their own.

    They belong to what begins on the line below them, as long as they begin no further to the right than that.
    """

    def __init__(self, source: bytes, leads: "Iterable[Node]", wrappers: "Iterable[Node]" = ()) -> None:
        self._above: dict[int, tuple[int, int]] = {}  # the last line of a lead to its first one and its column
        self._wrapped: dict[int, int] = {}  # the line of what is wrapped to the line of what wraps it
        # From top to bottom, so that a lead knows at once where all that is above it begins.
        for byte, _, node in sorted([(one.start_byte, at, one) for at, one in enumerate(leads)]):
            row, column = node.start_point
            if column and source[byte - column : byte].strip():
                continue  # behind something on its line
            self._above.setdefault(last_row(node), (self.first_row(row, column), column))
        for node in wrappers:
            row = node.start_point[0]
            inner = node.children[-1].start_point[0]
            if inner > row:
                self._wrapped[inner] = min(row, self._wrapped.get(inner, row))

    def first_row(self, row: int, column: int) -> int:
        """The first line of what begins at a row and a column, with all that is above it and belongs to it."""
        if self._wrapped:
            row = self._wrapped.get(row, row)
        above = self._above
        while (lead := above.get(row - 1)) is not None and lead[1] <= column:
            row = lead[0]
        return row
