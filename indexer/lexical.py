"""Postings, and BM25 over them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer import gaps
from kibitz.indexer.ragged import Ints, begins, narrow, offsets_of

K1 = 1.5
B = 0.75
MAX_ITEMS = 1 << 16  # so many items fit beside a key and a count in one number to sort

# Counts are stored in half a byte: exactly up to eight, then by the nearest level below. BM25 saturates long before.
LEVELS = np.array([1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 32, 64, 128, 255], np.uint8)
_PAIRS = LEVELS[[[byte & 15, byte >> 4] for byte in range(256)]].astype(np.float32)  # of a byte of two halves

Items = NDArray[np.int64]
Times = NDArray[np.float32]
Holding = tuple[Items, Times]
NOTHING: Holding = (np.zeros(0, np.int64), np.zeros(0, np.float32))


@dataclass(frozen=True)
class Postings:
    """Which items hold a key, and how often.

    Attributes:
        keys: (k,) uint32, ascending.
        sizes: (k,) how many items hold each key.
        lengths: (k,) bytes that each key's items take.
        gaps: uint8, the items of all keys as `gaps.encode` makes them.
        levels: uint8, two levels a byte, the lower half first; empty where only being there counts.
    """

    keys: NDArray[np.uint32]
    sizes: NDArray[Any]
    lengths: NDArray[Any]
    gaps: NDArray[np.uint8]
    levels: NDArray[np.uint8]

    def find(self, keys: Sequence[int], base: int = 0) -> dict[int, Holding]:
        """The items that hold each of some keys, and how often each; without those that nothing holds.

        `base` is added to each item.
        """
        if not len(self.keys):
            return {}
        asked = np.array(keys, np.uint32)
        at = np.minimum(self.keys.searchsorted(asked), len(self.keys) - 1)
        there = (self.keys[at] == asked).nonzero()[0]
        if not len(there):
            return {}
        offsets, items, times = self._holdings(at[there], base)
        bounds = pairwise(offsets.tolist())
        return {
            keys[number]: (items[first:last], times[first:last])
            for number, (first, last) in zip(there.tolist(), bounds, strict=True)
        }

    def get(self, key: int) -> Holding:
        """The items that hold one key, and how often each."""
        return self.find([key]).get(key, NOTHING)

    def sizes_of(self, keys: Sequence[int]) -> Ints:
        """How many items hold each of some keys."""
        if not len(self.keys):
            return np.zeros(len(keys), np.int64)
        asked = np.array(keys, np.uint32)
        at = np.minimum(self.keys.searchsorted(asked), len(self.keys) - 1)
        return np.where(self.keys[at] == asked, self.sizes[at], 0).astype(np.int64)

    def _holdings(self, at: Ints, base: int) -> tuple[Ints, Items, Times]:
        """The lists of some keys one after the other, and where each begins, decoded at once: most are short."""
        starts, ends = self._places[at], self._places[at + 1]
        offsets = offsets_of(ends - starts)
        bounds = zip(self._bytes[at].tolist(), self._bytes[at + 1].tolist(), strict=True)
        sums = gaps.decode(np.concatenate([self.gaps[first:last] for first, last in bounds])).cumsum()
        before = sums[offsets[:-1] - 1]
        before[0] = 0
        sums -= np.repeat(before - base, ends - starts)
        return offsets, sums, self._all_times(starts.tolist(), ends.tolist())

    def _all_times(self, starts: list[int], ends: list[int]) -> Times:
        """How often items from each start to each end hold their key, one after the other."""
        bounds = list(zip(starts, ends, strict=True))
        if not len(self.levels):
            return np.ones(sum(end - start for start, end in bounds), np.float32)
        halves = np.concatenate([self.levels[start // 2 : (end + 1) // 2] for start, end in bounds])
        both = _PAIRS[halves].reshape(-1)
        parts: list[Times] = []
        begin = 0
        for start, end in bounds:
            odd = start % 2
            parts.append(both[begin + odd : begin + odd + end - start])
            begin += 2 * ((end + 1) // 2 - start // 2)
        return np.concatenate(parts)

    def triples(self) -> "Triples":
        """All (key, item, count), by key and then by item."""
        sums = np.cumsum(gaps.decode(self.gaps))
        starts = self._places[:-1]
        before = np.concatenate(([0], sums))[starts]
        items = sums - np.repeat(before, np.diff(self._places))
        return Triples(np.repeat(self.keys, np.diff(self._places)), items, self._times(0, len(items)))

    @cached_property
    def _places(self) -> Ints:
        return offsets_of(self.sizes)

    @cached_property
    def _bytes(self) -> Ints:
        return offsets_of(self.lengths)

    def _times(self, start: int, end: int) -> NDArray[np.uint8]:
        if not len(self.levels):
            return np.ones(end - start, np.uint8)
        first = start // 2
        packed = self.levels[first : (end + 1) // 2]
        both = np.empty(2 * len(packed), np.uint8)
        both[::2], both[1::2] = packed & 15, packed >> 4
        return LEVELS[both[start - 2 * first : end - 2 * first]]


@dataclass(frozen=True, slots=True)
class Triples:
    """(key, item, count) in any order: uint32, integers below MAX_ITEMS, uint8."""

    keys: NDArray[np.uint32]
    items: NDArray[Any]
    counts: NDArray[np.uint8]


def invert(triples: Triples, *, with_counts: bool = True) -> Postings:
    """Postings from triples; the counts of equal (key, item) pairs add up, to 255 at most."""
    if len(triples.items) and int(triples.items.max()) >= MAX_ITEMS:
        raise ValueError(f"more than {MAX_ITEMS} items")
    # One 64-bit number a triple: sorting plain integers is many times faster than sorting by two columns. What is done
    # in place is so because there are millions of them.
    packed = triples.keys.astype(np.uint64)
    packed <<= np.uint64(16)
    packed |= triples.items.astype(np.uint16)
    packed <<= np.uint64(8)
    packed |= triples.counts
    packed.sort()
    low = packed.astype(np.uint8)  # keeps the count alone
    packed >>= np.uint64(8)
    first = begins(packed)
    packed = packed[first]
    summed = np.add.reduceat(low, first, dtype=np.uint32) if len(first) else low
    levels = _levels(np.minimum(summed, 255)) if with_counts else np.zeros(0, np.uint8)
    del first, summed, low
    items = packed.astype(np.uint16)  # the low bits
    packed >>= np.uint64(16)
    starts = begins(packed)
    sizes = np.diff(np.append(starts, len(packed)))
    keys = packed[starts].astype(np.uint32)
    del packed
    encoded, lengths = gaps.encode(items, sizes)
    return Postings(keys, narrow(sizes), narrow(lengths), encoded, levels)


def levelled(counts: NDArray[Any]) -> NDArray[np.uint8]:
    """Counts as they come out of postings: levels stay what they are."""
    return LEVELS[np.searchsorted(LEVELS, counts, side="right") - 1]


def _levels(counts: NDArray[Any]) -> NDArray[np.uint8]:
    """Counts in half a byte each."""
    levels = np.zeros(len(counts) + len(counts) % 2, np.uint8)
    levels[: len(counts)] = np.searchsorted(LEVELS, counts, side="right") - 1
    packed: NDArray[np.uint8] = levels[::2] | (levels[1::2] << np.uint8(4))
    return packed


def idf(items: int, holding: int) -> float:
    """How much a key says that `holding` of `items` hold; never negative."""
    return float(np.log1p((items - holding + 0.5) / (holding + 0.5)))


@dataclass(frozen=True, slots=True)
class Held:
    """What holds the terms of a question.

    Attributes:
        terms: (t,) ids, ascending.
        offsets: (t + 1,) term i is held by `items[offsets[i]:offsets[i + 1]]`, ascending, `times` times each.
    """

    terms: tuple[int, ...]
    offsets: Ints
    items: Items
    times: Times

    @classmethod
    def of(cls, found: Mapping[int, Holding], terms: Iterable[int]) -> "Held":
        """All of some terms, of which some may have been found."""
        ordered = sorted(terms)
        held = [found.get(term, NOTHING) for term in ordered] or [NOTHING]
        items, times = (np.concatenate([holding[side] for holding in held]) for side in (0, 1))
        return cls(tuple(ordered), offsets_of([len(holding[0]) for holding in held[: len(ordered)]]), items, times)

    def weights(self, items: int) -> NDArray[np.float64]:
        """How much each term says, (t,), where so many items count."""
        return np.array([idf(items, size) for size in np.diff(self.offsets).tolist()])


class Holds(Protocol):
    """Answers which items hold keys, and how often each."""

    def find(self, keys: Sequence[int]) -> dict[int, Holding]:
        """The items that hold each key, ascending, and how often each; without keys that nothing holds."""
        ...


def bm25(postings: Holds, lengths: NDArray[np.float32], items: int, query: Mapping[int, int]) -> NDArray[np.float32]:
    """The BM25 score of each item for a query.

    Args:
        postings: term ids to items.
        lengths: (n,) terms in each item; 0 for one that does not count.
        items: how many count.
        query: term ids and how often each is asked for.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009.
    """
    return bm25_of(Held.of(postings.find(list(query)), query), norms(lengths, items), items, query)


def norms(lengths: NDArray[np.float32], items: int) -> NDArray[np.float32]:
    """What the length of each item takes from how often it holds a term, (n,), where `items` of them count."""
    mean = max(float(lengths.sum(dtype=np.float64)) / max(items, 1), 1.0)
    return np.float32(K1) * (np.float32(1 - B) + np.float32(B / mean) * lengths)


def bm25_of(held: Held, norms: NDArray[np.float32], items: int, query: Mapping[int, int]) -> NDArray[np.float32]:
    """The same from what holds the terms of the query, and the norms of all items."""
    scores = np.zeros(len(norms), np.float32)
    values = held.weights(items) * (K1 + 1) * np.array([query[term] for term in held.terms])
    weights = np.repeat(values.astype(np.float32), np.diff(held.offsets))
    np.add.at(scores, held.items, weights * held.times / (held.times + norms[held.items]))
    return scores
