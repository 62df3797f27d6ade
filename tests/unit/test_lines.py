"""Lines worked out all at once are those that one gets one by one."""

from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.lines import MAX_LINE_CHARS, Lines, split_lines, to_source

ODD = st.text(
    alphabet=st.sampled_from(list("ab \n\r\t\f\x0b\x1c\x85\u2028\ufeffé日🎈\ud800")), min_size=1, max_size=200
)


@given(ODD | st.text(min_size=1))
def test_lines_are_those_that_end_at_a_line_break(text: str) -> None:
    lines = Lines(text, to_source(text))
    expected = split_lines(text)
    assert [lines[row] for row in range(len(lines))] == expected
    assert lines.join(0, len(lines)) == text
    assert list(lines.starts) == [
        len("".join(expected[:row]).encode("utf-8", "replace")) for row in range(len(expected) + 1)
    ]


@given(st.text(alphabet="ab \n\r\té日🎈", min_size=1))
def test_a_line_weighs_what_is_not_blank_in_it(text: str) -> None:
    lines = Lines(text, to_source(text))
    expected = split_lines(text)
    for row, line in enumerate(expected):
        assert lines.weight(row, row + 1) == max(len("".join(line.split())), len(line) // 4, 1)
        assert bool(lines.blank[row]) == (not line.strip())
        assert bool(lines.flush[row]) == (not line[0].isspace())
    assert lines.weight(0, len(lines)) == sum(lines.weight(row, row + 1) for row in range(len(lines)))


@given(st.lists(st.integers(0, 2 * MAX_LINE_CHARS), min_size=1, max_size=5), st.sampled_from("xé🎈"))
def test_a_long_line_is_cut_and_weighs_what_is_left_of_it(lengths: list[int], letter: str) -> None:
    text = "".join(letter * length + "\n" for length in lengths)
    lines = Lines(text, to_source(text))
    assert lines.join(0, len(lines)) == "".join((letter * length + "\n")[:MAX_LINE_CHARS] for length in lengths)
    assert lines.weight(0, len(lines)) == sum(max(min(length, MAX_LINE_CHARS), 1) for length in lengths)
