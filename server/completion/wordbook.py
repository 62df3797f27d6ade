"""Texts as numbers of words by line and by cell, so that a place is compared with thousands of lines at once.

A cell is what is shown or left out as a whole: a few lines without a blank one between them.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.integer[Any]]
    Floats = NDArray[np.float64]

MOST_LINES = 3_000  # of a text; what stands further down is not looked at
CELL_LINES = 4
LEAST_CHARS = 3  # a shorter name says nothing of where it is from
PARTS = 4  # of a name that are compared, from its beginning
CHARS_A_TOKEN = 3.6  # of a line of code without its indentation
_WORD = re.compile(r"[.>:]?[^\W\d]\w{2,}|\n")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_MEMBER = frozenset(".>:")


class Wordbook:
    """Numbers words and their parts; a number once given stays. Safe to share between threads."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._part_numbers: dict[str, int] = {}
        self._parts: list[tuple[int, ...]] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._parts)

    def numbers(self, words: Sequence[str]) -> list[int]:
        """Return the number of each word."""
        known = self._numbers
        try:
            return [known[word] for word in words]
        except KeyError:
            with self._lock:
                for word in words:
                    if word not in known:
                        self._parts.append(self._parts_of(word))
                        known[word] = len(self._parts) - 1
            return [known[word] for word in words]

    def parts(self, numbers: "Ints") -> "Ints":
        """Return the numbers of the parts of each word, (n, PARTS); 0 where it has no more."""
        import numpy as np

        return np.array([self._parts[number] for number in numbers.tolist()], np.int64).reshape(-1, PARTS)

    @property
    def part_count(self) -> int:
        """One more than the largest number of a part."""
        return len(self._part_numbers) + 1

    def _parts_of(self, word: str) -> tuple[int, ...]:
        found = [part.lower() for part in _PART.findall(word) if len(part) >= LEAST_CHARS][:PARTS]
        numbers = [self._part_numbers.setdefault(part, len(self._part_numbers) + 1) for part in found]
        return (*numbers, *[0] * (PARTS - len(numbers)))


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it is compared; words are their numbers in a book.

    Attributes:
        rows: its lines, with their ends.
        lines, words: (p,) each word of each line once.
        known, members: all words once, and those that stand somewhere behind a dot, an arrow or a colon.
        bounds: (c + 1,) the line where each cell begins; blank lines belong to the one above.
        cell_offsets: (c + 1,) where the words of each cell begin in `cell_words`, each word of a cell once.
        tokens: (c,) what a cell takes, about.
    """

    rows: list[str]
    lines: "Ints"
    words: "Ints"
    known: "Ints"
    members: "Ints"
    bounds: "Ints"
    cell_offsets: "Ints"
    cell_words: "Ints"
    tokens: "Floats"


def read(text: str, book: Wordbook) -> Text:
    """Take a text apart."""
    import numpy as np

    rows = [row + "\n" for row in text.replace("\r\n", "\n").replace("\r", "\n").split("\n", MOST_LINES)[:MOST_LINES]]
    tokens = _WORD.findall("".join(rows))
    members = {token[1:] for token in tokens if token[0] in _MEMBER}
    plain = [token[1:] if token[0] in _MEMBER else token for token in tokens]
    numbers = np.array(book.numbers(plain), np.int32)
    ends = numbers == book.numbers(["\n"])[0]
    lines, words = np.cumsum(ends)[~ends], numbers[~ends]
    lines, words = _pairs(lines, words)
    bounds = np.array(_bounds(rows), np.int64)
    cells, cell_words = _pairs(np.searchsorted(bounds, lines, side="right") - 1, words)
    sizes = np.array([len(row.strip()) / CHARS_A_TOKEN + 1 if row.strip() else 0 for row in rows] or [0.0])
    return Text(
        rows=rows,
        lines=lines,
        words=words,
        known=np.flatnonzero(np.bincount(words)).astype(np.int32),
        members=np.array(book.numbers(list(members)), np.int32),
        bounds=bounds,
        cell_offsets=np.searchsorted(cells, np.arange(len(bounds))),
        cell_words=cell_words,
        tokens=np.add.reduceat(sizes, bounds[:-1]) if len(bounds) > 1 else np.zeros(0),
    )


def _pairs(places: "Ints", words: "Ints") -> "tuple[Ints, Ints]":
    """Return each word of each place once, by place."""
    import numpy as np

    packed = places.astype(np.int64) << 32 | words
    packed.sort()
    packed = packed[np.diff(packed, prepend=-1) > 0]
    return (packed >> 32).astype(np.int32), packed.astype(np.int32)


def _bounds(rows: Sequence[str]) -> list[int]:
    """Return where cells begin, and the end of the last one."""
    starts: list[int] = []
    full, was_blank = 0, True
    for at, row in enumerate(rows):
        is_blank = row.isspace()
        if not is_blank and (was_blank or full == CELL_LINES):
            starts.append(at)
            full = 0
        full += not is_blank
        was_blank = is_blank
    if starts:
        starts[0] = 0
    return [*starts, len(rows)] if starts else [len(rows)]
