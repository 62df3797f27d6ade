from hypothesis import example, given
from hypothesis import strategies as st

from kibitz.indexer.excerpt import Excerpts, bounds, shown
from kibitz.indexer.lines import split_lines
from kibitz.indexer.read import decode

PARTS = st.sampled_from(["a", "é", "漢", "\n", "\r\n", "\r", "\x0b", "\x85", "\u2028", " "])
DATA = st.lists(PARTS).map("".join).flatmap(
    lambda text: st.sampled_from([text.encode(), b"\xef\xbb\xbf" + text.encode(), text.encode("utf-16")])
) | st.lists(st.sampled_from([b"a", b"\n", b"\xe9", b"\xff"])).map(b"".join)


@given(DATA, st.integers(0, 6), st.integers(0, 6))
@example(b"", 0, 1)
@example(b"a\nb", 1, 2)
@example(b"a\nb\xe9\n", 0, 1)
def test_lines_are_those_of_the_whole_file(data: bytes, start: int, size: int) -> None:
    excerpts, read = Excerpts.of_bytes(data), decode(data)
    assert (excerpts is None) == (read is None)
    if excerpts is not None and read is not None:
        assert excerpts.between(start, start + size) == split_lines(read[0])[start : start + size]
        if excerpts.starts is not None:
            text = shown(data[slice(*bounds(excerpts.starts, start, start + size, len(data)))])
            assert text is None or text == excerpts.shown(start, start + size)


def test_long_lines_are_cut_where_they_are_shown() -> None:
    assert shown(b"x" * 3_000 + b"\ny\n") == "x" * 2_000 + "\ny\n"
    assert shown(b"\xff") is None


def test_the_lines_of_a_text() -> None:
    assert Excerpts.of_text("a\nb\nc").between(1, 9) == ["b\n", "c"]
