"""A renderer that remembers gives what a fresh one gives, and a steady one keeps the front of its prompts."""

import gc
import random
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.errors import BudgetError, TreeError
from kibitz.prompts.nodes import Node, assistant, capped, fragment, isolate, lines, reserve, scope, system, text, user
from kibitz.prompts.render import render
from kibitz.prompts.session import Renderer
from kibitz.prompts.tokens import TiktokenTokenizer, Tokenizer
from tests.unit.test_render_properties import TOKENIZERS, TREES, what

O200K = TiktokenTokenizer("o200k_base")


def like(tree: Node, change: random.Random) -> Node:
    """A tree that shares most of its nodes with another, or has ones made anew that are the same or nearly so."""
    kept = [child for child in tree.children if change.random() < 0.9]
    if change.random() < 0.2:
        change.shuffle(kept)
    if change.random() < 0.3:
        kept.insert(change.randrange(len(kept) + 1), text("x = 1\n") if tree.content == "text" else user("new"))
    return fragment(kept)


@settings(max_examples=150, deadline=None)
@given(TREES, TREES, st.integers(0, 40), TOKENIZERS, st.randoms(use_true_random=False))
def test_going_on_from_an_earlier_tree_gives_what_a_cold_rendering_gives(
    one: Node, other: Node, budget: int, tokenizer: Tokenizer, change: random.Random
) -> None:
    renderer = Renderer(tokenizer, mode="strict")
    for tree in (one, like(one, change), other, like(other, change), one):
        try:
            cold = render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="strict")
        except BudgetError:
            with pytest.raises(BudgetError):
                renderer.render(tree, budget_tokens=budget)
            continue
        warm = renderer.render(tree, budget_tokens=budget)
        assert what(warm) == what(cold)
        assert (warm.tokens, warm.reserved) == (cold.tokens, cold.reserved)
        assert [(part.name, part.shown, part.start) for part in warm.parts] == [
            (part.name, part.shown, part.start) for part in cold.parts
        ]


@settings(max_examples=80, deadline=None)
@given(TREES, TREES, st.lists(st.integers(0, 40), min_size=4, max_size=4), st.randoms(use_true_random=False))
def test_a_steady_renderer_is_never_over_its_budget(
    one: Node, other: Node, budgets: list[int], change: random.Random
) -> None:
    renderer = Renderer(O200K, steady=True)
    for tree, budget in zip((one, like(one, change), other, like(one, change)), budgets, strict=True):
        try:
            got = renderer.render(tree, budget_tokens=budget)
        except BudgetError:
            with pytest.raises(BudgetError):
                render(tree, budget_tokens=budget, tokenizer=O200K)
            continue
        sent = O200K.count(got.text) if got.text is not None else None
        assert got.tokens + got.reserved <= budget
        assert sent is None or sent == got.tokens


EDITS = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from(["type", "enter", "delete", "move", "paste"])), max_size=8
)


@settings(max_examples=60, deadline=None)
@given(EDITS, st.integers(30, 120), st.sampled_from(["strict", "pack", "value"]), st.booleans())
def test_editing_a_document_gives_what_a_cold_rendering_gives(
    edits: list[tuple[int, str]], budget: int, mode: str, marked: bool
) -> None:
    document = [f"line {number} = f({number * 7919 % 97})\n" for number in range(30)]
    cursor = 10

    def tree() -> Node:
        marker = "…\n" if marked else ""
        return fragment(
            "Complete.\n",
            capped(scope("a note\n", p=5), scope("another note\n", p=4), limit=6),
            lines(document, lambda number: -abs(number - cursor), name="file", path="a.py", marker=marker, gap=3),
            isolate("kept ", scope("or not ", p=1), limit="10%"),
            scope("last", p=-3),
            reserve(5),
        )

    renderer = Renderer(O200K, mode=mode)  # type: ignore[arg-type]
    for place, edit in [(0, "none"), *edits]:
        at = min(place, len(document) - 1)
        if edit == "type":
            document[at] = document[at][:-1] + "x\n"
        elif edit == "enter":
            document.insert(at, "    new()\n")
        elif edit == "paste":
            document[at:at] = ["\n", "}\n", "paste(1)\n"]
        elif edit == "delete" and len(document) > 3:
            del document[at : at + 2]
        elif edit == "move":
            cursor = at
        cold = render(tree(), budget_tokens=budget, tokenizer=O200K, mode=mode)  # type: ignore[arg-type]
        warm = renderer.render(tree(), budget_tokens=budget)
        assert warm == cold
        assert warm.parts == cold.parts


def chat(turns: int, cursor: int = 0) -> Node:
    return fragment(
        system("You help."),
        user(scope("a document that stays\n" * 20, p=800, name="docs")),
        [
            scope(user(f"question {turn} " * 5), assistant(f"answer {turn} " * 12), p=500 + turn, key=str(turn))
            for turn in range(turns)
        ],
        user("And now?"),
        reserve(50),
    )


def test_a_steady_prompt_only_grows_until_it_is_full_and_then_is_cut_for_some_turns() -> None:
    renderer = Renderer(O200K, steady=True)
    plain = Renderer(O200K)
    shared: dict[bool, float] = {True: 0, False: 0}
    for turns in range(2, 40):
        for each in (renderer, plain):
            got = each.render(chat(turns), budget_tokens=1_000)
            shared[each is renderer] += got.shared_tokens / got.tokens
            assert got.tokens + got.reserved <= 1_000
    assert shared[True] > 1.3 * shared[False]


def test_what_is_steady_is_filled_again_when_little_is_left() -> None:
    renderer = Renderer(O200K, steady=True)
    long = [scope("word " * 100, p=1, key="long"), scope("other " * 80, p=0, key="other")]
    renderer.render(fragment(long), budget_tokens=120)
    got = renderer.render(fragment(long[1:]), budget_tokens=120)
    assert got.text == "other " * 80


def test_it_renders_raw_text_after_a_chat_and_again() -> None:
    renderer = Renderer(O200K)
    assert renderer.render(user("a"), budget_tokens=50).messages
    assert renderer.render(text("a"), budget_tokens=50).text == "a"
    assert renderer.render(user("b"), budget_tokens=50).shared_tokens == 0


def test_after_an_error_it_starts_afresh() -> None:
    renderer = Renderer(O200K)
    assert renderer.render(text("a b c"), budget_tokens=5).text == "a b c"
    with pytest.raises(BudgetError):
        renderer.render(text("a b c d e f"), budget_tokens=5)
    assert renderer.render(scope("a b c"), budget_tokens=5).text == "a b c"


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(TreeError, match='"strict", "pack" or "value"'):
        Renderer(O200K, mode="fill")  # type: ignore[arg-type]


def test_an_earlier_rendering_can_still_be_asked_for_its_parts() -> None:
    renderer = Renderer(O200K)
    early = renderer.render(lines("a\nb\nc\n", [3, 2, 1], name="x", path="x.py"), budget_tokens=4)
    renderer.render(lines("d\ne\n", [2, 1], name="y", path="y.py"), budget_tokens=4)
    assert [(part.origin, part.text, part.shown) for part in early.parts] == [
        ("x.py:1", "a\n", True),
        ("x.py:2", "b\n", True),
        ("x.py:3", "c\n", False),
    ]


def test_a_tree_of_a_hundred_thousand_scopes_ten_thousand_deep_is_followed() -> None:
    def tree(last: str) -> Node:
        deep: Node = text(last)
        for depth in range(10_000):
            deep = scope(deep, prel=-1, name=str(depth))
        return fragment([wide, deep])

    wide = [scope(f"{number} ", p=-number) for number in range(100_000)]
    renderer = Renderer(O200K)
    first, second = (renderer.render(tree(last), budget_tokens=50) for last in ("a", "b"))
    assert (first.text or "")[-1] + (second.text or "")[-1] == "ab"
    assert second == render(tree("b"), budget_tokens=50, tokenizer=O200K)


def test_a_renderer_keeps_no_prompt_but_the_last() -> None:
    renderer = Renderer(O200K)
    first = weakref.ref(renderer.render(text("one\n"), budget_tokens=10).account)
    for word in ("two\n", "three\n"):
        last = renderer.render(text(word), budget_tokens=10)
    gc.collect()
    assert first() is None
    assert last.shared_tokens == 0


def test_a_steady_renderer_lets_in_what_is_new_while_there_is_room() -> None:
    renderer = Renderer(O200K, steady=True)
    large = scope("far too large " * 200, p=5)
    for count in range(1, 8):
        words = [scope(f"word{number}\n", p=-number) for number in range(count)]
        got = renderer.render(fragment(words, large), budget_tokens=100)
        assert got.text == "".join(f"word{number}\n" for number in range(count))


def test_a_steady_renderer_that_shows_all_goes_on_showing_all_that_fits() -> None:
    renderer = Renderer(O200K, steady=True)
    for count in range(15, 24):
        words = [scope(f"word{number}\n", p=-number) for number in range(count)]
        got = renderer.render(fragment(words), budget_tokens=100)
        assert got.text == "".join(f"word{number}\n" for number in range(count))
    assert got.tokens > 60


@given(st.lists(st.integers(0, 199), min_size=1, max_size=12))
def test_a_steady_prompt_has_no_hole_in_its_lines_wherever_the_cursor_goes(cursors: list[int]) -> None:
    document = [f"line {number}\n" for number in range(200)]
    renderer = Renderer(O200K, steady=True)
    for cursor in cursors:
        near = lines(document, [-abs(number - cursor) for number in range(200)], name="file")
        got = renderer.render(fragment(near, reserve(3)), budget_tokens=60)
        shown = [int(line.split()[1]) for line in (got.text or "").splitlines()]
        assert cursor in shown
        assert shown == list(range(shown[0], shown[-1] + 1))
