"""The words of the names and paths of a segment, numbered: each is taken apart when it is first asked for.

What is kept belongs to the segment and goes with it: some twenty bytes for each name that was looked at.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.pathnames import FLAGS, HEAD, name_words, path_names
from kibitz.indexer.ragged import Ints, ranges

TOLD = ("test", "example", *FLAGS)
Floats = NDArray[np.float32]


class Words:
    """Different words, numbered as they come; with how each begins, for no two are alike that do not begin alike."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._numbers: dict[str, int] = {}
        self._heads: dict[str, int] = {}
        self._head_of = _Growing(np.uint32)

    def number(self, word: str) -> int:
        """The number of a word."""
        found = self._numbers.get(word)
        if found is None:
            found = self._numbers[word] = len(self.words)
            self.words.append(word)
            self._head_of.extend((self._heads.setdefault(word[:HEAD], len(self._heads)),))
        return found

    def begin(self, numbers: Ints, heads: Sequence[str]) -> NDArray[np.bool_]:
        """Which of some words begin in one of these ways, (w,)."""
        known = [self._heads[head] for head in heads if head in self._heads]
        wanted = np.zeros(len(self._heads), bool)
        wanted[known] = True
        begun: NDArray[np.bool_] = wanted[self._head_of.numbers[numbers]]
        return begun


@dataclass(frozen=True, slots=True)
class Spelling:
    """Some names: the words of all of them, one after the other.

    Attributes:
        words: what the numbers mean.
        sizes: (n,) how many words each name has.
        numbers: (w,) those words.
    """

    words: Words
    sizes: Ints
    numbers: Ints


class Spelt:
    """The names and the paths of one segment; safe to share between threads."""

    def __init__(self, names: int, name_of: Callable[[int], str], paths: Sequence[str]) -> None:
        """Of so many names, which have numbers, and of these paths."""
        self._name_of, self._paths = name_of, paths
        self._words = Words()
        self._names = _Rows(names)
        self._stems, self._folders = _Rows(len(paths)), _Rows(len(paths))
        self._told = np.zeros((len(paths), len(TOLD)), np.float32)
        self._lock = threading.Lock()

    def names(self, numbers: Ints) -> Spelling:
        """Some names, see pathnames.name_words."""
        with self._lock:
            for new in self._names.missing(numbers):
                self._names.put(new, self._numbered(name_words(self._name_of(new))))
            return Spelling(self._words, *self._names.get(numbers))

    def paths(self, files: Ints) -> tuple[Spelling, Floats]:
        """Some paths, see pathnames.PathNames: all their stems and then all their folders, and TOLD, (n, TOLD)."""
        with self._lock:
            for new in self._stems.missing(files):
                path = path_names(self._paths[new])
                self._told[new] = (path.is_test, path.is_example, *path.flags)
                self._folders.put(new, self._numbered(path.folders))
                self._stems.put(new, self._numbered(path.stem))
            sizes, numbers = zip(self._stems.get(files), self._folders.get(files), strict=True)
            return Spelling(self._words, np.concatenate(sizes), np.concatenate(numbers)), self._told[files]

    def _numbered(self, words: Sequence[str]) -> list[int]:
        return [self._words.number(word) for word in words]


@dataclass(slots=True)
class _Growing:
    """Numbers, and room for more."""

    kind: type[Any]
    numbers: NDArray[Any] = field(init=False)
    size: int = 0

    def __post_init__(self) -> None:
        self.numbers = np.zeros(64, self.kind)

    def extend(self, more: Sequence[int]) -> None:
        end = self.size + len(more)
        if end > len(self.numbers):
            grown = np.zeros(2 * end, self.kind)
            grown[: self.size] = self.numbers[: self.size]
            self.numbers = grown
        self.numbers[self.size : end] = more
        self.size = end


class _Rows:
    """Rows of numbers, none at first."""

    def __init__(self, count: int) -> None:
        # Zeros, for memory that is not touched is none: where each row begins, and one more; and how long it is.
        self._begins = np.zeros(count, np.uint32)
        self._sizes = np.zeros(count, np.uint16)
        self._flat = _Growing(np.uint32)

    def missing(self, wanted: Ints) -> list[int]:
        """Those rows of some that are not there yet, each once."""
        begins = self._begins[wanted]
        return [] if begins.all() else list(dict.fromkeys(wanted[begins == 0].tolist()))

    def put(self, number: int, row: Sequence[int]) -> None:
        self._sizes[number] = len(row)
        self._begins[number] = self._flat.size + 1
        self._flat.extend(row)

    def get(self, wanted: Ints) -> tuple[Ints, Ints]:
        """How long some rows are, and the rows one after the other."""
        sizes = self._sizes[wanted].astype(np.int64)
        return sizes, self._flat.numbers[ranges(self._begins[wanted].astype(np.int64) - 1, sizes)]
