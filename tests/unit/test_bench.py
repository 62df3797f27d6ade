"""What the retrieval benchmarks rest on: questions, their answers' places, the measures and their comparison."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.commits import ndcg, recall
from tests.bench.lines import is_on, overlaps, reciprocal_rank
from tests.bench.make_commits import wording
from tests.bench.questions import Question, questions_of, strip
from tests.bench.significance import paired

PYTHON = '''\
import os

@cached
def read(path):
    """Read a file from the disk at once.

    More of it.
    """
    with open(path) as file:
        return file.read()

class Shop:
    def close(self):
        """Close the shop for the night."""

    def open(self):
        if self.closed:
            """No documentation."""
            self.closed = False
        return self
'''

GO = """\
package shop

// Open unlocks the doors and turns on the lights.
// It never fails.
func (s *Shop) Open(at int) bool {
	s.doors = unlocked
	return true
}

var price = 1 /* in cents */
func (s *Shop) Close(at int) bool {
	return false
}
"""


@pytest.mark.parametrize(
    ("source", "language", "asked", "answer"),
    [
        (PYTHON, "python", "Read a file from the disk at once", "@cached\ndef read(path):\n    with open"),
        (GO, "go", "unlocks the doors and turns on the lights", "func (s *Shop) Open(at int) bool {\n\ts.doors"),
    ],
)
def test_the_first_sentence_asks_for_the_lines_of_its_function(
    source: str, language: str, asked: str, answer: str
) -> None:
    text, functions = strip(source, language, "shop")
    (question,) = questions_of(functions, [text])
    assert question.text == asked
    lines = text.split("\n")[question.start : question.end]
    assert "\n".join(lines).startswith(answer)
    assert asked.rsplit(maxsplit=1)[-1] not in text


def test_what_is_no_documentation_stays() -> None:
    assert '"""No documentation."""' in strip(PYTHON, "python", "shop.py")[0]
    assert "    def close(self):\n        pass\n" in strip(PYTHON, "python", "shop.py")[0]
    assert "var price = 1 /* in cents */" in strip(GO, "go", "shop.go")[0]


def test_a_sentence_that_stands_elsewhere_asks_for_nothing() -> None:
    text, functions = strip(PYTHON, "python", "shop.py")
    assert not questions_of(functions, [text, "# Read a file,\n# from the disk at once!"])
    assert not questions_of([*functions, *functions], [text])


@pytest.mark.parametrize(
    ("subject", "asked"),
    [
        ("fix(parser): keep the last line of a file (#12)", "keep the last line of a file"),
        ("[SHOP-12] Close doors that stand open (fixes #3)", "Close doors that stand open"),
        ("printer: show the names of all columns", "printer: show the names of all columns"),
        ("keep `close()` from failing twice", "keep `close()` from failing twice"),
        ("docs: say how doors are closed at night", ""),
        ("Bump the version of the door to 2.0", ""),
        ("Close doors", ""),
    ],
)
def test_a_subject_is_a_question_without_its_numbers(subject: str, asked: str) -> None:
    assert wording(subject) == asked


@given(st.lists(st.sampled_from("abcdefghijklmnop"), unique=True), st.sets(st.sampled_from("abcdefgh"), min_size=1))
def test_measures_are_shares_and_one_only_for_all_in_front(found: list[str], wanted: set[str]) -> None:
    relevant = sorted(wanted)
    for measure in (recall, ndcg):
        assert 0 <= measure(found, relevant) <= 1 + 1e-9
        assert measure(relevant, relevant) == pytest.approx(1)
    assert math.isclose(ndcg(found, relevant), 1) == (set(found[: len(relevant)]) == wanted)


@pytest.mark.parametrize(
    ("place", "touches", "stands_on"),
    [
        (("a", 0, 11), True, False),
        (("a", 8, 14), True, True),
        (("a", 12, 13), True, True),
        (("b", 12, 13), False, False),
    ],
)
def test_a_hit_is_right_when_it_overlaps_and_strictly_when_it_is_on(
    place: tuple[str, int, int], touches: bool, stands_on: bool
) -> None:
    question = Question("", "a", 10, 20)
    rights: list[tuple[Callable[[Question, tuple[str, int, int]], bool], bool]] = [
        (overlaps, touches),
        (is_on, stands_on),
    ]
    for right, wanted in rights:
        assert right(question, place) == wanted
        assert reciprocal_rank(question, [("c", 10, 20), place], right) == (0.5 if wanted else 0.0)


def test_a_difference_lies_between_its_bounds_and_has_a_sign() -> None:
    ours = {"a": [1.0, 0.5], "b": [0.5], "c": [1.0]}
    theirs = {"a": [0.5, 0.5], "b": [0.25], "c": [0.5]}
    found = paired(ours, theirs)
    assert 0 < found.low <= found.mean <= found.high
    assert found.mean == pytest.approx((0.25 + 0.25 + 0.5) / 3)
    assert paired(theirs, ours).mean == pytest.approx(-found.mean)
    with pytest.raises(ValueError, match="same questions"):
        paired(ours, {"a": [1.0]})
