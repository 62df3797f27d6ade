"""From the scores of chunks to the order of files, and the chunk that each file shows. Pure functions.

Files are ranked first: a question is answered by a file whose chunks add up more often than by the one chunk that
repeats its words most.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.ragged import offsets_of

Scores = NDArray[np.float32]
Ids = NDArray[np.int64]

_BLOCK = 64
FURTHER = 0.2  # what a file's second chunk counts beside the first of another file


def sum_of_best(scores: Scores, first: Ids, best: int) -> Scores:
    """The sum of each file's `best` highest chunk scores, (..., chunks) to (..., files).

    Args:
        scores: (..., chunks), none negative, the chunks of a file side by side.
        first: (files + 1,) where each file's chunks begin.
        best: how many chunks of a file may count.
    """
    if not scores.size:
        return np.zeros((*scores.shape[:-1], len(first) - 1), np.float32)
    of_file = np.repeat(np.arange(len(first) - 1, dtype=np.uint64), np.diff(first))
    # One number for file and score: the bits of positive floats ascend as they do; adding 0 leaves no -0.
    packed = (scores + np.float32(0)).view(np.uint32) | (of_file << np.uint64(32))
    packed.sort(axis=-1)
    at = first[1:, None] - np.arange(1, best + 1)
    highest = packed[..., np.maximum(at, 0)].astype(np.uint32).view(np.float32)
    sums: Scores = np.where(at >= first[:-1, None], highest, 0).sum(axis=-1, dtype=np.float64).astype(np.float32)
    return sums


def best_and_mean(scores: Scores, first: Ids, mean_share: float) -> Scores:
    """A mixture of each file's highest and mean chunk score, (files,); every file has a chunk."""
    if len(first) == 1:
        return np.zeros(0, np.float32)
    highest = np.maximum.reduceat(scores, first[:-1])
    mean = np.add.reduceat(scores, first[:-1]) / np.diff(first)
    return ((1 - mean_share) * highest + mean_share * mean).astype(np.float32)


def order_of(scores: Scores) -> Ids:
    """Ids by falling score; equal scores keep the order of their ids, so that the result never changes."""
    return np.argsort(-scores, kind="stable")


def best_of(scores: Scores, count: int) -> Ids:
    """The first `count` of `order_of`, without ordering the others."""
    if len(scores) <= count:
        return order_of(scores)
    lowest = largest(scores, count)
    candidates = (scores >= lowest).nonzero()[0]
    best: Ids = candidates[order_of(scores[candidates])][:count]
    return best


def largest(scores: Scores, count: int) -> np.float32:
    """The `count`-th largest of at least as many scores.

    Blocks' highest scores come first: no more than their `count`-th largest need be looked at.
    """
    blocks = len(scores) // _BLOCK
    if blocks > 2 * count:
        highest = scores[: blocks * _BLOCK].reshape(blocks, _BLOCK).max(axis=1)
        scores = scores[scores >= np.partition(highest, -count)[-count]]
    found: np.float32 = np.partition(scores, -count)[-count]
    return found


def relative(scores: Scores) -> Scores:
    """Scores as shares of the highest one; nothing above 0 stays nothing."""
    top = float(scores.max(initial=0.0))
    if top <= 0:
        return np.zeros_like(scores)
    return (np.maximum(scores, 0) / top).astype(np.float32)


def blend(legs: Sequence[Scores]) -> Scores:
    """One score from the legs' scores of the same items: the mean of their shares of the highest, 0 to 1.

    How far an item stands behind the best says more than its rank: reciprocal-rank fusion, which looks at ranks alone,
    cost 0.022 NDCG@10 on the development benchmark. Bruch, Gai and Ingber, "An Analysis of Fusion Functions for
    Hybrid Retrieval", 2023, found the same.
    """
    blended: Scores = np.mean([relative(scores) for scores in legs], axis=0, dtype=np.float32)
    return blended


def least_of(scores: Scores, count: int) -> float:
    """The score that at most `count` others reach; 0 where there are no more."""
    return float(largest(scores, count)) if len(scores) > count else 0.0


def softmax(scores: Scores, offsets: Ids) -> Scores:
    """Each row's scores as shares of one, (n,); a row of nothing but -inf has no shares.

    Args:
        scores: (n,) the rows side by side.
        offsets: (rows + 1,) where each begins; none is empty.
    """
    starts, sizes = offsets[:-1], np.diff(offsets)
    highest = np.maximum.reduceat(scores, starts)
    raised = np.exp(scores - np.repeat(np.where(np.isfinite(highest), highest, 0), sizes))
    totals = np.add.reduceat(raised, starts)
    shares: Scores = (raised / np.repeat(np.where(totals > 0, totals, 1), sizes)).astype(np.float32)
    return shares


def pick(files: Scores, chunks: Scores, sizes: Ids, per_file: int) -> Iterator[tuple[int, float]]:
    """The chunks to show, best first: every file's best one, and further ones where they are as likely.

    Args:
        files: (m,) how sure each file is.
        chunks: (c,) how sure each of a file's chunks is, were it the file; 0 for one that may not be shown.
        sizes: (m,) how many chunks each file has.
        per_file: how many chunks of a file at most.
    """
    first = offsets_of(sizes)
    # Of each file the best ones; those that are alike in the order of their numbers.
    order = np.lexsort((-chunks, np.repeat(np.arange(len(sizes)), sizes)))
    at = first[:-1, None] + np.arange(per_file)
    best = order[np.minimum(at, len(order) - 1)]
    there = (at < first[1:, None]) & (chunks[best] > 0)
    sure = np.repeat(files.astype(np.float64)[:, None], per_file, axis=1)
    sure[:, 1:] *= chunks[best[:, 1:]]
    sure[:, 1:] *= FURTHER
    shown = zip(sure[there].tolist(), best[there].tolist(), strict=True)
    yield from ((at, score) for score, at in sorted(shown, key=lambda one: (-one[0], one[1])))
