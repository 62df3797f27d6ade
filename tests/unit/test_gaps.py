import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.gaps import decode, encode

NUMBERS = st.integers(0, 300) | st.integers(0, 2**21 - 1) | st.sampled_from([127, 128, 2**14 - 1, 2**14])
LISTS = st.lists(st.sets(NUMBERS, min_size=1, max_size=6).map(sorted), max_size=6)


@given(LISTS)
def test_lists_come_back_as_they_were_encoded(lists: list[list[int]]) -> None:
    numbers = np.array([number for each in lists for number in each], np.int64)
    data, lengths = encode(numbers, np.array([len(each) for each in lists], np.int64))
    assert lengths.sum() == len(data)
    ends = np.cumsum(lengths).tolist()
    for each, end, length in zip(lists, ends, lengths.tolist(), strict=True):
        assert np.cumsum(decode(data[end - length : end])).tolist() == each
    gaps = [b - a for each in lists for a, b in zip([0, *each], each, strict=False)]
    assert decode(data).tolist() == gaps
    assert lengths.tolist() == [
        sum(1 + (b - a >= 1 << 7) + (b - a >= 1 << 14) for a, b in zip([0, *e], e, strict=False)) for e in lists
    ]
