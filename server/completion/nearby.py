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
PATIENCE_S = 0.003  # that a question waits for a search that was begun ahead of it


@dataclass(frozen=True, slots=True)
class _Found:
    path: str
    line: int
    at_s: float
    hits: "Sequence[Hit]"


@dataclass(frozen=True, slots=True)
class _Looking:
    """A search under way; `ahead` of the question that it is for, if nothing serves that meanwhile."""

    task: asyncio.Task[None]
    path: str
    line: int
    ahead: bool


class Nearby:
    """The hits of the last place that ghost text was asked for at."""

    def __init__(self, retrieve: Retrieve, clock: Callable[[], float] = time.monotonic) -> None:
        self._retrieve = retrieve
        self._clock = clock
        self._last: _Found | None = None
        self._looking: _Looking | None = None
        self._searching = 0
        self._took_s = 0.0  # the last search

    def ahead(self, at: Snapshot, due_s: float) -> Retrieve:
        """Return a port for what is made before the question, which comes in `due_s` seconds: it answers at once.

        Where nothing is known it begins to search. A search that would not have ended by then begins once the question
        is out: under way it would delay it.
        """
        line = at.prefix.count("\n")

        async def retrieve(query: str, k: int) -> "Sequence[Hit]":
            hits = self._known(at.path, line)
            if hits is None and self._ahead(at.path, line) is None:
                in_time = self._took_s <= due_s + PATIENCE_S
                self._start(at.path, line, query, k, 0.0 if in_time else due_s + LOOK_AFTER_S, ahead=True)
            return hits or ()

        return retrieve

    def at(self, at: Snapshot) -> Retrieve:
        """Return a port that answers with the hits of a cursor close by, if there are any, else by a search.

        One that was begun ahead is not waited for long: what it finds is for the next key.
        """
        line = at.prefix.count("\n")

        async def retrieve(query: str, k: int) -> "Sequence[Hit]":
            if (hits := self._known(at.path, line)) is not None:
                self._start(at.path, line, query, k, LOOK_AFTER_S, ahead=False)
                return hits
            if (ahead := self._ahead(at.path, line)) is not None:
                if self._searching:
                    await asyncio.wait({ahead}, timeout=PATIENCE_S)
                return self._known(at.path, line) or ()
            return await self._look(at.path, line, query, k)

        return retrieve

    def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.task.cancel()
            self._looking = None

    def _known(self, path: str, line: int) -> "Sequence[Hit] | None":
        last = self._last
        if last is None or self._clock() - last.at_s > FRESH_S:
            return None
        return last.hits if last.path == path and abs(last.line - line) <= LINES else None

    def _ahead(self, path: str, line: int) -> "asyncio.Task[None] | None":
        looking = self._looking
        if looking is None or not looking.ahead or looking.task.done():
            return None
        return looking.task if looking.path == path and abs(looking.line - line) <= LINES else None

    def _start(self, path: str, line: int, query: str, k: int, after_s: float, *, ahead: bool) -> None:
        self.close()
        task = asyncio.create_task(self._look_later(path, line, query, k, after_s))
        self._looking = _Looking(task, path, line, ahead)

    async def _look(self, path: str, line: int, query: str, k: int) -> "Sequence[Hit]":
        began = self._clock()
        self._searching += 1
        try:
            hits = await self._retrieve(query, k)
        finally:
            self._searching -= 1
        ended = self._clock()
        self._took_s = ended - began
        self._last = _Found(path, line, ended, hits)
        return hits

    async def _look_later(self, path: str, line: int, query: str, k: int, after_s: float) -> None:
        await asyncio.sleep(after_s)
        with contextlib.suppress(*USER_ERRORS):  # the next search that is waited for tells
            await self._look(path, line, query, k)
