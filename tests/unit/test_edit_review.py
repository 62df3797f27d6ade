"""Changes that wait: whatever is typed round them and whatever is decided first, the text is the one that was meant."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Replacement, apply
from kibitz.server.edit.review import Pending, followed, pending_of, still_there


@dataclass
class Text:
    """A document of whole lines, and the changes that wait in it as the program follows them."""

    lines: list[str]
    waiting: tuple[Pending, ...] = ()

    def replace(self, start: int, end: int, new: list[str]) -> None:
        self.lines[start:end] = new
        self.waiting = followed(self.waiting, (start, 0), (end, 0), "".join(new))


@dataclass
class Piece:
    """What the model of the document is made of: lines that nobody decides on, or a change."""

    lines: list[str]
    old: list[str] = field(default_factory=list)
    number: int | None = None


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\r\n", "\n"]), max_size=3)


@st.composite
def edited(draw: st.DrawFn) -> list[Piece]:
    """Lines with changes between them; no two changes touch, as in an edit."""
    pieces = [Piece(draw(LINES.filter(bool)))]
    for number in range(1, draw(st.integers(1, 4)) + 1):
        old, new = draw(st.tuples(LINES, LINES).filter(lambda both: both[0] != both[1]))
        pieces += [Piece(new, old, number), Piece(draw(LINES.filter(bool)))]
    return pieces


@given(edited(), st.data())
def test_the_text_is_what_was_decided_and_typed(pieces: list[Piece], data: st.DataObject) -> None:
    before = "".join(line for piece in pieces for line in (piece.old if piece.number else piece.lines))
    replacements, at = [], 0
    for piece in pieces:
        if piece.number:
            replacements.append(Replacement(Span(at, at + len(piece.old)), "".join(piece.lines)))
        at += len(piece.old if piece.number else piece.lines)
    after = apply(before, replacements)
    text = Text([line for piece in pieces for line in piece.lines], pending_of(before, replacements, 1))
    assert "".join(text.lines) == after
    for _ in range(data.draw(st.integers(0, 12))):
        number = data.draw(st.integers(0, len(pieces) - 1))
        piece = pieces[number]
        start = sum(len(each.lines) for each in pieces[:number])
        if piece.number is None:  # type something between the changes
            place = data.draw(st.integers(1, len(piece.lines)))  # before the first, where lines are gone, is both sides
            typed = data.draw(LINES)
            piece.lines[place:place] = typed
            text.replace(start + place, start + place, typed)
        elif data.draw(st.booleans()):  # accept
            text.waiting = tuple(each for each in text.waiting if each.number != piece.number)
            piece.number = None
            piece.lines = piece.lines or ["kept\n"]
            if piece.lines == ["kept\n"]:
                text.replace(start, start, ["kept\n"])
        else:  # reject
            (change,) = (each for each in text.waiting if each.number == piece.number)
            assert change.start == start
            assert "".join(text.lines[change.span.start : change.span.end]) == change.new
            text.replace(change.span.start, change.span.end, list(piece.old))
            text.waiting = tuple(each for each in text.waiting if each.number != piece.number)
            piece.lines, piece.number = list(piece.old) or ["back\n"], None
            if not piece.old:
                text.replace(start, start, ["back\n"])
        assert text.lines == [line for each in pieces for line in each.lines]
        assert {each.number for each in text.waiting} == {each.number for each in pieces if each.number}
        assert still_there(text.waiting, text.lines) == text.waiting


def one(new: str = "x\ny\n") -> tuple[Pending, ...]:
    return (Pending(1, 5, "old\n", new),)


def test_what_is_typed_within_a_change_makes_it_the_users_own() -> None:
    assert followed(one(), (5, 2), (5, 2), "z") == ()
    assert followed(one(), (6, 0), (6, 0), "z\n") == ()
    assert followed(one(), (4, 3), (5, 0), "") == ()  # its first line joins the one above
    assert followed(one(), (5, 0), (5, 0), "z") == ()  # a letter before its first
    assert followed(one(), (0, 0), (9, 0), "all\n") == ()


def test_what_is_typed_above_and_below_moves_it_or_not() -> None:
    assert followed(one(), (5, 0), (5, 0), "z\n")[0].start == 6
    assert followed(one(), (2, 0), (4, 0), "")[0].start == 3
    assert followed(one(), (4, 9), (4, 9), "\n\n")[0].start == 7
    assert followed(one(), (7, 0), (7, 0), "z\n")[0].start == 5
    assert followed(one(""), (5, 0), (5, 0), "z")[0].start == 5


@pytest.mark.parametrize(
    ("before", "start", "end", "text", "after"),
    [
        (["a\n", "c\n"], (1, 0), (1, 0), "b\n", ["a\n", "b\n", "c\n"]),
        (["a\n", "bar\n"], (1, 2), (1, 2), "z\nba", ["a\n", "baz\n", "bar\n"]),  # told as the fewest characters
        (["a\n", "b\n"], (2, 0), (2, 0), "b\n", ["a\n", "b\n", "b\n"]),  # told behind its like
    ],
)
def test_lines_that_were_taken_out_and_are_back_wait_no_longer(
    before: list[str], start: tuple[int, int], end: tuple[int, int], text: str, after: list[str]
) -> None:
    taken = (Pending(1, 1, after[1], ""),)
    assert still_there(taken, before) == taken
    assert followed(taken, start, end, text, after) == ()


def test_other_lines_that_come_where_some_were_taken_out_move_it() -> None:
    taken = (Pending(1, 1, "b\n", ""),)
    assert followed(taken, (1, 0), (1, 0), "x\n", ["a\n", "x\n", "c\n"])[0].start == 2


def test_what_no_longer_stands_where_it_should_is_left_out() -> None:
    lines = ["0\n"] * 5 + ["x\n", "y\n"]
    assert still_there(one(), lines) == one()
    assert still_there(one(), lines[1:]) == ()
