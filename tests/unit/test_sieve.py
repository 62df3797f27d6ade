"""The filter over signatures never leaves out a file that holds what is asked for."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.indexer.grams import BITS_EACH, HASH_BITS, SIZES, folded, hashes, places, signature
from kibitz.indexer.sieve import asked_of, sieve_of

texts = st.text(alphabet="abcAB_é\nK\u212aß ", max_size=60)
many_texts = st.lists(st.one_of(texts, st.binary(max_size=400).map(lambda data: data.decode("latin-1"))), max_size=40)


def holds(text: str, literals: list[bytes]) -> bool:
    return any(literal in line for line in folded(text).split(b"\n") for literal in literals)


@settings(max_examples=60, deadline=None)
@given(many_texts, st.lists(st.lists(texts, min_size=1, max_size=3), max_size=3), st.booleans(), st.data())
def test_a_file_that_holds_a_literal_of_each_clause_is_kept(
    files: list[str], asked: list[list[str]], wide: bool, data: st.DataObject
) -> None:
    """Literals are drawn at random, and cut out of the files, so that some are there."""
    wanted = [[folded(one) for one in clause] for clause in asked]
    if files:
        text = data.draw(st.sampled_from(files))
        start = data.draw(st.integers(0, len(text)))
        wanted.append([folded(text[start : start + 5])])
    clauses = [[one for one in clause if b"\n" not in one] for clause in wanted]
    clauses = [clause for clause in clauses if clause and all(len(one) >= 3 for one in clause)]
    kept = sieve_of([signature(text) for text in files]).may_hold(asked_of(clauses, wide=wide))
    assert len(kept) == len(files)
    for text, is_kept in zip(files, kept.tolist(), strict=True):
        assert is_kept or (wide and text.isascii()) or not all(holds(text, clause) for clause in clauses)
        assert not (is_kept and wide and text.isascii())


@settings(max_examples=60, deadline=None)
@given(many_texts)
def test_signatures_come_back(files: list[str]) -> None:
    signatures = [signature(text) for text in files]
    assert sieve_of(signatures).signatures() == signatures


def test_files_of_one_size_are_told_apart() -> None:
    words = [f"word{number}xyz{number * number}" for number in range(100)]
    one = sieve_of([signature(word) for word in words])
    for at, word in enumerate(words):
        kept = one.may_hold(asked_of([[word.encode()]]))
        assert kept[at]
        assert kept.sum() < 10
    either = one.may_hold(asked_of([[b"word17xyz289", b"word99xyz9801"]]))
    assert either[[17, 99]].all()
    assert not one.may_hold(asked_of([[b"word17xyz289"], [b"nowhere in them"]])).any()
    assert one.may_hold(asked_of([])).all()


def test_a_text_of_the_same_trigrams_in_another_order_is_told_apart() -> None:
    one = sieve_of([signature("implement, ancestor"), signature("implant, elementary, cement, ancient, nest, store")])
    assert one.may_hold(asked_of([[b"implement"]])).tolist() == [True, False]


def test_a_signature_grows_with_the_grams_of_its_text() -> None:
    assert len(signature("")) * 8 == SIZES[0]
    alphabet = "".join(chr(33 + number) for number in range(60))
    long = "".join(a + b + c for a in alphabet for b in alphabet for c in alphabet)
    assert len(signature(long)) * 8 == SIZES[-1] == 1 << HASH_BITS
    middle = len(signature(long[:3000])) * 8
    distinct = len(set(hashes(folded(long[:3000])).tolist()))
    assert BITS_EACH * distinct <= middle <= 1.5 * BITS_EACH * distinct


def test_a_gram_over_a_line_end_does_not_count() -> None:
    assert set(hashes(b"ab\ncd").tolist()) == {0}
    assert len(hashes(b"ab")) == 0
    assert np.array_equal(np.unique(hashes(b"abc\nabcd")), np.unique([0, *hashes(b"abcd").tolist()]))


def test_no_gram_takes_the_first_bit() -> None:
    every = np.array([0, 1, (1 << HASH_BITS) - 1], np.uint32)
    for size in SIZES:
        assert places(every, size).min() == 1
        assert places(every, size).max() == size - 1
