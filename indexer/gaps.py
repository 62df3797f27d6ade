"""Ascending numbers as gaps of one to three bytes: lists of chunks in half the room that two bytes a number take.

The variable-byte code of Williams and Zobel, "Compressing Integers for Fast File Access", 1999: seven bits a byte, the
lowest first, and the eighth says that more follow.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.ragged import Ints, offsets_of

_MORE = np.uint8(0x80)


def encode(numbers: NDArray[Any], sizes: Ints) -> tuple[NDArray[np.uint8], Ints]:
    """Encode lists of ascending numbers below 2 ** 21, one after the other.

    Args:
        numbers: (n,) all lists' numbers; each list starts anew.
        sizes: (k,) how many numbers each list has, none 0.

    Returns:
        The bytes, and how many each list takes, (k,).
    """
    starts = offsets_of(sizes)
    # There are millions: small numbers save memory.
    gaps: NDArray[Any] = np.diff(numbers.astype(np.int32), prepend=np.int32(0))
    gaps[starts[:-1]] = numbers[starts[:-1]]
    lengths = (gaps >= 1 << 7).astype(np.uint8) + (gaps >= 1 << 14) + np.uint8(1)
    at = offsets_of(lengths)
    out = np.empty(int(at[-1]), np.uint8)
    for place in range(3):
        has = lengths > place
        byte = ((gaps[has] >> (7 * place)) & 0x7F).astype(np.uint8)
        out[at[:-1][has] + place] = byte | np.where(lengths[has] > place + 1, _MORE, np.uint8(0))
    return out, np.diff(at[starts])


def decode(data: NDArray[np.uint8]) -> Ints:
    """The gaps of one or several lists; their running sum is the numbers of one."""
    more = data >= _MORE
    further = more.nonzero()[0]  # bytes with another one behind them
    if not len(further):
        return data.astype(np.int64)
    gaps = data[~more].astype(np.int64)
    places = further - np.arange(len(further))  # of the gap that each belongs to
    # A gap's last byte stands in its place already: those before it come under it, from the last one on.
    behind = further + 1
    while True:
        last = ~more[behind]
        at = places[last]
        gaps[at] = (gaps[at] << 7) | (data[further[last]] & 0x7F)
        left = ~last
        if not left.any():
            return gaps
        more[further[last]] = False
        further, places, behind = further[left], places[left], behind[left]
