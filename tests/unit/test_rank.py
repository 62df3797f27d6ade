import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.rank import (
    Ids,
    Scores,
    best_and_mean,
    best_of,
    blend,
    largest,
    least_of,
    order_of,
    pick,
    relative,
    softmax,
    sum_of_best,
)


def scores(*values: float) -> Scores:
    return np.array(values, np.float32)


def first(*values: int) -> Ids:
    return np.array(values, np.int64)


SCORES = st.lists(st.integers(0, 9).map(float), min_size=1, max_size=12)


def test_the_best_chunks_of_a_file_add_up() -> None:
    assert sum_of_best(scores(1, 3, 2, 0, 5), first(0, 3, 4, 5), best=2).tolist() == [5, 0, 5]


@given(SCORES, st.integers(1, 4), st.data())
def test_sums_are_those_of_a_plain_loop(values: list[float], best: int, data: st.DataObject) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(values)), max_size=4))
    bounds = [0, *sorted(cuts), len(values)]
    wanted = [sum(sorted(values[a:b], reverse=True)[:best]) for a, b in itertools.pairwise(bounds)]
    assert sum_of_best(scores(*values), first(*bounds), best).tolist() == wanted


def test_a_file_has_its_best_chunk_and_its_mean() -> None:
    assert best_and_mean(scores(1, 3, 4), first(0, 2, 3), 0.5).tolist() == [2.5, 4]


def test_blending_puts_first_what_both_legs_put_first() -> None:
    blended = blend([scores(5, 3, 1), scores(9, 1, 4)])
    assert blended[0] == 1
    assert order_of(blended)[0] == 0


def test_what_a_leg_did_not_find_gets_nothing_from_it() -> None:
    assert blend([scores(0, 2), scores(0, 1)]).tolist() == [0, 1]


@given(SCORES)
def test_one_leg_alone_keeps_its_order(values: list[float]) -> None:
    assert order_of(blend([scores(*values)])).tolist() == order_of(scores(*values)).tolist()


@given(SCORES, st.sampled_from([2, 4, 1024]))
def test_blending_does_not_depend_on_the_scale_of_a_leg(values: list[float], factor: int) -> None:
    leg, other = scores(*values), scores(*values[::-1])
    assert blend([leg, other]).tolist() == blend([leg * factor, other]).tolist()


def test_few_others_reach_the_least_of_the_best() -> None:
    assert least_of(scores(3, 0, 5, 4), 2) == 4
    assert least_of(scores(3, -1), 5) == 0


def test_relative_scores_are_shares_of_the_highest() -> None:
    assert relative(scores(1, 4, -1)).tolist() == [0.25, 1, 0]
    assert relative(scores(0, 0)).tolist() == [0, 0]


def test_equal_scores_keep_the_order_of_their_ids() -> None:
    assert order_of(scores(1, 2, 2, 3)).tolist() == [3, 1, 2, 0]


def test_each_file_shows_its_best_chunk() -> None:
    shown = list(pick(scores(1, 2), scores(0.4, 0.6, 0.1, 0.9), first(2, 2), per_file=1))
    assert shown == [(3, 2.0), (1, 1.0)]


def test_a_chunk_that_may_not_be_shown_is_not() -> None:
    assert list(pick(scores(1, 2), scores(0, 1), first(1, 1), per_file=1)) == [(1, 2.0)]


def test_a_files_second_chunk_stands_behind_what_is_as_sure() -> None:
    shown = list(pick(scores(0.6, 0.2, 0.01), scores(0.5, 0.5, 1, 1), first(2, 1, 1), per_file=2))
    assert [number for number, _ in shown] == [0, 2, 1, 3]


@given(SCORES, st.integers(1, 3))
def test_shown_scores_never_rise(values: list[float], per_file: int) -> None:
    sizes, chunks = first(*[2] * len(values)), np.repeat(scores(*values), 2)
    shown = list(pick(scores(*values), chunks, sizes, per_file=per_file))
    assert [score for _, score in shown] == sorted((score for _, score in shown), reverse=True)
    assert len({number for number, _ in shown}) == len(shown)


def test_pick_wants_no_more_of_a_file_than_it_has() -> None:
    assert pytest.approx([1.0]) == [score for _, score in pick(scores(1), scores(3), first(1), per_file=4)]


@given(st.lists(st.lists(st.floats(-5, 5, width=32), min_size=1, max_size=5), min_size=1, max_size=5))
def test_the_shares_of_a_row_are_one_in_all_and_in_the_order_of_its_scores(rows: list[list[float]]) -> None:
    offsets = first(0, *itertools.accumulate(map(len, rows)))
    shares = softmax(scores(*itertools.chain(*rows)), offsets)
    for row, start, end in zip(rows, offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        assert shares[start:end].sum() == pytest.approx(1, rel=1e-4)
        assert shares[start:end][int(np.argmax(row))] == shares[start:end].max()


def test_what_may_not_be_shown_has_no_share() -> None:
    assert softmax(scores(1, -np.inf, -np.inf), first(0, 2, 3)).tolist() == [1, 0, 0]


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.integers(1, 12), st.integers(1, 400))
def test_the_largest_are_found_block_by_block_as_by_sorting(values: list[int], count: int, times: int) -> None:
    scores = np.array(values * times, np.float32) + np.arange(len(values) * times, dtype=np.float32) % 7
    count = min(count, len(scores))
    assert largest(scores, count) == np.sort(scores)[-count]
    assert best_of(scores, count).tolist() == order_of(scores)[:count].tolist()
