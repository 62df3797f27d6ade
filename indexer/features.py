"""What is known of the files that may answer a question, as numbers that a linear ranking weighs.

All are from 0 to about 1. Those of the legs are relative to the best of all chunks or files, so that questions of
different lengths compare; counts go through a logarithm and end at a bound, so that no file of a large workspace leaves
the range that the weights were fitted in.
"""

import copy
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.asked import Asked, harmonic
from kibitz.indexer.lexical import K1, B, Held, idf
from kibitz.indexer.pathnames import EXAMPLES, TESTS
from kibitz.indexer.ragged import Ints, offsets_of, ranges, rows
from kibitz.indexer.rank import Scores, sum_of_best
from kibitz.indexer.spelt import TOLD
from kibitz.indexer.terms import term_id
from kibitz.indexer.vectors import Floats
from kibitz.indexer.view import View
from kibitz.indexer.wanted import Wanted

BEST_CHUNKS = 4  # so many chunks of a file add up
NAMES_READ = 0.7  # of what a file's best chunk holds of the question: the names of chunks with less are not read

LEXICAL = ("words_best_chunk", "words_best_chunks", "words_file")
VECTOR = ("vector_best_chunk", "vector_best_chunks", "vector_mean", "cosine_mean")
NAMES = ("name", "name_share", "name_order", "folder", "folder_only", "path_exact")
DEFINES = ("defines", "defines_joined")
PRIORS = (*TOLD, "size", "centrality")
CHUNK_FEATURES = ("words", "vector", "coverage", "defines", "defines_joined", "definition", "between", "size")
FILE_FEATURES = (*LEXICAL, *VECTOR, *NAMES, *DEFINES, *PRIORS)


class Candidates:
    """Some files with their chunks, looked at closely for one question.

    Attributes:
        files: (m,) numbers in the view.
        sizes, chunks: (m,) how many chunks each has, and (c,) the numbers of them all, side by side.
        starts: (m,) where each file's chunks begin among them.
        lengths: (c,) terms in each chunk.
        counts: (t, c) how often each of the question's terms occurs in each chunk.
        weights: (t,) how much each term says.
    """

    def __init__(self, view: View, wanted: Wanted, held: Held, files: Ints) -> None:
        """Look at some files; `held` are the chunks that hold the question's terms."""
        self.view, self.wanted, self.files = view, wanted, files
        self.sizes, self.chunks = rows(view.first, files)
        self.starts = offsets_of(self.sizes)[:-1]
        self.lengths = view.lengths[self.chunks]
        self.weights = held.weights(view.chunks)
        self._weight_of = dict(zip(held.terms, self.weights.tolist(), strict=True))
        self.counts = self._counts(held)

    def _counts(self, held: Held) -> Floats:
        counts = np.zeros((len(held.terms), len(self.chunks)), np.float32)
        begins = self.view.first[self.files]
        # A file's chunks stand side by side: where they begin and end among those that hold a term is enough.
        bounds = np.concatenate((begins, begins + self.sizes))
        offsets = held.offsets.tolist()
        found = [held.items[first:last].searchsorted(bounds) for first, last in pairwise(offsets)]
        if not found:
            return counts
        at = np.array(found).reshape(len(found), 2, -1) + held.offsets[:-1, None, None]
        sizes = at[:, 1] - at[:, 0]
        places = ranges(at[:, 0].ravel(), sizes.ravel())
        shifts = np.repeat(np.tile(self.starts - begins, len(found)), sizes.ravel())
        counts[np.repeat(np.arange(len(found)), sizes.sum(axis=1)), held.items[places] + shifts] = held.times[places]
        return counts

    def among(self, best: Ints) -> "Candidates":
        """Some of these files, by their places, (b,)."""
        few = copy.copy(self)
        few.files = self.files[best]
        few.sizes, places = rows(np.append(self.starts, len(self.chunks)), best)
        few.chunks, few.counts, few.lengths = self.chunks[places], self.counts[:, places], self.lengths[places]
        few.starts = offsets_of(few.sizes)[:-1]
        return few

    def best(self, scores: NDArray[Any]) -> NDArray[Any]:
        """The highest score of each file's chunks, (c,) to (m,)."""
        return np.maximum.reduceat(scores, self.starts)

    def total(self, scores: NDArray[Any]) -> NDArray[Any]:
        """The sum over each file's chunks, (..., c) to (..., m)."""
        return np.add.reduceat(scores, self.starts, axis=-1)

    @cached_property
    def asked(self) -> Asked:
        """The words of the question; what was found out about them goes on to `among`."""
        unknown, words = idf(self.view.chunks, 0), self.wanted.words
        weights = [self._weight_of.get(term_id(word), unknown) for word in words]
        return Asked(words, np.array(weights, np.float32))


def file_features(
    some: Candidates, lexical: Scores | None, vector: Scores | None, named: Scores, joined: Scores
) -> Floats:
    """The features of candidate files, (m, len(FILE_FEATURES)).

    Args:
        some: the files.
        lexical: (n,) scores of all chunks by their words; None when that leg was not asked.
        vector: the same by their vectors.
        named: (c,) 1 for those of the candidates' chunks that define a name which the question spells.
        joined: the same for names that its words make.
    """
    told, name_columns = _names(some)
    columns = [
        *_legs(some, lexical, vector),
        *name_columns,
        some.best(named),
        some.best(joined),
        *told,
        np.minimum(np.log1p(some.total(some.lengths)) / 10, 1),
        some.view.centrality[some.files],
    ]
    return np.stack(columns, axis=1, dtype=np.float32)


def _legs(some: Candidates, lexical: Scores | None, vector: Scores | None) -> list[NDArray[Any]]:
    nothing = np.zeros(len(some.chunks), np.float32)
    both = np.stack(
        (
            nothing if lexical is None else lexical[some.chunks],
            nothing if vector is None else np.maximum(vector[some.chunks], 0),
        )
    )
    highest = np.maximum.reduceat(both, some.starts, axis=1)
    few = sum_of_best(both, np.append(some.starts, len(some.chunks)), BEST_CHUNKS)
    words: list[NDArray[Any]] = [nothing[: len(some.files)]] * len(LEXICAL)
    if lexical is not None:
        words = [share(highest[0], _top(lexical)), share(few[0]), share(_whole(some))]
    near: list[NDArray[Any]] = [nothing[: len(some.files)]] * len(VECTOR)
    if vector is not None:
        top, means = _top(vector), some.total(both[1]) / some.sizes
        near = [share(highest[1], top), share(few[1] / np.minimum(some.sizes, BEST_CHUNKS), top), share(means), means]
    return [*words, *near]


def _whole(some: Candidates) -> NDArray[Any]:
    """BM25 of whole files, (m,)."""
    norm = K1 * (1 - B + B / max(some.view.mean_file, 1.0) * some.total(some.lengths))
    times = some.total(some.counts)
    whole: NDArray[Any] = some.weights @ (times / (times + norm))
    return whole


def _names(some: Candidates) -> tuple[Floats, list[NDArray[Any]]]:
    """What the paths say, (TOLD, m), and how the words of the question meet those of the paths."""
    asked = some.asked
    size = len(asked.weights)
    both = np.zeros((2, len(some.files), size), np.float32)
    precisions = np.zeros((2, len(some.files)), np.float32)
    told = np.zeros((len(some.files), len(TOLD)), np.float32)
    for segment, places, files in some.view.parts_of_files(some.files):
        spelling, told[places] = segment.spelt.paths(files)
        touched = asked.touched(spelling)
        side, at = np.divmod(touched.places, len(files))
        both[side, places[at]], precisions[side, places[at]] = touched.likes, touched.precision
    in_name, in_folders = both
    for column, words in enumerate((TESTS, EXAMPLES)):
        if some.wanted.mentions(words):
            told[:, column] = 0
    recall = in_name @ asked.weights
    return told.T, [
        harmonic(recall, precisions[0]),
        recall,
        ((in_name >= 1) / np.arange(1, size + 1)).max(axis=1, initial=0),
        in_folders @ asked.weights,
        np.maximum(in_folders - in_name, 0) @ asked.weights,
        (np.maximum(in_folders, in_name) >= 1) @ asked.weights,
    ]


def chunk_features(
    some: Candidates, lexical: Scores | None, vector: Scores | None, named: Scores, joined: Scores
) -> Floats:
    """The features of the candidates' chunks, (c, len(CHUNK_FEATURES)); see `file_features`."""
    view, nothing = some.view, np.zeros(len(some.chunks), np.float32)
    held = some.weights @ (some.counts > 0) / max(float(some.weights.sum()), 1e-6)
    size = np.minimum(np.log1p(some.lengths) / 6, 1)
    columns = [
        nothing if lexical is None else share(lexical[some.chunks], _top(lexical)),
        nothing if vector is None else share(np.maximum(vector[some.chunks], 0), _top(vector)),
        held,
        named,
        joined,
        _definition(some, held),
        view.between[some.chunks],
        size,
    ]
    return np.stack(columns, axis=1, dtype=np.float32)


def _definition(some: Candidates, held: NDArray[Any]) -> Floats:
    """How the words of the question meet the name that suits them best among what each chunk defines, (c,).

    Nothing of chunks that hold less of the question (`held`, (c,)) than others of their file: their names cannot make
    up for it, and reading names is what costs most.
    """
    out = np.zeros(len(some.chunks), np.float32)
    close = (held > NAMES_READ * np.repeat(some.best(held), some.sizes)).nonzero()[0]
    for segment, places, chunks in some.view.parts_of_chunks(some.chunks[close]):
        sizes, at = rows(segment.define_offsets, chunks)
        defining = sizes.nonzero()[0]
        if len(defining):
            met = some.asked.met(segment.spelt.names(segment.defines[at].astype(np.int64)))
            starts = offsets_of(sizes[defining])[:-1]
            out[close[places[defining]]] = np.maximum.reduceat(met, starts)
    return out


def _top(scores: Scores) -> float:
    return float(scores.max(initial=0.0))


def share(scores: NDArray[Any], top: float | None = None) -> Floats:
    """Scores as shares of the highest one, or of another."""
    highest = float(scores.max(initial=0.0)) if top is None else top
    if highest <= 0:
        return np.zeros(len(scores), np.float32)
    return (scores / highest).astype(np.float32)
