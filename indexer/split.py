"""Where to cut a file: along the nodes of its syntax tree, else at blank lines. Pure arithmetic on lines."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from kibitz.indexer.lines import Lines
from kibitz.indexer.symbols import Definition
from kibitz.indexer.syntax import Leads, last_row

if TYPE_CHECKING:
    from tree_sitter import Node

LIMIT = 1_500
"""What a chunk aims at, in characters that are not blank."""
_RUNT = 200
"""What weighs no more than this goes with a neighbour even where both together are a little over the limit."""
_CLOSING = 20
"""What lines that only close something weigh together at most."""
_MAX_DEPTH = 200
# Named nodes that end what stands above them.
_ENDS = frozenset({"end_tag", "jsx_closing_element", "keyword_end", "php_end_tag"})


# What a piece is only a part of, because it was too long; of several pieces together the highest counts.
_WHOLE, _OTHER, _DEFINITION = range(3)


class Piece(NamedTuple):
    """Lines that stay together (0-based, end not included), and what they are only a part of."""

    start: int
    end: int
    part: int = _WHOLE


class Splitter:
    """Cuts the lines of one file."""

    def __init__(self, lines: Lines, source: bytes, found: Sequence[Definition], leads: Leads) -> None:
        self._lines, self._source, self._leads = lines, source, leads
        self.weight = lines.weight
        self._sums = lines.sums
        self._starts = sorted({one.start for one in found})
        # Where the longest and the shortest definition that begins at a line end.
        self._longest: dict[int, int] = {}
        self._shortest: dict[int, int] = {}
        # Lines at which nothing is cut, because they are inside a definition that fits a chunk.
        self._held = bytearray(len(lines) + 1)
        for one in found:
            start, end = one.start, min(one.end, len(lines))
            self._longest[start] = max(end, self._longest.get(start, end))
            self._shortest[start] = min(end, self._shortest.get(start, end))
            if end - start > 1 and self.weight(start, end) <= LIMIT:
                self._held[start + 1 : end] = b"\1" * (end - start - 1)

    def split_tree(self, root: "Node") -> list[Piece]:
        """Cut all lines along a syntax tree."""
        return self._merge(self._split_nodes([root], 0, len(self._lines), 0))

    def _split_nodes(self, nodes: "Sequence[Node]", start: int, end: int, depth: int) -> list[Piece]:
        """Cut the lines `start` to `end`, which hold the nodes, between the nodes' children.

        A definition's own pieces are merged here, lest what is left of it mix with what comes next, and so are those
        of a long statement between definitions. All others are left to whoever asks, so that the head of a definition
        and the first lines of its body come together.
        """
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
        amid, sums = self._holds(start + 1, end), self._sums
        for (first, children), last in zip(parts, ends, strict=True):
            if sums[last] - sums[first] <= LIMIT:
                pieces.append(Piece(first, last))
                continue
            inner = self._split_nodes(children, first, last, depth)
            if len(inner) == 1:
                pieces.extend(inner)
            elif self._is_definition(first, last):
                pieces.extend(Piece(piece.start, piece.end, _DEFINITION) for piece in self._merge(inner))
            elif amid and not self._defines(first, last):
                pieces.extend(Piece(piece.start, piece.end, _OTHER) for piece in self._merge(inner))
            else:
                pieces.extend(inner)
        return pieces

    def _parts(self, nodes: "Sequence[Node]", start: int, end: int) -> "list[tuple[int, list[Node]]]":
        """The nodes' children, grouped by the lines at which one may cut; the first group begins at `start`.

        A line may be cut where a named node begins it, above the comments that belong to that node: what only closes
        (a brace) has no name.
        """
        parts: list[tuple[int, list[Node]]] = [(start, [])]
        last_cut, held, starts = start, self._held, self._lines.starts
        for parent in nodes:
            top = parent.start_point[0]
            for node in parent.children:
                row = node.start_point[0]
                if last_cut < row < end and node.is_named and node.type not in _ENDS:
                    byte = node.start_byte
                    # What is above the first line belongs to the parent, not to what it begins with.
                    first = self._leads.first_row(row, byte - starts[row]) if row > top else row
                    if last_cut < first and not held[first] and not self._source[starts[row] : byte].strip():
                        parts.append((first, []))
                        last_cut = first
                if last_row(node) > row:
                    parts[-1][1].append(node)
        return parts

    def split_text(self, start: int, end: int) -> list[Piece]:
        """Cut lines without syntax: before an unindented line that follows a blank one, else after a blank line."""
        return self._split_text(start, end, 0)

    def _split_text(self, start: int, end: int, level: int) -> list[Piece]:
        if self.weight(start, end) <= LIMIT:
            return [Piece(start, end)]
        bounds = [start, *self._cuts(start, end, level), end]
        pieces: list[Piece] = []
        for first, last in pairwise(bounds):
            whole = level == 2 or self.weight(first, last) <= LIMIT
            pieces.extend([Piece(first, last)] if whole else self._split_text(first, last, level + 1))
        return self._merge(pieces)

    def _cuts(self, start: int, end: int, level: int) -> Sequence[int]:
        """The lines within two others at which one may cut: at the third level all of them."""
        if level == 2:
            return range(start + 1, end)
        blank, flush = self._lines.blank, self._lines.flush
        cuts: list[int] = []
        at = blank.find(1, start, end - 1)
        while at >= 0:
            if flush[at + 1] or (level == 1 and not blank[at + 1]):
                cuts.append(at + 1)
            at = blank.find(1, at + 1, end - 1)
        return cuts

    def _defines(self, start: int, end: int) -> bool:
        """Whether a definition begins in these lines."""
        at = bisect_left(self._starts, start)
        return at < len(self._starts) and self._starts[at] < end

    def _holds(self, start: int, end: int) -> bool:
        """Whether a whole definition is in these lines."""
        for at in range(bisect_left(self._starts, start), len(self._starts)):
            if self._starts[at] >= end:
                return False
            if self._shortest[self._starts[at]] <= end:
                return True
        return False

    def _is_definition(self, start: int, end: int) -> bool:
        """Whether these lines are one definition, but for blank and closing lines behind it."""
        return self.weight(min(self._longest.get(start, start), end), end) <= _CLOSING

    def _merge(self, pieces: Sequence[Piece]) -> list[Piece]:
        """Put neighbours together from the front; if that leaves little for the last, even out the last two."""
        groups: list[list[Piece]] = []
        last = Piece(0, 0)  # the last group as one piece
        for piece in pieces:
            if groups and self._fit(last, piece):
                groups[-1].append(piece)
                last = Piece(last.start, piece.end, max(last.part, piece.part))
            else:
                groups.append([piece])
                last = piece
        if len(groups) > 1:
            self._even_out(groups[-2], groups[-1])
        return [_joined(group) for group in groups]

    def _even_out(self, left: list[Piece], right: list[Piece]) -> None:
        while len(left) > 1 and self.weight(right[0].start, right[-1].end) < LIMIT // 3:
            moved, kept = left[-1], _joined(left[:-1])
            grown = self.weight(moved.start, right[-1].end)
            if grown > self.weight(kept.start, kept.end) or not self._fit(moved, _joined(right)):
                return
            right.insert(0, left.pop())

    def _fit(self, left: Piece, right: Piece) -> bool:
        """Whether two neighbours become one.

        What is left of a definition that was cut stays by itself; in front of its beginning a runt may stand. Nor does
        a definition go with what is left of something else.
        """
        if left.part == _DEFINITION:
            return False
        sums = self._sums
        one, other = sums[left.end] - sums[left.start], sums[right.end] - sums[right.start]
        if one + other > LIMIT and (min(one, other) > _RUNT or one + other > LIMIT + _RUNT):
            return False
        if right.part == _DEFINITION:
            return one <= _RUNT
        return left.part == right.part == _WHOLE or not self._holds(left.start, right.end)


def _joined(group: Sequence[Piece]) -> Piece:
    if len(group) == 1:
        return group[0]
    return Piece(group[0].start, group[-1].end, max([piece.part for piece in group]))
