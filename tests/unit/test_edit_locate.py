import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kibitz.indexer.types import Span
from kibitz.server.edit.answer import Block
from kibitz.server.edit.change import apply
from kibitz.server.edit.indent import fit
from kibitz.server.edit.lines import split_lines
from kibitz.server.edit.locate import locate, locate_all
from kibitz.server.errors import EditError

WORDS = st.lists(st.sampled_from(["alpha", "beta", "gamma", "delta"]), min_size=1, max_size=4)
INDENTED = st.builds(lambda depth, words: "    " * depth + " ".join(words) + "\n", st.integers(0, 3), WORDS)
DOCUMENT = st.lists(INDENTED | st.just("\n"), max_size=10)
NEEDLE = st.lists(st.builds(lambda n: f"    needle {n}\n", st.integers(0, 9)), min_size=1, max_size=4, unique=True)


def everything(text: str) -> Span:
    return Span(0, len(split_lines(text)))


@given(DOCUMENT, NEEDLE, DOCUMENT)
def test_exactly_what_was_put_in_is_found(before: list[str], needle: list[str], after: list[str]) -> None:
    lines = [*before, *needle, *after]
    place = locate(Block("".join(needle), "new\n"), lines, Span(0, len(lines)))
    assert place.span == Span(len(before), len(before) + len(needle))
    assert place.replace == "new\n"


@given(DOCUMENT, NEEDLE, DOCUMENT, st.sampled_from(["", "  ", "    ", "\t"]))
def test_text_found_at_another_indentation_is_replaced_at_its_own(
    before: list[str], needle: list[str], after: list[str], theirs: str
) -> None:
    lines = [*before, *needle, *after]
    said = "".join(theirs + line.lstrip() for line in needle)
    found = locate_all([Block(said, theirs + "new\n")], "".join(lines), Span(0, len(lines)))
    assert apply("".join(lines), found) == "".join([*before, "    new\n", *after])


@given(DOCUMENT, NEEDLE, DOCUMENT)
def test_text_that_stands_twice_is_never_found(before: list[str], needle: list[str], after: list[str]) -> None:
    lines = [*needle, *before, *needle, *after]
    with pytest.raises(EditError, match="stands 2 times"):
        locate(Block("".join(needle), ""), lines, Span(0, len(lines)))


@given(DOCUMENT, NEEDLE)
def test_text_that_is_not_there_is_never_found(document: list[str], needle: list[str]) -> None:
    assume(document)
    with pytest.raises(EditError, match=r"is not in the file|did not say"):
        locate(Block("".join(needle), ""), document, Span(0, len(document)))


def test_blanks_at_the_ends_of_lines_and_blank_lines_around_do_not_matter() -> None:
    text = "def f():  \n    return 1\nx\n"
    (found,) = locate_all(
        [Block("\ndef f():\n    return 1\n\n", "\ndef g():\n    return 2\n\n")], text, everything(text)
    )
    assert apply(text, [found]) == "def g():\n    return 2\nx\n"


def test_tabs_in_the_file_stay_tabs() -> None:
    text = "func f() {\n\tif x {\n\t\ty()\n\t}\n}\n"
    block = Block("    if x {\n        y()\n    }\n", "    if x {\n        y()\n        z()\n    }\n")
    assert apply(text, locate_all([block], text, everything(text))) == (
        "func f() {\n\tif x {\n\t\ty()\n\t\tz()\n\t}\n}\n"
    )


def test_a_shift_that_is_not_the_same_on_every_line_is_refused() -> None:
    text = "if a:\n    b()\nc()\n"
    with pytest.raises(EditError, match="is not in the file"):
        locate_all([Block("if a:\n    b()\n    c()\n", "d()\n")], text, everything(text))


def test_similar_text_is_not_the_text() -> None:
    text = "total = count + 1\n"
    with pytest.raises(EditError, match='"total = count \\+ 2"'):
        locate_all([Block("total = count + 2\n", "x\n")], text, everything(text))


def test_only_the_selected_lines_are_searched() -> None:
    text = "x = 1\ny = 2\nx = 1\n"
    (found,) = locate_all([Block("x = 1\n", "x = 3\n")], text, Span(1, 3))
    assert found.span == Span(2, 3)


def test_two_blocks_for_the_same_lines_are_refused() -> None:
    text = "a\nb\nc\n"
    with pytest.raises(EditError, match="same lines"):
        locate_all([Block("a\nb\n", "x\n"), Block("b\nc\n", "y\n")], text, everything(text))


def test_blocks_are_all_located_in_the_text_as_it_was() -> None:
    text = "a\nb\n"
    found = locate_all([Block("b\n", "a\n"), Block("a\n", "b\n")], text, everything(text))
    assert apply(text, found) == "b\na\n"


def test_an_empty_search_fills_an_empty_file_only() -> None:
    assert apply("", locate_all([Block("", "x\n")], "", Span(0, 0))) == "x\n"
    with pytest.raises(EditError, match="did not say which text"):
        locate_all([Block("", "x\n")], "a\n", Span(0, 1))


FUNCTION = "def f(a):\n    b = a + 1\n    c = b * 2\n    log(c)\n    d = c - a\n    return d\n"


def test_a_drifted_line_around_the_change_stays_as_it_is() -> None:
    text = f"import log\n\n\n{FUNCTION}\n\nprint(f(1))\n"
    said = FUNCTION.replace("a + 1", "a + one")
    block = Block(said, said.replace("log(c)", "log(c, d)"))
    assert apply(text, locate_all([block], text, everything(text))) == text.replace("log(c)", "log(c, d)")


def test_a_line_that_changes_has_to_stand_as_the_block_says() -> None:
    said = FUNCTION.replace("log(c)", "log(d)")
    with pytest.raises(EditError, match="is not in the file"):
        locate_all([Block(said, said.replace("log(d)", "log(c, d)"))], FUNCTION, everything(FUNCTION))


def test_a_drifted_block_that_fits_two_places_nearly_as_well_is_refused() -> None:
    text = FUNCTION + FUNCTION.replace("def f", "def g")
    said = FUNCTION.replace("return d", "return -d")
    with pytest.raises(EditError, match="is not in the file"):
        locate_all([Block(said, said.replace("log(c)", "log(c, d)"))], text, everything(text))


def test_lines_that_a_block_repeats_keep_their_bytes() -> None:
    text = "a  \r\nb\nc\r\nd\r\n"
    found = locate_all([Block("a\nb\nc\n", "a\nB\nc\n")], text, everything(text))
    assert apply(text, found) == "a  \r\nB\r\nc\r\nd\r\n"


def test_blocks_may_share_lines_that_stay() -> None:
    text = "a\nb\nc\n"
    found = locate_all([Block("a\nb\n", "A\nb\n"), Block("b\nc\n", "b\nC\n")], text, everything(text))
    assert apply(text, found) == "A\nb\nC\n"


def test_readings_that_differ_are_not_chosen_between() -> None:
    block = Block("x\n  y\n", "x\n  y\n  z\n", others=(("x\n  y\n", "x\n  y\n   z\n"),))
    with pytest.raises(EditError, match="not clear how"):
        locate_all([block], "x\n  y\n", Span(0, 2))


@pytest.mark.parametrize(
    ("block", "target", "fitted"),
    [
        ("x = 1\nif x:\n    y\n", "        a = 1\n", "        x = 1\n        if x:\n            y\n"),
        ("        x\n", "    a\n", "    x\n"),
        ("    x\n\n        y\n", "    a\n", "    x\n\n        y\n"),
        ("if x:\n    y\n", "\tif a:\n\t\tb\n", "\tif x:\n\t\ty\n"),
        ("\tx\n", "    a\n", "    x\n"),
        ("x\n", "", "x\n"),
    ],
)
def test_a_rewritten_block_is_moved_to_where_its_target_stands(block: str, target: str, fitted: str) -> None:
    lines = split_lines(target)
    assert fit(block, lines, lines) == fitted


@given(st.lists(INDENTED, min_size=1, max_size=6))
def test_a_block_that_stands_right_is_left_alone(lines: list[str]) -> None:
    assert fit("".join(lines), lines, lines) == "".join(lines)
