"""How the words of a question meet those of names, many names at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.pathnames import HEAD, likeness
from kibitz.indexer.ragged import Ints, begins
from kibitz.indexer.spelt import Floats, Spelling

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Touched:
    """Those of some names that have a word like one of the question.

    Attributes:
        places: (t,) which they are.
        likes: (t, q) how like each word of the question is to one of the name, at best.
        precision: (t,) how like the words of the name are to what is asked, on average.
    """

    places: Ints
    likes: Doubles
    precision: Doubles


class Asked:
    """The words of a question beside those of names, each looked at once.

    Attributes:
        weights: (q,) how much each word of the question says, 1 in all.
    """

    def __init__(self, words: Sequence[str], weights: Floats) -> None:
        self.weights = weights / max(float(weights.sum()), 1e-6)
        self._words = words
        self._heads = tuple(dict.fromkeys(word[:HEAD] for word in words))
        self._known: dict[str, list[float]] = {}

    def touched(self, names: Spelling) -> Touched:
        """Which of some names the question meets, and in what."""
        near = names.words.begin(names.numbers, self._heads).nonzero()[0]
        if not len(near):
            return Touched(near, np.zeros((0, len(self._words))), np.zeros(0))
        words = names.words.words
        likes = np.array([self._alike(words[number]) for number in names.numbers[near].tolist()])
        of_name = np.repeat(np.arange(len(names.sizes)), names.sizes)[near]
        first = begins(of_name)
        places = of_name[first]
        precision = np.add.reduceat(likes.max(axis=1), first) / names.sizes[places]
        return Touched(places, np.maximum.reduceat(likes, first, axis=0), precision)

    def _alike(self, word: str) -> list[float]:
        """How like each word of the question is to another one."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = [likeness(asked, word) for asked in self._words]
        return found

    def met(self, names: Spelling) -> Doubles:
        """How names meet the question, (n,): the harmonic mean of the shares of both that meet."""
        touched = self.touched(names)
        out = np.zeros(len(names.sizes))
        recall = touched.likes @ self.weights
        out[touched.places] = harmonic(recall, touched.precision)
        return out


def harmonic(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """The harmonic mean of numbers from 0 on."""
    mean: NDArray[Any] = 2 * one * other / np.maximum(one + other, 1e-6)
    return mean
