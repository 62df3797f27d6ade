"""How long to wait for the next key before a model is asked."""

import statistics
from collections import deque

LEAST_S = 0.008  # keys that come in one burst of messages are one
MOST_S = 0.25
UNKNOWN_S = 0.05  # before anything has been measured
SLACK = 1.2  # of the usual gap between keys: the next one mostly comes before it
PAUSE_S = 1.0  # a longer gap is a pause, not typing
GAPS = 16


class Rhythm:
    """The gaps between the last keys of a user."""

    def __init__(self) -> None:
        self._gaps: deque[float] = deque(maxlen=GAPS)
        self._last: float | None = None

    def typed(self, now_s: float) -> None:
        """Take note of a key."""
        if self._last is not None and 0 < now_s - self._last <= PAUSE_S:
            self._gaps.append(now_s - self._last)
        self._last = now_s

    @property
    def gap_s(self) -> float | None:
        """The usual gap (the median), in seconds; None before three keys."""
        return statistics.median(self._gaps) if len(self._gaps) > 1 else None


def wait_s(gap_s: float | None, first_token_s: float | None) -> float:
    """Return how long to wait, in seconds.

    A little longer than the usual gap, so that a question is asked in a pause and not at every key; but never more than
    half of what the model takes to begin. One that begins fast is cheap to ask in vain, and waiting would be most
    of what is felt.
    """
    if gap_s is None and first_token_s is None:
        return UNKNOWN_S
    by_rhythm = MOST_S if gap_s is None else SLACK * gap_s
    by_model = UNKNOWN_S if first_token_s is None else first_token_s / 2
    return max(LEAST_S, min(by_rhythm, by_model, MOST_S))
