"""Where an answer goes on: nothing is said twice, nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.chat.seam import LEAST_CHARS, Seam, overlap


def joined(before: str, pieces: list[str]) -> str:
    seam = Seam(before)
    return "".join([*map(seam.feed, pieces), seam.rest()])


def test_what_is_said_again_is_left_out() -> None:
    before = "First the pool is drained, then the"
    assert joined(before, ["drained, ", "then the", " socket is closed."]) == " socket is closed."


def test_a_line_that_begins_again_is_left_out_whole() -> None:
    assert joined("a\n}\n", ["}\n", "b"]) == "b"


def test_a_few_characters_may_be_the_same_by_chance() -> None:
    assert joined("the cat", [" at the", " cat"]) == " at the cat"
    assert joined("It is a", ["a b"]) == "a b"


TEXT = st.text("ab \n", max_size=60)


@given(TEXT, st.lists(st.text("ab \n", max_size=8), max_size=10))
def test_what_comes_out_is_what_went_in_less_one_overlap(before: str, pieces: list[str]) -> None:
    after = "".join(pieces)
    given = joined(before, pieces)
    cut = len(after) - len(given)
    assert after[cut:] == given
    assert cut == overlap(before, after)
    assert before.endswith(after[:cut])


@given(st.text("abc", min_size=LEAST_CHARS, max_size=80), st.integers(LEAST_CHARS, 80), TEXT)
def test_a_long_repetition_never_stays(before: str, length: int, rest: str) -> None:
    again = before[-length:]
    assert len(joined(before, [again, rest])) <= len(rest)
