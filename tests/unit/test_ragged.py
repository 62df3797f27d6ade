from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.ragged import begins, counted, offsets_of, ranges, rows

SIZES = st.lists(st.integers(0, 4), max_size=8)
TRIPLES = st.lists(
    st.tuples(
        st.integers(0, 2) | st.integers(0, 2**16 - 1),
        st.integers(0, 2) | st.integers(0, 2**32 - 1),
        st.integers(1, 2**16 - 1),
    )
)


def ints(values: list[int]) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(values, np.int64)


@given(SIZES)
def test_offsets_say_where_rows_begin(sizes: list[int]) -> None:
    assert offsets_of(sizes).tolist() == [sum(sizes[:at]) for at in range(len(sizes) + 1)]


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 4)), max_size=8))
def test_ranges_are_those_of_a_loop(spans: list[tuple[int, int]]) -> None:
    starts, sizes = [start for start, _ in spans], [size for _, size in spans]
    wanted = [start + at for start, size in spans for at in range(size)]
    assert ranges(ints(starts), ints(sizes)).tolist() == wanted


@given(SIZES.filter(bool), st.data())
def test_rows_are_those_of_a_loop(sizes: list[int], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=8))
    offsets = offsets_of(sizes)
    got, places = rows(offsets.astype(np.uint32), ints(wanted))
    assert got.tolist() == [sizes[row] for row in wanted]
    assert places.tolist() == [at for row in wanted for at in range(offsets[row], offsets[row + 1])]


@given(st.lists(st.integers(0, 3)))
def test_a_run_begins_where_the_number_before_is_another(values: list[int]) -> None:
    values.sort()
    wanted = [at for at, value in enumerate(values) if at == 0 or values[at - 1] != value]
    assert begins(ints(values)).tolist() == wanted


@given(TRIPLES)
def test_equal_pairs_are_counted_together(triples: list[tuple[int, int, int]]) -> None:
    wanted: Counter[tuple[int, int]] = Counter()
    for group, value, times in triples:
        wanted[group, value] += times
    columns = [ints([triple[at] for triple in triples]) for at in range(3)]
    groups, values, sums = (column.tolist() for column in counted(*columns))
    assert list(zip(groups, values, strict=True)) == sorted(wanted)
    assert sums == [wanted[pair] for pair in sorted(wanted)]
