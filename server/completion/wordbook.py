"""Texts as numbers of words by line and by cell, so that a place is compared with thousands of lines at once.

A cell is what is shown or left out as a whole: a few lines without a blank one between them.
"""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

MOST_LINES = 5_000  # of a text; what stands further down is not looked at
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
    """A text as it is compared.

    Attributes:
        rows: its lines, with their ends.
        lines, words, members: (p,) each word of each line once, by line; `members` tells which stand behind a dot,
            an arrow or a colon.
        bounds: (c + 1,) the line where each cell begins; blank lines belong to the one above.
        cell_offsets: (c + 1,) where the words of each cell begin in `cell_words`, each word of a cell once.
        tokens: (c,) what a cell takes, about.
    """

    rows: list[str]
    lines: "Ints"
    words: "Ints"
    members: "Flags"
    bounds: "Ints"
    cell_offsets: "Ints"
    cell_words: "Ints"
    tokens: "Floats"


def read(text: str, book: Wordbook) -> Text:
    """Take a text apart."""
    import numpy as np

    rows = [row + "\n" for row in text.replace("\r\n", "\n").replace("\r", "\n").split("\n", MOST_LINES)[:MOST_LINES]]
    found: dict[tuple[int, str], bool] = {}
    line = 0
    for token in _WORD.findall("".join(rows)):
        if token == "\n":
            line += 1
        elif token[0] in _MEMBER:
            found[line, token[1:]] = True
        else:
            found.setdefault((line, token), False)
    lines = np.array([at for at, _ in found], np.int64)
    words = np.array(book.numbers([word for _, word in found]), np.int64)
    bounds = np.array(_bounds(rows), np.int64)
    cells = np.searchsorted(bounds, lines, side="right") - 1
    packed = np.unique((cells << 32) | words)
    sizes = np.array([len(row.strip()) / CHARS_A_TOKEN + 1 if row.strip() else 0 for row in rows] or [0.0])
    return Text(
        rows=rows,
        lines=lines,
        words=words,
        members=np.array(list(found.values()), bool),
        bounds=bounds,
        cell_offsets=np.searchsorted(packed >> 32, np.arange(len(bounds))),
        cell_words=packed & 0xFFFFFFFF,
        tokens=np.add.reduceat(sizes, bounds[:-1]) if len(bounds) > 1 else np.zeros(0),
    )


def _bounds(rows: Sequence[str]) -> list[int]:
    """Return where cells begin, and the end of the last one."""
    starts: list[int] = []
    full, was_blank = 0, True
    for at, row in enumerate(rows):
        is_blank = not row.strip()
        if not is_blank and (was_blank or full == CELL_LINES):
            starts.append(at)
            full = 0
        full += not is_blank
        was_blank = is_blank
    if starts:
        starts[0] = 0
    return [*starts, len(rows)] if starts else [len(rows)]
