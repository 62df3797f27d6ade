"""The waits between tries."""

from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.llm.retry import Patience, Waits

chances = st.floats(0, 1, exclude_max=True)


def all_waits(patience: Patience, chance: float, asked: list[float | None]) -> list[float]:
    waits = Waits(patience, lambda: chance)
    given = [waits.next_s(each) for each in asked]
    return [each for each in given if each is not None]


def test_waits_double_and_end() -> None:
    waits = Waits(Patience(3, 20), lambda: 0.0)
    assert [waits.next_s() for _ in range(4)] == [0.25, 0.5, 1.0, None]


def test_a_wait_that_is_asked_for_is_kept_or_not_waited_at_all() -> None:
    assert Waits(Patience(3, 20), lambda: 0.5).next_s(4.0) == 4.2
    assert Waits(Patience(3, 20), lambda: 0.0).next_s(21.0) is None


@given(st.integers(0, 5), st.floats(0, 60), chances, st.lists(st.none() | st.floats(0, 100), max_size=10))
def test_no_more_is_waited_than_there_is_patience(
    retries: int, total_s: float, chance: float, asked: list[float | None]
) -> None:
    waited = all_waits(Patience(retries, total_s), chance, asked)
    assert len(waited) <= retries
    assert sum(waited) <= total_s * (1 + 1e-9)


@given(st.floats(0, 18), chances)
def test_nobody_comes_back_before_the_time_that_was_asked_for(asked_s: float, chance: float) -> None:
    wait = Waits(Patience(1, 20), lambda: chance).next_s(asked_s)
    assert wait is not None
    assert wait >= asked_s
