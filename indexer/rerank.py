"""The order of hits when a second stage has scored the first of them again. Pure functions."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kibitz.indexer.rank import Scores, order_of
from kibitz.indexer.types import Hit


def blend(first: Scores, second: Scores, weight: float) -> Scores:
    """One score from two stages' scores of the same items, (n,) each: the weighted mean of their standard scores.

    How far an item stands from the others counts, and neither scale does: one stage may give cosines, another logits.
    An item that the second stage has not seen (NaN) stands there as it does in the first.

    Args:
        first: (n,) finite.
        second: (n,) finite or NaN.
        weight: of the second stage, 0 to 1.
    """
    seen = ~np.isnan(second)
    standing = _standard(first.astype(np.float64))
    again = standing.copy()
    again[seen] = _standard(second[seen].astype(np.float64))
    blended: Scores = ((1 - weight) * standing + weight * again).astype(np.float32)
    return blended


def reorder(hits: Sequence[Hit], second: Scores, weight: float) -> list[Hit]:
    """The hits with the first `len(second)` of them in their blended order; equal ones stay as they were.

    The scores stay where they are and the hits move below them: scores still fall from hit to hit, also where the hits
    begin that the second stage was not shown.
    """
    count = len(second)
    first = np.array([hit.score for hit in hits[:count]], np.float32)
    order = order_of(blend(first, second, weight)).tolist()
    moved = [replace(hits[old], score=hits[new].score) for new, old in enumerate(order)]
    return [*moved, *hits[count:]]


def _standard(values: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Distances from the mean in standard deviations; nothing but zeros where all are alike."""
    if not len(values):
        return values
    centred = values - values.mean()
    spread = float(centred.std())
    # Values that differ by rounding alone are alike.
    return centred / spread if spread > 1e-9 * float(np.abs(values).max()) else np.zeros_like(centred)
