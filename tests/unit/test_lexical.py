import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.lexical import K1, LEVELS, MAX_ITEMS, B, Postings, Triples, bm25, idf, invert, levelled

TRIPLES = st.lists(
    st.tuples(
        st.integers(0, 5) | st.integers(0, 2**32 - 1),
        st.integers(0, 9) | st.integers(0, MAX_ITEMS - 1),
        st.integers(1, 9) | st.integers(1, 255),
    )
)


def inverted(triples: list[tuple[int, int, int]], *, with_counts: bool = True) -> Postings:
    keys, items, counts = zip(*triples, strict=True) if triples else ((), (), ())
    columns = Triples(np.array(keys, np.uint32), np.array(items, np.int64), np.array(counts, np.uint8))
    return invert(columns, with_counts=with_counts)


def level(count: int) -> int:
    """The nearest level below."""
    return max(int(one) for one in LEVELS if one <= count)


def summed(triples: list[tuple[int, int, int]]) -> dict[int, dict[int, int]]:
    wanted: dict[int, dict[int, int]] = {}
    for key, item, count in triples:
        held = wanted.setdefault(key, {})
        held[item] = held.get(item, 0) + count
    return wanted


@given(TRIPLES)
def test_postings_hold_what_was_put_in(triples: list[tuple[int, int, int]]) -> None:
    wanted = summed(triples)
    postings = inverted(triples)
    assert postings.keys.tolist() == sorted(wanted)
    for key, held in wanted.items():
        items, times = postings.get(key)
        assert items.tolist() == sorted(held)
        assert times.tolist() == [level(held[item]) for item in sorted(held)]


@given(TRIPLES)
def test_triples_come_out_in_order_and_make_the_same_postings_again(triples: list[tuple[int, int, int]]) -> None:
    postings = inverted(triples)
    out = postings.triples()
    wanted = [(k, i, level(held[i])) for k, held in sorted(summed(triples).items()) for i in sorted(held)]
    assert list(zip(out.keys.tolist(), out.items.tolist(), out.counts.tolist(), strict=True)) == wanted
    again = invert(out)
    for part in ("keys", "sizes", "lengths", "gaps", "levels"):
        assert np.array_equal(getattr(again, part), getattr(postings, part))


@given(TRIPLES)
def test_where_only_being_there_counts_each_item_holds_a_key_once(triples: list[tuple[int, int, int]]) -> None:
    postings = inverted(triples, with_counts=False)
    assert not len(postings.levels)
    for key, held in summed(triples).items():
        items, times = postings.get(key)
        assert (items.tolist(), times.tolist()) == (sorted(held), [1.0] * len(held))
    assert set(postings.triples().counts.tolist()) <= {1}


@given(st.integers(1, 255))
def test_a_count_becomes_the_nearest_level_below_and_stays_it(count: int) -> None:
    once = levelled(np.array([count], np.uint8))
    assert once.tolist() == [level(count)]
    assert levelled(once).tolist() == once.tolist()


def test_counts_are_exact_up_to_eight() -> None:
    assert levelled(np.arange(1, 9)).tolist() == list(range(1, 9))


@given(TRIPLES, st.integers(0, 9))
def test_a_key_that_nobody_holds_has_no_items(triples: list[tuple[int, int, int]], key: int) -> None:
    items, times = inverted([triple for triple in triples if triple[0] != key]).get(key)
    assert (len(items), len(times)) == (0, 0)


def test_more_items_than_fit_are_refused() -> None:
    assert inverted([(1, MAX_ITEMS - 1, 1)]).get(1)[0].tolist() == [MAX_ITEMS - 1]
    with pytest.raises(ValueError, match="more than"):
        inverted([(1, MAX_ITEMS, 1)])


def test_bm25_is_robertsons() -> None:
    postings = inverted([(1, 0, 2), (1, 1, 1), (2, 1, 3)])
    lengths = np.array([2, 4, 6], np.float32)

    def part(tf: int, length: int, holding: int) -> float:
        weight = math.log(1 + (3 - holding + 0.5) / (holding + 0.5))
        return weight * tf * (K1 + 1) / (tf + K1 * (1 - B + B * length / 4))

    wanted = [part(2, 2, 2), part(1, 4, 2) + 2 * part(3, 4, 1), 0]
    assert bm25(postings, lengths, 3, {1: 1, 2: 2, 9: 1}).tolist() == pytest.approx(wanted, rel=1e-5)


def test_items_that_do_not_count_change_no_score() -> None:
    postings = inverted([(1, 0, 2), (1, 2, 1)])
    with_dead = bm25(postings, np.array([2, 0, 4], np.float32), 2, {1: 1})
    without = bm25(inverted([(1, 0, 2), (1, 1, 1)]), np.array([2, 4], np.float32), 2, {1: 1})
    assert with_dead[[0, 2]].tolist() == without.tolist()


def test_no_chunks_have_no_scores() -> None:
    assert len(bm25(inverted([]), np.zeros(0, np.float32), 0, {1: 1})) == 0


def test_a_word_that_all_hold_says_next_to_nothing() -> None:
    assert 0 < idf(100, 100) < 0.01 < idf(100, 1)
