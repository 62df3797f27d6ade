"""A prompt that is measured before it is sent, whatever the tokenizer thinks of it."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kibitz.prompts.chat_template import CHATML
from kibitz.prompts.errors import BudgetError
from kibitz.prompts.model_names import estimate_for
from kibitz.prompts.nodes import Node, fragment, reserve, scope, user
from kibitz.prompts.rendered import Rendered
from kibitz.server.errors import ModelError
from kibitz.server.rendering import MEASURES, Counting, rendered_within

ESTIMATE = estimate_for(None)


@dataclass
class Letters:
    """Measures by letters: far from what an estimate thinks, by more for long words."""

    by: float = 1.0
    share: float = 1.0
    asked: int = 0
    fails: bool = False
    name: str = "letters"

    def prompt_tokens(self, rendered: Rendered) -> int:
        self.asked += 1
        if self.fails:
            raise ModelError("nobody counts")
        return round(self.by * sum(len(message.content) for message in rendered.messages or ())) + 5


def tree(lines: list[str], reserved: int = 0) -> Node:
    return fragment(
        user("Q: ", *(scope(f"{line}\n", p=1000 - number) for number, line in enumerate(lines))), reserve(reserved)
    )


LINES = st.lists(st.sampled_from(["x", "return value", "    foo(1234567)", "中文测试", ""]), max_size=60)


@settings(max_examples=200, deadline=None)
@given(LINES, st.integers(40, 600), st.integers(0, 20), st.floats(0.1, 4.0), st.floats(0.2, 3.0))
def test_what_is_sent_is_never_over_the_budget_by_who_measures(
    lines: list[str], budget: int, reserved: int, by: float, share: float
) -> None:
    measure = Letters(by, share)
    try:
        got = rendered_within(tree(lines, reserved), budget, Counting(ESTIMATE, CHATML, measure))
    except BudgetError:
        return
    assert got.tokens == Letters(by).prompt_tokens(got)
    assert got.tokens + got.reserved <= got.budget == budget
    assert (got.exact, got.tokenizer) == (True, "letters")
    assert measure.asked <= MEASURES


@pytest.mark.parametrize("share", [0.15, 0.3, 1.0])
def test_nearly_all_of_the_budget_is_used(share: float) -> None:
    lines = [f"value_{number} = compute(value_{number - 1})" for number in range(500)]
    got = rendered_within(tree(lines, 100), 2_000, Counting(ESTIMATE, CHATML, Letters(share)))
    assert got.tokens + got.reserved > 0.96 * 2_000


def test_the_next_prompt_fits_at_once() -> None:
    lines = [f"value_{number} = compute(value_{number - 1})" for number in range(500)]
    counting = Counting(ESTIMATE, CHATML, measure := Letters(0.2))
    first = rendered_within(tree(lines), 2_000, counting)
    before = measure.asked
    assert rendered_within(tree(["x", *lines]), 2_000, counting).tokens >= first.tokens - 40
    assert (before > 1, measure.asked) == (True, before + 1)


def test_a_share_that_is_too_small_for_what_must_be_shown_is_forgotten() -> None:
    got = rendered_within(tree([]), 100, Counting(ESTIMATE, CHATML, Letters(share=0.01)))
    assert got.tokens == len("Q: ") + 5


def test_a_prompt_that_shows_all_is_measured_once() -> None:
    measure = Letters()
    got = rendered_within(tree(["x"] * 3), 1_000, Counting(ESTIMATE, CHATML, measure))
    assert measure.asked == 1
    assert got.tokens == len("Q: " + "x\n" * 3) + 5


def test_what_does_not_fit_by_who_measures_is_an_error() -> None:
    with pytest.raises(BudgetError, match="does not fit 100 tokens"):
        rendered_within(tree([]), 100, Counting(ESTIMATE, CHATML, Letters(50)))


def test_an_estimate_counts_when_nobody_measures_and_says_so() -> None:
    measure = Letters(fails=True)
    lines = ["value = compute(1)"] * 500
    calibrated = ESTIMATE.calibrated("value = compute(1)", 2)
    otherwise = Counting(ESTIMATE, CHATML)
    got = rendered_within(tree(lines), 400, Counting(calibrated, CHATML, measure, otherwise))
    assert (got.tokenizer, got.exact) == ("estimate; nobody counts", False)
    assert got.tokens == rendered_within(tree(lines), 400, otherwise).tokens <= 400


def test_a_calibrated_estimate_counts_as_it_was_told_for_the_like() -> None:
    text = "def f(x):\n    return x + 1\n" * 50
    for tokens in (200, 1_000, 3_000):
        calibrated = ESTIMATE.calibrated(text, tokens)
        assert abs(calibrated.count(text) - tokens) <= 0.02 * tokens
        assert abs(2 * calibrated.count(text) - calibrated.count(text * 2)) <= 2
        assert not calibrated.exact
