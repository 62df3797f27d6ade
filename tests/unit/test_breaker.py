"""Leaving a failing endpoint alone, by a clock of our own."""

from hypothesis import given
from hypothesis import strategies as st

from kibitz.server.llm.breaker import FAILURES, FIRST_PAUSE_S, LONGEST_PAUSE_S, Breaker

DOWN = "No answer from http://x/v1: is the server running?"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def broken() -> tuple[Breaker, Clock]:
    clock = Clock()
    breaker = Breaker(clock)
    for _ in range(FAILURES):
        assert breaker.refusal(waited_for=False) is None
        breaker.failed(DOWN)
    return breaker, clock


def test_an_endpoint_that_fails_again_and_again_is_left_alone_and_says_so() -> None:
    breaker, _ = broken()
    said = f"{DOWN} It failed 3 times in a row and is left alone for another 5 s."
    assert breaker.refusal(waited_for=False) == said
    assert breaker.status == said


def test_a_success_in_between_forgets_the_failures() -> None:
    breaker = Breaker(Clock())
    for _ in range(FAILURES - 1):
        breaker.failed(DOWN)
    breaker.succeeded()
    breaker.failed(DOWN)
    assert breaker.refusal(waited_for=False) is None
    assert breaker.status is None


def test_after_the_pause_one_request_is_let_through_and_its_success_ends_it() -> None:
    breaker, clock = broken()
    clock.now += FIRST_PAUSE_S
    assert breaker.refusal(waited_for=False) is None
    assert "until the request under way is answered" in str(breaker.refusal(waited_for=True))
    breaker.succeeded()
    assert breaker.refusal(waited_for=False) is None
    assert breaker.status is None


def test_its_failure_begins_a_longer_pause_which_a_person_need_not_sit_out() -> None:
    breaker, clock = broken()
    clock.now += FIRST_PAUSE_S
    assert breaker.refusal(waited_for=False) is None
    breaker.failed(DOWN)
    clock.now += FIRST_PAUSE_S
    assert "for another 5 s" in str(breaker.refusal(waited_for=False))
    assert breaker.refusal(waited_for=True) is None


def test_a_request_that_is_called_off_lets_the_next_one_try() -> None:
    breaker, clock = broken()
    clock.now += FIRST_PAUSE_S
    assert breaker.refusal(waited_for=False) is None
    breaker.given_up()
    assert breaker.refusal(waited_for=False) is None


def test_an_endpoint_that_asks_to_be_left_alone_is_at_the_first_time() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    breaker.failed("It is over its rate limit.", leave_s=30)
    assert breaker.refusal(waited_for=False) == (
        "It is over its rate limit. It failed once and is left alone for another 30 s."
    )
    clock.now += 30
    assert breaker.refusal(waited_for=False) is None


@given(st.lists(st.tuples(st.sampled_from(["fail", "succeed", "give up"]), st.floats(0, 200)), max_size=30))
def test_no_pause_is_longer_than_the_longest(steps: list[tuple[str, float]]) -> None:
    clock = Clock()
    breaker = Breaker(clock)
    for outcome, seconds in steps:
        if breaker.refusal(waited_for=False) is None:
            {"fail": lambda: breaker.failed(DOWN), "succeed": breaker.succeeded, "give up": breaker.given_up}[outcome]()
        clock.now += seconds
    clock.now += LONGEST_PAUSE_S
    assert breaker.refusal(waited_for=False) is None
