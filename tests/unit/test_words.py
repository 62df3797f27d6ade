import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kibitz.indexer import words
from kibitz.indexer.words import Bags, Vocabulary

# Any character at all, lone surrogates and NULs among them, and more often those that are easily got wrong.
ODD = st.sampled_from("a_9Z\0 \n\x7f\x80\xaaé\u0301\u0660²\ud800\udcff漢\U0001f600\U00010400\u200d\u093c\u0903")
TEXT = st.text(ODD | st.characters(exclude_categories=()), max_size=40)


def counts(vocabulary: Vocabulary, bags: Bags) -> list[Counter[str]]:
    found: list[Counter[str]] = [Counter() for _ in range(bags.count)]
    for text, code, times in zip(bags.texts.tolist(), bags.codes.tolist(), bags.times.tolist(), strict=True):
        found[text][vocabulary.identifiers[code]] += times
    return found


def by_expression(texts: list[str]) -> list[Counter[str]]:
    return [Counter(re.findall(r"\w+", text)) for text in texts]


@given(st.lists(TEXT, max_size=6))
@example(["", "a", "", "a\0a", "é e\u0301", "\ud83d\ude00x", "x" * 70_000])
def test_identifiers_are_those_of_a_regular_expression(texts: list[str]) -> None:
    vocabulary = Vocabulary()
    assert counts(vocabulary, vocabulary.bags(texts)) == by_expression(texts)


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4))
def test_numbers_stay_what_they_are_from_batch_to_batch(one: list[str], other: list[str]) -> None:
    vocabulary = Vocabulary()
    first = vocabulary.bags(one)
    second = vocabulary.bags(other)
    assert counts(vocabulary, first) == by_expression(one)
    assert counts(vocabulary, second) == by_expression(other)
    assert len(set(vocabulary.identifiers)) == len(vocabulary.identifiers)


@given(st.lists(st.tuples(TEXT, st.booleans()), max_size=6))
def test_taken_bags_are_those_of_the_texts_taken(texts: list[tuple[str, bool]]) -> None:
    vocabulary = Vocabulary()
    taken = vocabulary.bags([text for text, _ in texts]).take(np.array([wanted for _, wanted in texts], bool))
    assert counts(vocabulary, taken) == by_expression([text for text, wanted in texts if wanted])


@given(st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_joined_bags_hold_the_identifiers_of_both(pairs: list[tuple[str, str]]) -> None:
    vocabulary = Vocabulary()
    both = Bags.joined([vocabulary.bags([pair[side] for pair in pairs]) for side in (0, 1)])
    wanted = [a + b for a, b in zip(*(by_expression([pair[s] for pair in pairs]) for s in (0, 1)), strict=True)]
    assert counts(vocabulary, both) == wanted


def test_more_occurrences_than_fit_two_bytes_are_counted() -> None:
    vocabulary = Vocabulary()
    assert counts(vocabulary, vocabulary.bags(["x " * 70_000])) == [Counter(x=70_000)]


def test_a_full_vocabulary_starts_again_between_batches_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MAX_KNOWN", 2)
    vocabulary = Vocabulary()
    texts, names = vocabulary.bags(["a b c"]), vocabulary.bags(["d"])
    assert counts(vocabulary, texts) == [Counter("abc")]
    assert counts(vocabulary, names) == [Counter("d")]
    vocabulary.next_batch()
    assert (vocabulary.identifiers, vocabulary.generation) == ([], 1)
    assert counts(vocabulary, vocabulary.bags(["c e"])) == [Counter("ce")]
    vocabulary.next_batch()
    assert (vocabulary.identifiers, vocabulary.generation) == (["c", "e"], 1)
