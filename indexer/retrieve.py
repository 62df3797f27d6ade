"""From a question to the chunks that answer it: shortlist, features, a linear ranking, and which chunks to show.

Files are ranked first: a question is answered by a file whose chunks add up more often than by the one chunk that
repeats its words most. Then each file shows the chunk that answers it best, and further ones behind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.features import Candidates, chunk_features, file_features
from kibitz.indexer.lexical import Held, bm25_of
from kibitz.indexer.ragged import offsets_of
from kibitz.indexer.rank import Scores, least_of, pick, softmax
from kibitz.indexer.shortlist import defining, shortlist
from kibitz.indexer.vectors import Floats
from kibitz.indexer.view import View
from kibitz.indexer.wanted import Wanted
from kibitz.indexer.weights import load_weights

NEAREST = 100  # so many chunks count as found by their vectors: every chunk is a little like every question
SPARE = 2  # files that are looked into beyond those that are wanted, for some cannot be shown

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Legs:
    """What the legs say of all chunks of a view.

    Attributes:
        held: the chunks that hold the question's terms.
        scores: "lexical" and "vector", or one of them: (n,) scores.
        least: what a chunk must have more than, or as much as, to be found by each.
    """

    held: Held
    scores: Mapping[str, Scores]
    least: Mapping[str, float]

    @classmethod
    def of(cls, held: Held, scores: Mapping[str, Scores]) -> "Legs":
        """The legs with their bounds."""
        least = {name: least_of(each, NEAREST) if name == "vector" else 0.0 for name, each in scores.items()}
        return cls(held, scores, least)

    def found(self, chunk: int) -> tuple[str, ...]:
        """Which legs found a chunk."""
        scored = ((name, scores[chunk]) for name, scores in self.scores.items())
        return tuple(name for name, score in scored if score > 0 and score >= self.least[name])


def ask_legs(view: View, wanted: Wanted, question: Floats | None, *, lexical: bool, shown: Mask | None) -> Legs:
    """Ask the legs.

    Args:
        view: what is searched.
        wanted: the question.
        question: its vector (dim,); None for no vector leg.
        lexical: whether its words are asked for.
        shown: (n,) which chunks may be shown; None for all.
    """
    held = Held.of(view.body.find(list(wanted.terms)), wanted.terms)
    scores: dict[str, Scores] = {}
    if lexical:
        scores["lexical"] = bm25_of(held, view.norms, view.chunks, wanted.terms)
    if question is not None:
        scores["vector"] = view.similarities(question)
    if shown is not None:
        scores = {name: np.where(shown, each, np.float32(0)) for name, each in scores.items()}
    return Legs.of(held, scores)


def retrieve(
    view: View, wanted: Wanted, legs: Legs, *, inside: Mask, shown: Mask | None, k: int, per_file: int
) -> Iterator[tuple[int, float]]:
    """The chunks that answer a question, best first, with scores from 0 to 1: what they get of all that is sure.

    Args:
        view: what is searched.
        wanted: the question.
        legs: what they say of it.
        inside: (f,) which files may be shown.
        shown: (n,) which chunks may be shown; None for all.
        k: how many are wanted; more are yielded, for callers that cannot show some of them.
        per_file: how many chunks of a file at most.
    """
    named, joined = defining(view, wanted.named, wanted.joined)
    files = shortlist(view, wanted, legs.scores, (named, joined), inside, k=k)
    if not len(files):
        return
    weights = load_weights()
    leg_scores = legs.scores.get("lexical"), legs.scores.get("vector")
    some = Candidates(view, wanted, legs.held, files)
    features = file_features(some, *leg_scores, named[some.chunks], joined[some.chunks])
    scores = softmax(features @ weights.files, np.array([0, len(files)]))
    best = np.argsort(-scores, kind="stable")[: k + SPARE]
    few = some.among(best)
    told = chunk_features(few, *leg_scores, named[few.chunks], joined[few.chunks]) @ weights.chunks
    if shown is not None:
        told = np.where(shown[few.chunks], told, np.float32(-np.inf))
    shares = softmax(told, offsets_of(few.sizes))
    for at, score in pick(scores[best], shares, few.sizes, per_file):
        yield int(few.chunks[at]), score
