"""How fast an endpoint reads, learned from what it did, and the budget that follows."""

import math
import random
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kibitz.prompts.pace import FLOOR_TOKENS, KEPT, KEPT_FOR, Choice, Observation, Pace, Speed, choose


def typed(
    speed: Speed, *, count: int = 120, noise: float = 0.1, outliers: float = 0.1, seed: int = 0, size: int = 2000
) -> Pace:
    """What an endpoint of this speed does while somebody types, and now and then goes elsewhere."""
    chance = random.Random(seed)
    pace = Pace()
    for _ in range(count):
        tokens = chance.randint(size * 9 // 10, size)
        shared = 0 if chance.random() < 0.1 else tokens - chance.randint(20, 300)
        seconds = speed.seconds(tokens, shared) * chance.uniform(1 - noise, 1 + noise)
        if chance.random() < outliers:
            seconds *= chance.uniform(3, 30)
        pace = pace.observed(Observation(tokens, shared, seconds))
    return pace


speeds = st.builds(
    Speed, start_s=st.floats(0.005, 1), token_s=st.floats(0.000_05, 0.02), reuses=st.just(True)
)  # 50 to 20,000 tokens a second
choices = st.fixed_dictionaries(
    {
        "most": st.integers(1, 20_000),
        "context": st.one_of(st.just(0), st.integers(256, 40_000)),
        "reserve": st.integers(1, 500),
        "target_s": st.floats(0.01, 10),
        "current": st.one_of(st.none(), st.integers(1, 20_000)),
    }
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(speeds, st.integers(0, 1000))
def test_the_speed_is_found_within_the_noise(speed: Speed, seed: int) -> None:
    assume(speed.token_s * 2000 > 0.5 * speed.start_s)  # else the noise is as large as what reading takes
    learned = typed(speed, seed=seed).speed()
    assert learned is not None
    assert learned.reuses
    for tokens in (150, 500, 2000):
        assert learned.seconds(tokens) == pytest.approx(speed.seconds(tokens), rel=0.3)


def in_use(speed: Speed, *, target_s: float, seed: int, count: int = 200) -> list[int]:
    """Which budgets are chosen while they are used: the prompt fills them, and a new budget starts elsewhere."""
    chance, pace, budgets = random.Random(seed), Pace(), [4096]
    for _ in range(count):
        chosen = choose(most=4096, context=0, reserve=128, pace=pace, target_s=target_s, current=budgets[-1]).tokens
        tokens = chosen - 128
        kept = chosen == budgets[-1] and chance.random() > 0.05
        shared = tokens - chance.randint(20, 60) - tokens // 4 if kept else 0  # what stands behind the cursor is new
        seconds = speed.seconds(tokens, shared) * chance.uniform(0.9, 1.1) * (10 if chance.random() < 0.05 else 1)
        pace = pace.observed(Observation(tokens, shared, seconds))
        budgets.append(chosen)
    return budgets


@settings(max_examples=40, deadline=None, derandomize=True)  # statistics: some noise in thousands misleads any of them
@given(speeds, st.booleans(), st.sampled_from([0.1, 0.3, 1.0]), st.integers(0, 1000))
def test_in_use_the_budget_settles_where_the_target_is_kept(
    speed: Speed, reuses: bool, target_s: float, seed: int
) -> None:
    assume(speed.token_s * 4096 > 2 * speed.start_s)  # else a prompt's size hardly matters
    speed = replace(speed, reuses=reuses)
    last = in_use(speed, target_s=target_s, seed=seed)[100:]
    assert sum(before != after for before, after in pairwise(last)) <= 20
    usual = sorted(last)[len(last) // 2]
    tokens = usual - 128
    reading_s = speed.token_s * (tokens // 4 + 60 if reuses else tokens)
    assert usual == FLOOR_TOKENS or reading_s <= 1.5 * max(target_s - speed.start_s, target_s / 4)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(speeds, st.integers(0, 1000))
def test_an_endpoint_that_keeps_no_prompts_is_known_by_two_sizes(speed: Speed, seed: int) -> None:
    speed = replace(speed, reuses=False, start_s=speed.start_s / 10)
    pace = typed(speed, seed=seed, count=60)
    for each in typed(speed, seed=seed + 1, count=60, size=700).observations:
        pace = pace.observed(each)
    learned = pace.speed()
    assert learned is not None
    assert learned.seconds(1000, 900) == pytest.approx(speed.seconds(1000, 900), rel=0.3) or speed.token_s < 0.0002


def test_an_endpoint_that_keeps_no_prompts_gets_a_smaller_one_before_another_size_was_seen() -> None:
    pace = typed(Speed(0.05, 0.001, reuses=False), noise=0.02)
    chosen = choose(most=2048, context=0, reserve=128, pace=pace, target_s=0.3)
    assert chosen.tokens == FLOOR_TOKENS
    assert "no prompt is cached" in chosen.why


@settings(max_examples=50, deadline=None)
@given(speeds, choices)
def test_a_budget_keeps_its_bounds_and_says_why(speed: Speed, asked: dict[str, float]) -> None:
    chosen = choose(pace=typed(speed, count=30), **asked)  # type: ignore[arg-type]
    limit = min(asked["most"], asked["context"] or math.inf)
    assert min(FLOOR_TOKENS, limit) <= chosen.tokens <= max(limit, 0) or chosen.tokens == asked["current"]
    assert chosen.tokens <= limit
    assert chosen.why


@settings(max_examples=50, deadline=None)
@given(speeds, choices, st.floats(1, 20))
def test_a_budget_grows_with_the_target_and_with_the_speed(speed: Speed, asked: dict[str, float], more: float) -> None:
    def tokens(speed: Speed, **changed: float) -> int:
        pace = typed(speed, count=30, noise=0, outliers=0)
        return choose(pace=pace, **{**asked, **changed}).tokens  # type: ignore[arg-type]

    assert tokens(speed, target_s=asked["target_s"] * more) >= tokens(speed)
    assert speed.affordable(1.0, 100) <= replace(speed, token_s=speed.token_s / more).affordable(1.0, 100)
    assert speed.affordable(1.0, 100) <= replace(speed, start_s=speed.start_s / more).affordable(1.0, 100)
    assert speed.affordable(1.0, 100) <= speed.affordable(1.0, round(100 * more))


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 5000), st.floats(0, 100)), max_size=300))
def test_memory_is_bounded_and_holds_the_newest(told: list[tuple[int, int, float]]) -> None:
    pace = Pace()
    for tokens, shared, seconds in told:
        pace = pace.observed(Observation(tokens, min(shared, tokens), seconds))
    assert len(pace.observations) <= KEPT
    assert [each.number for each in pace.observations] == sorted(each.number for each in pace.observations)
    if told:
        assert pace.observations[-1].seconds == told[-1][2]
        assert pace.observations[-1].number - pace.observations[0].number < KEPT_FOR


def test_what_was_once_is_forgotten() -> None:
    pace = typed(Speed(0.05, 0.01, reuses=True))
    for each in typed(Speed(0.05, 0.0005, reuses=True), seed=1).observations:
        pace = pace.observed(each)
    learned = pace.speed()
    assert learned is not None
    assert learned.token_s == pytest.approx(0.0005, rel=0.2)


def test_typing_does_not_drive_out_the_rare_long_prompt() -> None:
    pace = Pace().observed(Observation(2000, 0, 4.1))
    for _ in range(100):
        pace = pace.observed(Observation(2000, 1950, 0.2))
    assert max(each.new for each in pace.observations) == 2000
    assert len(pace.observations) == 9


def test_too_little_is_not_guessed_from() -> None:
    asked = {"most": 2048, "reserve": 128, "target_s": 0.3}
    unknown = choose(pace=typed(Speed(0.1, 0.01, reuses=True), count=5), context=0, **asked)  # type: ignore[arg-type]
    assert unknown == Choice(2048, "as much as the settings allow: its speed is not known yet")
    small = choose(pace=Pace(), context=1024, **asked)  # type: ignore[arg-type]
    assert small == Choice(1024, "as much as the model's context of 1,024 tokens allows: its speed is not known yet")


def test_a_budget_stays_on_its_step_until_another_is_clearly_right() -> None:
    def chosen(read: int, current: int | None) -> int:
        speed = Speed(0.0, 1 / read, reuses=True)
        pace = Pace(tuple(Observation(size, 0, speed.seconds(size)) for size in range(100, 2000, 150)))
        return choose(most=4096, context=0, reserve=0, pace=pace, target_s=1.0, current=current).tokens

    assert [chosen(read, None) for read in (1, 600, 1000, 1100, 2000, 4095, 4096)] == [
        512,
        512,
        724,
        1024,
        1448,
        2896,
        4096,
    ]
    assert [chosen(read, 1024) for read in (900, 1000, 1100, 1600)] == [1024, 1024, 1024, 1024]
    assert [chosen(read, 1024) for read in (880, 1700)] == [724, 1448]


def test_an_endpoint_that_is_late_anyway_is_not_made_to_read_nothing() -> None:
    assert Speed(2.0, 0.0001, reuses=True).affordable(0.3) == pytest.approx(750)
    assert Speed(2.0, 0.0, reuses=True).affordable(0.3) == math.inf
