"""What the clients of one endpoint share: its places, its failures, and the account of what was sent."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from kibitz.server.llm.breaker import Breaker
from kibitz.server.llm.sent import SentPrompts
from kibitz.server.llm.turns import Turns


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one endpoint. `sleep` and `chance` are the waits between tries."""

    turns: Turns = field(default_factory=Turns)
    breaker: Breaker = field(default_factory=Breaker)
    sent: SentPrompts = field(default_factory=SentPrompts)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
