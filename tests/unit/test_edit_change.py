from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Edit, Replacement, Target, apply
from kibitz.server.edit.lines import line_end, split_lines, with_line_end

LINES = st.lists(st.sampled_from(["a\n", "b\n", "\n", "  c\n", "d\r\n", "e\r", "f\u2028g\n"]), max_size=12)
TEXTS = st.builds(lambda lines, last: "".join(lines) + last, LINES, st.sampled_from(["", "a", "z"]))


@given(TEXTS, TEXTS)
def test_replacements_make_the_old_text_into_the_new_one(old: str, new: str) -> None:
    assert apply(old, Edit("a.py", old, new).replacements()) == new


@given(TEXTS, TEXTS)
def test_replacements_are_in_order_and_apart(old: str, new: str) -> None:
    spans = [replacement.span for replacement in Edit("a.py", old, new).replacements()]
    assert all(one.end < two.start for one, two in pairwise(spans))
    assert all(span.end <= len(split_lines(old)) for span in spans)


@given(TEXTS)
def test_an_edit_that_changes_nothing_has_no_replacement_and_no_diff(text: str) -> None:
    edit = Edit("a.py", text, text)
    assert edit.replacements() == ()
    assert edit.diff() == ""


@given(TEXTS)
def test_lines_joined_are_the_text(text: str) -> None:
    assert "".join(split_lines(text)) == text


def test_only_the_changed_line_is_replaced() -> None:
    assert Edit("a.py", "one\ntwo\nthree\n", "one\n2\nthree\n").replacements() == (Replacement(Span(1, 2), "2\n"),)


def test_a_diff_marks_a_missing_line_end_on_the_side_that_lacks_it() -> None:
    assert Edit("src/a.txt", "one\ntwo", "one\ntwo\n").diff() == (
        "--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n\\ No newline at end of file\n+two\n"
    )


def test_a_large_rewrite_still_applies() -> None:
    old = "".join(f"line {number % 7}\n" for number in range(3_000))
    new = "".join(f"line {number % 5}\n" for number in range(2_900))
    assert apply(old, Edit("a.txt", old, new).replacements()) == new


def test_a_target_is_what_stands_before_in_and_after_its_span() -> None:
    target = Target("a.py", "1\n2\n3\n4\n", Span(1, 3))
    assert target.parts() == ("1\n", "2\n3\n", "4\n")
    assert not target.whole_file
    assert Target("a.py", "1\n2\n", Span(0, 2)).whole_file


def test_the_line_end_is_the_one_used_most() -> None:
    assert line_end("a\r\nb\r\nc\n") == "\r\n"
    assert line_end("no end") == "\n"
    assert with_line_end("a\r\nb\rc\n", "\n") == "a\nb\nc\n"
