"""What a question and a view of the index say about each file and chunk, and how it adds up to a score.

The weights are mild and general: what a file is called, what it defines, and whether it is a test weigh beside what
its text says, and never alone. They are factors on the fused score, so that a file that no leg found stays unfound.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.lexical import NOTHING, Holds, idf
from kibitz.indexer.rank import Scores, among_best, best_and_mean, blend, relative, sum_of_best
from kibitz.indexer.segment import ASIDE_WORDS, definition_key
from kibitz.indexer.terms import query_terms, words_of
from kibitz.indexer.view import View

BEST_CHUNKS = 4  # so many chunks of a file add up
MEAN_SHARE = 0.5  # of a file's mean similarity, beside its highest
STEM_WEIGHT = 1.0  # the file's name is what was asked for
FOLDER_WEIGHT = 0.5
NAMED_WEIGHT = 1.0  # a definition of a symbol that the question spells as one
JOINED_WEIGHT = 0.5  # a definition whose name the question's words make when joined
NEAREST = 100  # so many chunks count as found by their vectors: every chunk is a little like every question
VECTOR_SHARE = 0.3  # of a chunk's similarity beside its words, where the chunk to show of a file is chosen
BETWEEN = 0.7  # code between definitions: lists of imports name everything and explain nothing
ASIDE = 0.6  # tests, examples and the like, unless the question asks for them

_SYMBOL = re.compile(r"[a-z][A-Z]|[A-Za-z]_[A-Za-z]|^[A-Z]\w*[a-z]\w*[A-Z]")
_PUNCTUATED = re.compile(r"[\w.:#]+")


@dataclass(frozen=True, slots=True)
class Signals:
    """Scores of all files (f,) and of all chunks (n,), and which leg found which chunk."""

    files: Scores
    chunks: Scores
    found: dict[str, NDArray[np.bool_]]


def name_match(postings: Holds, terms: Mapping[int, int], words: Scores | None, size: int, files: int) -> Scores:
    """How well each file's name answers the question, 0 to 1.

    The share of the question's terms that the name holds, weighed by how few names hold them; with `words`, the
    number of words in each name, its harmonic mean with the share of the name that was asked for. `size` is how many
    files there are, `files` how many of them count.
    """
    weight, hits = np.zeros(size, np.float32), np.zeros(size, np.float32)
    total = 0.0
    found = postings.find(list(terms))
    for term in terms:
        items, _ = found.get(term, NOTHING)
        value = idf(files, len(items))
        total += value
        if len(items):
            weight[items] += np.float32(value)
            hits[items] += 1
    recall = weight / np.float32(total) if total > 0 else weight
    if words is None:
        return recall
    precision = hits / np.maximum(words, 1)
    return np.where(hits > 0, 2 * recall * precision / np.maximum(recall + precision, 1e-6), 0).astype(np.float32)


def is_symbol(word: str) -> bool:
    """Whether a word is spelt like an identifier and not like a word of prose."""
    return bool(_SYMBOL.search(word))


def asked_definitions(query: str) -> tuple[list[int], list[int]]:
    """Keys of the names that a question spells as symbols, and of those that its words make when joined."""
    spelt = [word.strip(".:#") for word in _PUNCTUATED.findall(query)]
    words = words_of(query)
    if len(words) == 1:
        return [definition_key(words[0])], []
    named = [definition_key(word) for word in spelt if word and (is_symbol(word) or re.search(r"\w[.:#]+\w", word))]
    joined = [definition_key("".join(pair)) for pair in pairwise(words)]
    joined += [definition_key("".join(three)) for three in zip(words, words[1:], words[2:], strict=False)]
    return named, joined


def defining(view: View, keys: list[int]) -> Scores:
    """1 for each chunk that defines one of these names, (n,)."""
    scores = np.zeros(len(view.lengths), np.float32)
    for items, _ in view.definitions.find(keys).values():
        scores[items] = 1
    return scores


def _of_files(view: View, scores: Scores) -> Scores | float:
    """The best score of each file's chunks, (f,)."""
    return np.maximum.reduceat(scores, view.first[:-1]) if scores.any() else 0.0


def signals(view: View, query: str, legs: Mapping[str, Scores], inside: NDArray[np.bool_]) -> Signals:
    """Weigh everything up."""
    size = len(view.paths)
    terms = query_terms(query)
    by_leg: list[Scores] = []
    if "lexical" in legs:
        by_leg.append(sum_of_best(legs["lexical"], view.first, BEST_CHUNKS))
    if "vector" in legs:
        by_leg.append(best_and_mean(legs["vector"], view.first, MEAN_SHARE))
    fused = blend(by_leg)
    named, joined = asked_definitions(query)
    of_named, of_joined = defining(view, named), defining(view, joined)
    boost = (
        1
        + STEM_WEIGHT * name_match(view.stems, terms, view.stem_words, size, view.files)
        + FOLDER_WEIGHT * name_match(view.folders, terms, None, size, view.files)
        + NAMED_WEIGHT * _of_files(view, of_named)
        + JOINED_WEIGHT * _of_files(view, of_joined)
    )
    scores = fused * boost * inside
    if not ASIDE_WORDS.intersection(word.lower() for word in words_of(query)):
        scores *= np.where(view.aside, np.float32(ASIDE), np.float32(1))
    lexical = relative(legs["lexical"]) if "lexical" in legs else 0
    vector = relative(legs["vector"]) if "vector" in legs else 0
    told = (lexical + np.float32(VECTOR_SHARE) * vector) * np.where(view.between, np.float32(BETWEEN), np.float32(1))
    chunks = told + of_named + np.float32(0.5) * of_joined
    found = {name: among_best(scores, NEAREST) if name == "vector" else scores > 0 for name, scores in legs.items()}
    return Signals(scores.astype(np.float32), chunks.astype(np.float32), found)
