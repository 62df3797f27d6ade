"""Who is answered next by an endpoint that takes few requests at once: a small queue with two urgencies.

Ghost text goes before questions. A question that holds a place but has not begun to answer gives it back for ghost text
and starts again behind it; one that has begun is left to its end. What has given way often enough gives way no more, so
that somebody who types cannot keep a question waiting for ever.
"""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from enum import IntEnum

MOST_YIELDS = 4


class Urgency(IntEnum):
    """The smaller one goes first."""

    COMPLETION = 0
    CHAT = 1


class Paused(Exception):
    """Something more urgent takes the place."""


@dataclass(eq=False, slots=True)
class Ticket:
    """One request, over all its tries. `yields` counts how often it was paused or overtaken."""

    urgency: Urgency
    number: int
    yields: int = 0
    begun: bool = False
    granted: asyncio.Event = field(default_factory=asyncio.Event)
    _scope: asyncio.Timeout | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """What the queue is ordered by."""
        return (self.urgency if self.yields < MOST_YIELDS else Urgency.COMPLETION, self.number)

    @contextlib.asynccontextmanager
    async def starting(self) -> AsyncIterator[None]:
        """Do what comes before the answer's first piece; afterwards the ticket is not paused any more.

        Raises:
            Paused: the place is wanted; what was begun inside is cancelled.
        """
        try:
            async with asyncio.timeout(None) as self._scope:
                yield
        except TimeoutError:
            if self._scope is not None and self._scope.expired():
                raise Paused from None
            raise
        finally:
            self._scope = None
        self.begun = True

    def pause(self) -> bool:
        """Ask it to give its place back; False if it does not."""
        if self._scope is None or self.begun or self.yields >= MOST_YIELDS or self._scope.when() is not None:
            return False
        self.yields += 1
        self._scope.reschedule(asyncio.get_running_loop().time())
        return True


class Turns:
    """Places of one endpoint; `limit` None is as many as are asked for."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._numbers = itertools.count()
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []

    def ticket(self, urgency: Urgency) -> Ticket:
        """Draw a number; it keeps its place in the queue when it is paused."""
        return Ticket(urgency, next(self._numbers))

    @contextlib.asynccontextmanager
    async def turn(self, ticket: Ticket) -> AsyncIterator[None]:
        """Wait for a place, and have it for as long as the block lasts."""
        self._waiting.append(ticket)
        self._make_room(ticket)
        self._grant()
        try:
            await ticket.granted.wait()
            yield
        finally:
            ticket.granted.clear()
            for queue in (self._waiting, self._running):
                if ticket in queue:
                    queue.remove(ticket)
            self._grant()

    def _make_room(self, ticket: Ticket) -> None:
        """Pause the least urgent one that can be, if all places are taken; one place is enough for one ticket."""
        if self._limit is None or len(self._running) < self._limit:
            return
        for other in sorted(self._running, key=lambda each: each.rank, reverse=True):
            if other.urgency > ticket.urgency and other.pause():
                return

    def _grant(self) -> None:
        while self._waiting and (self._limit is None or len(self._running) < self._limit):
            ticket = min(self._waiting, key=lambda each: each.rank)
            self._waiting.remove(ticket)
            for other in self._waiting:
                other.yields += other.number < ticket.number
            self._running.append(ticket)
            ticket.granted.set()
