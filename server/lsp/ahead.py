"""Search ahead of the index: what is typed, saved or changed on disk is found before a round has seen it."""

import asyncio
import logging
from collections.abc import Iterable

from kibitz.server.errors import USER_ERRORS
from kibitz.server.lsp.app_port import AppPort
from kibitz.server.lsp.documents import Document

TYPING_REST_S = 0.3  # a document is looked at when typing has paused for so long,
TYPING_MOST_S = 2.0  # and at the latest after this
IDLE_S = 60.0  # then the process that parses is ended
MOST_PATHS = 64  # more changes than this at once are a round's work

logger = logging.getLogger(__name__)


class Ahead:
    """Collects the files that have changed and shows them to the app; at rest it does nothing at all."""

    def __init__(self, app: AppPort) -> None:
        self._app = app
        self._waiting: dict[str, tuple[Document | None, float, float]] = {}
        self._bell = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def typed(self, path: str, document: Document) -> None:
        """Look at an open document when typing pauses."""
        now = asyncio.get_running_loop().time()
        _, _, latest = self._waiting.get(path, (document, now, now + TYPING_MOST_S))
        self._tell(path, document, min(now + TYPING_REST_S, latest), latest)

    def saved(self, path: str, document: Document | None) -> None:
        """Look at a document at once, or at the file of one that is not open."""
        self._tell(path, document, 0.0, 0.0)

    def changed(self, paths: Iterable[str]) -> None:
        """Look at files on disk at once, if they are few."""
        every = list(paths)
        if len(every) <= MOST_PATHS:
            for path in every:
                self._tell(path, None, 0.0, 0.0)

    async def close(self) -> None:
        """Stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _tell(self, path: str, document: Document | None, due: float, latest: float) -> None:
        self._waiting[path] = (document, due, latest)
        self._bell.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        idle_at = loop.time() + IDLE_S
        while self._waiting or loop.time() < idle_at:
            self._bell.clear()
            next_at = min((due for _, due, _ in self._waiting.values()), default=idle_at)
            if next_at > loop.time():
                try:
                    await asyncio.wait_for(self._bell.wait(), next_at - loop.time())
                except TimeoutError:
                    continue
            else:
                await self._show(loop.time())
                idle_at = loop.time() + IDLE_S
        await self._app.rest()

    async def _show(self, now: float) -> None:
        ready = [path for path, (_, due, _) in self._waiting.items() if due <= now]
        documents = {path: self._waiting.pop(path)[0] for path in ready}
        try:
            await self._app.see({path: None if one is None else one.text for path, one in documents.items()})
        except USER_ERRORS as error:
            logger.warning("search is behind: %s", error)
