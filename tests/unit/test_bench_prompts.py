"""What the benchmark of prompts rests on: shared prefixes, checked sizes, inputs that are the same for every side."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.prompt_inputs import TYPED, Inputs, Situation, moved, typed
from tests.bench.prompt_measures import faults, ids, reuse, shared_prefix, use
from tests.bench.prompt_sides import Prompt

TOKENS = st.lists(st.integers(0, 3))


def encode(text: str) -> list[int]:
    return [ord(character) for character in text]


@given(TOKENS, TOKENS)
def test_a_shared_prefix_is_the_longest_that_both_begin_with(one: list[int], other: list[int]) -> None:
    shared = shared_prefix(one, other)
    assert one[:shared] == other[:shared]
    assert one[: shared + 1] != other[: shared + 1] or shared == min(len(one), len(other))


@given(TOKENS, TOKENS, TOKENS)
def test_what_stands_behind_a_difference_shares_nothing(front: list[int], one: list[int], other: list[int]) -> None:
    assert shared_prefix([*front, 8, *one], [*front, 9, *other]) == len(front)


def test_reuse_is_measured_against_the_prompt_before() -> None:
    found = reuse([[1, 2, 3, 4], [1, 2, 3, 5], [1, 2, 3, 5, 6, 7, 8, 9], [9, 2]])
    assert found.mean == pytest.approx((3 / 4 + 4 / 8 + 0) / 3)
    assert found.median == 4 / 8
    assert found.recomputed == 1 + 4 + 2


def test_ids_count_what_stands_round_messages_and_tell_roles_apart() -> None:
    chat = Prompt([("user", "ab"), ("assistant", "c")], None, tokens=3 + 2 * 4 + 3, reserved=0)
    assert len(ids(chat, encode)) == chat.tokens
    assert ids(Prompt(None, "ab", 2, 0), encode) == encode("ab")
    other = Prompt([("assistant", "ab"), ("assistant", "c")], None, 14, 0)
    assert shared_prefix(ids(chat, encode), ids(other, encode)) == 1


def test_an_answer_that_becomes_history_goes_on_where_the_reply_was_opened() -> None:
    asked = Prompt([("user", "ab")], None, 9, 0)
    answered = Prompt([("user", "ab"), ("assistant", "c"), ("user", "d")], None, 19, 0)
    assert shared_prefix(ids(asked, encode), ids(answered, encode)) == len(ids(asked, encode))


@pytest.mark.parametrize(
    ("tokens", "reserved", "wrong"),
    [(4, 6, 0), (4, 7, 1), (5, 5, 1), (5, 7, 2)],
    ids=["right", "over", "count", "both"],
)
def test_a_prompt_over_its_budget_or_counted_wrong_has_faults(tokens: int, reserved: int, wrong: int) -> None:
    assert len(faults(Prompt(None, "abcd", tokens, reserved), encode("abcd"), 10)) == wrong


def test_use_counts_what_is_kept_free() -> None:
    assert use(Prompt(None, "", tokens=60, reserved=20), 100) == 0.8


def test_typing_and_moving_change_one_line_and_the_priorities() -> None:
    at = Situation(100, 0, file="a\nb\nc\n", cursor=1)
    assert typed(at, 3).file == f"a\nb{TYPED[:3]}\nc\n"
    assert [moved(at, 1).line_priority(number) for number in range(3)] == [998, 999, 1000]


def test_inputs_are_the_same_of_the_same_tree(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for number in range(200):
        body = "\n\n".join(f"def f{number}_{line}(value):\n    return value + {line}" for line in range(300))
        (tmp_path / f"m{number}.py").write_text(body)
        (tmp_path / "docs" / f"d{number}.txt").write_text(body.replace("def", "The function"))
    inputs = Inputs(tmp_path)
    assert inputs.digest() == Inputs(tmp_path).digest()
    for number in range(10):
        mixed, levels = inputs.at("ranked", number), inputs.at("levels", number)
        assert mixed == inputs.at("ranked", number)
        assert mixed.characters() > 6 * mixed.budget
        assert len({part.priority for part in mixed.docs}) == len(mixed.docs)
        assert len({part.priority for part in levels.docs}) <= 1
    first, second = inputs.at("chat", 0), inputs.at("chat", 1)
    assert [part.text for part in second.history[: len(first.history)]] == [part.text for part in first.history]
    assert second.history[len(first.history)].text == first.question
