"""The order of hits after the second stage: the same hits, and never against both stages."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.rank import Scores
from kibitz.indexer.rerank import blend, reorder
from kibitz.indexer.types import Chunk, Hit, Span

SCORE = st.floats(-100, 100, width=32)
WEIGHT = st.floats(0, 1)
PAIRS = st.lists(st.tuples(SCORE, st.one_of(SCORE, st.just(float("nan")))), max_size=12)


def array(values: list[float]) -> Scores:
    return np.array(values, np.float32)


def hits(scores: list[float]) -> list[Hit]:
    """Hits with these scores, best first, each with a path of its own."""
    falling = sorted(scores, reverse=True)
    return [Hit(Chunk(f"{n}.py", Span(0, 1), "x"), score, ("lexical",)) for n, score in enumerate(falling)]


def paths(found: list[Hit]) -> list[str]:
    return [hit.chunk.path for hit in found]


@given(PAIRS, st.lists(SCORE, max_size=5), WEIGHT)
def test_the_hits_are_the_same_and_scores_fall_as_before(
    pairs: list[tuple[float, float]], more: list[float], weight: float
) -> None:
    before = hits([score for score, _ in pairs] + more)
    after = reorder(before, array([second for _, second in pairs]), weight)
    assert sorted(paths(after)) == sorted(paths(before))
    assert [hit.score for hit in after] == [hit.score for hit in before]
    assert after[len(pairs) :] == before[len(pairs) :]


@given(PAIRS)
def test_a_second_stage_without_weight_changes_nothing(pairs: list[tuple[float, float]]) -> None:
    before = hits([score for score, _ in pairs])
    assert reorder(before, array([second for _, second in pairs]), 0.0) == before


@given(st.lists(SCORE, max_size=12), SCORE, WEIGHT)
def test_where_the_second_stage_makes_no_difference_neither_does_the_order(
    scores: list[float], same: float, weight: float
) -> None:
    before = hits(scores)
    assert reorder(before, array([same] * len(scores)), weight) == before


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=12), WEIGHT)
def test_who_is_better_in_both_stages_stays_better(pairs: list[tuple[int, int]], weight: float) -> None:
    blended = blend(array([first for first, _ in pairs]), array([second for _, second in pairs]), weight)
    for (first, second), score in zip(pairs, blended, strict=True):
        for (other_first, other_second), other in zip(pairs, blended, strict=True):
            if first >= other_first and second >= other_second:
                assert score >= other - 1e-5


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=2, max_size=12), WEIGHT)
def test_the_second_stages_scale_does_not_matter(pairs: list[tuple[int, int]], weight: float) -> None:
    first, second = (array([pair[n] for pair in pairs]) for n in (0, 1))
    assert np.allclose(blend(first, second, weight), blend(first, second * 7 + 1000, weight), atol=1e-3)


def test_an_item_that_was_not_shown_keeps_its_standing() -> None:
    first = array([3, 2, 1])
    blended = blend(first, array([1, float("nan"), 9]), 0.5)
    assert blended[1] == blend(first, first, 0.0)[1]


def test_the_second_stage_alone_orders_with_all_the_weight() -> None:
    assert paths(reorder(hits([5, 4, 3, 2]), array([0.1, 0.9, 0.5]), 1.0)) == ["1.py", "2.py", "0.py", "3.py"]
