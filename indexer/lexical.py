"""Postings, and BM25 over them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1 = 1.5
B = 0.75

_COUNT_BITS = 8
_ITEM_BITS = 24
MAX_ITEMS = 1 << _ITEM_BITS  # so many chunks fit one sort key beside a term and a count


@dataclass(frozen=True, slots=True)
class Postings:
    """Which items hold a key, and how often: key i's items are `items[offsets[i]:offsets[i + 1]]`, ascending.

    Attributes:
        keys: (k,) uint32, ascending.
        offsets: (k + 1,) int64.
        items: (n,) uint32.
        counts: (n,) uint8, in step with `items`.
    """

    keys: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    items: NDArray[np.uint32]
    counts: NDArray[np.uint8]

    def get(self, key: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """The items that hold `key`, and how often each."""
        at = int(np.searchsorted(self.keys, np.uint32(key)))
        if at == len(self.keys) or self.keys[at] != key:
            return self.items[:0], self.counts[:0]
        part = slice(int(self.offsets[at]), int(self.offsets[at + 1]))
        return self.items[part], self.counts[part]


def invert(keys: NDArray[np.uint32], items: NDArray[np.uint32], counts: NDArray[np.uint8]) -> Postings:
    """Postings from (key, item, count) triples in any order; the counts of equal pairs add up, to 255 at most."""
    if len(items) and int(items.max()) >= MAX_ITEMS:
        raise ValueError(f"more than {MAX_ITEMS} items")
    # One 64-bit number a triple: sorting plain integers is many times faster than sorting by two columns.
    packed = keys.astype(np.uint64) << np.uint64(_ITEM_BITS + _COUNT_BITS)
    packed |= items.astype(np.uint64) << np.uint64(_COUNT_BITS)
    packed |= counts.astype(np.uint64)
    packed.sort()
    low = packed.astype(np.uint8)  # keeps the count alone
    packed >>= np.uint64(_COUNT_BITS)  # in place: there are some hundred triples a chunk
    first = _begins(packed)
    summed = np.add.reduceat(low, first, dtype=np.int64) if len(first) else low
    pairs = packed[first]
    del packed
    of_key = (pairs >> np.uint64(_ITEM_BITS)).astype(np.uint32)
    starts = _begins(of_key)
    return Postings(
        keys=of_key[starts],
        offsets=np.append(starts, len(pairs)).astype(np.int64),
        items=(pairs & np.uint64(MAX_ITEMS - 1)).astype(np.uint32),
        counts=np.minimum(summed, 255).astype(np.uint8),
    )


def _begins(ascending: NDArray[np.uint64] | NDArray[np.uint32]) -> NDArray[np.int64]:
    """Where the runs of equal numbers begin."""
    if not len(ascending):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], ascending[1:] != ascending[:-1])))


def idf(items: int, holding: int) -> float:
    """How much a key says that `holding` of `items` hold; never negative."""
    return float(np.log1p((items - holding + 0.5) / (holding + 0.5)))


def bm25(postings: Postings, lengths: NDArray[np.float32], query: Mapping[int, int]) -> NDArray[np.float32]:
    """Scores of all chunks, (n,), 0 where no term of the query occurs.

    Args:
        postings: terms to chunks.
        lengths: (n,) how many terms each chunk has.
        query: term ids and how often each is asked for.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    scores = np.zeros(len(lengths), np.float32)
    if not len(lengths):
        return scores
    mean = max(float(lengths.mean()), 1.0)
    for term, times in sorted(query.items()):
        items, counts = postings.get(term)
        if not len(items):
            continue
        tf = counts.astype(np.float32)
        norm = np.float32(K1) * (np.float32(1 - B) + np.float32(B / mean) * lengths[items])
        scores[items] += np.float32(idf(len(lengths), len(items)) * (K1 + 1) * times) * tf / (tf + norm)
    return scores
