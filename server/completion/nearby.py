"""Context for ghost text while somebody types: what was found a key ago serves, and is looked for anew meanwhile.

A search of a large index takes longer than all else between a key and the request, and one key hardly changes what it
finds. What stays the same in the prompt is also in the model's cache.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kibitz.server.completion.snapshot import Snapshot
from kibitz.server.errors import USER_ERRORS
from kibitz.server.retrieval import Retrieve

if TYPE_CHECKING:
    from kibitz.indexer.types import Hit

LINES = 3  # a cursor that has moved further is at another place
FRESH_S = 10.0  # older hits are not shown
LOOK_AFTER_S = 0.05  # the request goes out first


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    line: int
    at_s: float
    hits: "Sequence[Hit]"


class Nearby:
    """The hits of the last place that ghost text was asked for at."""

    def __init__(self, retrieve: Retrieve, clock: Callable[[], float] = time.monotonic) -> None:
        self._retrieve = retrieve
        self._clock = clock
        self._last: _Found | None = None
        self._looking: asyncio.Task[None] | None = None

    def at(self, at: Snapshot) -> Retrieve:
        """Return a port that answers with the hits of a cursor close by, if there are any, else by a search."""
        line = at.prefix.count("\n")

        async def retrieve(query: str, k: int) -> "Sequence[Hit]":
            last = self._last
            near = last is not None and last.path == at.path and abs(last.line - line) <= LINES
            if last is None or not near or self._clock() - last.at_s > FRESH_S:
                return await self._look(at.path, line, query, k)
            self.close()
            self._looking = asyncio.create_task(self._look_later(at.path, line, query, k))
            return last.hits

        return retrieve

    def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look(self, path: str, line: int, query: str, k: int) -> "Sequence[Hit]":
        hits = await self._retrieve(query, k)
        self._last = _Found(path, line, self._clock(), hits)
        return hits

    async def _look_later(self, path: str, line: int, query: str, k: int) -> None:
        await asyncio.sleep(LOOK_AFTER_S)
        with contextlib.suppress(*USER_ERRORS):  # the next search that is waited for tells
            await self._look(path, line, query, k)
