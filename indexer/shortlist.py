"""Which files are worth a close look: a cheap score of all files of a workspace, in array arithmetic over all of them.

The weights are mild and general: what a file is called and what it defines weighs beside what its text says, and never
alone. They are factors on the blended score of the legs, so that a file that no leg found stays unfound. The order is
settled among those that come through; nearly all right ones do.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kibitz.indexer.lexical import NOTHING, Holds, idf
from kibitz.indexer.rank import Ids, Scores, best_and_mean, best_of, blend
from kibitz.indexer.view import View
from kibitz.indexer.wanted import Wanted

LEAST = 32  # files that are looked at closely: with twice as many the ranking is hardly better
FURTHER_CHUNKS = 3  # of a file add up, as many times as its best one at most
FURTHER_WEIGHT = 0.6
MEAN_SHARE = 0.5  # of a file's mean similarity, beside its highest
NAME_WEIGHT = 1.0  # the file's name is what was asked for
FOLDER_WEIGHT = 0.5
NAMED_WEIGHT = 1.0  # a definition of a symbol that the question spells as one
JOINED_WEIGHT = 0.5  # a definition whose name the question's words make when joined
ASIDE = 0.6  # tests, examples and the like: they are many


def shortlist(
    view: View,
    wanted: Wanted,
    legs: Mapping[str, Scores],
    defining: Sequence[Scores],
    inside: NDArray[np.bool_],
    *,
    k: int,
) -> Ids:
    """The files that may answer a question, likely ones first, (m,).

    Args:
        view: what is searched.
        wanted: the question.
        legs: "lexical" and "vector", or one of them: (n,) scores of all chunks.
        defining: two, (n,) each, which chunks define a name that the question spells, or that its words make.
        inside: (f,) which files may be shown.
        k: how many are wanted in the end.
    """
    size = len(view.paths)
    by_leg: list[Scores] = []
    if "lexical" in legs:
        by_leg.append(_added_up(legs["lexical"], view.first))
    if "vector" in legs:
        by_leg.append(best_and_mean(legs["vector"], view.first, MEAN_SHARE))
    named, joined = (_of_files(view, scores) for scores in defining)
    boost = (
        1
        + NAME_WEIGHT * name_match(view.stems, wanted.terms, view.stem_words, size, view.files)
        + FOLDER_WEIGHT * name_match(view.folders, wanted.terms, None, size, view.files)
        + NAMED_WEIGHT * named
        + JOINED_WEIGHT * joined
    )
    aside = np.where(view.aside, np.float32(ASIDE), np.float32(1))
    scores = (blend(by_leg) * boost * aside * inside).astype(np.float32)
    likely = best_of(scores, max(LEAST, k + LEAST // 2))
    return likely[scores[likely] > 0]


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


def defining(view: View, *names: list[int]) -> tuple[Scores, ...]:
    """For each of some lists of names, 1 for each chunk that defines one of them, (n,)."""
    keys = list(dict.fromkeys(key for some in names for key in some))
    found = view.definitions.find(keys) if keys else {}
    scores = tuple(np.zeros(len(view.lengths), np.float32) for _ in names)
    for of, some in zip(scores, names, strict=True):
        for key in found.keys() & some:
            of[found[key][0]] = 1
    return scores


def _added_up(scores: Scores, first: Ids) -> Scores:
    """Each file's best score and a part of what its other chunks add, (f,): nearly the sum of the best few."""
    best = np.maximum.reduceat(scores, first[:-1])
    others = np.add.reduceat(scores, first[:-1]) - best
    added: Scores = best + np.float32(FURTHER_WEIGHT) * np.minimum(others, FURTHER_CHUNKS * best)
    return added


def _of_files(view: View, scores: Scores) -> Scores | float:
    """The best score of each file's chunks, (f,)."""
    return np.maximum.reduceat(scores, view.first[:-1]) if scores.any() else 0.0
