"""Which trigrams a text holds, as a signature of bits: what tells, without reading a file, that it cannot match.

A trigram is three bytes in a row of the folded text within a line. Each sets one bit, so that a text which lacks a
trigram has its bit by chance only (Bloom, "Space/Time Trade-offs in Hash Coding with Allowable Errors", 1970, with one
hash). One hash and two to four bits for each trigram: a literal of some length asks for many of them.
"""

import numpy as np
from numpy.typing import NDArray

LEAST_LEVEL = 6  # a signature has 2 ** level bits
MOST_LEVEL = 17
BITS_EACH = 2  # bits for each different trigram, at least

_MULTIPLIER = np.uint32(0x9E3779B1)  # Knuth's, close to the golden ratio
_MASK = np.uint32((1 << MOST_LEVEL) - 1)
_LINE_END = ord("\n")


def folded(text: str) -> bytes:
    """A text as its trigrams are taken: letters that differ in their case alone are one.

    Folding goes letter by letter, so that what is a part of a text is a part of it afterwards.
    """
    if text.isascii():
        return text.encode("ascii").lower()
    return text.casefold().encode("utf-8", "replace")


def hashes(data: bytes) -> NDArray[np.uint32]:
    """The hashes of the trigrams of folded bytes, of MOST_LEVEL bits each; 0 for those with a line end in them."""
    if len(data) < 3:
        return np.zeros(0, np.uint32)
    numbers = np.frombuffer(data, np.uint8).astype(np.uint32)
    grams = numbers[1:-1] << np.uint32(8)
    grams |= numbers[:-2]
    grams |= numbers[2:] << np.uint32(16)
    if (ends := (numbers == _LINE_END).nonzero()[0]).size:
        for before in range(3):
            places = ends - before
            grams[places[(places >= 0) & (places < len(grams))]] = 0
    grams *= _MULTIPLIER
    grams ^= grams >> np.uint32(15)
    grams &= _MASK
    return grams


def signature(text: str) -> bytes:
    """The signature of a text: a power of two of bits, the lowest of a byte first.

    A shorter signature is a longer one folded upon itself: bit h stands at h modulo its size.
    """
    table = np.zeros(1 << MOST_LEVEL, np.uint8)
    table[hashes(folded(text))] = 1
    wanted = BITS_EACH * int(np.count_nonzero(table))
    level = min(max((wanted - 1).bit_length(), LEAST_LEVEL), MOST_LEVEL)
    bits = np.bitwise_or.reduce(table.reshape(-1, 1 << level), axis=0)
    return np.packbits(bits, bitorder="little").tobytes()
