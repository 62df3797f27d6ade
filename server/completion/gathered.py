"""Context for ghost text while somebody types: what was gathered at this line serves, and is gathered anew meanwhile.

While the cursor stays on its line the context stays, and with it all of the prompt that stands before the document: a
server's cache holds. A new place is waited for, but not for long: context is worth a share of what the model takes to
begin.
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
PATIENCE_S = 0.03  # that a request waits at a new place, at most
PATIENCE_SHARE = 0.2  # of what the model takes to begin
READING_SHARE = 0.33  # of the patience, for reading files that were not read before
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
        first_token_s: Callable[[], float | None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Gather with the work that `begin` returns, which is done in a thread.

        It is told the cursor, the hits, the prompt's budget, and for how many seconds files may be read.
        `first_token_s` tells what the model usually takes to begin, in seconds; None: nothing is known of it.
        """
        self._begin = begin
        self._first_token_s = first_token_s
        self._clock = clock
        self._last: _Last | None = None
        self._looking: asyncio.Task[None] | None = None
        self._waited: tuple[asyncio.Task[Context], str, int] | None = None

    async def at(self, at: Snapshot, hits: "Sequence[Hit]", budget_tokens: int) -> "Context":
        """Return the context of a cursor close by, else what can be gathered at once, else the hits alone."""
        line = at.prefix.count("\n")
        last = self._last
        if last is not None and self._serves(last, at.path, line, budget_tokens, had_hits=bool(hits)):
            if last.line != line:
                self._look_later(at, hits, budget_tokens)
            return last.context
        self._stop_looking()
        if last is None:  # all is cold, and nobody types yet
            patience_s, read_s = None, math.inf
        else:
            patience_s = self._patience_s()
            read_s = READING_SHARE * patience_s
        if self._waited is None or self._waited[0].done() or self._waited[1:] != (at.path, line):
            # A request that is cancelled does not take it along: the next key waits for the same.
            work = asyncio.create_task(self._look(at, hits, budget_tokens, read_s))
            work.add_done_callback(_heard)
            self._waited = work, at.path, line
        work = self._waited[0]
        if not (await asyncio.wait({work}, timeout=patience_s))[0]:
            return of_hits(at, hits, budget_tokens)
        if read_s < math.inf:
            self._look_later(at, hits, budget_tokens)
        return work.result()

    def close(self) -> None:
        """Stop."""
        self._stop_looking()
        if self._waited is not None:
            self._waited[0].cancel()

    def _patience_s(self) -> float:
        usual_s = self._first_token_s()
        return PATIENCE_S if usual_s is None else min(PATIENCE_S, PATIENCE_SHARE * usual_s)

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    def _serves(self, last: _Last, path: str, line: int, budget_tokens: int, *, had_hits: bool) -> bool:
        near = last.path == path and abs(last.line - line) <= LINES and last.budget_tokens == budget_tokens
        return near and self._clock() - last.at_s <= FRESH_S and (last.had_hits or not had_hits)

    def _look_later(self, at: Snapshot, hits: "Sequence[Hit]", budget_tokens: int) -> None:
        async def look() -> None:
            await asyncio.sleep(LOOK_AFTER_S)
            with contextlib.suppress(*USER_ERRORS):  # what is waited for tells
                await self._look(at, hits, budget_tokens, math.inf)

        self._stop_looking()
        self._looking = asyncio.create_task(look())

    async def _look(self, at: Snapshot, hits: "Sequence[Hit]", budget_tokens: int, read_s: float) -> "Context":
        context = await asyncio.to_thread(self._begin(at, hits, budget_tokens, read_s))
        self._last = _Last(at.path, at.prefix.count("\n"), budget_tokens, bool(hits), self._clock(), context)
        return context


def _heard(work: "asyncio.Task[Context]") -> None:
    """Take note of an error that nobody may wait for any more: the next request tells it."""
    if not work.cancelled():
        work.exception()
