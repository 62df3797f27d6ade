"""What is known of the files that may answer a question, as numbers that a linear ranking weighs.

All are from 0 to about 1. Those of the legs are relative to the best of all chunks or files, so that questions of
different lengths compare; counts go through a logarithm and end at a bound, so that no file of a large workspace leaves
the range that the weights were fitted in.
"""

from collections.abc import Mapping, Sequence
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

LEXICAL = ("words_best_chunk", "words_best_chunks", "words_file")
VECTOR = ("vector_best_chunk", "vector_best_chunks", "vector_mean", "cosine_mean")
NAMES = ("name", "name_share", "name_order", "folder", "folder_only", "path_exact")
DEFINES = ("defines", "defines_joined")
PRIORS = ("test", "example", *FLAGS, "size", "centrality")
CHUNK_FEATURES = (
    "words", "vector", "coverage", "defines", "defines_joined", "symbol", "symbol_share", "definition",
    "definition_share", "between", "prose", "size", "first",
)  # fmt: skip
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

    def best(self, scores: NDArray[Any]) -> NDArray[Any]:
        """The highest score of each file's chunks, (c,) to (m,)."""
        return np.maximum.reduceat(scores, self.starts)

    def total(self, scores: NDArray[Any]) -> NDArray[Any]:
        """The sum over each file's chunks, (..., c) to (..., m)."""
        return np.add.reduceat(scores, self.starts, axis=-1)

    def weight_of(self, words: Sequence[str], ids: Sequence[int]) -> Floats:
        """How much each of the question's words says."""
        unknown = idf(self.view.chunks, 0)
        return np.array([self._weight_of.get(key, unknown) for key in ids], np.float32)


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
    words = some.wanted.words
    paths = [path_names(some.view.paths[file]) for file in some.files.tolist()]
    if not words:
        return [np.zeros(len(paths), np.float32)] * len(NAMES)
    weights = some.weight_of(words, [term_id(word) for word in words])
    weights = weights / max(float(weights.sum()), 1e-6)
    meets = _Meetings(words)
    in_name = meets.of([path.stem for path in paths])
    in_folders = meets.of([path.folders for path in paths])
    recall = in_name @ weights
    precision = np.array([np.mean([meets.best(word) for word in path.stem]) for path in paths])
    places = np.arange(1, len(words) + 1)
    first = np.where(in_name >= 1, 1 / places, 0).max(axis=1)
    return [
        2 * recall * precision / np.maximum(recall + precision, 1e-6),
        recall,
        first,
        in_folders @ weights,
        np.maximum(in_folders - in_name, 0) @ weights,
        (np.maximum(in_folders, in_name) >= 1) @ weights,
    ]


def chunk_features(
    some: Candidates, lexical: Scores | None, vector: Scores | None, named: Scores, joined: Scores
) -> Floats:
    """The features of the candidates' chunks, (c, len(CHUNK_FEATURES)); see `file_features`."""
    view, nothing = some.view, np.zeros(len(some.chunks), np.float32)
    held = some.weights @ (some.counts > 0) / max(float(some.weights.sum()), 1e-6)
    size = np.minimum(np.log1p(view.lengths[some.chunks]) / 6, 1)
    first = np.zeros(len(some.chunks), np.float32)
    first[some.starts] = 1
    columns = [
        nothing if lexical is None else share(lexical[some.chunks], float(lexical.max(initial=0.0))),
        nothing if vector is None else share(np.maximum(vector[some.chunks], 0), float(vector.max(initial=0.0))),
        held,
        named,
        joined,
        *_symbols(some).T,
        view.between[some.chunks],
        view.prose[some.chunks],
        size,
        first,
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _symbols(some: Candidates) -> Floats:
    """How the words of the question meet the names around and in each chunk, (c, 4)."""
    words = some.wanted.words
    out = np.zeros((len(some.chunks), 4), np.float32)
    if not words:
        return out
    weights = some.weight_of(words, [term_id(word) for word in words])
    weights = weights / max(float(weights.sum()), 1e-6)
    meets = _Meetings(words)
    known: dict[str, tuple[float, float]] = {"": (0.0, 0.0)}

    def met(name: str) -> tuple[float, float]:
        found = known.get(name)
        if found is None:
            parts = name_words(name)
            touched = [meets.one(word) for word in parts]
            recall = float(np.max(touched, axis=0) @ weights) if touched else 0.0
            if recall <= 0:
                found = (0.0, 0.0)
            else:
                precision = sum(float(each.max()) for each in touched) / len(touched)
                found = (2 * recall * precision / (recall + precision), recall)
            known[name] = found
        return found

    for row, number in zip(out, some.chunks.tolist(), strict=True):
        symbol, defines = some.view.names(number)
        row[:2] = met(symbol)
        row[2:] = max(map(met, defines), default=(0.0, 0.0))
    return out


class _Meetings:
    """How like the words of a question are to those of paths, each looked at once."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._heads: dict[str, list[int]] = {}
        for at, word in enumerate(words):
            self._heads.setdefault(word[:3], []).append(at)
        self._nothing = np.zeros(len(words), np.float32)
        self._known: dict[str, Floats] = {}

    def one(self, word: str) -> Floats:
        """How like a path's word is to each word of the question."""
        known = self._known.get(word)
        if known is None:
            # No two words are alike that do not begin alike.
            near = self._heads.get(word[:3], ())
            known = self._nothing
            if near:
                known = self._nothing.copy()
                known[near] = [likeness(self._words[at], word) for at in near]
            self._known[word] = known
        return known

    def best(self, word: str) -> float:
        """How like a path's word is to the word of the question that is most like it."""
        return float(self.one(word).max())

    def of(self, every: Sequence[Sequence[str]]) -> Floats:
        """The best that some words of each path make of each of the question's, (m, q)."""
        return np.stack(
            [np.max([self.one(word) for word in words], axis=0) if words else self._nothing for words in every]
        )


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
