"""The signatures of many files, laid out so that a question reads a few rows of bits instead of every signature.

Files whose signatures have the same size are a class. A class is stored by bit: row b has a bit for each of its files,
which tells whether that file's signature has bit b. What is asked for is then a few rows, combined
(Faloutsos and Christodoulakis, "Signature Files", 1984; by size classes as in Goodwin et al., "BitFunnel", 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.ragged import Ints, offsets_of
from kibitz.indexer.trigrams import hashes

Bits = NDArray[np.uint8]
Clause = Sequence[NDArray[np.uint32]]
"""Trigrams of several literals, as hashes: a file must hold all those of one of them."""


@dataclass(frozen=True)
class Sieve:
    """The signatures of f files.

    Attributes:
        levels: (f,) uint8, the power of two that is the size of each file's signature in bits.
        rows: uint8, by ascending level the files of that level, eight a byte: 2 ** level rows.
        rest: uint8, of each level the up to seven files that fill no byte, one signature after the other.
    """

    levels: Bits
    rows: Bits
    rest: Bits

    def may_hold(self, clauses: Sequence[Clause]) -> NDArray[np.bool_]:
        """Which files can hold a literal of each clause, (f,): none is left out that does."""
        held = np.ones(len(self.levels), bool)
        if not clauses:
            return held
        for level, files, matrix in self._classes:
            mask = np.uint32((1 << level) - 1)
            bits = _every([[matrix[grams & mask] for grams in clause] for clause in clauses])
            held[files] = np.unpackbits(bits, bitorder="little").view(bool)
        files, starts = self._rest
        if len(files):
            masks = ((1 << self.levels[files].astype(np.int64)) - 1)[None, :]
            held[files] = _every(
                [[self._bits(grams[:, None] & masks, starts) for grams in clause] for clause in clauses]
            ).astype(bool)
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
            found[at] = self.rest[start : start + (1 << int(self.levels[at]) >> 3)].tobytes()
        return found

    @cached_property
    def _classes(self) -> list[tuple[int, Ints, Bits]]:
        """(level, the files that are stored by bit, their rows) of each level that has such files."""
        found: list[tuple[int, Ints, Bits]] = []
        at = 0
        for level, files in _by_level(self.levels):
            width = len(files) // 8
            if width:
                size = width << level
                found.append((level, files[: 8 * width], self.rows[at : at + size].reshape(1 << level, width)))
                at += size
        return found

    @cached_property
    def _rest(self) -> tuple[Ints, Ints]:
        """The files that are stored one after the other, and where the signature of each begins."""
        every = [files[len(files) // 8 * 8 :] for _, files in _by_level(self.levels)]
        files = np.concatenate(every) if every else np.zeros(0, np.int64)
        return files, offsets_of((1 << self.levels[files].astype(np.int64)) >> 3)[:-1]


def sieve_of(signatures: Sequence[bytes]) -> Sieve:
    """Lay out the signatures of files."""
    levels = np.array([len(one).bit_length() + 2 for one in signatures], np.uint8)
    rows: list[Bits] = []
    rest: list[bytes] = []
    for level, files in _by_level(levels):
        of_class = [signatures[at] for at in files.tolist()]
        whole = len(files) // 8 * 8
        rest += of_class[whole:]
        if whole:
            packed = np.frombuffer(b"".join(of_class[:whole]), np.uint8).reshape(whole, -1)
            rows.append(_turned(packed, level))
    flat = np.concatenate(rows) if rows else np.zeros(0, np.uint8)
    return Sieve(levels, flat, np.frombuffer(b"".join(rest), np.uint8))


def clause_of(literals: Sequence[bytes]) -> Clause:
    """What is asked of a file that holds one of these literals, which are folded and have three bytes or more."""
    return [np.unique(hashes(literal)) for literal in literals]


def _turned(packed: Bits, level: int) -> Bits:
    """Signatures of one level by file, (f, bytes), to the same by bit, flat; a part at a time, for bits take room."""
    step = max(1, (1 << 22) // len(packed))  # bytes of signatures
    parts: list[Bits] = []
    for start in range(0, 1 << level >> 3, step):
        bits = np.unpackbits(packed[:, start : start + step], axis=1, bitorder="little")
        parts.append(np.packbits(bits, axis=0, bitorder="little").T.reshape(-1))
    return np.concatenate(parts) if parts else packed.reshape(-1)  # empty files have empty signatures


def _by_level(levels: Bits) -> list[tuple[int, Ints]]:
    return [(level, np.flatnonzero(levels == level)) for level in np.unique(levels).tolist()]


def _every(clauses: Sequence[Sequence[Bits]]) -> Bits:
    """All clauses, of each of which one literal must have all its rows."""
    literals = [[np.bitwise_and.reduce(rows, axis=0) for rows in clause] for clause in clauses]
    found: Bits = np.bitwise_and.reduce([np.bitwise_or.reduce(each, axis=0) for each in literals], axis=0)
    return found
