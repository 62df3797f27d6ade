"""Which part of a prompt stands where, so that the next prompt begins as this one did.

What comes after a change is read anew by the model's server, so the parts that change often belong to the end. Which
these are differs: while somebody types it is the file, in a chat it is the history. Both helpers remember; they belong
to one conversation or document, as a `Renderer` does.
"""

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")

# How much of a part's volatility is kept from one prompt to the next, and how much more volatile than the next one a
# part must be to change places with it: to reorder costs what it saves later.
_KEPT = 0.75
_MARGIN = 0.25
# How far below the cursor a split is put when the cursor has run over it, and how far above it the cursor may go.
_BELOW = 32
_ABOVE = 64


class SteadyOrder:
    """Orders parts by how often they change: what stays stands first."""

    def __init__(self) -> None:
        self._order: list[str] = []
        self._values: dict[str, object] = {}
        self._volatile: dict[str, float] = {}

    def arrange(self, parts: Mapping[str, tuple[object, T]]) -> list[T]:
        """Return the parts' second members in their order.

        Args:
            parts: for each part a value that is equal as long as the part is, and what stands for it in the prompt; in
                the order in which they stand while nothing is known of them.
        """
        for key, (value, _) in parts.items():
            if key in self._values:
                changed = self._values[key] != value
                self._volatile[key] = self._volatile[key] * _KEPT + changed * (1 - _KEPT)
            else:
                self._volatile[key] = 0.0
                before = [each for each in parts if each in self._order]
                place = sum(1 for each in before if list(parts).index(each) < list(parts).index(key))
                self._order.insert(place, key)
            self._values[key] = value
        self._order = [key for key in self._order if key in parts]
        self._values = {key: self._values[key] for key in self._order}
        for end in range(len(self._order) - 1, 0, -1):  # a few parts: each goes behind calmer ones
            for at in range(end):
                first, second = self._order[at], self._order[at + 1]
                if self._volatile[first] > self._volatile[second] + _MARGIN * (1 - _KEPT):
                    self._order[at : at + 2] = second, first
        return [parts[key][1] for key in self._order]


class SteadySplit:
    """Splits a document near the cursor into two parts, at a line that stays while the cursor is near.

    Models that fill in the middle may be shown what is below the cursor first; then a keystroke changes only the end of
    the prompt. For those that are told where the cursor is, the split need not be at the cursor itself.
    """

    def __init__(self) -> None:
        self._line: int | None = None

    def at(self, cursor: int, lines: int) -> int:
        """Return the 0-based line that the second part begins with, below the cursor's, for a document of `lines`."""
        line = self._line
        if line is None:
            line = cursor + 1
        elif not cursor < line <= cursor + _ABOVE:
            line = cursor + 1 + _BELOW
        self._line = line
        return min(line, lines)
