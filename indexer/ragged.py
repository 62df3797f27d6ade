"""Arithmetic on ragged arrays: row i of a flat array is `flat[offsets[i]:offsets[i + 1]]`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def offsets_of(sizes: NDArray[Any] | Sequence[int]) -> Ints:
    """Where rows of these sizes begin, and where the last one ends: (n,) to (n + 1,)."""
    offsets = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def narrow(numbers: NDArray[Any]) -> NDArray[Any]:
    """Numbers from 0 on in as few bytes as the largest of them needs."""
    largest = int(numbers.max(initial=0))
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if largest <= np.iinfo(kind).max)
    return numbers.astype(kind)


def ranges(starts: Ints, sizes: Ints) -> Ints:
    """All of `starts[i], starts[i] + 1, ...`, `sizes[i]` numbers each, one after the other."""
    ends = np.cumsum(sizes)
    shifted: Ints = np.repeat(starts - (ends - sizes), sizes)
    return shifted + np.arange(len(shifted))


def rows(offsets: NDArray[Any], wanted: Ints) -> tuple[Ints, Ints]:
    """Some rows of a ragged array: the sizes of the `wanted` ones, and where their values stand."""
    starts = offsets[wanted].astype(np.int64)
    sizes = offsets[wanted + 1].astype(np.int64) - starts
    return sizes, ranges(starts, sizes)


def begins(ascending: NDArray[Any]) -> Ints:
    """Where the runs of equal numbers begin."""
    if not len(ascending):
        return np.zeros(0, np.int64)
    return np.concatenate(([True], ascending[1:] != ascending[:-1])).nonzero()[0]


def counted(groups: Ints, values: Ints, times: Ints) -> tuple[Ints, Ints, Ints]:
    """Add up the times of equal (group, value) pairs: groups and times have 16 bits, values 32.

    Returns groups, values and sums, ascending by group and then by value. One 64-bit number a triple: sorting plain
    integers is many times faster than sorting by two columns.
    """
    packed = groups.astype(np.uint64) << np.uint64(48)
    packed |= values.astype(np.uint64) << np.uint64(16)
    packed |= np.minimum(times, 0xFFFF).astype(np.uint64)
    packed.sort()
    low = packed.astype(np.uint16)
    packed >>= np.uint64(16)
    first = begins(packed)
    sums = np.add.reduceat(low, first, dtype=np.int64) if len(first) else np.zeros(0, np.int64)
    pairs = packed[first]
    return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64), sums
