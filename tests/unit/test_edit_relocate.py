import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Replacement, apply
from kibitz.server.edit.relocate import relocate
from kibitz.server.errors import EditError

LINES = [f"line {number}\n" for number in range(20)]
OLD = "".join(LINES)


@given(st.integers(0, 19), st.sets(st.integers(0, 20), max_size=5))
def test_a_place_is_found_whatever_was_typed_far_from_it(at: int, typed: set[int]) -> None:
    assume(all(place <= at - 3 or place >= at + 4 for place in typed))
    now = "".join(("typed\n" if place in typed else "") + line for place, line in enumerate([*LINES, ""]))
    found = relocate(OLD, now, [Replacement(Span(at, at + 1), "new\n")])
    assert apply(now, found) == now.replace(f"line {at}\n", "new\n")


def test_a_place_that_was_changed_is_refused() -> None:
    with pytest.raises(EditError, match="changed where the edit belongs"):
        relocate(OLD, OLD.replace("line 9\n", "line nine\n"), [Replacement(Span(9, 10), "new\n")])


def test_of_two_like_places_the_one_that_is_left_is_not_taken() -> None:
    twice = "a\nb\nc\n" * 5
    with pytest.raises(EditError, match="changed where the edit belongs"):
        relocate(twice, "x\n" + twice[6:] + "y\n", [Replacement(Span(7, 8), "new\n")])


def test_a_place_that_stands_twice_now_has_to_be_selected() -> None:
    with pytest.raises(EditError, match="stand at lines 10 and 30 now"):
        relocate(OLD, OLD + OLD, [Replacement(Span(9, 10), "new\n")])
