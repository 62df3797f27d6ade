from hypothesis import given
from hypothesis import strategies as st

from kibitz.prompts.order import SteadyOrder, SteadySplit


def test_what_changes_with_every_prompt_goes_to_the_end_and_stays_there() -> None:
    order = SteadyOrder()
    seen = [order.arrange({"file": (turn, "file"), "found": (0, "found"), "rules": (0, "rules")}) for turn in range(5)]
    assert seen[0] == ["file", "found", "rules"]
    assert seen[1:] == [["found", "rules", "file"]] * 4


def test_one_change_of_a_calm_part_does_not_move_it_behind_a_lively_one() -> None:
    order = SteadyOrder()
    for turn in range(6):
        last = order.arrange({"found": (turn == 3, "found"), "history": (turn, "history")})
    assert last == ["found", "history"]


@given(st.lists(st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2)), max_size=12))
def test_every_part_stands_in_the_prompt_once(prompts: list[dict[str, int]]) -> None:
    order = SteadyOrder()
    for parts in prompts:
        assert sorted(order.arrange({key: (value, key) for key, value in parts.items()})) == sorted(parts)


def test_a_split_stays_while_the_cursor_is_near_and_then_goes_ahead_of_it() -> None:
    split = SteadySplit()
    seen = [split.at(cursor, 1_000) for cursor in range(100, 160)]
    assert seen[0] == 101
    assert len(set(seen)) == 3
    assert all(cursor < line for cursor, line in zip(range(100, 160), seen, strict=True))
    assert split.at(10, 1_000) == 43


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 600)), max_size=20))
def test_a_split_is_below_the_cursor_or_at_the_end(moves: list[tuple[int, int]]) -> None:
    split = SteadySplit()
    for cursor, lines in moves:
        line = split.at(min(cursor, lines - 1), lines)
        assert min(cursor, lines - 1) < line <= lines
