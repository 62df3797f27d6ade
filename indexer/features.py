"""What is known of the files that may answer a question, as numbers that a linear ranking weighs.

All are from 0 to about 1. Those of the legs are relative to the best of all chunks or files, so that questions of
different lengths compare; counts go through a logarithm and end at a bound, so that no file of a large workspace leaves
the range that the weights were fitted in.
"""

import copy
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.lexical import K1, NOTHING, B, Holding, idf
from kibitz.indexer.pathnames import EXAMPLES, FLAGS, TESTS, PathNames, likeness, name_words, path_names
from kibitz.indexer.ragged import Ints, offsets_of, rows
from kibitz.indexer.rank import Scores, sum_of_best
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
PRIORS = ("test", "example", *FLAGS, "size", "centrality")
CHUNK_FEATURES = ("words", "vector", "coverage", "defines", "defines_joined", "definition", "between", "size")
FILE_FEATURES = (*LEXICAL, *VECTOR, *NAMES, *DEFINES, *PRIORS)


class Candidates:
    """Some files with their chunks, looked at closely for one question.

    Attributes:
        files: (m,) numbers in the view.
        sizes, chunks: (m,) how many chunks each has, and (c,) the numbers of them all, side by side.
        starts: (m,) where each file's chunks begin among them.
        counts: (t, c) how often each of the question's terms occurs in each chunk.
        weights: (t,) how much each term says.
    """

    def __init__(self, view: View, wanted: Wanted, held: Mapping[int, Holding], files: Ints) -> None:
        """Look at some files; `held` are the chunks that hold the question's terms."""
        self.view, self.wanted, self.files = view, wanted, files
        self.sizes, self.chunks = rows(view.first, files)
        self.starts = offsets_of(self.sizes)[:-1]
        terms = list(wanted.terms)
        self.weights = np.array([idf(view.chunks, len(held[term][0]) if term in held else 0) for term in terms])
        self._weight_of = dict(zip(terms, self.weights.tolist(), strict=True))
        self.counts = np.zeros((len(terms), len(self.chunks)), np.float32)
        for row, term in zip(self.counts, terms, strict=True):
            items, times = held.get(term, NOTHING)
            if len(items):
                at = np.minimum(items.searchsorted(self.chunks), len(items) - 1)
                row[:] = np.where(items[at] == self.chunks, times[at], 0)

    def among(self, best: Ints) -> "Candidates":
        """Some of these files, by their places, (b,)."""
        few = copy.copy(self)
        few.files = self.files[best]
        few.sizes, places = rows(np.append(self.starts, len(self.chunks)), best)
        few.chunks, few.counts = self.chunks[places], self.counts[:, places]
        few.starts = offsets_of(few.sizes)[:-1]
        return few

    def best(self, scores: NDArray[Any]) -> NDArray[Any]:
        """The highest score of each file's chunks, (c,) to (m,)."""
        return np.maximum.reduceat(scores, self.starts)

    def total(self, scores: NDArray[Any]) -> NDArray[Any]:
        """The sum over each file's chunks, (..., c) to (..., m)."""
        return np.add.reduceat(scores, self.starts, axis=-1)

    @cached_property
    def asked(self) -> "Asked":
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
    columns = [
        *_words(some, lexical),
        *_vectors(some, vector),
        *_names(some),
        some.best(named),
        some.best(joined),
        *_priors(some),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _words(some: Candidates, lexical: Scores | None) -> list[Floats]:
    if lexical is None:
        return [np.zeros(len(some.files), np.float32)] * len(LEXICAL)
    scores = lexical[some.chunks]
    summed = sum_of_best(scores, offsets_of(some.sizes), BEST_CHUNKS)
    lengths = some.total(some.view.lengths[some.chunks])
    mean = float(some.view.lengths.sum(dtype=np.float64)) / some.view.files
    norm = K1 * (1 - B + B / max(mean, 1.0) * lengths)
    times = some.total(some.counts)
    whole = some.weights @ (times / (times + norm))
    return [share(some.best(scores), float(lexical.max(initial=0.0))), share(summed), share(whole)]


def _vectors(some: Candidates, vector: Scores | None) -> list[Floats]:
    if vector is None:
        return [np.zeros(len(some.files), np.float32)] * len(VECTOR)
    scores = np.maximum(vector[some.chunks], 0)
    top = float(vector.max(initial=0.0))
    means = some.total(scores) / some.sizes
    few = sum_of_best(scores, offsets_of(some.sizes), BEST_CHUNKS) / np.minimum(some.sizes, BEST_CHUNKS)
    return [share(some.best(scores), top), share(few, top), share(means), means.astype(np.float32)]


def _names(some: Candidates) -> list[Floats]:
    """How the words of the question meet those of the paths."""
    asked = some.asked
    size = len(asked.weights)
    in_name, in_folders = np.zeros((2, len(some.files), size), np.float32)
    precision = np.zeros(len(some.files), np.float32)
    for at, file in enumerate(some.files.tolist()):
        path = path_names(some.view.paths[file])
        named, precision[at] = asked.touched(path.stem)
        for row, touched in ((in_name[at], named), (in_folders[at], asked.touched(path.folders)[0])):
            for word, like in touched.items():
                row[word] = like
    recall = in_name @ asked.weights
    first = ((in_name >= 1) / np.arange(1, size + 1)).max(axis=1, initial=0)
    return [
        2 * recall * precision / np.maximum(recall + precision, 1e-6),
        recall,
        first,
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
    size = np.minimum(np.log1p(view.lengths[some.chunks]) / 6, 1)
    columns = [
        nothing if lexical is None else share(lexical[some.chunks], float(lexical.max(initial=0.0))),
        nothing if vector is None else share(np.maximum(vector[some.chunks], 0), float(vector.max(initial=0.0))),
        held,
        named,
        joined,
        _definition(some, held),
        view.between[some.chunks],
        size,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _definition(some: Candidates, held: NDArray[Any]) -> Floats:
    """How the words of the question meet the name that suits them best among what each chunk defines, (c,).

    Nothing of chunks that hold less of the question (`held`, (c,)) than others of their file: their names cannot make
    up for it, and reading names is what costs most.
    """
    asked = some.asked
    out = np.zeros(len(some.chunks), np.float32)
    close = held > NAMES_READ * np.repeat(some.best(held), some.sizes)
    for at in close.nonzero()[0].tolist():
        out[at] = max(map(asked.met, some.view.defines(int(some.chunks[at]))), default=0.0)
    return out


_NONE: dict[int, float] = {}


class Asked:
    """The words of a question beside those of names, each looked at once.

    Attributes:
        weights: (q,) how much each word of the question says, 1 in all.
    """

    def __init__(self, words: Sequence[str], weights: Floats) -> None:
        self.weights = weights / max(float(weights.sum()), 1e-6)
        self._words = words
        self._shares: list[float] = self.weights.tolist()
        self._heads: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            self._heads.setdefault(word[:3], []).append(at)
        self._known: dict[str, dict[int, float]] = {}
        self._touched: dict[tuple[str, ...], tuple[dict[int, float], float]] = {}
        self._met: dict[str, float] = {}

    def touched(self, words: tuple[str, ...]) -> tuple[dict[int, float], float]:
        """The words of the question that some words of a name are like, and how much at best.

        And how like these words are to what is asked, on average.
        """
        found = self._touched.get(words)
        if found is None:
            found = self._touched[words] = self._touch(words)
        return found

    def _touch(self, words: tuple[str, ...]) -> tuple[dict[int, float], float]:
        touched: dict[int, float] = {}
        total, known = 0.0, self._known
        for word in words:
            alike = known.get(word)
            if alike is None:
                alike = known[word] = self._alike(word)
            if alike:
                total += max(alike.values())
                for at, like in alike.items():
                    if like > touched.get(at, 0.0):
                        touched[at] = like
        return touched, total / len(words) if total else 0.0

    def _alike(self, word: str) -> dict[int, float]:
        # No two words are alike that do not begin alike.
        near = self._heads.get(word[:3])
        if near is None:
            return _NONE
        alike = ((at, likeness(self._words[at], word)) for at in near)
        return {at: like for at, like in alike if like}

    def met(self, name: str) -> float:
        """How a definition's name meets the question: the harmonic mean of the shares of both that meet."""
        found = self._met.get(name)
        if found is None:
            touched, precision = self.touched(name_words(name))
            recall = sum(self._shares[at] * like for at, like in touched.items())
            found = self._met[name] = 2 * recall * precision / (recall + precision) if recall else 0.0
        return found


def _priors(some: Candidates) -> list[Floats]:
    paths: list[PathNames] = [path_names(some.view.paths[file]) for file in some.files.tolist()]
    tests = 0.0 if some.wanted.mentions(TESTS) else 1.0
    examples = 0.0 if some.wanted.mentions(EXAMPLES) else 1.0
    flags = np.array([(path.is_test * tests, path.is_example * examples, *path.flags) for path in paths], np.float32)
    size = np.log1p(some.total(some.view.lengths[some.chunks])) / 10
    return [*flags.T, np.minimum(size, 1), some.view.centrality[some.files]]


def share(scores: NDArray[Any], top: float | None = None) -> Floats:
    """Scores as shares of the highest one, or of another."""
    highest = float(scores.max(initial=0.0)) if top is None else top
    if highest <= 0:
        return np.zeros(len(scores), np.float32)
    return (scores / highest).astype(np.float32)
