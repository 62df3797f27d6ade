"""Files cut at their definitions."""

from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.fold import GAP, folded
from kibitz.indexer.types import Span

SOURCE = '''import os


class Session:
    """A session."""

    def close(self) -> None:
        self.socket.close()

    def open(self) -> None:
        self.socket.open()


def main():
    Session().open()
'''


def test_the_heads_of_all_definitions() -> None:
    assert folded("a.py", SOURCE) == (
        "class Session\n  def close(self) -> None\n  def open(self) -> None\ndef main()\n"
    )


def test_lines_that_are_wanted_are_whole_and_stand_among_the_heads() -> None:
    assert folded("a.py", SOURCE, [Span(9, 11)]) == (
        f"class Session\n  def close(self) -> None\n{GAP}"
        f"    def open(self) -> None:\n        self.socket.open()\n{GAP}def main()\n"
    )


def test_a_file_in_no_known_language_has_only_its_wanted_lines() -> None:
    assert folded("a.unknown", "one\ntwo\nthree") == ""
    assert folded("a.unknown", "one\ntwo\nthree", [Span(2, 3)]) == f"{GAP}three"


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted), max_size=6))
def test_every_wanted_line_is_there_once_in_order(spans: list[list[int]]) -> None:
    rows = SOURCE.splitlines(keepends=True)
    wanted = {row for start, end in spans for row in range(start, min(end, len(rows)))}
    lines = folded("a.unknown", SOURCE, [Span(start, end) for start, end in spans]).splitlines(keepends=True)
    assert [line for line in lines if line != GAP] == [rows[row] for row in sorted(wanted)]
