"""The lines round a place: all of them in order, nearest first to stay, each under its own number."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.nodes import TOP, Lines, fragment
from kibitz.prompts.render import render
from kibitz.prompts.templates.nearby import after, before
from kibitz.prompts.tokens import TiktokenTokenizer

O200K = TiktokenTokenizer("o200k_base")

ROWS = st.sampled_from(["\n", "x = 1\n", "\r\n", "a\u2028b\x0c\n", "y" * 450 + "\n"])
TEXTS = st.builds(
    lambda rows, times, end: "".join(rows) * times + end,
    *(st.lists(ROWS, max_size=30), st.integers(1, 80), st.sampled_from(["", "end", "z" * 500])),
)


def numbered(first: int, last: int) -> str:
    return "".join(f"{number}\n" for number in range(first, last + 1))


def blocks(node: Lines) -> list[str]:
    return [text for text in node.texts if text.count("\n") > 1]


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(1, 5_000))
def test_a_side_holds_its_text_in_order_and_the_nearer_the_higher(text: str, line: int) -> None:
    above, below = before(text), after(text, line=line)
    assert text.endswith("".join(above.texts))
    assert text.startswith("".join(below.texts))
    if len(text) <= 200_000:
        assert len("".join(above.texts)) == len("".join(below.texts)) == len(text)
    for outwards in (above.priorities[::-1], below.priorities):
        assert list(outwards) == sorted(set(outwards), reverse=True)
        assert not text or outwards[0] == TOP


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2_500), st.integers(1, 2_500), st.integers(50, 4_000))
def test_every_line_is_reported_under_its_own_number(above: int, below: int, budget: int) -> None:
    tree = fragment(
        before(numbered(1, above), path="a.py"),
        after(numbered(above + 1, above + below), path="a.py", line=above + 1),
    )
    rendered = render(tree, budget_tokens=budget, tokenizer=O200K)
    for part in rendered.parts:
        assert part.text.startswith(f"{part.origin.removeprefix('a.py:')}\n")
    assert rendered.text
    shown = [int(row) for row in rendered.text.split()]
    assert shown == list(range(shown[0], shown[-1] + 1))


@pytest.mark.parametrize("rows", [900, 1_000, 1_001, 5_432])
def test_what_is_far_above_stays_as_it_is_while_one_types(rows: int) -> None:
    text = numbered(1, rows)
    typed, entered = before(f"{text}x"), before(f"{text}xy\nz")
    assert blocks(typed) == blocks(before(f"{text}xy"))
    assert blocks(entered)[: len(blocks(typed))] == blocks(typed)
    assert len(blocks(entered)) <= len(blocks(typed)) + 1
    assert all(block.count("\n") == 100 for block in blocks(typed))


def test_what_is_too_far_to_be_shown_is_not_looked_at() -> None:
    text = numbered(1, 100_000)
    looked_at: list[str] = []

    def clean(near: str) -> str:
        looked_at.append(near)
        return near

    above, below = before(text, clean=clean), after(text, clean=clean)
    assert max(map(len, looked_at)) <= 200_000
    assert above.texts[0].startswith(f"{above.line}\n")
    assert above.texts[-1] == "100000\n"
    assert below.texts[0] == "1\n"
    assert below.texts[-1].endswith("\n")


def test_a_line_without_an_end_is_cut_at_its_reach() -> None:
    text = "a" * 500_000
    assert "".join(before(text).texts) == "".join(after(text).texts) == "a" * 200_000
    assert before(f"x\n{text}").line == 2
