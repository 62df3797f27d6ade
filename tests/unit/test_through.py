"""An answer in hand serves while the user types what it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.completion.through import Held, InHand, Place, first_line, first_word, rest
from tests.fakes.cursor import at_cursor

TEXT = st.text(alphabet="ab(){}\"' \n\r\tü☕", max_size=30)
KEY = ("python", "line")


def held(drawn: str, *texts: str) -> Held:
    return Held(1, Place.of(at_cursor(drawn)), texts, KEY)


@pytest.mark.parametrize(
    ("asked", "text", "now", "left"),
    [
        ("x = ║", "compute(1)", "x = com║", "pute(1)"),
        ("x = ║", "compute(1)", "x = compute(1)║", None),
        ("x = ║", "compute(1)", "x = cam║", None),
        ("x = com║", "pute(1)", "x = c║", "ompute(1)"),
        ("x = com║", "pute(1)", "x = comp║", "ute(1)"),
        ("a\nb║", "c", "a║", None),
        ("x = ║", "compute(1)", "x = compute(║)", "1"),
        ("x = ║", 'f("a")', 'x = f("║")', "a"),
        ("f(║)\ny", "g(1)", "f(g(║))\ny", "1"),
        ("x = ║\ny = 2", "1", "x = ║\ny = 3", None),
        ("if a:║\n", "\n    b()", "if a:\n    ║\n", "b()"),
        ("if a:║\r\n", "\n    b()", "if a:\r\n    ║\r\n", "b()"),
        ("║", "aaa", "a║", "aa"),
    ],
)
def test_what_is_left_to_show(asked: str, text: str, now: str, left: str | None) -> None:
    assert rest(held(asked, text), at_cursor(now)) == left


def test_another_candidate_serves_who_types_it() -> None:
    assert rest(held("x = ║", "one()", "two()"), at_cursor("x = t║")) == "wo()"


@given(TEXT, TEXT, TEXT.filter(lambda text: "\r" not in text), st.data())
def test_typing_what_is_shown_leaves_the_rest(prefix: str, suffix: str, text: str, data: st.DataObject) -> None:
    at = at_cursor(f"{prefix}║{suffix}")
    typed = data.draw(st.integers(0, len(text)))
    now = at_cursor(f"{prefix}{text[:typed]}║{suffix}")
    if not prefix.endswith("\r"):  # a line feed that is typed there joins it
        assert rest(Held(1, Place.of(at), (text,), KEY), now) == (text[typed:] or None)


@given(st.integers(1, 6000), st.integers(1, 6000), st.integers(0, 9))
def test_only_what_is_near_is_compared(before: int, after: int, typed: int) -> None:
    text = "compute(1)"
    at = at_cursor("\n".join("p" * before) + "║" + "\n".join("s" * after))
    far = at_cursor("import os\n" + at.prefix + text[:typed] + "║" + at.suffix + "\nend\n")
    same = at_cursor(at.prefix + text[:typed] + "║" + at.suffix)
    one = Held(1, Place.of(at), (text,), KEY)
    assert rest(one, same) == text[typed:]
    assert (rest(one, far) == text[typed:]) == (before > 1000 and after > 500)


def test_the_newest_answer_that_fits_serves_and_old_ones_go() -> None:
    hand = InHand()
    for number in range(20):
        hand.hold("a", at_cursor("x = ║"), (f"f{number}()",), KEY)
    found = hand.find("a", at_cursor("x = f1║"))
    assert found is not None
    assert found[1] == "9()"
    assert hand.find("b", at_cursor("x = ║")) is None
    assert hand.numbered(1) is None
    hand.forget("a")
    assert hand.find("a", at_cursor("x = ║")) is None


@pytest.mark.parametrize(
    ("text", "word", "line"),
    [
        ("return x\ny", "return", "return x"),
        ("(a, b)", "(a", "(a, b)"),
        ("\n    go()\n    stop()", "\n    go", "\n    go()"),
        ("))", "))", "))"),
        ("_x.y", "_x", "_x.y"),
    ],
)
def test_a_part_is_a_word_or_a_line(text: str, word: str, line: str) -> None:
    assert (first_word(text), first_line(text)) == (word, line)


@given(st.text(max_size=30).filter(bool))
def test_a_part_is_never_empty(text: str) -> None:
    for part in (first_word(text), first_line(text)):
        assert text.startswith(part)
        assert part
