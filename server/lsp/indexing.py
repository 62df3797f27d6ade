"""Index rounds of one folder: one at a time, for as long as somebody waits for it, and in turn with other folders."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from kibitz.indexer.index import Progress, Report

Listener = Callable[["Progress"], None]


class Index(Protocol):
    """Makes one round."""

    def __call__(self, on_progress: Listener, *, rebuild: bool = False) -> Awaitable["Report"]:
        """Bring the index up to date; with `rebuild`, from nothing."""
        ...


class IndexRounds:
    """Runs rounds; whoever asks while one runs waits for that one. The last one to give up stops it.

    A round holds `turn` while it works, so that rounds that share it come one after the other.
    """

    def __init__(self, index: Index, turn: asyncio.Lock) -> None:
        self._index = index
        self._turn = turn
        self._round: asyncio.Task[Report] | None = None
        self._listeners: list[Listener] = []
        self._waiting = 0

    @property
    def running(self) -> bool:
        """Whether a round is under way."""
        return self._round is not None and not self._round.done()

    async def run(self, on_progress: Listener, *, rebuild: bool = False) -> "Report":
        """Join the round that runs, or start one, which may be to `rebuild` the index.

        Raises:
            IndexerError: the round failed, in a sentence.
        """
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._start(rebuild=rebuild))
        current = self._round
        self._listeners.append(on_progress)
        self._waiting += 1
        try:
            return await asyncio.shield(current)
        finally:
            self._listeners.remove(on_progress)
            self._waiting -= 1
            if not self._waiting and not current.done():
                current.cancel()
                await asyncio.wait({current})

    async def run_after_this(self, on_progress: Listener, *, rebuild: bool = False) -> "Report":
        """Start a round that sees what is on disk now: wait for one that runs, then go."""
        await self.settled()
        return await self.run(on_progress, rebuild=rebuild)

    async def stop(self) -> None:
        """Stop the round that runs, whoever waits for it."""
        if self.running and self._round is not None:
            self._round.cancel()
            await asyncio.wait({self._round})

    async def settled(self) -> None:
        """Wait until no round runs."""
        while self.running and self._round is not None:
            await asyncio.wait({self._round})

    async def _start(self, *, rebuild: bool) -> "Report":
        async with self._turn:
            return await self._index(self._tell, rebuild=rebuild)

    def _tell(self, progress: "Progress") -> None:
        for listener in tuple(self._listeners):
            listener(progress)
