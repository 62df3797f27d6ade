"""How long to wait before an endpoint is asked again, and when not to: pure, the sleeping is the caller's."""

import random
from collections.abc import Callable
from dataclasses import dataclass

FIRST_WAIT_S = 0.5


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to ask again, and how many seconds to wait in all: a wait that is longer than what is left is none."""

    retries: int
    total_s: float


QUESTION = Patience(retries=3, total_s=20.0)
GHOST_TEXT = Patience(retries=1, total_s=2.0)
"""Somebody types on: the next key asks again anyway."""


class Waits:
    """The waits of one request."""

    def __init__(self, patience: Patience, chance: Callable[[], float] = random.random) -> None:
        self._left = patience.retries
        self._left_s = patience.total_s
        self._wait_s = FIRST_WAIT_S
        self._chance = chance

    def next_s(self, asked_s: float | None = None) -> float | None:
        """Seconds to wait before the next try, None for no further one.

        Where the server asks for a time it is waited, and up to a tenth more; else half to all of a time that doubles.
        Chance keeps those apart who were refused together.
        """
        wait = asked_s * (1 + self._chance() / 10) if asked_s is not None else self._wait_s * (1 + self._chance()) / 2
        if self._left <= 0 or wait > self._left_s:
            return None
        self._left -= 1
        self._left_s -= wait
        self._wait_s *= 2
        return wait
