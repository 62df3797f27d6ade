"""What was done lately: documents and changes, at the price of what a key changes."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.completion.recent import MOST_DOCUMENTS, MOST_EDIT_LINES, MOST_EDITS, Recent, Replaced

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n"]), max_size=6)


def text() -> str:
    return ""


@st.composite
def typed(draw: st.DrawFn) -> tuple[list[str], list[Replaced]]:
    """A document, and changes that fit it one after the other."""
    now = before = draw(LINES)
    changes: list[Replaced] = []
    for _ in range(draw(st.integers(0, 6))):
        first = draw(st.integers(0, len(now)))
        end = draw(st.integers(first, len(now)))
        new = tuple(draw(LINES))
        changes.append(Replaced(first, tuple(now[first:end]), new))
        now = [*now[:first], *new, *now[end:]]
    return before, changes


@given(typed())
def test_two_changes_that_touch_are_one_that_does_the_same(made: tuple[list[str], list[Replaced]]) -> None:
    before, changes = made
    for one, other in pairwise(changes):
        after = [*before[: one.first], *one.new, *before[one.first + len(one.old) :]]
        end = [*after[: other.first], *other.new, *after[other.first + len(other.old) :]]
        both = one.then(other)
        if both is not None:
            assert tuple(before[both.first : both.first + len(both.old)]) == both.old
            assert [*before[: both.first], *both.new, *before[both.first + len(both.old) :]] == end
        before = after


@given(typed())
def test_every_change_stands_where_its_lines_are_now(made: tuple[list[str], list[Replaced]]) -> None:
    now, changes = made
    recent = Recent()
    for change in changes:
        now = [*now[: change.first], *change.new, *now[change.first + len(change.old) :]]
        recent.changed("a.py", text, [change])
    for edit in recent.edits():
        added = [line[1:] for line in edit.text.splitlines(keepends=True) if line.startswith("+")]
        assert now[edit.start_line - 1 : edit.start_line - 1 + len(added)] == added


def test_keys_in_a_row_are_one_change_and_one_elsewhere_is_another() -> None:
    recent = Recent()
    for old, new in (("x = 1\n", "x = 12\n"), ("x = 12\n", "x = 123\n")):
        recent.changed("a.py", text, [Replaced(4, (old,), (new,))])
    recent.changed("a.py", text, [Replaced(0, (), ("import os\n",))])
    recent.changed("b.py", text, [Replaced(9, ("old()\n",), ("new()\n",))])
    assert [(one.path, one.start_line, one.text) for one in recent.edits()] == [
        ("a.py", 6, "-x = 1\n+x = 123\n"),
        ("a.py", 1, "+import os\n"),
        ("b.py", 10, "-old()\n+new()\n"),
    ]


def test_what_was_undone_is_no_change() -> None:
    recent = Recent()
    recent.changed("a.py", text, [Replaced(0, ("a\n",), ("b\n",)), Replaced(0, ("b\n",), ("a\n",))])
    assert recent.edits() == []


def test_a_document_replaced_as_a_whole_is_the_lines_that_differ() -> None:
    before = tuple(f"{number}\n" for number in range(1_000))
    recent = Recent()
    recent.changed("a.py", text, [Replaced(0, before, (*before[:500], "new\n", *before[501:]))])
    assert [one.text for one in recent.edits()] == ["-500\n+new\n"]


def test_large_changes_and_old_ones_are_forgotten() -> None:
    recent = Recent()
    recent.changed("a.py", text, [Replaced(0, (), ("pasted\n",) * (MOST_EDIT_LINES + 1))])
    assert recent.edits() == []
    for number in range(MOST_EDITS + 3):
        recent.changed(f"{number}.py", text, [Replaced(0, (), ("x\n",))])
    assert [one.path for one in recent.edits()] == [f"{number}.py" for number in range(3, MOST_EDITS + 3)]


def test_the_documents_come_with_their_texts_the_newest_last_and_not_all() -> None:
    recent = Recent()
    for number in range(MOST_DOCUMENTS + 2):
        recent.opened(f"{number}.py", lambda number=number: f"text {number}")  # type: ignore[misc]
    recent.changed("5.py", lambda: "newer", [])
    recent.closed("7.py")
    documents = recent.documents("3.py")
    assert documents[-1] == ("5.py", "newer")
    assert ("7.py", None) in documents
    assert len(documents) == MOST_DOCUMENTS - 1
    assert not {"0.py", "1.py", "3.py"}.intersection(path for path, _ in documents)


@pytest.mark.parametrize("path", ["never.py"])
def test_closing_what_was_not_open_is_no_error(path: str) -> None:
    recent = Recent()
    recent.closed(path)
    assert recent.documents("") == []
