"""Words with a slip in them."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from kibitz.indexer.spelling import respelt, slips
from kibitz.indexer.terms import stem, term_id

HELD = {"authentication": 4, "connection": 9, "collection": 2, "receive": 3, "retry": 5}


def sizes(ids: Sequence[int]) -> NDArray[np.int64]:
    known = {term_id(stem(word)): count for word, count in HELD.items()}
    return np.array([known.get(one, 0) for one in ids], np.int64)


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("where is authentcation done", "where is authentication done"),
        ("how we recieve data", "how we receive data"),
        ("Conneciton", "connection"),
        ("connections", "connections"),
        ("where is connection", "where is connection"),
        ("retyr", "retyr"),
        ("kubernetes", "kubernetes"),
    ],
)
def test_a_word_that_nothing_holds_is_read_as_the_one_a_slip_away(asked: str, meant: str) -> None:
    assert respelt(asked, sizes) == meant


@given(st.text("abc", min_size=2, max_size=4), st.data())
def test_each_slip_can_be_taken_back(word: str, data: st.DataObject) -> None:
    slipped = data.draw(st.sampled_from(list(slips(word))))
    assert word in set(slips(slipped))


@given(st.text(max_size=60))
def test_any_question_can_be_read(question: str) -> None:
    assert isinstance(respelt(question, sizes), str)
