"""Context for ghost text while somebody types: what was gathered at this line serves, and is gathered anew meanwhile.

While the cursor stays on its line the context stays, and with it all of the prompt that stands before the document: a
server's cache holds. A new place is waited for, but not for long.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.completion.suggest import of_hits
from kibitz.server.errors import USER_ERRORS

if TYPE_CHECKING:
    from kibitz.indexer.types import Hit
    from kibitz.prompts.templates.context import Context

LINES = 3  # a cursor that has moved further is at another place
FRESH_S = 10.0  # older context is not shown
PATIENCE_S = 0.03  # that a request waits at a new place
READ_S = 0.01  # of it, for reading files that were not read before
LOOK_AFTER_S = 0.05  # the request goes out first


@dataclass(frozen=True, slots=True)
class _Last:
    path: str
    line: int
    budget_tokens: int
    had_hits: bool
    at_s: float
    context: "Context"


class Gathered:
    """The context of the last place that ghost text was asked for at. For one thread, the event loop's."""

    def __init__(
        self,
        begin: "Callable[[Snapshot, Sequence[Hit], int, float], Callable[[], Context]]",
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Gather with the work that `begin` returns, which is done in a thread.

        It is told the cursor, the hits, the prompt's budget, and for how many seconds files may be read.
        """
        self._begin = begin
        self._clock = clock
        self._last: _Last | None = None
        self._looking: asyncio.Task[None] | None = None

    async def at(self, at: Snapshot, hits: "Sequence[Hit]", budget_tokens: int) -> "Context":
        """Return the context of a cursor close by, else what can be gathered at once, else the hits alone."""
        line = at.prefix.count("\n")
        last = self._last
        if last is None:  # all is cold, and nobody types yet
            return await self._look(at, hits, budget_tokens, math.inf)
        near = last.path == at.path and abs(last.line - line) <= LINES and last.budget_tokens == budget_tokens
        if near and self._clock() - last.at_s <= FRESH_S and (last.had_hits or not hits):
            if last.line != line:
                self._look_later(at, hits, budget_tokens)
            return last.context
        self.close()
        work = asyncio.ensure_future(self._look(at, hits, budget_tokens, READ_S))
        done, _ = await asyncio.wait({work}, timeout=PATIENCE_S)
        if done:
            self._look_later(at, hits, budget_tokens)
            return work.result()
        work.add_done_callback(_heard)
        return of_hits(at, hits, budget_tokens)

    def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _look_later(self, at: Snapshot, hits: "Sequence[Hit]", budget_tokens: int) -> None:
        async def look() -> None:
            await asyncio.sleep(LOOK_AFTER_S)
            with contextlib.suppress(*USER_ERRORS):  # what is waited for tells
                await self._look(at, hits, budget_tokens, math.inf)

        self.close()
        self._looking = asyncio.create_task(look())

    async def _look(self, at: Snapshot, hits: "Sequence[Hit]", budget_tokens: int, read_s: float) -> "Context":
        context = await asyncio.to_thread(self._begin(at, hits, budget_tokens, read_s))
        self._last = _Last(at.path, at.prefix.count("\n"), budget_tokens, bool(hits), self._clock(), context)
        return context


def _heard(work: "asyncio.Future[Context]") -> None:
    """Take note of an error that nobody waits for: the next request tells it."""
    if not work.cancelled():
        work.exception()
