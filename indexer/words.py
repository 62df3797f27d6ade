r"""Which identifiers stand in which texts, found with array arithmetic: a regular expression takes five times as long.

An identifier is a run of `\w`, as in Python's regular expressions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.ragged import Ints, counted, offsets_of

MAX_KNOWN = 200_000  # identifiers that a vocabulary remembers: with all that hangs on them some 40 MB
MAX_TEXTS = 1 << 16  # so many texts fit beside an identifier in one sort key

_NOT_A_WORD = re.compile(r"[^\w\x00-\x7f]")
# A polynomial in this odd base, modulo 2 ** 64, names an identifier: base and inverse are each other's inverse.
_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 1 << 64)
_IS_WORD = np.array([chr(b).isalnum() or chr(b) == "_" or b >= 128 for b in range(256)])


@dataclass(frozen=True, slots=True)
class Bags:
    """The identifiers of n texts, by their numbers in a vocabulary.

    Text `texts[i]` holds identifier `codes[i]` `times[i]` times; ascending by text, then by identifier.
    """

    count: int
    texts: Ints
    codes: Ints
    times: Ints

    @staticmethod
    def joined(bags: "Sequence[Bags]") -> "Bags":
        """All identifiers of the same texts; equal pairs are not added up."""
        return Bags(
            bags[0].count,
            np.concatenate([bag.texts for bag in bags]),
            np.concatenate([bag.codes for bag in bags]),
            np.concatenate([bag.times for bag in bags]),
        )

    def take(self, wanted: NDArray[np.bool_]) -> "Bags":
        """The bags of some of the texts, (n,) bool, numbered anew."""
        kept = wanted[self.texts]
        numbers = np.cumsum(wanted) - 1
        return Bags(int(wanted.sum()), numbers[self.texts[kept]], self.codes[kept], self.times[kept])


class Vocabulary:
    """Numbers identifiers in the order in which they are met.

    `generation` goes up when it starts again, so that what was kept for a number is thrown away.
    """

    def __init__(self) -> None:
        self.identifiers: list[str] = []
        self.generation = 0
        self._numbers: dict[int, int] = {}

    def next_batch(self) -> None:
        """Start again if more than MAX_KNOWN have been met: bags made before are of no use any more."""
        if len(self.identifiers) > MAX_KNOWN:
            self.identifiers, self._numbers = [], {}
            self.generation += 1

    def bags(self, texts: Sequence[str]) -> Bags:
        """The identifiers of up to MAX_TEXTS texts."""
        encoded = [_encode(text) for text in texts]
        raw = b"\0" + b"\0".join(encoded) + b"\0"
        starts, ends = _runs(raw)
        bounds = 1 + offsets_of([len(one) + 1 for one in encoded])
        of_text = np.repeat(np.arange(len(encoded)), np.diff(np.searchsorted(starts, bounds)))
        names, first, place = np.unique(_names(raw, starts, ends), return_index=True, return_inverse=True)
        numbers = list(map(self._numbers.get, names.tolist()))
        for at in [at for at, number in enumerate(numbers) if number is None]:
            numbers[at] = self._numbers[int(names[at])] = len(self.identifiers)
            word = raw[starts[first[at]] : ends[first[at]]]
            self.identifiers.append(word.decode("utf-8", "surrogatepass"))
        every = np.array(numbers, np.int64)[place]
        return Bags(len(encoded), *counted(of_text, every, np.ones(len(place), np.int64)))


def _encode(text: str) -> bytes:
    """Bytes in which all that are not ASCII belong to an identifier."""
    if text.isascii():
        return text.encode("ascii")
    return _NOT_A_WORD.sub(" ", text).encode("utf-8", "surrogatepass")


def _runs(raw: bytes) -> tuple[Ints, Ints]:
    """Where identifiers begin and end; the first and the last byte belong to none."""
    word = _IS_WORD[np.frombuffer(raw, np.uint8)]
    edges = np.flatnonzero(word[1:] != word[:-1]) + 1
    return edges[::2], edges[1::2]


def _names(raw: bytes, starts: Ints, ends: Ints) -> NDArray[np.uint64]:
    """A 64-bit name for each identifier: a rolling hash (Karp and Rabin, 1987), taken from sums over all bytes."""
    powers, inverses = _powers(_BASE, len(raw)), _powers(_INVERSE, len(raw))
    sums = np.zeros(len(raw) + 1, np.uint64)
    np.cumsum((np.frombuffer(raw, np.uint8).astype(np.uint64) + np.uint64(1)) * powers, out=sums[1:])
    return (sums[ends] - sums[starts]) * inverses[starts]


_longest: dict[int, NDArray[np.uint64]] = {}


def _powers(base: int, size: int) -> NDArray[np.uint64]:
    """The first powers of a number, modulo 2 ** 64; the longest list that was asked for is kept."""
    if len(_longest.get(base, ())) < size:
        powers = np.full(1 << max(16, size.bit_length()), base, np.uint64)
        powers[0] = 1
        _longest[base] = np.cumprod(powers, out=powers)
    return _longest[base][:size]
