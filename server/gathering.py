"""A workspace's context for completions and edits: the index, if there is one, and what was done lately."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kibitz.indexer.errors import NotIndexedError, WorkspaceError
from kibitz.server.completion.recent import Recent

if TYPE_CHECKING:
    from kibitz.indexer.types import Hit
    from kibitz.prompts.templates.context import Context, Definition
    from kibitz.server.completion.gather import Gatherer, Known
    from kibitz.server.completion.gathered import Gathered
    from kibitz.server.completion.snapshot import Snapshot
    from kibitz.server.indexed import Indexed

LOOK_AGAIN_S = 30.0  # for which files there are, as long as no index says it


class Gathering:
    """Gathers for one workspace. Nothing is loaded before it is needed."""

    def __init__(self, app: "Indexed", recent: Recent, first_token_s: Callable[[], float | None]) -> None:
        self._app = app
        self._recent = recent
        self._first_token_s = first_token_s
        self._gatherer: Gatherer | None = None
        self._gathered: Gathered | None = None
        self._files: tuple[float, frozenset[str]] = (-LOOK_AGAIN_S, frozenset())

    async def at(self, at: "Snapshot", hits: "Sequence[Hit]", budget_tokens: int) -> "Context":
        """Return the context at a cursor, for a prompt of so many tokens; see `Gathered`."""
        if self._gathered is None:
            from kibitz.server.completion.gathered import Gathered

            self._gathered = Gathered(self._begin, first_token_s=self._first_token_s)
        return await self._gathered.at(at, hits, budget_tokens)

    async def outlines(self, path: str, text: str, budget_tokens: float) -> "list[Definition]":
        """Return the outlines of what a part of a file names, if there is an index."""
        gatherer = self._the_gatherer()

        def look() -> "list[Definition]":
            with contextlib.suppress(NotIndexedError):
                return gatherer.outlines(path, text, budget_tokens, self._app.searcher().answering)
            return []

        return await asyncio.to_thread(look)

    def close(self) -> None:
        """Stop."""
        if self._gathered is not None:
            self._gathered.close()

    def _begin(
        self, at: "Snapshot", hits: "Sequence[Hit]", budget_tokens: int, read_s: float
    ) -> "Callable[[], Context]":
        """Take what this thread alone may look at, and return the work."""
        from kibitz.server.completion.gather import Known

        gatherer = self._the_gatherer()
        known = Known(hits, self._recent.documents(at.path), self._recent.edits())
        return lambda: self._gather(gatherer, at, known, budget_tokens, read_s)

    def _the_gatherer(self) -> "Gatherer":
        if self._gatherer is None:
            from kibitz.server.completion.gather import Gatherer

            self._gatherer = Gatherer()
        return self._gatherer

    def _gather(
        self, gatherer: "Gatherer", at: "Snapshot", known: "Known", budget_tokens: int, read_s: float
    ) -> "Context":
        try:
            answering = self._app.searcher().answering
            return gatherer.gather(at, known, budget_tokens=budget_tokens, answering=answering, read_s=read_s)
        except NotIndexedError:
            return gatherer.gather(at, known.of(self._admitted()), budget_tokens=budget_tokens)

    def _admitted(self) -> frozenset[str]:
        """The files that a round would index."""
        from kibitz.indexer.workspace import survey

        if time.monotonic() - self._files[0] > LOOK_AGAIN_S:
            try:
                found = frozenset(one.path for one in survey(self._app.root, self._app.rules).files)
            except WorkspaceError:  # nothing in it
                found = frozenset()
            self._files = time.monotonic(), found
        return self._files[1]
