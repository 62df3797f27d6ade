import numpy as np
import pytest

from kibitz.indexer.lexical import Postings, Triples, invert
from kibitz.indexer.shortlist import name_match

NAMES = [{1, 2}, {1, 3}, {1}, {4}]  # the terms of four files' names


def names() -> Postings:
    triples = [(term, file, 1) for file, terms in enumerate(NAMES) for term in terms]
    keys, files, counts = zip(*triples, strict=True)
    return invert(Triples(np.array(keys, np.uint32), np.array(files, np.int64), np.array(counts, np.uint8)))


WORDS = np.array([len(terms) for terms in NAMES], np.float32)


def match(*terms: int, words: "np.ndarray[tuple[int], np.dtype[np.float32]] | None" = WORDS) -> list[float]:
    return [float(value) for value in name_match(names(), dict.fromkeys(terms, 1), words, len(NAMES), len(NAMES))]


def test_a_name_that_is_just_what_was_asked_for_matches_fully() -> None:
    assert match(1, 2)[0] == pytest.approx(1)


def test_a_name_with_further_words_matches_less() -> None:
    assert match(1)[2] == pytest.approx(1)
    assert 0 < match(1)[0] < 1


def test_a_rare_word_counts_for_more_than_one_in_many_names() -> None:
    assert match(1, 3, words=None)[1] == pytest.approx(1)
    assert match(1, 4, words=None)[3] > match(1, 4, words=None)[2]


def test_names_without_any_word_asked_for_do_not_match() -> None:
    assert match(9) == [0, 0, 0, 0]
    assert match() == [0, 0, 0, 0]


def test_files_that_do_not_count_make_no_word_rarer() -> None:
    plain = name_match(names(), {1: 1, 4: 1}, None, 4, 4)
    more = name_match(names(), {1: 1, 4: 1}, None, 6, 4)
    assert more.tolist() == [*plain.tolist(), 0, 0]
