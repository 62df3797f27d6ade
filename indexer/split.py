"""Where to cut a file: along the nodes of its syntax tree, else at blank lines. Pure arithmetic on lines."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer.symbols import Definition
from kibitz.indexer.syntax import last_row, place

if TYPE_CHECKING:
    from tree_sitter import Node

LIMIT = 1_500
"""What a chunk aims at, in characters that are not blank."""
_RUNT = 200
"""What weighs no more than this goes with a neighbour even where both together are a little over the limit."""
_MAX_DEPTH = 200
_PARTS = ("definition", "other", "")  # what both together are a part of: the first that applies


class Piece(NamedTuple):
    """Lines that stay together (0-based, end not included).

    `part` is what they are only a part of, because it was too long: "definition", "other", or "" for nothing.
    """

    start: int
    end: int
    part: str = ""


class Splitter:
    """Cuts the lines of one file.

    A line weighs as much as it has characters that are not blank; blank ones weigh a quarter, so that no chunk is
    made of a screen of indentation.
    """

    def __init__(self, lines: Sequence[str], found: Sequence[Definition]) -> None:
        self._lines = lines
        self._sums = [0, *accumulate(max(len("".join(line.split())), len(line) // 4, 1) for line in lines)]
        self._starts = sorted({one.start for one in found})
        # Lines at which nothing is cut, because they are inside a definition that fits a chunk.
        self._held = bytearray(len(lines) + 1)
        for one in found:
            if one.end - one.start > 1 and self.weight(one.start, one.end) <= LIMIT:
                self._held[one.start + 1 : one.end] = b"\1" * (one.end - one.start - 1)

    def weight(self, start: int, end: int) -> int:
        """The weight of some lines."""
        end = min(end, len(self._lines))
        return self._sums[end] - self._sums[min(start, end)]

    def split_nodes(self, nodes: "Sequence[Node]", start: int, end: int, depth: int = 0) -> list[Piece]:
        """Cut the lines `start` to `end`, which hold the nodes, between the nodes' children."""
        if self.weight(start, end) <= LIMIT:
            return [Piece(start, end)]
        parts: list[tuple[int, list[Node]]] = []
        while nodes and len(parts) < 2 and depth < _MAX_DEPTH:
            parts = self._parts(nodes, start, end)
            nodes = [child for _, children in parts for child in children]
            depth += 1
        if len(parts) < 2:
            return self.split_text(start, end)
        pieces: list[Piece] = []
        ends = [*(part[0] for part in parts[1:]), end]
        for (first, children), last in zip(parts, ends, strict=True):
            inner = self.split_nodes(children, first, last, depth)
            if len(inner) > 1:
                part = "definition" if self._defines(first, last) else "other"
                inner = [piece._replace(part=part) for piece in inner]
            pieces.extend(inner)
        return self._merge(pieces)

    def _parts(self, nodes: "Iterable[Node]", start: int, end: int) -> "list[tuple[int, list[Node]]]":
        """The nodes' children, grouped by the lines at which one may cut; the first group begins at `start`."""
        parts: list[tuple[int, list[Node]]] = [(start, [])]
        for node, row, alone in place(nodes):
            if alone and parts[-1][0] < row < end and not self._held[row]:
                parts.append((row, []))
            if last_row(node) > node.start_point[0]:
                parts[-1][1].append(node)
        return parts

    def split_text(self, start: int, end: int) -> list[Piece]:
        """Cut lines without syntax: before an unindented line that follows a blank one, else after a blank line."""
        return self._split_text(start, end, 0)

    def _split_text(self, start: int, end: int, level: int) -> list[Piece]:
        if self.weight(start, end) <= LIMIT:
            return [Piece(start, end)]
        cuts = [line for line in range(start + 1, end) if self._may_cut(line, level)]
        bounds = [start, *cuts, end]
        pieces: list[Piece] = []
        for first, last in pairwise(bounds):
            whole = level == 2 or self.weight(first, last) <= LIMIT
            pieces.extend([Piece(first, last)] if whole else self._split_text(first, last, level + 1))
        return self._merge(pieces)

    def _may_cut(self, line: int, level: int) -> bool:
        text, above = self._lines[line], self._lines[line - 1]
        if level == 2:
            return True
        return bool(text.strip()) and not above.strip() and (level == 1 or not text[0].isspace())

    def _defines(self, start: int, end: int) -> bool:
        """Whether a definition begins in these lines."""
        at = bisect_left(self._starts, start)
        return at < len(self._starts) and self._starts[at] < end

    def _merge(self, pieces: Iterable[Piece]) -> list[Piece]:
        merged: list[Piece] = []
        for piece in pieces:
            if merged and self._fit(merged[-1], piece):
                merged[-1] = Piece(merged[-1].start, piece.end, min(merged[-1].part, piece.part, key=_PARTS.index))
            else:
                merged.append(piece)
        return merged

    def _fit(self, left: Piece, right: Piece) -> bool:
        """Whether two neighbours become one.

        What is left of a definition that was cut stays by itself, and so does a definition beside what is left of
        something else, unless one of the two is a runt.
        """
        one, other = self.weight(left.start, left.end), self.weight(right.start, right.end)
        apart = "definition" in (left.part, right.part) or (
            "other" in (left.part, right.part) and self._defines(left.start, right.end)
        )
        if one + other <= LIMIT and not apart:
            return True
        return min(one, other) <= _RUNT and one + other <= LIMIT + _RUNT
