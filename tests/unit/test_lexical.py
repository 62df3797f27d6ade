import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.lexical import K1, MAX_ITEMS, B, Postings, bm25, idf, invert

TRIPLES = st.lists(st.tuples(st.integers(0, 2**32 - 1) | st.integers(0, 5), st.integers(0, 9), st.integers(1, 255)))


def inverted(triples: list[tuple[int, int, int]]) -> Postings:
    keys, items, counts = zip(*triples, strict=True) if triples else ((), (), ())
    return invert(np.array(keys, np.uint32), np.array(items, np.uint32), np.array(counts, np.uint8))


@given(TRIPLES)
def test_postings_hold_what_was_put_in(triples: list[tuple[int, int, int]]) -> None:
    wanted: dict[int, dict[int, int]] = {}
    for key, item, count in triples:
        held = wanted.setdefault(key, {})
        held[item] = held.get(item, 0) + count
    postings = inverted(triples)
    assert postings.keys.tolist() == sorted(wanted)
    for key, held in wanted.items():
        items, counts = postings.get(key)
        assert items.tolist() == sorted(held)
        assert counts.tolist() == [min(held[item], 255) for item in sorted(held)]


def test_a_key_that_nobody_holds_has_no_items() -> None:
    assert len(inverted([(1, 0, 1)]).get(2)[0]) == 0
    assert len(inverted([]).get(2)[0]) == 0


def test_more_items_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="more than"):
        inverted([(1, MAX_ITEMS, 1)])


def test_bm25_is_robertsons() -> None:
    postings = inverted([(1, 0, 2), (1, 1, 1), (2, 1, 3)])
    lengths = np.array([2, 4, 6], np.float32)

    def part(tf: int, length: int, holding: int) -> float:
        weight = math.log(1 + (3 - holding + 0.5) / (holding + 0.5))
        return weight * tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / 4))

    wanted = [part(2, 2, 2), part(1, 4, 2) + 2 * part(3, 4, 1), 0]
    assert bm25(postings, lengths, {1: 1, 2: 2, 9: 1}).tolist() == pytest.approx(wanted, rel=1e-5)


def test_no_chunks_have_no_scores() -> None:
    assert len(bm25(inverted([]), np.zeros(0, np.float32), {1: 1})) == 0


def test_a_word_that_all_hold_says_next_to_nothing() -> None:
    assert 0 < idf(100, 100) < 0.01 < idf(100, 1)
