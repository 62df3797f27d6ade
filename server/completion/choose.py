"""Which cells of the sources are shown: those that bring the most names that are likely, for the tokens they take.

What is brought twice counts once, so each choice changes what the others are worth. Taking the best one first is
within a constant of the best choice there is (Nemhauser, Wolsey and Fisher 1978); a cell is only looked at again when
it comes to the top, since its worth can but fall (Minoux 1978).
"""

import heapq
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kibitz.server.completion.likely import Source, Sources

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kibitz.server.completion.wordbook import Floats

LOOKED_AT = 400  # cells, the best ones by what they bring alone
HEADING_TOKENS = 12.0  # that a file's name takes
KEEP = 2.0  # what a cell counts that was shown before
LEAST_TOKENS = 16.0  # for which no further cell is looked for
GAP_TOKENS = 2.0  # that lines left out take


@dataclass(frozen=True, slots=True)
class Chosen:
    """The lines of a source that are shown, as (start, end) in its text, ascending."""

    source: Source
    spans: tuple[tuple[int, int], ...]
    cells: tuple[str, ...]  # the first line of each


def choose(
    sources: Sources, likely: "Floats", budget_tokens: float, before: Collection[tuple[str, str]] = ()
) -> list[Chosen]:
    """Return what is shown of each source, the one with the best cell first.

    What was shown `before`, as paths and cells' first lines, is preferred where there is little between them: what
    stays in a prompt is in the model's cache.
    """
    import numpy as np

    worth, costs, of = _alone(sources, likely)
    kept = _kept(sources, before)
    worth = np.where(kept, KEEP * worth, worth)
    rates = worth / (costs + HEADING_TOKENS)
    best = np.argpartition(-rates, LOOKED_AT)[:LOOKED_AT] if len(rates) > LOOKED_AT else np.arange(len(rates))
    left = likely.copy()
    offsets = np.cumsum([0, *(len(one.text.tokens) for one in sources.every)]).tolist()
    waiting = [(-rates[cell], cell) for cell in best.tolist() if rates[cell] > 0]
    heapq.heapify(waiting)
    taken: dict[int, list[int]] = {}
    used = 0.0
    while waiting and used + LEAST_TOKENS < budget_tokens:
        _, cell = heapq.heappop(waiting)
        at = int(of[cell])
        text = sources.every[at].text
        inner = cell - offsets[at]
        cost = float(costs[cell]) + (GAP_TOKENS if at in taken else HEADING_TOKENS)
        if used + cost > budget_tokens:
            continue
        words = text.cell_words[text.cell_offsets[inner] : text.cell_offsets[inner + 1]]
        now = float(left[words].sum()) / cost * (KEEP if kept[cell] else 1)
        if now <= 0:
            continue
        if waiting and now < -waiting[0][0]:
            heapq.heappush(waiting, (-now, cell))
            continue
        left[words] = 0
        used += cost
        taken.setdefault(at, []).append(inner)
    return [_chosen(sources.every[at], sorted(cells)) for at, cells in taken.items()]


def _chosen(source: Source, cells: list[int]) -> Chosen:
    rows, bounds = source.text.rows, source.text.bounds
    return Chosen(source, _spans(source, cells), tuple(rows[int(bounds[cell])] for cell in cells))


def _kept(sources: Sources, before: Collection[tuple[str, str]]) -> "NDArray[np.bool_]":
    """Return which cells were shown before."""
    import numpy as np

    paths = {path for path, _ in before}
    flags = [
        (one.path, one.text.rows[start]) in before if one.path in paths else False
        for one in sources.every
        for start in one.text.bounds[:-1].tolist()
    ]
    return np.array(flags, bool)


def _alone(sources: Sources, likely: "Floats") -> "tuple[Floats, Floats, np.ndarray]":
    """Return what each cell brings alone, what it takes, and its source's number."""
    import numpy as np

    texts = [one.text for one in sources.every]
    if not texts:
        return np.zeros(0), np.zeros(0), np.zeros(0, np.int64)
    sums = [np.concatenate(([0.0], np.cumsum(likely[text.cell_words]))) for text in texts]
    worth = [sum_[text.cell_offsets[1:]] - sum_[text.cell_offsets[:-1]] for sum_, text in zip(sums, texts, strict=True)]
    sizes = [len(text.tokens) for text in texts]
    return (
        np.concatenate(worth),
        np.concatenate([text.tokens for text in texts]),
        np.repeat(np.arange(len(texts)), sizes),
    )


def _spans(source: Source, cells: list[int]) -> tuple[tuple[int, int], ...]:
    """Return the lines of some cells without the blank ones at their ends, neighbours as one."""
    bounds, rows = source.text.bounds.tolist(), source.text.rows
    spans: list[tuple[int, int]] = []
    for cell in cells:
        start, end = bounds[cell], bounds[cell + 1]
        if spans and spans[-1][1] == start:
            start = spans.pop()[0]
        spans.append((start, end))
    return tuple((_first_full(rows, start, end), _last_full(rows, start, end)) for start, end in spans)


def _first_full(rows: list[str], start: int, end: int) -> int:
    return next((at for at in range(start, end) if rows[at].strip()), start)


def _last_full(rows: list[str], start: int, end: int) -> int:
    return next((at + 1 for at in range(end - 1, start - 1, -1) if rows[at].strip()), end)
