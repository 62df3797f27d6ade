import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kibitz.indexer.types import Span
from kibitz.server.edit.change import Replacement, apply
from kibitz.server.errors import EditError
from kibitz.server.lsp.rebase import rebase

ENDS = st.sampled_from(["\n", "\r\n", "\r"])
new_lines = st.lists(st.sampled_from(["p\n", "q\n", "r\r\n"]), max_size=4).map("".join)


@st.composite
def two_edits(draw: st.DrawFn) -> tuple[str, Span, str, Span, str]:
    """A document of distinct lines, and two stretches of it that do not touch, each with its new text."""
    count = draw(st.integers(3, 12))
    text = "".join(f"line {n}{draw(ENDS)}" for n in range(count))
    a, b, c, d = sorted(draw(st.lists(st.integers(0, count), min_size=4, max_size=4)))
    assume(c < count)
    stretches = [(Span(a, b), draw(new_lines)), (Span(c + 1, max(d, c + 1)), draw(new_lines))]
    (one, first), (two, second) = draw(st.permutations(stretches))
    return text, one, first, two, second


@given(two_edits())
def test_an_edit_and_what_was_typed_elsewhere_both_survive(case: tuple[str, Span, str, Span, str]) -> None:
    old, edited, edit_text, typed, typed_text = case
    edit, typing = Replacement(edited, edit_text), Replacement(typed, typed_text)
    now = apply(old, [typing])
    try:
        moved = rebase(old, now, [edit])
    except EditError:
        # Only what was typed right beside the edit may look like a part of it.
        assert edited.start <= typed.end + 1
        assert typed.start <= edited.end + 1
        return
    assert apply(now, moved) == apply(old, [edit, typing])


@given(st.text("ab\n", max_size=20))
def test_nothing_moves_in_a_document_that_did_not_change(text: str) -> None:
    edit = [Replacement(Span(0, 0), "new\n")]
    assert rebase(text, text, edit) == tuple(edit)


def test_an_edit_of_a_line_that_changed_is_refused() -> None:
    with pytest.raises(EditError, match="changed where the edit belongs"):
        rebase("a\nb\nc\n", "a\nB\nc\n", [Replacement(Span(1, 2), "x\n")])
