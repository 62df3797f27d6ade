"""Brackets and strings before a cursor, read anew only behind what has changed since the texts before.

To read a document of some thousand lines takes milliseconds, and at a key nearly all of it is what it was. So marks are
kept in the last texts: starts of lines with the brackets that are open there. A text that begins like one of those is
read from the last mark on that both share.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

APART = 2_000  # characters between marks, at least
TEXTS = 4  # that are remembered: the documents that somebody goes to and fro between


@dataclass(frozen=True, slots=True)
class Mark:
    """The start of a line that no token reaches over, and the brackets that are open there, outermost first.

    What stands before it is read the same whatever follows: strings that end with their line end before it.
    """

    offset: int
    opened: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """The brackets that a text leaves open, and its last token, "" where that ends before the text does."""

    text: str
    opened: tuple[str, ...]
    last: str
    marks: tuple[Mark, ...]


class Reader:
    """Reads the texts of one language, in any thread. `tokens` matches brackets, strings and comments."""

    def __init__(self, tokens: re.Pattern[str], closer_of: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._closer_of = closer_of
        self._closers = frozenset(closer_of.values())
        self._known: list[Read] = []
        self._lock = threading.Lock()

    def read(self, text: str) -> Read:
        """Read a text, in the time that what is new of it takes."""
        with self._lock:
            for known in self._known:
                if known.text == text:
                    return known
            marks, before = max(((_shared(each, text), each) for each in self._known), key=_length, default=((), None))
            read = self._read_on(text, marks)
            if marks and before is not None:
                self._known.remove(before)
            self._known = [read, *self._known][:TEXTS]
            return read

    def _read_on(self, text: str, marks: tuple[Mark, ...]) -> Read:
        every = list(marks)
        marked, opened = (marks[-1].offset, list(marks[-1].opened)) if marks else (0, [])
        end, last = marked, ""
        for found in self._tokens.finditer(text, marked):
            if found.start() >= marked + APART and (line := _line_start(text, end, found.start())) >= marked + APART:
                every.append(Mark(line, tuple(opened)))
                marked = line
            last, end = found[0], found.end()
            if last in self._closer_of:
                opened.append(last)
            elif last in self._closers and opened and self._closer_of[opened[-1]] == last:
                opened.pop()
        return Read(text, tuple(opened), last if end == len(text) else "", tuple(every))


def _line_start(text: str, after: int, before: int) -> int:
    """Return where the last line begins that starts behind an offset and up to another; -1: none, or one goes on."""
    start = text.rfind("\n", after, before) + 1
    return start if start and text[start - 2 : start - 1] != "\\" else -1


def _shared(read: Read, text: str) -> tuple[Mark, ...]:
    """Return the marks of a text before which another is the same, found by halving."""
    low, high = 0, len(read.marks)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if text.startswith(read.text[: read.marks[middle - 1].offset]) else (low, middle - 1)
    return read.marks[:low]


def _length(shared: tuple[tuple[Mark, ...], Read]) -> int:
    return len(shared[0])
