"""Which names are likely to be written next: a small model over what stands near the cursor and in other files.

A line of another file is like the cursor's place when names near it are those near the cursor, the rare ones more than
the common ones, the near ones more than the far ones. A name is likely when it stands on such lines, when the lines
before and behind it are those before and behind the cursor, when it shares parts with names near the cursor. How much
each of that says is learned (a logistic regression over repositories, `tests/bench/fit_gathered.py`).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.wordbook import Text, Wordbook

if TYPE_CHECKING:
    from kibitz.server.completion.wordbook import Floats, Ints

BEFORE, AFTER = 30, 15  # lines round the cursor that other lines are compared with
HALF = 5.0  # lines away that a name counts half
REACH, KERNEL_HALF = 10, 3.0  # lines of the other file that a name there spreads to, and where it counts half
SECOND = 0.7  # what the next but one line counts beside the next one
NAME = re.compile(r"[^\W\d]\w{2,}")

WEIGHTS: dict[str, float] = {
    "bias": -12.5,
    "like": 5.4,
    "often": 0.4,
    "files": 1.9,
    "lines": -1.0,
    "parts": 1.9,
    "before": 2.4,
    "behind": 1.7,
    "member": 0.9,
}
"""What each feature of a name adds to the logarithm of its odds."""


@dataclass(frozen=True, slots=True)
class Source:
    """A text that names may be taken from; `first` is the number of its first line in the file."""

    path: str
    text: Text
    first: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """What stands round a cursor: the lines above it, the nearest last, and below it; the cursor's own are on top."""

    above: tuple[str, ...]
    below: tuple[str, ...]

    @classmethod
    def of(cls, at: Snapshot) -> "Place":
        """Read a snapshot whose lines end with line feeds."""
        above = at.prefix.rsplit("\n", BEFORE)[-BEFORE:]
        return cls(tuple(above), tuple(at.suffix.split("\n", AFTER)[:AFTER]))

    def names(self) -> dict[str, float]:
        """Return the names near the cursor, and how much each counts by its distance."""
        counts: dict[str, float] = {}
        for side in (reversed(self.above), self.below):
            for distance, line in enumerate(side):
                for name in NAME.findall(line):
                    counts[name] = max(counts.get(name, 0.0), 1 / (1 + distance / HALF))
        return counts


@dataclass(frozen=True, slots=True)
class Sources:
    """Several sources as one: lines and cells numbered through, `lines` and `words` of all of them."""

    every: tuple[Source, ...]
    firsts: "Ints"
    lines: "Ints"
    words: "Ints"

    @classmethod
    def of(cls, every: Sequence[Source]) -> "Sources":
        """Put them together."""
        import numpy as np

        firsts = np.cumsum([0, *(len(one.text.rows) for one in every)])
        return cls(
            tuple(every),
            firsts,
            _joined([one.text.lines + first for one, first in zip(every, firsts.tolist(), strict=False)]),
            _joined([one.text.words for one in every]),
        )


def likelihoods(place: Place, sources: Sources, book: Wordbook, shown: Iterable[str] = ()) -> "Floats":
    """Return how likely each word of the book is to be written at a place, (len(book),); 0 for those `shown`."""
    import numpy as np

    hidden = book.numbers([*place.names(), *shown])
    known, columns = features(place, sources, book)
    odds = sum((WEIGHTS[name] * column for name, column in columns.items()), np.zeros(len(known)))
    likely = np.zeros(len(book))
    likely[known] = 1 / (1 + np.exp(-odds))
    likely[hidden] = 0
    return likely


def features(place: Place, sources: Sources, book: Wordbook) -> "tuple[Ints, dict[str, Floats]]":
    """Return the words of the sources, (w,), and what speaks for each, by the names of `WEIGHTS`."""
    import numpy as np

    names = place.names()
    numbers = np.array(book.numbers(list(names)), np.int64)
    counts = np.zeros(len(book))
    counts[numbers] = list(names.values())
    size, total = len(book), int(sources.firsts[-1])
    lines, words = sources.lines, sources.words
    held = np.bincount(words, minlength=size)
    rarity = np.log((total + 1) / (held + 1))
    scale = float((counts * rarity).sum()) or 1.0
    own = np.bincount(lines, (counts * rarity)[words], total) / scale
    like = _spread(own, sources.firsts)
    known = held.nonzero()[0]

    def best(values: "Floats") -> "Floats":
        most = np.zeros(size)
        np.maximum.at(most, words, values[lines])
        return most[known]

    before = _match(place.above[:-1][::-1], rarity, sources, book)
    behind = _match(place.below[1:], rarity, sources, book)
    members = np.zeros(size)
    members[_joined([one.text.members for one in sources.every])] = 1
    return known, {
        "bias": np.ones(len(known)),
        "like": np.sqrt(best(like)),
        "often": np.log1p(5 * np.bincount(words, like[lines], size)[known]),
        "files": np.log1p(np.bincount(_joined([one.text.known for one in sources.every]), minlength=size)[known]),
        "lines": np.log1p(held[known]),
        "parts": _shared_parts(known, names, numbers, book),
        "before": best(np.maximum(_moved(before, 1), SECOND * _moved(before, 2))),
        "behind": best(np.maximum(_moved(behind, -1), SECOND * _moved(behind, -2))),
        "member": members[known],
    }


def _spread(own: "Floats", firsts: "Ints") -> "Floats":
    """Return what each line has with the lines round it, those of other sources left out."""
    import numpy as np

    kernel = 1 / (1 + np.abs(np.arange(-REACH, REACH + 1)) / KERNEL_HALF)
    spread = np.zeros(len(own))
    for start, end in zip(firsts[:-1].tolist(), firsts[1:].tolist(), strict=True):
        if end > start:
            spread[start:end] = np.convolve(own[start:end], kernel)[REACH : REACH + end - start]
    return spread


def _match(lines: Sequence[str], rarity: "Floats", sources: Sources, book: Wordbook) -> "Floats":
    """Return how much of the first of some lines that is not blank each line of the sources holds, 0 to 1."""
    import numpy as np

    total = int(sources.firsts[-1])
    nearest = next((line for line in lines if line.strip()), "")
    numbers = np.array(sorted(set(book.numbers(NAME.findall(nearest)))), np.int64)
    if not len(numbers) or (scale := float(rarity[numbers].sum())) <= 0:
        return np.zeros(total)
    wanted = np.zeros(len(rarity))
    wanted[numbers] = rarity[numbers] / scale
    return np.asarray(np.bincount(sources.lines, wanted[sources.words], total), np.float64)


def _moved(values: "Floats", by: int) -> "Floats":
    """Return values moved down by so many lines, up where that is negative."""
    import numpy as np

    moved = np.roll(values, by)
    if by > 0:
        moved[:by] = 0
    else:
        moved[by:] = 0
    return moved


def _shared_parts(known: "Ints", names: dict[str, float], numbers: "Ints", book: Wordbook) -> "Floats":
    """Return for each word the count of the name near the cursor that it shares a part with, the highest."""
    import numpy as np

    counts = np.zeros(book.part_count)
    for parts, count in zip(book.parts(numbers).tolist(), names.values(), strict=True):
        for part in parts:
            counts[part] = max(counts[part], count)
    counts[0] = 0
    best: Floats = counts[book.parts(known)].max(axis=1, initial=0.0)
    return best


def _joined(parts: "Sequence[Ints]") -> "Ints":
    import numpy as np

    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
