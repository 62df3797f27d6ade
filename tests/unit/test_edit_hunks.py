from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.edit.change import Edit
from kibitz.server.edit.hunks import accept, reject, review
from kibitz.server.edit.lines import split_lines

TEXTS = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n", "d\r\n"]), max_size=14).map("".join)


@given(TEXTS, TEXTS, st.randoms(use_true_random=False))
def test_hunks_taken_in_any_order_make_the_edit(old: str, new: str, random: Random) -> None:
    under = review(Edit("a.py", old, new))
    numbers = [hunk.number for hunk in under.hunks]
    random.shuffle(numbers)
    for number in numbers:
        under = accept(under, [number])
    assert under.text == new
    assert under.pending == ()


@given(TEXTS, TEXTS, st.sets(st.integers(0, 13)))
def test_each_hunk_is_taken_or_left_alone(old: str, new: str, chosen: set[int]) -> None:
    under = review(Edit("a.py", old, new))
    taken = [hunk for hunk in under.hunks if hunk.number in chosen]
    left = [hunk.number for hunk in under.hunks if hunk.number not in chosen]
    decided = reject(accept(under, [hunk.number for hunk in taken]), left)
    lines, at = split_lines(old), 0
    expected: list[str] = []
    for hunk in taken:
        expected += [*lines[at : hunk.span.start], hunk.new]
        at = hunk.span.end
    assert decided.text == "".join([*expected, *lines[at:]])
    assert decided.pending == ()


@given(TEXTS, TEXTS, st.sets(st.integers(0, 13)))
def test_a_pending_hunk_stands_where_it_says(old: str, new: str, chosen: set[int]) -> None:
    under = review(Edit("a.py", old, new))
    under = accept(under, [hunk.number for hunk in under.hunks if hunk.number in chosen])
    lines = split_lines(under.text)
    for hunk in under.pending:
        span = under.span_now(hunk)
        assert "".join(lines[span.start : span.end]) == hunk.old


def test_a_hunk_is_decided_once() -> None:
    under = accept(review(Edit("a.py", "a\n", "b\n")), [0])
    with pytest.raises(ValueError, match="not pending"):
        reject(under, [0])
