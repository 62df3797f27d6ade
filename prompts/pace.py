"""How fast an endpoint reads prompts, learned from the answers that it has begun, and the budget that follows.

The time to the first token is taken to be `start + tokens read * seconds a token`, where the tokens that a prompt
shares with the one before it need not be read again if the endpoint keeps them. The line is found by Theil and Sen's
method (Sen 1968, "Estimates of the Regression Coefficient Based on Kendall's Tau"): the median of the slopes between
all pairs, which a load of the model, a queue or a busy moment does not move.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from statistics import median

LEAST_OBSERVATIONS = 6
LEAST_SMALL = 3
KEPT = 64
KEPT_ALIKE = 8
KEPT_FOR = 400
SPREAD_TOKENS = 128
"""A line through sizes that differ by less would be one through their noise."""

EXPLAINS_NOTHING = 0.1
CLEARLY = 1.2
"""Most servers keep the start of a prompt: that one does not has to fit so many times better."""

TINY_S = 1e-6
READING_SHARE = 0.25
FLOOR_TOKENS = 512
STEPS_AN_OCTAVE = 2
SLACK = 1.15
RECENT = 5


@dataclass(frozen=True, slots=True)
class Observation:
    """One answer that began: the prompt's tokens, how many of them the prompt before began with, and seconds."""

    tokens: int
    shared: int
    seconds: float
    number: int = 0

    @property
    def new(self) -> int:
        """Tokens that had to be read if the shared ones were kept."""
        return self.tokens - self.shared


@dataclass(frozen=True, slots=True)
class Speed:
    """What has been learned; `reuses` says that shared tokens are not read again."""

    start_s: float
    token_s: float
    reuses: bool

    def seconds(self, tokens: int, shared: int = 0) -> float:
        """Estimate the time to the first token of an answer."""
        return self.start_s + self.token_s * (tokens - shared if self.reuses else tokens)

    def affordable(self, target_s: float, shared: int = 0) -> float:
        """Return how many tokens a prompt may have so that its first token comes in time; math.inf: any number.

        A quarter of the target is for reading even where less is left: an endpoint that takes its time before it reads
        becomes no faster by a prompt of nothing.
        """
        reading_s = max(target_s - self.start_s, target_s * READING_SHARE)
        read = reading_s / self.token_s if self.token_s else math.inf
        return read + shared if self.reuses else read


@dataclass(frozen=True, slots=True)
class Pace:
    """What is remembered of an endpoint: observations of prompts of many sizes, a few of each, the newest last."""

    observations: tuple[Observation, ...] = ()

    def observed(self, new: Observation) -> "Pace":
        """Remember one more; of those alike the oldest goes, so that typing never drives out the rare long prompt."""
        number = self.observations[-1].number + 1 if self.observations else 1
        new = replace(new, number=number)
        kept = [old for old in self.observations if number - old.number < KEPT_FOR]
        alike = [old for old in kept if _size(old) == _size(new)]
        if len(alike) >= KEPT_ALIKE:
            kept.remove(alike[0])
        return Pace((*kept, new)[-KEPT:])

    @property
    def shared(self) -> int:
        """Tokens that a prompt usually shares with the one before it, of late."""
        return int(median([each.shared for each in self.observations[-RECENT:]] or [0]))

    def speed(self) -> Speed | None:
        """Learn the line through what is remembered; None: too little is.

        Whether shared tokens are read again is told by which of the two lines fits better. Where the prompts had one
        size, or too few another one to say that size does not matter, all the time is put down to reading: the budget
        that follows is another size, and so shows whether that was right.
        """
        return _learned(self.observations)


@lru_cache(maxsize=8)  # asked at every key, and what is remembered changes with every answer only
def _learned(observations: tuple[Observation, ...]) -> Speed | None:
    if len(observations) < LEAST_OBSERVATIONS:
        return None
    seconds = [each.seconds for each in observations]
    new = _line([each.new for each in observations], seconds)
    whole = _line([each.tokens for each in observations], seconds)
    reuses = new is not None and (new.explains if whole is None else new.residual <= CLEARLY * whole.residual)
    line = new if reuses else whole
    largest = max(each.tokens for each in observations)
    small = sum(each.tokens * 2 < largest for each in observations)
    if line is not None and (line.explains or small >= LEAST_SMALL):
        return Speed(line.start, line.slope, reuses=reuses)
    return Speed(0.0, median(each.seconds / each.tokens for each in observations), reuses=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """A budget, prompt and answer together in tokens, and why it is that, in words."""

    tokens: int
    why: str


def choose(*, most: int, context: int, reserve: int, pace: Pace, target_s: float, current: int | None = None) -> Choice:
    """Choose the budget of a prompt whose answer should begin within `target_s` when its start is in the cache.

    Args:
        most: what the settings allow, in tokens.
        context: the model's context in tokens, 0 where it is not known.
        reserve: how many of the budget's tokens are the answer's.
        pace: what is known of the endpoint.
        target_s: the wanted time to the first token, in seconds.
        current: the budget of the prompt before. A budget keeps to a few steps and to the one it is on unless another
            is clearly right: a prompt of another size starts elsewhere, and nothing of it is in any cache.
    """
    by_context = 0 < context <= most
    limit = context if by_context else most
    named = f"the model's context of {context:,} tokens" if by_context else "the settings"
    speed = pace.speed()
    if speed is None:
        return Choice(limit, f"as much as {named} allow{'s' if by_context else ''}: its speed is not known yet")
    tokens = _stepped(speed.affordable(target_s, pace.shared) + reserve, limit, current)
    tokens = max(tokens, min(limit, 2 * reserve))  # a prompt is no smaller than what it asks for
    rate = f"{1 / speed.token_s:,.0f} tokens a second" if speed.token_s else "any prompt as fast"
    cached = f", {pace.shared:,} of a prompt are cached" if speed.reuses else ", no prompt is cached"
    told = f"it reads {rate} after {speed.start_s * 1000:,.0f} ms{cached}; wanted within {target_s * 1000:,.0f} ms"
    return Choice(tokens, f"{told}; at most {limit:,} by {named}")


@dataclass(frozen=True, slots=True)
class _Line:
    """`residual` is of the logarithm: what disturbs a long reading is as much longer."""

    start: float
    slope: float
    residual: float
    explains: bool


def _line(xs: Sequence[int], ys: Sequence[float]) -> _Line | None:
    """Fit a rising line that starts at 0 or above; None where the xs are too much alike."""
    spread = max(xs) - min(xs)
    if spread < SPREAD_TOKENS:
        return None
    points = list(zip(xs, ys, strict=True))
    slopes = ((y - other_y) / (x - other_x) for (x, y), (other_x, other_y) in combinations(points, 2) if x != other_x)
    slope = max(0.0, median(slopes))
    start = max(0.0, median(y - slope * x for x, y in points))
    residual = median(abs(math.log(max(y, TINY_S) / max(start + slope * x, TINY_S))) for x, y in points)
    return _Line(start, slope, residual, explains=slope * spread > EXPLAINS_NOTHING * median(ys))


def _size(observation: Observation) -> tuple[int, int]:
    """Tell which observations are alike: those whose sizes are of one power of 2."""
    return observation.tokens.bit_length(), observation.new.bit_length()


def _stepped(wanted: float, limit: int, current: int | None) -> int:
    """Take the step below what is wanted, or stay on the current one while it is nearly right."""
    least, most = (_step_below(wanted * slack, limit) for slack in (1 / SLACK, SLACK))
    if current is None or not least <= current <= most:
        return _step_below(wanted, limit)
    return current


def _step_below(wanted: float, limit: int) -> int:
    if wanted >= limit or limit <= FLOOR_TOKENS:
        return limit
    octaves = max(0, math.floor(math.log2(max(wanted, 1) / FLOOR_TOKENS) * STEPS_AN_OCTAVE))
    return min(limit, round(FLOOR_TOKENS * 2 ** (octaves / STEPS_AN_OCTAVE)))
