"""The signatures of many files, laid out so that a question reads a few rows of bits instead of every signature.

Files whose signatures have the same size are a class. A class is stored by bit: row b has a bit for each of its files,
which tells whether that file's signature has bit b. What is asked for is then a few rows, combined
(Faloutsos and Christodoulakis, "Signature Files", 1984; by size classes as in Goodwin et al., "BitFunnel", 2017).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.grams import SIZES, hashes, places
from kibitz.indexer.ragged import Ints, offsets_of

Bits = NDArray[np.uint8]
Hashes = NDArray[np.uint32]

_LEVEL = {size >> 3: level for level, size in enumerate(SIZES)}
_SIZE = np.array(SIZES, np.int64)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a file must hold to be read.

    Attributes:
        grams: hashes of grams, all of which it must hold.
        either: hashes of several literals each: it must hold all those of one of them.
        wide: whether it must hold a letter beyond ASCII.
    """

    grams: Hashes
    either: tuple[tuple[Hashes, ...], ...] = ()
    wide: bool = False


@dataclass(frozen=True)
class Sieve:
    """The signatures of f files.

    Attributes:
        levels: (f,) uint8, the place in SIZES of the size of each file's signature.
        rows: uint8, by ascending level the files of that level, eight a byte: as many rows as a signature has bits.
        rest: uint8, of each level the up to seven files that fill no byte, one signature after the other.
    """

    levels: Bits
    rows: Bits
    rest: Bits

    def may_hold(self, asked: Asked) -> NDArray[np.bool_]:
        """Which files can hold what is asked for, (f,): none is left out that does."""
        held = np.ones(len(self.levels), bool)
        if not (len(asked.grams) or asked.either or asked.wide):
            return held
        for level, files, matrix in self._classes:
            bits = np.full(matrix.shape[1], 0xFF, np.uint8)
            for numbers in _alternatives(asked):
                bits &= _any_of(matrix[places(each, SIZES[level])] for each in numbers)
            if asked.wide:
                bits &= matrix[0]
            held[files] = np.unpackbits(bits, bitorder="little").view(bool)
        files, starts = self._rest
        if len(files):
            sizes = _SIZE[self.levels[files]]
            bits = np.ones(len(files), np.uint8)
            for numbers in _alternatives(asked):
                bits &= _any_of(self._bits(places(each[:, None], sizes), starts) for each in numbers)
            if asked.wide:
                bits &= self._bits(np.zeros((1, 1), np.int64), starts)[0]
            held[files] = bits.view(bool)
        return held

    def _bits(self, numbers: Ints, starts: Ints) -> Bits:
        """Bits of the rest's signatures, (g, r): 0 or 1."""
        bits: Bits = self.rest[starts[None, :] + (numbers >> 3)] >> (numbers & 7).astype(np.uint8) & np.uint8(1)
        return bits

    def signatures(self) -> list[bytes]:
        """The files' signatures, as they came."""
        found = [b""] * len(self.levels)
        for _, files, matrix in self._classes:
            bits = np.unpackbits(matrix, axis=1, bitorder="little")
            packed = np.packbits(bits, axis=0, bitorder="little").T
            for at, row in zip(files.tolist(), packed, strict=True):
                found[at] = row.tobytes()
        for at, start in zip(*(each.tolist() for each in self._rest), strict=True):
            found[at] = self.rest[start : start + (SIZES[self.levels[at]] >> 3)].tobytes()
        return found

    @cached_property
    def _classes(self) -> list[tuple[int, Ints, Bits]]:
        """(level, the files that are stored by bit, their rows) of each level that has such files."""
        found: list[tuple[int, Ints, Bits]] = []
        at = 0
        for level, files in _by_level(self.levels):
            width = len(files) // 8
            if width:
                size = SIZES[level]
                rows = self.rows[at : at + size * width].reshape(size, width)
                found.append((level, files[: 8 * width], rows))
                at += size * width
        return found

    @cached_property
    def _rest(self) -> tuple[Ints, Ints]:
        """The files that are stored one after the other, and where the signature of each begins."""
        every = [files[len(files) // 8 * 8 :] for _, files in _by_level(self.levels)]
        files = np.concatenate(every) if every else np.zeros(0, np.int64)
        return files, offsets_of(_SIZE[self.levels[files]] >> 3)[:-1]


def sieve_of(signatures: Sequence[bytes]) -> Sieve:
    """Lay out the signatures of files."""
    levels = np.array([_LEVEL[len(one)] for one in signatures], np.uint8)
    rows: list[Bits] = []
    rest: list[bytes] = []
    for _, files in _by_level(levels):
        of_class = [signatures[at] for at in files.tolist()]
        whole = len(files) // 8 * 8
        rest += of_class[whole:]
        if whole:
            packed = np.frombuffer(b"".join(of_class[:whole]), np.uint8).reshape(whole, -1)
            rows.append(_turned(packed))
    flat = np.concatenate(rows) if rows else np.zeros(0, np.uint8)
    return Sieve(levels, flat, np.frombuffer(b"".join(rest), np.uint8))


def asked_of(clauses: Sequence[Sequence[bytes]], *, wide: bool = False) -> Asked:
    """What is asked of a file that holds a literal of each clause; literals are folded and have three bytes or more."""
    alone = [hashes(clause[0]) for clause in clauses if len(clause) == 1]
    either = tuple(tuple(np.unique(hashes(each)) for each in clause) for clause in clauses if len(clause) > 1)
    return Asked(np.unique(np.concatenate(alone)) if alone else np.zeros(0, np.uint32), either, wide)


def _turned(packed: Bits) -> Bits:
    """Signatures of one level by file, (f, bytes), to the same by bit, flat; a part at a time, for bits take room."""
    step = max(1, (1 << 22) // len(packed))  # bytes of signatures
    parts: list[Bits] = []
    for start in range(0, packed.shape[1], step):
        bits = np.unpackbits(packed[:, start : start + step], axis=1, bitorder="little")
        parts.append(np.packbits(bits, axis=0, bitorder="little").T.reshape(-1))
    return np.concatenate(parts)


def _by_level(levels: Bits) -> list[tuple[int, Ints]]:
    return [(level, np.flatnonzero(levels == level)) for level in np.unique(levels).tolist()]


def _alternatives(asked: Asked) -> Iterable[Sequence[Hashes]]:
    return [(asked.grams,), *asked.either] if len(asked.grams) else asked.either


def _any_of(literals: Iterable[Bits]) -> Bits:
    """Of several literals' rows, (g, w) each, where one has all its bits, (w,)."""
    found: Bits = np.bitwise_or.reduce([np.bitwise_and.reduce(rows, axis=0) for rows in literals], axis=0)
    return found
