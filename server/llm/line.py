"""What the clients of one endpoint share: its places, its failures, and the account of what was sent."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kibitz.server.llm.breaker import Breaker
from kibitz.server.llm.sent import SentPrompts
from kibitz.server.llm.turns import Turns

if TYPE_CHECKING:
    from kibitz.server.llm.endpoint import Endpoint


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one endpoint. `sleep` and `chance` are the waits between tries."""

    turns: Turns = field(default_factory=Turns)
    breaker: Breaker = field(default_factory=Breaker)
    sent: SentPrompts = field(default_factory=SentPrompts)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random


class Lines:
    """The lines to all endpoints: one each, whichever role asks. All note what they send in one account.

    Args:
        local_parallel: requests at once to a server on this machine; others take as many as are asked.
        sent: the account.
    """

    def __init__(self, local_parallel: int = 1, sent: SentPrompts | None = None) -> None:
        self.sent = SentPrompts() if sent is None else sent
        self._local_parallel = local_parallel
        self._lines: dict[tuple[str, str | None], Line] = {}

    def to(self, endpoint: "Endpoint") -> Line:
        """The line to an endpoint."""
        key = (endpoint.base_url, endpoint.api_key)
        if key not in self._lines:
            self._lines[key] = Line(Turns(self._local_parallel if endpoint.loopback else None), sent=self.sent)
        return self._lines[key]

    @property
    def status(self) -> str | None:
        """Which endpoint is left alone and why, in a sentence; None while all are asked."""
        return next((said for line in self._lines.values() if (said := line.breaker.status)), None)
