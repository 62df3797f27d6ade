"""Which runs of letters a text holds, as a signature of bits: what tells, without reading a file, that it cannot match.

A gram is three or four bytes in a row of the folded text within a line. Each sets one bit, so that a text which lacks a
gram has its bit by chance only (Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970, with one
hash). Grams of three are what short literals are asked by; those of four tell what is made of common trigrams, but of
others than follow each other in the text. The first bit is apart: it says that there are letters beyond ASCII.
"""

from bisect import bisect_left
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.ragged import Ints

HASH_BITS = 17
SIZES = (64, *(size << step for step in range(5, HASH_BITS - 1) for size in (3, 4)))  # of a signature, in bits
BITS_EACH = 1.3  # for each different gram, at least: nearly half of the bits are set, which tells most for its size

_ONE_MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's, close to the golden ratio
_OTHER_MULTIPLIER = np.uint32(0x85EBCA6B)  # Appleby's
_LINE_END = ord("\n")


def folded(text: str) -> bytes:
    """A text as its grams are taken: letters that differ in their case alone are one.

    Folding goes letter by letter, so that what is a part of a text is a part of it afterwards.
    """
    if text.isascii():
        return text.encode("ascii").lower()
    return text.casefold().encode("utf-8", "replace")


def hashes(data: bytes) -> NDArray[np.uint32]:
    """The hashes of the grams of folded bytes, of HASH_BITS bits each; 0 for those with a line end in them."""
    count = len(data) - 2
    if count < 1:
        return np.zeros(0, np.uint32)
    numbers = np.frombuffer(data, np.uint8).astype(np.uint32)
    grams = np.empty(2 * count - 1, np.uint32)
    three, four = grams[:count], grams[count:]
    np.left_shift(numbers[1:-1], np.uint32(8), out=three)
    three |= numbers[:-2]
    three |= numbers[2:] << np.uint32(16)
    np.left_shift(numbers[3:], np.uint32(24), out=four)
    four |= three[:-1]
    if (ends := (numbers == _LINE_END).nonzero()[0]).size:
        for size, of_size in ((3, three), (4, four)):
            for before in range(size):
                places = ends - before
                of_size[places[(places >= 0) & (places < len(of_size))]] = 0
    grams *= _ONE_MULTIPLIER
    grams ^= grams >> np.uint32(15)
    grams *= _OTHER_MULTIPLIER
    grams >>= np.uint32(32 - HASH_BITS)
    return grams


def places(numbers: NDArray[Any], size: Ints | int) -> Ints:
    """Which bits of a signature of `size` bits stand for hashes: any but the first."""
    found: Ints = (numbers.astype(np.int64) * (size - 1) >> HASH_BITS) + 1
    return found


def signature(text: str) -> bytes:
    """The signature of a text: as many bits as one of SIZES, the lowest of a byte first."""
    table = np.zeros(1 << HASH_BITS, bool)
    table[hashes(folded(text))] = True
    different = np.flatnonzero(table)
    size = SIZES[min(bisect_left(SIZES, BITS_EACH * len(different)), len(SIZES) - 1)]
    bits = np.zeros(size, bool)
    bits[places(different, size)] = True
    bits[0] = not text.isascii()
    return np.packbits(bits, bitorder="little").tobytes()
