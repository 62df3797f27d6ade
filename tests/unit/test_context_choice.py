"""Which lines of other files a completion is shown: cells, likely names, and the choice between them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.server.completion.choose import choose
from kibitz.server.completion.enclosing import heads
from kibitz.server.completion.likely import WEIGHTS, Place, Source, Sources, features, likelihoods
from kibitz.server.completion.wordbook import CELL_LINES, Wordbook, read
from tests.fakes.cursor import at_cursor

ROWS = st.sampled_from(
    ["", "   ", "alpha.beta(gamma)", "alpha = delta", "  return epsilon", "x", "zeta->eta", "ÄÖÜ = 1"]
)
TEXTS = st.lists(ROWS, max_size=40).map("\n".join)

LIKE = """\
def save(self, record):
    with self.locked() as table:
        table.append_row(record)
        table.flush_pages()
"""
UNLIKE = """\
def draw(canvas, colour):
    for pixel in canvas.pixels():
        pixel.paint_over(colour)
"""
AT = at_cursor("def store(self, record):\n    with self.locked() as table:\n        ║\n        table.flush_pages()\n")


@settings(deadline=None)
@given(TEXTS)
def test_cells_hold_every_line_with_something_on_it_once_and_each_of_its_words(written: str) -> None:
    book = Wordbook()
    text = read(written, book)
    bounds = text.bounds.tolist()
    assert bounds == sorted(set(bounds))
    full = [at for at, row in enumerate(text.rows) if row.strip()]
    assert all(bounds[0] <= at < bounds[-1] for at in full) or not full
    for start, end in pairwise(bounds):
        assert 1 <= sum(bool(row.strip()) for row in text.rows[start:end]) <= CELL_LINES
    of_cells = text.cell_words.tolist()
    assert set(of_cells) == set(text.words.tolist()) == set(text.known.tolist())
    assert text.cell_offsets.tolist()[-1:] == [len(of_cells)] or not full
    assert len(text.tokens) == len(bounds) - 1


def test_a_word_is_the_same_in_every_text_and_a_member_where_it_stands_behind_a_dot() -> None:
    book = Wordbook()
    one, other = read("first.second", book), read("second", book)
    assert set(other.words.tolist()) < set(one.words.tolist())
    assert one.members.tolist() == other.words.tolist()


def made(*texts: str) -> tuple[Sources, Wordbook]:
    book = Wordbook()
    return Sources.of([Source(f"{at}.py", read(text, book)) for at, text in enumerate(texts)]), book


def test_a_name_of_lines_like_those_at_the_cursor_is_likelier() -> None:
    sources, book = made(LIKE, UNLIKE)
    likely = likelihoods(Place.of(AT), sources, book)
    append, paint, known = (likely[book.numbers([name])[0]] for name in ("append_row", "paint_over", "table"))
    assert append > paint > 0
    assert known == 0, "it stands at the cursor already"


def test_what_is_shown_already_is_not_wanted() -> None:
    sources, book = made(LIKE)
    likely = likelihoods(Place.of(AT), sources, book, ["append_row"])
    assert likely[book.numbers(["append_row"])[0]] == 0


def test_every_feature_has_a_weight_and_a_value_for_each_word() -> None:
    sources, book = made(LIKE, UNLIKE, "")
    known, columns = features(Place.of(AT), sources, book)
    assert columns.keys() == WEIGHTS.keys()
    assert all(len(column) == len(known) and np.isfinite(column).all() for column in columns.values())


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=4), st.integers(0, 200))
def test_what_is_chosen_fits_and_stands_in_its_text_in_order(texts: list[str], budget: int) -> None:
    sources, book = made(*texts)
    likely = likelihoods(Place.of(AT), sources, book)
    used = 0.0
    for one in choose(sources, likely, budget):
        ends = [place for span in one.spans for place in span]
        assert ends == sorted(ends)
        assert all(start < end for start, end in one.spans)
        assert ends[-1] <= len(one.source.text.rows)
        used += sum(
            len(row.strip()) / 3.6 + 1 for a, b in one.spans for row in one.source.text.rows[a:b] if row.strip()
        )
    assert used <= budget


def test_the_same_lines_are_not_shown_twice() -> None:
    sources, book = made(LIKE, LIKE)
    assert len(choose(sources, likelihoods(Place.of(AT), sources, book), 500)) == 1


def test_nothing_is_chosen_of_nothing() -> None:
    sources, book = made()
    assert choose(sources, likelihoods(Place.of(AT), sources, book), 500) == []


@pytest.mark.parametrize(
    ("drawn", "found"),
    [
        (
            "class A:\n    x = 1\n\n    def f(self):\n        if y:\n            ║",
            ["class A:", "    def f(self):", "        if y:"],
        ),
        ("int f(void)\n{\n    g();\n    ║", ["int f(void)"]),
        ("def f():\n    pass\n║", []),
        ("║", []),
    ],
)
def test_what_a_cursor_is_inside_of_is_told_by_indentation(drawn: str, found: list[str]) -> None:
    *above, line = drawn.split("\n")
    assert [above[at] for at in heads(above, len(line) - 1)] == found
