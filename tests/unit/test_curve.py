"""The budget curve against renderings at many budgets."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.curve import Curve, curve
from kibitz.prompts.errors import BudgetError, TreeError
from kibitz.prompts.nodes import Node, fallback, first, fragment, isolate, lines, scope, shortened, user
from kibitz.prompts.render import Rendered, render
from kibitz.prompts.tokens import TiktokenTokenizer, Tokenizer
from tests.fakes.prompt_trees import FIXED_LIMITS, LIMITS, trees
from tests.unit.test_render_properties import TOKENIZERS

O200K = TiktokenTokenizer("o200k_base")
FREE = 1_000


def strict(tree: Node, budget: int, tokenizer: Tokenizer = O200K) -> Rendered | None:
    try:
        return render(tree, budget_tokens=budget, tokenizer=tokenizer, mode="strict")
    except BudgetError:
        return None


@settings(max_examples=250, deadline=None)
@given(trees(FIXED_LIMITS), st.lists(st.integers(0, 70), min_size=4, max_size=4), TOKENIZERS)
def test_the_curve_says_what_every_budget_shows(tree: Node, budgets: list[int], tokenizer: Tokenizer) -> None:
    found = curve(tree, tokenizer)
    sizes = [size for _, size in found.levels]
    for budget in [*budgets, *sizes, *(size - 1 for size in sizes)]:
        got = strict(tree, budget, tokenizer)
        assert found.cutoff(budget) == (got and got.cutoff)
        if got is None:
            continue
        assert got.tokens + got.reserved == max(size for size in sizes if size <= budget)
        assert [found.shown(part, budget) for part in got.parts] == [part.shown for part in got.parts]
        for part in got.parts:
            enters, leaves = found.stay(part)
            assert part.shown == (enters is not None and enters <= budget and (leaves is None or budget < leaves))


@settings(max_examples=100, deadline=None)
@given(trees(FIXED_LIMITS), st.integers(0, 40))
def test_a_part_enters_at_the_least_budget_that_shows_it(tree: Node, budget: int) -> None:
    got = strict(tree, budget)
    if got is None:
        return
    for part in got.parts:
        enters = got.curve.enters(part)
        if enters is None:
            assert not part.shown
            continue
        at, below = strict(tree, enters), strict(tree, enters - 1)
        assert at is not None
        assert at.parts[_same(at, part.number)].shown
        assert below is None or not below.parts[_same(below, part.number)].shown


def _same(rendered: Rendered, number: int) -> int:
    return max(at for at, part in enumerate(rendered.parts) if part.number <= number)


@settings(max_examples=100, deadline=None)
@given(trees(LIMITS), st.integers(0, 60), st.sampled_from(["strict", "pack", "value"]))
def test_a_renderings_own_curve_holds_at_its_budget(tree: Node, budget: int, mode: str) -> None:
    try:
        got = render(tree, budget_tokens=budget, tokenizer=O200K, mode=mode)  # type: ignore[arg-type]
    except BudgetError:
        return
    assert got.curve.cutoff(budget) == got.cutoff
    if mode == "strict":
        assert [got.curve.shown(part, budget) for part in got.parts] == [part.shown for part in got.parts]
        assert got.tokens + got.reserved == dict(got.curve.levels)[got.cutoff]


def test_a_fuller_version_takes_the_place_of_a_shorter_one() -> None:
    tree = fallback("one two three", "one", p=5)
    got = render(tree, budget_tokens=1, tokenizer=O200K)
    assert [got.curve.stay(part) for part in got.parts] == [(3, None), (1, 3)]


def test_what_no_budget_shows_has_no_budget() -> None:
    tree = fragment(first(scope("a", p=9), scope("b", p=5)), isolate(" yes", scope(" cut" * 9, p=1), limit=2))
    got = render(tree, budget_tokens=9, tokenizer=O200K)
    assert {part.text: got.curve.enters(part) for part in got.parts} == {"a": 2, "b": None, " yes": 1, " cut" * 9: None}


def test_a_level_that_is_no_smaller_than_a_lower_one_is_no_step_of_the_budget() -> None:
    tree = fragment("x", first(scope(" short", p=1), scope(" much longer than that", p=2)))
    found = curve(tree, O200K)
    assert found.steps == ((1e9, 1), (2.0, 5), (1.0, 2))
    assert found.levels == ((1e9, 1), (1.0, 2))


def test_a_marker_stays_until_the_last_line_is_there() -> None:
    tree = shortened("one\ntwo\nthree\nfour\n", p=5, marker="...\n")
    got = render(tree, budget_tokens=FREE, tokenizer=O200K)
    (marker,) = (part for part in got.parts if part.marker)
    enters, leaves = got.curve.stay(marker)
    whole = O200K.count("one\ntwo\nthree\nfour\n")
    assert enters is not None
    assert 0 < enters < whole == leaves


def test_relative_limits_are_those_of_the_budget_that_is_given() -> None:
    tree = fragment(isolate(*(scope(f"word{n} ", p=n) for n in range(9)), limit="50%"))
    assert curve(tree, O200K).relative
    small, large = (curve(tree, O200K, budget_tokens=budget) for budget in (6, FREE))
    assert small.steps[-1][1] <= 3 < large.steps[-1][1] == curve(tree, O200K).steps[-1][1]
    assert not curve(lines("a\nb\n", float), O200K).relative


def test_messages_are_counted_with_what_stands_round_them() -> None:
    tree = fragment(user("hello"), scope(user("there"), p=1))
    assert curve(tree, O200K).levels == ((1e9, 8), (1.0, 13))


def test_what_is_no_tree_is_refused() -> None:
    with pytest.raises(TreeError, match="takes a tree"):
        curve("text", O200K)  # type: ignore[arg-type]


def test_an_empty_curve_shows_nothing() -> None:
    assert Curve().cutoff(9) is None
    assert strict(fragment(), 0) is not None
