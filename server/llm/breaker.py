"""Leaving an endpoint alone that fails again and again, and trying it now and then (a circuit breaker)."""

import time
from collections.abc import Callable

FAILURES = 3
FIRST_PAUSE_S = 5.0
LONGEST_PAUSE_S = 120.0


class Breaker:
    """Counts failures in a row; after `FAILURES` the endpoint is left alone, twice as long after each further one.

    When the pause is over one request is let through (half-open): its success ends all this, its failure begins the
    next pause. A person who waits for an answer is let through after the first pause at the latest.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._since = 0.0
        self._pause_s = 0.0
        self._trying = False
        self._reason = ""

    def refusal(self, *, waited_for: bool) -> str | None:
        """Why a request must not be sent now, as a sentence; with None it may be, and its outcome must be told."""
        left = self._left_s(waited_for)
        if left is None:
            return None
        if left > 0 or self._trying:
            return self._sentence(left)
        self._trying = True
        return None

    def succeeded(self) -> None:
        """The endpoint answered."""
        self._failures, self._pause_s, self._trying, self._reason = 0, 0.0, False, ""

    def failed(self, reason: str, *, leave_s: float = 0.0) -> None:
        """The endpoint did not answer, `reason` is the sentence; it may ask to be left alone for `leave_s` seconds."""
        self._failures += 1
        self._trying = False
        self._reason = reason
        self._since = self._clock()
        further = self._failures - FAILURES
        pause = FIRST_PAUSE_S * 2.0 ** min(further, 10) if further >= 0 else 0.0
        self._pause_s = min(LONGEST_PAUSE_S, max(pause, leave_s))

    def given_up(self) -> None:
        """The request was called off: nothing is known."""
        self._trying = False

    @property
    def status(self) -> str | None:
        """Why the endpoint is left alone, as a sentence; None while it is not."""
        left = self._left_s(waited_for=False)
        return None if left is None else self._sentence(left)

    def _left_s(self, waited_for: bool) -> float | None:
        """How much of the pause is left, 0 when one may try; None when there is none."""
        if not self._pause_s:
            return None
        pause = min(self._pause_s, FIRST_PAUSE_S) if waited_for else self._pause_s
        return max(0.0, self._since + pause - self._clock())

    def _sentence(self, left_s: float) -> str:
        when = f"for another {max(1, round(left_s))} s" if left_s else "until the request under way is answered"
        times = "once" if self._failures == 1 else f"{self._failures} times in a row"
        return f"{self._reason} It failed {times} and is left alone {when}."
